"""The endpoints of payment links, given checked access and raw parameters."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.local.stripe_standin import link_objects, objects, rules
from deployments.local.stripe_standin.clock import Clock
from deployments.local.stripe_standin.endpoints import Route, check_expand, owned
from deployments.local.stripe_standin.errors import invalid, missing_resource
from deployments.local.stripe_standin.keys import WRITE_LINKS, Access
from deployments.local.stripe_standin.link_params import CreateLink, ListLinks, UpdateLink
from deployments.local.stripe_standin.link_table import LinkTable
from deployments.local.stripe_standin.objects import Json
from deployments.local.stripe_standin.paging import page_of_items
from deployments.local.stripe_standin.params import Expandable, Paged, read_parameters

_LINKS = "/v1/payment_links"
_MOST_LINE_ITEMS = 20
_FIRST_PAGE = 10


@dataclass(frozen=True)
class LinkOperations:
    """Each endpoint returns the JSON body of its answer or raises StripeError."""

    links: LinkTable
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("POST", _LINKS, self.create),
            Route("GET", _LINKS, self.list_links),
            Route("GET", f"{_LINKS}/([^/]+)", self.retrieve),
            Route("POST", f"{_LINKS}/([^/]+)", self.update),
            Route("GET", f"{_LINKS}/([^/]+)/line_items", self.list_line_items),
        ]

    def create(self, access: Access, raw: Json) -> Json:
        """Make a link."""
        access.require_write(WRITE_LINKS)
        params = read_parameters(CreateLink, raw)
        check_expand(params.expand, "line_items")
        return self._expanded(self._make(params, livemode=access.livemode), params.expand)

    def stage(self, raw: Json, metadata: list[dict[str, str]]) -> list[Json]:
        """Make many test links of the same parameters, each with metadata of its own; return them without a host.

        The metadata is put on the link and on the payment intents that it leads to, over what `raw` has of both.
        """
        params = read_parameters(CreateLink, raw)
        with self.links.store.transaction():
            return [self._make(_with_metadata(params, own), livemode=False) for own in metadata]

    def retrieve(self, access: Access, raw: Json, id_: str) -> Json:
        """Return a link as it is now."""
        params = read_parameters(Expandable, raw)
        check_expand(params.expand, "line_items")
        return self._expanded(self._find(access, id_), params.expand)

    def update(self, access: Access, raw: Json, id_: str) -> Json:
        """Change a link; sessions that it has opened already stay as they are."""
        access.require_write(WRITE_LINKS)
        params = read_parameters(UpdateLink, raw)
        check_expand(params.expand, "line_items")
        _check_submit_type(params)
        self._find(access, id_)
        self.links.update(link_objects.changed_link(self.links.stored(id_), params))
        return self._expanded(self._find(access, id_), params.expand)

    def list_links(self, access: Access, raw: Json) -> Json:
        """Return a page of the mode's links, newest first."""
        params = read_parameters(ListLinks, raw)
        check_expand(params.expand, "data.line_items")
        for name in ("starting_after", "ending_before"):
            if cursor := getattr(params, name):
                self._find(access, cursor, param=name, status=400)
        page, has_more = self.links.page(params, livemode=access.livemode)
        expand = [name.removeprefix("data.") for name in params.expand]
        return objects.list_object([self._expanded(link, expand) for link in page], has_more=has_more, url=_LINKS)

    def list_line_items(self, access: Access, raw: Json, id_: str) -> Json:
        """Return a page of a link's line items."""
        params = read_parameters(Paged, raw)
        check_expand(params.expand)
        self._find(access, id_)
        page, has_more = page_of_items(self.links.line_items(id_), params)
        return objects.list_object(page, has_more=has_more, url=f"{_LINKS}/{id_}/line_items")

    def _make(self, params: CreateLink, *, livemode: bool) -> Json:
        _check_submit_type(params)
        for number, item in enumerate(params.line_items):
            if item.price:  # inline prices are the only ones here, and those are made for one object alone
                raise missing_resource("price", item.price, param=f"line_items[{number}][price]", status=400)
        lines = link_objects.line_items_of(params)
        rules.check_line_items(lines, _MOST_LINE_ITEMS)
        link = link_objects.link_object(params, lines[0].price_data.currency.lower(), livemode=livemode)
        self.links.add(link, objects.line_item_objects(lines, livemode=livemode, now=self.clock.epoch()))
        return link

    def _find(self, access: Access, id_: str, *, param: str = "payment_link", status: int = 404) -> Json:
        return owned(access, self.links.find(id_), "payment_link", id_, param=param, status=status)

    def _expanded(self, link: Json, expand: list[str]) -> Json:
        if "line_items" not in expand:
            return link
        items = self.links.line_items(link["id"])
        url = f"{_LINKS}/{link['id']}/line_items"
        first = objects.list_object(items[:_FIRST_PAGE], has_more=len(items) > _FIRST_PAGE, url=url)
        return link | {"line_items": first}


def _check_submit_type(params: CreateLink | UpdateLink) -> None:
    if params.submit_type == "subscribe":
        raise invalid("You can only use `submit_type=subscribe` with recurring prices.", param="submit_type")


def _with_metadata(params: CreateLink, own: dict[str, str]) -> CreateLink:
    data = params.payment_intent_data
    update: Json = {"metadata": params.metadata | own}
    if data:
        update["payment_intent_data"] = data.model_copy(update={"metadata": data.metadata | own})
    return params.model_copy(update=update)
