"""Talks to Stripe: the only package that does. Errors come out classed by what to do next."""

from tasks.links.stripe_api.account import StripeLinks
from tasks.links.stripe_api.calls import (
    LostReplyError,
    NotAllowedError,
    NotOpenError,
    RefusedError,
    ServerFailedError,
    UnknownSessionError,
)
from tasks.links.stripe_api.sessions import Page

__all__ = [
    "LostReplyError",
    "NotAllowedError",
    "NotOpenError",
    "Page",
    "RefusedError",
    "ServerFailedError",
    "StripeLinks",
    "UnknownSessionError",
]
