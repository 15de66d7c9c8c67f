"""A small club that mails payment links; what parents do with these, and what Stripe has of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks.links.model import Charge, LinkKind, LinkResult
from tasks.links.stripe_params import ORDER_KEY
from tests.integration.refresh.test_refresh import RefreshedClub


@dataclass(frozen=True)
class LinkClub(RefreshedClub):
    """Whatever happens, an order can be paid through one payment link or one session of another kind at most."""

    def tend_link(
        self,
        order_id: int,
        *,
        committed: bool = True,
        mailing: bool = True,
        kind: LinkKind = LinkKind.PAYMENT_LINK,
        closes_at: datetime | None = None,
    ) -> LinkResult:
        charge = Charge("Spring Cup: Hawks entry", "Max Ek", closes_at) if committed else None
        try:
            return self.pipeline.services.keeper.ensure_link(order_id, charge, mailing=mailing, kind=kind)
        finally:
            assert len(self.ways_to_pay(order_id)) <= 1

    def links(self, order_id: int) -> list[dict[str, Any]]:
        """All payment links that Stripe has of an order, newest first."""
        return [s for s in self.pipeline.stand_in.payment_links() if s["metadata"].get(ORDER_KEY) == str(order_id)]

    def active(self, order_id: int) -> list[str]:
        return [link["id"] for link in self.links(order_id) if link["active"]]

    def visits(self, order_id: int) -> list[dict[str, Any]]:
        """The sessions that the order's payment links have made, newest first."""
        ours = {link["id"] for link in self.links(order_id)}
        return [session for session in self.pipeline.stand_in.sessions() if session["payment_link"] in ours]

    def ways_to_pay(self, order_id: int) -> set[str]:
        """The links and sessions through which the order can be paid; a visit goes with its link."""
        visited = {visit["payment_link"] for visit in self.visits(order_id) if visit["status"] == "open"}
        return {*self.active(order_id), *visited, *self.payable(order_id)}

    def visit(self, order_id: int) -> str:
        """Open the order's link as a parent's browser does, and return the session's id."""
        (link,) = self.active(order_id)
        return str(self.pipeline.stand_in.open_link(link)["id"])

    def pay(self, order_id: int, *, slow: bool = False) -> str:
        visit = self.visit(order_id)
        self.pipeline.stand_in.pay(visit, slow=slow)
        return visit

    def switch(self, link_id: str, *, active: bool) -> None:
        """Switch a link on or off as a person does in Stripe's Dashboard."""
        client = self.pipeline.stripe_client()
        client.v1.payment_links.update(link_id, {"active": active})

    def findings(self) -> list[tuple[str, str]]:
        rows = self.sql("SELECT session_id, finding FROM tournament_fees.payments ORDER BY session_id")
        return [(row.session_id, row.finding) for row in rows]
