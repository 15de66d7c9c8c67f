"""Who has no secret of Prefect's, and what they get from a server of it."""

from base64 import b64encode
from collections.abc import Mapping

import httpx

FOREIGN = "http://elsewhere.example.com"
NO_ONE = "00000000-0000-0000-0000-000000000000"
STRANGERS: Mapping[str, dict[str, str]] = {
    "without a secret": {},
    "with a wrong one": {"Authorization": "Basic " + b64encode(b"admin:a guess at it").decode()},
    "with one of another scheme": {"Authorization": "Bearer x"},
    "by another host's name": {"Host": "elsewhere.example.com"},
    "from a page of another origin": {"Origin": FOREIGN},
    "as a page of the server's own": {"Sec-Fetch-Site": "same-origin", "Origin": ""},
}
_HEALTH = {("GET", "/health"): 200, ("GET", "/ready"): 200}


def known_calls(api: httpx.Client) -> list[tuple[str, str]]:
    """Method and path of every call that the server itself says it takes, to who is let in."""
    described = api.get("/openapi.json").raise_for_status().json()["paths"]
    return [(method.upper(), path.removeprefix("/api")) for path, methods in described.items() for method in methods]


def answered(api_url: str, calls: list[tuple[str, str]], headers: Mapping[str, str]) -> dict[tuple[str, str], int]:
    """Make each call as a stranger; return the status of those that are not refused, but for the server's health.

    What changes something is refused for want of a CSRF token already, and to get one is a call that needs a login.
    """
    with httpx.Client(base_url=api_url, trust_env=False, timeout=60) as stranger:
        answers = {
            (method, path): stranger.request(method, _filled(path), headers=headers, json={}).status_code
            for method, path in calls
        }
    return {call: code for call, code in answers.items() if code not in {401, 403} and _HEALTH.get(call) != code}


def _filled(path: str) -> str:
    return "/".join(NO_ONE if part.startswith("{") else part for part in path.split("/"))
