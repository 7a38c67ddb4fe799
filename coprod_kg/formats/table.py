"""SPARQL JSON results as a table of cells, and the comments that formats allow before the rows."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from coprod_kg.errors import StoreError
from coprod_kg.store.base import Answer

__all__ = [
    "SUPPRESSED",
    "Cell",
    "Table",
    "commented",
    "labelled_columns",
    "read_table",
    "with_first_chunk",
]


SUPPRESSED: Final = "https://w3id.org/coprod/results#Suppressed"
"""The datatype of what stands in a cell whose value is withheld."""

_DECLARED: Final = re.compile(rb"^<\?xml[^>]*\?>")
_LINES: Final = ("text/turtle", "application/n-triples")


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of an answer.

    Attributes:
        kind: ``uri``, ``literal``, ``bnode`` or ``triple``.
        value: the IRI, the text, or the name of the blank node.
        language: of a literal, or None.
        datatype: of a literal, or None.
    """

    kind: str
    value: str
    language: str | None = None
    datatype: str | None = None

    @property
    def is_number(self) -> bool:
        """Whether it is a number, which is aligned to the right."""
        name = (self.datatype or "").rpartition("#")[2]
        return name in ("integer", "decimal", "double", "float", "nonNegativeInteger", "long")

    @property
    def is_truth(self) -> bool:
        """Whether it is a truth value."""
        return (self.datatype or "").endswith("#boolean")

    @property
    def is_suppressed(self) -> bool:
        """Whether its value is withheld (`coprod_kg.queries.suppression`)."""
        return self.datatype == SUPPRESSED

    def described(self) -> dict[str, str]:
        """The cell as in SPARQL JSON results."""
        tags = {"xml:lang": self.language, "datatype": self.datatype}
        present_tags = {name: text for name, text in tags.items() if text}
        return {"type": self.kind, "value": self.value, **present_tags}


@dataclass(frozen=True, slots=True)
class Table:
    """An answer: columns and rows, or a truth value.

    Attributes:
        columns: the variables, in order.
        rows: one mapping per row; an unbound variable is missing from it.
        truth: the answer of an ASK, else None.
    """

    columns: tuple[str, ...]
    rows: tuple[dict[str, Cell], ...]
    truth: bool | None = None

    def texts(self) -> Iterator[dict[str, str]]:
        """The rows with plain values."""
        for row in self.rows:
            yield {name: cell.value for name, cell in row.items()}


def labelled_columns(columns: Sequence[str]) -> dict[str, str]:
    """The columns that have a column of labels: ``x`` → ``xLabel``."""
    return {name: f"{name}Label" for name in columns if f"{name}Label" in columns}


def read_table(data: bytes) -> Table:
    """Read ``application/sparql-results+json``.

    Raises:
        StoreError: it is not that.
    """
    try:
        document = json.loads(data)
        if "boolean" in document:
            return Table((), (), bool(document["boolean"]))
        rows = document["results"]["bindings"]
        return Table(
            tuple(document["head"]["vars"]),
            tuple({name: _cell(term) for name, term in row.items()} for row in rows),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError("the store's answer cannot be read as SPARQL results") from error


def _cell(term: dict[str, Any]) -> Cell:
    if term["type"] == "triple":
        inner = term["value"]
        parts = (_cell(inner[part]).value for part in ("subject", "predicate", "object"))
        return Cell("triple", "<<( " + " ".join(parts) + " )>>")
    kind = "literal" if term["type"] == "typed-literal" else term["type"]
    return Cell(kind, term["value"], term.get("xml:lang"), term.get("datatype"))


def commented(chunk: bytes, media_type: str, text: str) -> bytes:
    """The first bytes of an answer with a comment before the data, if its format has any.

    JSON, CSV and TSV have none.
    """
    if text and media_type in _LINES:
        return f"# {text}\n".encode() + chunk
    if text and media_type.endswith("+xml"):
        comment = f"<!-- {text} -->".encode()
        return _DECLARED.sub(lambda match: match[0] + comment, chunk, 1)
    return chunk


def with_first_chunk(answer: Answer, change: Callable[[bytes], bytes]) -> Answer:
    """The answer with its first chunk changed, which is read for that."""
    try:
        chunk = next(answer.chunks, b"")
    except BaseException:
        answer.close()
        raise
    changed_chunk = change(chunk)
    length = None if answer.length is None else answer.length + len(changed_chunk) - len(chunk)
    return replace(answer, length=length, chunks=_Chunks(changed_chunk, answer))


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
