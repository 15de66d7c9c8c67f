"""Prefect's API, for what is no flow: the screenshots and the tests."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from prefect.client.base import PrefectHttpxSyncClient

from deployments.local.prefect_login import AT_ITS_CLIENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx


def prefect_api(environment: Mapping[str, str]) -> httpx.Client:
    """Return a client of the API as a program has it that is no flow: logged in, and with Prefect's CSRF tokens.

    An answer that is no success raises httpx.HTTPStatusError.
    """
    login = base64.b64encode(environment[AT_ITS_CLIENTS].encode()).decode()
    return PrefectHttpxSyncClient(
        base_url=environment["PREFECT_API_URL"],
        headers={"Authorization": f"Basic {login}"},
        enable_csrf_support=True,
        trust_env=False,
        timeout=60,
    )
