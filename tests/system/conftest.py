"""What the system tests share with the integration tests: the real parts and the club of the fault matrix."""

from tests.integration.conftest import catcher, server_url
from tests.integration.delivery.test_fault_matrix import club, large

__all__ = ["catcher", "club", "large", "server_url"]
