"""A small, strict, stateful stand-in for Stripe's Checkout Sessions API, for tests and the demo."""
