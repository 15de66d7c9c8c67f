"""A mail server that delivers nothing: it keeps every message as a file, and shows them all on one page."""
