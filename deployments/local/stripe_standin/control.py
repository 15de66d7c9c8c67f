"""A typed client for the stand-in's control routes, for the demo and the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, Unpack

import httpx

from deployments.local.stripe_standin.faults import FaultName
from deployments.local.stripe_standin.limits import SettingsChange

Json = dict[str, Any]


class StandInControl:
    """Do from outside what only payers, banks, time and networks can do. HTTP errors raise httpx.HTTPStatusError."""

    def __init__(self, base_url: str, secret: str) -> None:
        self.base_url = base_url
        self._client = httpx.Client(
            base_url=f"{base_url}/_standin",
            headers={"Authorization": f"Bearer {secret}"},
            timeout=300,  # seconds: 60,000 sessions at once
            trust_env=False,
        )

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def now(self) -> float:
        """Return the stand-in's time in Unix seconds."""
        return float(self._call("GET", "clock")["now"])

    def set_clock(self, now: float) -> None:
        """Set the clock to Unix seconds; it goes on ticking from there."""
        self._call("POST", "clock", {"now": now})

    def advance_clock(self, seconds: float) -> None:
        """Move the clock forward."""
        self._call("POST", "clock", {"advance": seconds})

    def reset_clock(self) -> None:
        """Go back to real time."""
        self._call("POST", "clock", {"reset": True})

    def stage(
        self, parameters: Mapping[str, Any], references: Sequence[str], created: tuple[float, float]
    ) -> list[str]:
        """Make many open sessions at once, one for each client_reference_id; return their ids in that order.

        `parameters` are those of a form (texts, so integers as such too); `created` is the stretch of Unix seconds over
        which they were made.
        """
        body = {"parameters": parameters, "references": references, "created": created}
        return list(self._call("POST", "sessions", body)["ids"])

    def pay(self, session_id: str, *, slow: bool = False, amount_total: int | None = None) -> Json:
        """Pay an open session (`amount_total` in the smallest unit stages another amount); 409 where it is not open."""
        return self._call("POST", f"sessions/{session_id}/pay", {"slow": slow, "amount_total": amount_total})

    def settle(self, session_id: str) -> Json:
        """Let a slow payment succeed."""
        return self._call("POST", f"sessions/{session_id}/settle", {})

    def fail(self, session_id: str, *, canceled: bool = False) -> Json:
        """Let a slow payment fail, or be cancelled; the session stays complete and unpaid."""
        return self._call("POST", f"sessions/{session_id}/fail", {"canceled": canceled})

    def add_fault(
        self,
        fault: FaultName,
        *,
        method: str | None = None,
        path_prefix: str = "/v1/",
        nth: int = 1,
        count: int = 1,
        seconds: float = 1.0,
    ) -> None:
        """Stage a fault for `count` matching requests, beginning with the nth from now (see faults.FaultRequest)."""
        match = {"method": method, "path_prefix": path_prefix, "nth": nth}
        self._call("POST", "faults", {"fault": fault, "match": match, "count": count, "seconds": seconds})

    def faults(self) -> list[Json]:
        """Return the faults still waiting."""
        return list(self._call("GET", "faults")["faults"])

    def clear_faults(self) -> None:
        """Drop all staged faults, and let answers that `slow` holds go."""
        self._call("DELETE", "faults")

    def requests(self, since: int = 0) -> list[Json]:
        """Return the API requests logged after sequence number `since`, oldest first."""
        return list(self._call("GET", f"requests?since={since}")["requests"])

    def clear_requests(self) -> None:
        """Empty the request log."""
        self._call("DELETE", "requests")

    def sessions(self, most: int = -1) -> list[Json]:
        """Return every session of both modes, newest first, or the first `most` of them."""
        return list(self._call("GET", f"sessions?most={most}")["sessions"])

    def stage_links(self, parameters: Mapping[str, Any], metadata: Sequence[Mapping[str, str]]) -> list[Json]:
        """Make many active payment links at once, one for each map of metadata; return `id` and `url` of each.

        `parameters` are those of a form, as for `stage`; the metadata goes on the link, and on the payment intents too
        where `parameters` has `payment_intent_data`.
        """
        body = {"parameters": parameters, "metadata": metadata}
        return list(self._call("POST", "payment_links", body)["payment_links"])

    def payment_links(self, most: int = -1) -> list[Json]:
        """Return every payment link of both modes, newest first, or the first `most` of them."""
        return list(self._call("GET", f"payment_links?most={most}")["payment_links"])

    def open_link(self, link_id: str, client_reference_id: str | None = None) -> Json:
        """Open a payment link as a parent's browser does; return the session; 409 where the link is closed."""
        return self._call("POST", f"payment_links/{link_id}/open", {"client_reference_id": client_reference_id})

    def configure(self, **settings: Unpack[SettingsChange]) -> None:
        """Replace the settings (see limits.Settings); what is left out is switched off."""
        self._call("POST", "settings", settings)

    def health(self) -> bool:
        """Tell whether the stand-in answers."""
        try:
            return bool(self._call("GET", "health")["status"] == "ok")
        except httpx.TransportError:
            return False

    def reset(self) -> None:
        """Wipe everything: sessions, clock, faults, settings, log."""
        self._call("POST", "reset")

    def keep(self) -> None:
        """Keep a copy of everything, for restore(); clock and settings have to be the usual ones."""
        self._call("POST", "snapshot")

    def restore(self) -> None:
        """Make everything again what it was when it was kept."""
        self._call("PUT", "snapshot")

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        response = self._client.request(method, path, json=body)
        response.raise_for_status()
        answer: Json = response.json()
        return answer
