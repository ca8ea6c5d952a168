"""What a message may show of an address or a setting.

Belongs here: a password before a host, a token among options. Does not: secrets that only the environment knows.
"""

import re

HIDDEN = "***"

_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@\s]*@")
_TOKEN = re.compile(r"(?<=token=)[^;\s]+")


def masked(text: str) -> str:
    """The text with neither a password nor a token in its addresses."""
    return _TOKEN.sub(HIDDEN, _PASSWORD.sub(rf"\1:{HIDDEN}@", text))


def shown(value: object) -> str:
    """A value as Python writes it, without such secrets."""
    return repr(masked(value)) if isinstance(value, str) else masked(repr(value))
