"""Rules of new Checkout Sessions and payment links that look at more than one value: amounts, currencies, expiry."""

from __future__ import annotations

from deployments.local.stripe_standin.errors import StripeError, invalid
from deployments.local.stripe_standin.money import money
from deployments.local.stripe_standin.params import CreateSession, LineItem

DAY = 24 * 60 * 60
_SOONEST = 30 * 60
_LARGEST_AMOUNT = 99_999_999
_MOST_LINE_ITEMS = 100

# The smallest charge in each currency's smallest unit (docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
# Currencies that Stripe takes and this table lacks are refused like unknown ones.
MINIMUM_CHARGE = {
    "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400,
    "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200,
    "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip


def check_session(params: CreateSession, now: int) -> None:
    """Refuse what Stripe refuses at creation; `now` in the stand-in's Unix seconds. Raises StripeError 400."""
    if params.ui_mode != "hosted_page":
        raise invalid("The stand-in models only hosted checkout pages; leave `ui_mode` out.", param="ui_mode")
    if params.mode != "payment":
        raise invalid("The stand-in models only `mode=payment`.", param="mode")
    check_line_items(params.line_items, _MOST_LINE_ITEMS)
    if params.expires_at is not None:
        _check_expiry(params.expires_at, now)


def check_line_items(items: list[LineItem], most: int) -> None:
    """Refuse too many lines or none, mixed or unknown currencies, and totals out of bounds. Raises StripeError 400."""
    if not 1 <= len(items) <= most:
        raise invalid(f"There can be 1 to {most} line items, was {len(items)}.", param="line_items")
    _check_currencies(items)
    _check_total(items)


def total(items: list[LineItem]) -> int:
    """Return the sum of the line items in the currency's smallest unit."""
    return sum(item.price_data.unit_amount * item.quantity for item in items)


def _check_currencies(items: list[LineItem]) -> None:
    for index, item in enumerate(items):
        if item.price_data.currency.lower() not in MINIMUM_CHARGE:
            message = (
                f"Invalid currency: {item.price_data.currency}. Stripe currently supports these currencies: "
                f"{', '.join(sorted(MINIMUM_CHARGE))}"
            )
            raise invalid(message, param=f"line_items[{index}][price_data][currency]")
    if len({item.price_data.currency.lower() for item in items}) > 1:
        raise invalid("You cannot combine currencies on a single Checkout Session.", param="line_items")


def _check_total(items: list[LineItem]) -> None:
    currency, amount = items[0].price_data.currency.lower(), total(items)
    if amount > _LARGEST_AMOUNT:
        message = f"The Checkout Session's total amount due must be no more than {money(_LARGEST_AMOUNT, currency)}"
        raise invalid(message, param="line_items", code="amount_too_large")
    minimum = MINIMUM_CHARGE[currency]
    # A total of zero is a no-cost order, which Stripe takes (docs.stripe.com/payments/checkout/no-cost-orders).
    if 0 < amount < minimum:
        message = (
            f"The Checkout Session's total amount due must add up to at least {money(minimum, currency)} {currency}"
        )
        raise invalid(message, param="line_items", code="amount_too_small")


def _check_expiry(expires_at: int, now: int) -> None:
    problem: str | None = None
    if expires_at < now + _SOONEST:
        problem = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
    elif expires_at >= now + DAY:
        problem = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
    if problem:
        raise StripeError(400, problem, param="expires_at")
