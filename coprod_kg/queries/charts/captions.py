"""Captions of a chart: the notes below its title, and its text alternative."""

from collections.abc import Mapping, Sequence
from typing import Final

from coprod_kg.formats.table import Cell
from coprod_kg.queries.header import AnswerColumn
from coprod_kg.queries.library import SavedQuery

__all__ = ["FEW", "notes", "spoken"]

FEW: Final = 5
"""A chart in which no count is as large as this says so."""

_MEASURES: Final = ("per cent", "years", "months", "days")
"""Units of what is measured; every other unit is of things that are counted."""
_SPOKEN: Final = 12
"""How many rows the description reads out."""

Rows = Sequence[Mapping[str, Cell]]


def notes(query: SavedQuery, rows: Rows, withheld: int) -> list[str]:
    """The notes below the title of a chart: how much there is, and what is left out.

    Args:
        query: whose rows they are.
        rows: those that are drawn.
        withheld: how many others have a count that is withheld.
    """
    return [*_few(query, rows), *_left_out(withheld)]


def spoken(query: SavedQuery, rows: Rows, said: Sequence[str]) -> str:
    """The text alternative of a chart.

    Args:
        query: whose rows they are.
        rows: those that are drawn.
        said: the notes below its title.
    """
    beginning = [f"Chart. {query.summary}", *said]
    if not rows:
        return " ".join(beginning if said else [*beginning, "No data."])
    columns = [column.name for column in query.columns] or list(rows[0])
    hidden = {name[:-5] for name in columns if name.endswith("Label")} | {"rank"}
    known = {column.name: column for column in query.columns}
    read = [
        ", ".join(
            _read(row[name], known.get(name, AnswerColumn(name, "")))
            for name in columns
            if name in row and name not in hidden
        )
        for row in rows[:_SPOKEN]
    ]
    more = len(rows) - _SPOKEN
    read += [f"and {more} more rows in the table"] if more > 0 else []
    return " ".join([*beginning, "; ".join(read) + "."])


def _read(cell: Cell, column: AnswerColumn) -> str:
    """A text as it stands, a number with what it counts, a truth value as whether it is so."""
    unit = f" ({column.unit})"
    called = column.heading.removesuffix(unit).lower()
    if cell.is_truth:
        return called if cell.value in ("true", "1") else f"not {called}"
    if not cell.is_number:
        return cell.value
    return f"{called} {cell.value}" + (f" {column.unit}" if unit in column.heading else "")


def _few(query: SavedQuery, rows: Rows) -> list[str]:
    counted = [
        column.name for column in query.columns if column.unit and column.unit not in _MEASURES
    ]
    counts = [_count(row[name]) for row in rows for name in counted if name in row]
    if not counts or (largest := max(counts)) >= FEW:
        return []
    return [f"Few data: no count in the table is larger than {largest:g}."]


def _count(cell: Cell) -> float:
    try:
        return float(cell.value)
    except ValueError:
        return 0.0


def _left_out(rows: int) -> list[str]:
    """The note about rows whose count is withheld."""
    if not rows:
        return []
    left = "1 row is" if rows == 1 else f"{rows} rows are"
    return [f"{left} left out, as small counts are withheld: not zero, and not unknown."]
