"""Errors, classed by what to do next. Each carries one sentence for the person who has to act on it."""


class TransientError(Exception):
    """Try again later, unchanged: a server is down, slow or asks for patience. Prefect retries the batch."""


class PermanentError(Exception):
    """Trying again changes nothing: this message or order needs a person, the rest go on."""


class ConfigurationError(Exception):
    """Stop before anything is sent: a setting, template or table is wrong. Says which one and how to mend it."""
