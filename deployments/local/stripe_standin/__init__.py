"""A small, strict, stateful stand-in for Stripe's Checkout Sessions API, for tests and the demo.

It answers stripe-python over HTTP as Stripe documents it for API 2026-10-28: hosted sessions in payment mode (create,
retrieve, list, expire, line items) and their payment intents, with Stripe's bounds, errors, modes and idempotency. It
refuses what Stripe refuses, and also, in words that say so, what Stripe takes and this does not model. The routes
below /_standin/ move its clock, pay sessions and stage faults (see control.StandInControl).

Where Stripe's documents leave the answer open, it chooses: a zero total completes as `no_payment_required`;
refusals other than 500s are never replayed; a session that lapsed comes back to life when a test turns the clock back.
"""
