"""What every endpoint shares: how a request finds it, whose objects it may see, what it expands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from deployments.local.stripe_standin.errors import invalid, missing_resource, unrecognized_url
from deployments.local.stripe_standin.keys import Access
from deployments.local.stripe_standin.objects import Json


@dataclass(frozen=True)
class Route:
    """An endpoint: `answer` takes the access, the raw parameters and the path's groups."""

    method: str
    pattern: str
    answer: Callable[..., Json]


@dataclass(frozen=True)
class Endpoints:
    """All of the API."""

    routes: list[Route]

    def run(self, access: Access, method: str, path: str, raw: Json) -> Json:
        """Find the endpoint of a request and answer it with a JSON body, or raise StripeError."""
        for route in self.routes:
            match = re.fullmatch(route.pattern, path)
            if match and method == route.method:
                return route.answer(access, raw, *match.groups())
        raise unrecognized_url(method, path)


def owned(access: Access, found: Json | None, kind: str, id_: str, *, param: str, status: int = 404) -> Json:
    """Return what was found where it belongs to the mode of the key; else raise StripeError."""
    if found is None:
        raise missing_resource(kind, id_, param=param, status=status)
    if found["livemode"] != access.livemode:
        other_mode = "live" if found["livemode"] else "test"
        raise missing_resource(kind, id_, param=param, status=status, other_mode=other_mode)
    return found


def check_expand(expand: list[str], *allowed: str) -> None:
    """Raise StripeError for what cannot be expanded."""
    for name in expand:
        if name not in allowed:
            raise invalid(f"This property cannot be expanded ({name}).", param="expand")
