"""Looks at who else reaches Prefect's server: whoever does runs any command as its workers, and reads every key."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from ssl import SSLContext, create_default_context
from urllib.parse import SplitResult, urlsplit

import httpx
from prefect.settings import PREFECT_API_SSL_CERT_FILE, PREFECT_API_TLS_INSECURE_SKIP_VERIFY

from tasks.operations.health_checks import Finding

RUNBOOK = "deployments/README.md, Who gets in"
FOREIGN = "https://elsewhere.example.com"
SECONDS = 10.0
"""How long a server may take to answer the doctor."""
_REFUSED = {401, 403, *range(300, 400)}  # by Prefect, or led by a proxy to its own login
_NOWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses of documentation (RFC 5737, RFC 3849); nothing is sent there."""


def check_access(api_url: str) -> Iterator[Finding]:
    """Look at a server as a stranger does: without its secret, as a page of another origin, and from elsewhere."""
    with httpx.Client(timeout=SECONDS, verify=trusted()) as stranger:
        for look in (_secret, _origins):
            try:
                yield look(stranger, api_url)
            except httpx.TransportError as error:
                yield Finding("Prefect", well=False, said=f"its server no longer answers: {type(error).__name__}")
                return
    yield look_at_network(api_url)


def answers(api_url: str) -> bool:
    """Return True if a server says within seconds that it is well; Prefect's own client waits for minutes."""
    try:
        return httpx.get(f"{api_url}/health", timeout=SECONDS, verify=trusted()).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def trusted() -> SSLContext | bool:
    """Return whose certificates count, as Prefect's own client has it."""
    if PREFECT_API_TLS_INSECURE_SKIP_VERIFY.value():
        return False
    authority = PREFECT_API_SSL_CERT_FILE.value()
    return create_default_context(cafile=authority) if authority else True


def _secret(stranger: httpx.Client, api_url: str) -> Finding:
    asked = f"{api_url}/admin/version"
    answer = stranger.get(asked)
    # A server that was given an empty secret lets in who gives an empty one.
    if answer.is_success or stranger.get(asked, headers={"Authorization": "Basic ="}).is_success:
        said = (
            "it answers anybody, and whoever reaches it runs any command as the workers and reads every key: start it "
            f"with PREFECT_SERVER_API_AUTH_STRING, and set PREFECT_API_AUTH_STRING to the same secret ({RUNBOOK})"
        )
        return Finding("Prefect's secret", well=False, said=said)
    if answer.status_code not in _REFUSED:
        said = f"who has no secret gets neither a refusal nor an answer, but {answer.status_code}: see its log"
        return Finding("Prefect's secret", well=False, said=said)
    return Finding("Prefect's secret", well=True, said="it answers nobody without it")


def _origins(stranger: httpx.Client, api_url: str) -> Finding:
    asked = {"Origin": FOREIGN, "Access-Control-Request-Method": "POST"}
    answer = stranger.options(f"{api_url}/flow_runs/filter", headers=asked)
    if answer.headers.get("access-control-allow-origin") in {"*", FOREIGN}:
        said = (
            "it lets pages of any other site ask: start it with PREFECT_SERVER_CORS_ALLOWED_ORIGINS set to the address "
            f"at which you open it, and PREFECT_SERVER_CSRF_PROTECTION_ENABLED=true ({RUNBOOK})"
        )
        return Finding("Prefect's origins", well=False, said=said)
    return Finding("Prefect's origins", well=True, said="pages of other sites are refused")


def look_at_network(api_url: str) -> Finding:
    """Find out whether what is said to the server can be heard on its way."""
    place = urlsplit(api_url)
    if place.scheme == "https":
        return Finding("Prefect's network", well=True, said="it is spoken to over TLS")
    if not _is_loopback(place.hostname or ""):
        return _in_the_clear(f"it is spoken to at {place.hostname}")
    addresses = list(_own_addresses())
    if beyond := next((address for address in addresses if _answers_at(address, place)), None):
        return _in_the_clear(f"it listens at {beyond} too, beyond this machine")
    if not addresses:
        said = "whether others reach it could not be found out: this machine has no way to others"
        return Finding("Prefect's network", well=True, said=said, warning=True)
    return Finding("Prefect's network", well=True, said="it listens on this machine alone")


def _in_the_clear(where: str) -> Finding:
    said = (
        f"{where}, without TLS: who is on the way reads its secret. That is right between containers of one machine; "
        f"else let it listen on 127.0.0.1, and put TLS before it ({RUNBOOK})"
    )
    return Finding("Prefect's network", well=True, said=said, warning=True)


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _own_addresses() -> Iterator[str]:
    """Yield the addresses by which other machines reach this one."""
    for family, nowhere in _NOWHERE.items():
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect((nowhere, 9))  # of a datagram: it only chooses the way
            yield str(way.getsockname()[0])


def _answers_at(address: str, place: SplitResult) -> bool:
    host = f"[{address}]" if ":" in address else address
    with suppress(httpx.TransportError):
        asked = f"http://{host}:{place.port or 80}{place.path}/health"
        return httpx.get(asked, timeout=SECONDS, trust_env=False).is_success
    return False
