"""Comments at the beginning of an answer, in the formats that have them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from coprod_kg.store.base import Answer

__all__ = ["begun", "commented"]

_DECLARED: Final = re.compile(rb"^<\?xml[^>]*\?>")
_LINES: Final = ("text/turtle", "application/n-triples")


def commented(first: bytes, media_type: str, text: str) -> bytes:
    """The first bytes of an answer with a comment before the data, if its format has any.

    JSON, CSV and TSV have none.
    """
    if text and media_type in _LINES:
        return f"# {text}\n".encode() + first
    if text and media_type.endswith("+xml"):
        comment = f"<!-- {text} -->".encode()
        return _DECLARED.sub(lambda found: found[0] + comment, first, 1)
    return first


def begun(answer: Answer, change: Callable[[bytes], bytes]) -> Answer:
    """The same answer with other first bytes."""
    try:
        first = next(answer.chunks, b"")
    except BaseException:
        answer.close()
        raise
    made = change(first)
    length = None if answer.length is None else answer.length + len(made) - len(first)
    return replace(answer, length=length, chunks=_Chunks(made, answer))


class _Chunks:
    """The chunks of an answer with another one in the place of the first."""

    def __init__(self, first: bytes, answer: Answer) -> None:
        self._first: bytes | None = first
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        first, self._first = self._first, None
        return next(self._answer.chunks) if first is None else first

    def close(self) -> None:
        """Release the worker that computes the answer."""
        self._answer.close()
