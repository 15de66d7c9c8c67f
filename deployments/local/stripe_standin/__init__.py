"""A small, strict, stateful stand-in for Stripe's Checkout Sessions and Payment Links, for tests and the demo.

It answers stripe-python over HTTP as Stripe documents it for API 2026-10-28: hosted sessions in payment mode (create,
retrieve, list, expire, line items), their payment intents, and payment links (create, retrieve, update, list, line
items), with Stripe's bounds, errors, modes and idempotency. It refuses what Stripe refuses, and also, in words that say
so, what Stripe takes and this does not model. The routes below /_standin/ move its clock, pay sessions, open links and
stage faults, for who has its secret (see control.StandInControl).

Where Stripe's documents leave the answer open, it chooses: a zero total completes as `no_payment_required`;
refusals other than 500s are never replayed; a session that lapsed comes back to life when a test turns the clock back.

Of payment links the documents say that a visit opens a session, that a completed session counts, and that a link whose
limit is reached deactivates itself. The rest is choice: a visit's session lives a day, is listed and can be expired as
any other, and carries the link's metadata as it was at the visit; switching a link off leaves its open sessions
payable; raising or dropping a limit that was reached opens the link again unless it was switched off. What a test may
want either way is a setting (see limits.Settings): whether a second tab can pay a used link, whether a used link still
reads as active, whether a failed slow payment stops counting.
"""
