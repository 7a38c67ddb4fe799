"""Queries whose answer may differ over the same data, recognised by their text."""

import re
from typing import Final

__all__ = ["is_changing"]

_CHANGING: Final = {
    "now": re.compile(r"now\s*[(#]"),
    "rand": re.compile(r"rand\s*[(#]"),
    "uuid": re.compile(r"uuid\s*[(#]"),
    "service": re.compile(  # the word, not a part of a name; whom it asks follows
        r"(?<![a-z_?$:-])service(?![\w:-])\s*(?:silent\s*)?(?:[<?$#]|[^\s{}()<>]*:)"
    ),
}
"""What makes two answers to one query differ; also where it stands in a string or a comment.
A text without the word, which is found twenty times faster, cannot match its pattern."""
_HEAD: Final = re.compile(r"(?:\s*#[^\r\n]*)*")
"""The comments that a text begins with: no string is open there, so they are comments for certain.
The header of a saved query stands in them, and what it says in words ("now") changes nothing."""


def is_changing(text: str) -> bool:
    """Whether the answer to a query may be another one over the same data, as with ``NOW()``."""
    lowered = text.lower()
    if "\\u" in lowered:  # an escape may spell any of them, or the end of a comment
        return True
    head = _HEAD.match(lowered)
    lowered = lowered[head.end() if head else 0 :]
    return any(word in lowered and sign.search(lowered) for word, sign in _CHANGING.items())
