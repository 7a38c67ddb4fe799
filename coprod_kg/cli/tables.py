"""Rows as aligned text for a terminal; it never sends a control character there."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from coprod_kg.namespaces import shorten
from coprod_kg.results.table import Cell, Table

__all__ = ["aligned", "readable"]

_WIDEST = 60
"""Characters of a cell that are shown; the other formats give all of it."""


def readable(table: Table, base_iri: str) -> Iterator[str]:
    """The lines of an answer: a header and aligned rows, or a truth value.

    Args:
        table: the answer.
        base_iri: what is left out of the names of things.
    """
    if table.truth is not None:
        yield "true" if table.truth else "false"
        return
    rows = [
        [_text(row[name], base_iri) if name in row else "" for name in table.columns]
        for row in table.rows
    ]
    numbers = {
        number
        for number, name in enumerate(table.columns)
        if table.rows and all(row[name].is_number for row in table.rows if name in row)
    }
    yield from aligned(table.columns, rows, numbers)


def aligned(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Iterable[int] = ()
) -> Iterator[str]:
    """Lines of columns that are as wide as they need to be.

    Args:
        header: the names of the columns.
        rows: the cells.
        right: which columns hold numbers and so end at their right edge.

    >>> list(aligned(["stage", "n"], [["project", "7"]], [1]))
    ['stage    n', '-------  -', 'project  7']
    """
    ends = set(right)
    shown = [[_cut(cell) for cell in row] for row in chain([header], rows)]
    widths = [max(len(row[number]) for row in shown) for number in range(len(header))]
    shown.insert(1, ["-" * width for width in widths])
    for row in shown:
        cells = (
            cell.rjust(width) if number in ends else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _text(cell: Cell, base_iri: str) -> str:
    if cell.kind != "uri":
        return cell.value
    things = f"{base_iri}id/"
    return cell.value.removeprefix(things) if cell.value.startswith(things) else shorten(cell.value)


def _cut(text: str) -> str:
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
