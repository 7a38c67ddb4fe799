"""What an answer says, as one hash and a number of rows; it never depends on the format.

Rows are hashed as JSON without spaces, UTF-8, no escapes beyond what JSON needs::

    {"columns":["a","b"],"rows":[[["uri","urn:x",null,null],null]]}

A cell is its kind, value, language and datatype; an unbound cell is null. Rows stay in the order
of the answer. An ASK is ``{"truth":true}``. A graph is its N-Triples, one line each, sorted.
"""

import json
from dataclasses import dataclass
from hashlib import sha256

from coprod_kg.results.table import Cell, Table

__all__ = ["Content", "content_of_graph", "content_of_table"]


@dataclass(frozen=True, slots=True)
class Content:
    """The measure of an answer.

    Attributes:
        rows: how many rows, or statements of a graph; None for a truth value.
        sha256: the hash of its canonical form, in hexadecimal.
    """

    rows: int | None
    sha256: str


def content_of_table(table: Table) -> Content:
    """The measure of rows or of a truth value."""
    if table.truth is not None:
        return Content(None, _hash({"truth": table.truth}))
    rows = [[_cell(row.get(name)) for name in table.columns] for row in table.rows]
    return Content(len(rows), _hash({"columns": list(table.columns), "rows": rows}))


def content_of_graph(ntriples: bytes) -> Content:
    """The measure of a graph in N-Triples."""
    lines = sorted({line for line in ntriples.splitlines() if line.strip()})
    return Content(len(lines), sha256(b"".join(line + b"\n" for line in lines)).hexdigest())


def _cell(cell: Cell | None) -> list[str | None] | None:
    return None if cell is None else [cell.kind, cell.value, cell.language, cell.datatype]


def _hash(canonical: object) -> str:
    text = json.dumps(canonical, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
