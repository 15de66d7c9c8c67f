"""The real parts that chaos breaks are those of the integration tests."""

from tests.integration.pipeline.conftest import (
    catcher,
    empty_club,
    empty_database_url,
    inbox,
    server_url,
    settings,
    stand_in,
    stand_in_url,
)

__all__ = ["catcher", "empty_club", "empty_database_url", "inbox", "server_url", "settings", "stand_in", "stand_in_url"]
