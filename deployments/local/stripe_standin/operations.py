"""The endpoints of Checkout Sessions and their payment intents, given checked access and raw parameters."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.local.stripe_standin import objects, rules
from deployments.local.stripe_standin.endpoints import Route, check_expand, owned
from deployments.local.stripe_standin.errors import invalid
from deployments.local.stripe_standin.keys import WRITE_SESSIONS, Access
from deployments.local.stripe_standin.objects import Json
from deployments.local.stripe_standin.paging import page_of_items
from deployments.local.stripe_standin.params import CreateSession, Expandable, ListSessions, Paged, read_parameters
from deployments.local.stripe_standin.session_table import SessionTable

_SESSIONS = "/v1/checkout/sessions"


@dataclass(frozen=True)
class Operations:
    """Each endpoint returns the JSON body of its answer or raises StripeError."""

    sessions: SessionTable

    def routes(self) -> list[Route]:
        """Return the endpoints of sessions and payment intents."""
        return [
            Route("POST", _SESSIONS, self.create),
            Route("GET", _SESSIONS, self.list_sessions),
            Route("GET", f"{_SESSIONS}/([^/]+)", self.retrieve),
            Route("POST", f"{_SESSIONS}/([^/]+)/expire", self.expire),
            Route("GET", f"{_SESSIONS}/([^/]+)/line_items", self.list_line_items),
            Route("GET", "/v1/payment_intents/([^/]+)", self.retrieve_payment_intent),
        ]

    def create(self, access: Access, raw: Json) -> Json:
        """Make a session."""
        access.require_write(WRITE_SESSIONS)
        params = read_parameters(CreateSession, raw)
        now = self.sessions.clock.epoch()
        rules.check_session(params, now)
        check_expand(params.expand, "payment_intent", "line_items")
        session = objects.session_object(params, livemode=access.livemode, now=now)
        items = objects.line_item_objects(params.line_items, livemode=access.livemode, now=now)
        self.sessions.add(session, items, params.payment_intent_data.model_dump())
        return self._expanded(session, params.expand)

    def stage(self, raw: Json, references: list[str], created: tuple[float, float]) -> list[str]:
        """Make many test sessions, evenly from the first to the last second of `created`; return their ids."""
        first, last = created
        ids = []
        with self.sessions.store.transaction():
            for number, reference in enumerate(references):
                now = int(first + (last - first) * number / len(references))
                params = read_parameters(CreateSession, raw | {"client_reference_id": reference})
                rules.check_session(params, now)
                session = objects.session_object(params, livemode=False, now=now)
                items = objects.line_item_objects(params.line_items, livemode=False, now=now)
                self.sessions.add(session, items, params.payment_intent_data.model_dump())
                ids.append(session["id"])
        return ids

    def retrieve(self, access: Access, raw: Json, id_: str) -> Json:
        """Return a session as it is now."""
        params = read_parameters(Expandable, raw)
        check_expand(params.expand, "payment_intent", "line_items")
        return self._expanded(self._find(access, id_), params.expand)

    def expire(self, access: Access, raw: Json, id_: str) -> Json:
        """Expire an open session; one in any other state is refused with a 400 without a code."""
        access.require_write(WRITE_SESSIONS)
        params = read_parameters(Expandable, raw)
        check_expand(params.expand, "payment_intent", "line_items")
        session = self._find(access, id_)
        if session["status"] != "open":
            raise invalid(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of {session['status']}."
            )
        session |= {"status": "expired", "url": None}
        self.sessions.update(session)
        return self._expanded(session, params.expand)

    def list_sessions(self, access: Access, raw: Json) -> Json:
        """Return a page of the mode's sessions, newest first."""
        params = read_parameters(ListSessions, raw)
        check_expand(params.expand, "data.payment_intent", "data.line_items")
        for name in ("starting_after", "ending_before"):
            if cursor := getattr(params, name):
                self._find(access, cursor, param=name, status=400)
        page, has_more = self.sessions.page(params, livemode=access.livemode)
        expand = [name.removeprefix("data.") for name in params.expand]
        return objects.list_object(
            [self._expanded(session, expand) for session in page], has_more=has_more, url=_SESSIONS
        )

    def list_line_items(self, access: Access, raw: Json, id_: str) -> Json:
        """Return a page of a session's line items."""
        params = read_parameters(Paged, raw)
        check_expand(params.expand)
        self._find(access, id_)
        page, has_more = page_of_items(self.sessions.line_items(id_), params)
        return objects.list_object(page, has_more=has_more, url=f"{_SESSIONS}/{id_}/line_items")

    def retrieve_payment_intent(self, access: Access, raw: Json, id_: str) -> Json:
        """Return a payment intent."""
        params = read_parameters(Expandable, raw)
        check_expand(params.expand)
        intent = self.sessions.find_payment_intent(id_)
        return owned(access, intent, "payment_intent", id_, param="intent")

    def _find(self, access: Access, id_: str, *, param: str = "session", status: int = 404) -> Json:
        return owned(access, self.sessions.find(id_), "checkout.session", id_, param=param, status=status)

    def _expanded(self, session: Json, expand: list[str]) -> Json:
        if "payment_intent" in expand and session["payment_intent"]:
            session = session | {"payment_intent": self.sessions.find_payment_intent(session["payment_intent"])}
        if "line_items" in expand:
            url = f"{_SESSIONS}/{session['id']}/line_items"
            items = self.sessions.line_items(session["id"])
            session = session | {"line_items": objects.list_object(items[:10], has_more=len(items) > 10, url=url)}  # noqa: PLR2004 - Stripe's default page
        return session
