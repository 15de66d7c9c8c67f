"""Amounts as people read them."""

from __future__ import annotations

from babel.numbers import format_currency, get_currency_precision


def money(amount: int, currency: str) -> str:
    """Return an amount in the currency's smallest unit as American English writes it: 5500 usd is $55.00."""
    digits = get_currency_precision(currency.upper())
    return str(format_currency(amount / 10**digits, currency.upper(), locale="en_US"))
