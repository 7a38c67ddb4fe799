"""Rows of an answer as an aligned text table for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from coprod_kg.formats.table import Cell, Table, labelled_columns
from coprod_kg.formats.text_columns import (
    TextColumn,
    cell_per_line,
    fitted,
    grid,
    line_length,
    plain,
)
from coprod_kg.model.namespaces import shorten

__all__ = ["Look", "legend", "readable", "shown_columns"]


@dataclass(frozen=True, slots=True)
class Look:
    """Display options of a text table.

    Attributes:
        base_iri: what is left out of the names of things.
        headings: column → what people call it; the column's name where it is missing.
        units: column → what its numbers count, where the heading says that at its end.
        width: the characters of a line, or None where a line may have any length.
        every: whether the column of an IRI is shown beside the column of its label.
    """

    base_iri: str
    headings: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    width: int | None = None
    every: bool = True


def readable(table: Table, look: Look) -> Iterator[str]:
    """The lines of an answer: a header and aligned rows, or a truth value.

    Where a line has no room for all, units and what is the same in every row are said below.
    """
    if table.truth is not None:
        yield "true" if table.truth else "false"
        return
    columns = _columns(table, look)
    if look.width is None or line_length([column.wanted for column in columns]) <= look.width:
        yield from grid(columns, [column.wanted for column in columns])
        return
    same = [column for column in columns[1:] if column.constant and len(table.rows) > 1]
    others = [column for column in columns if column not in same]
    full = line_length([column.wanted for column in others]) <= look.width
    short = others if full else [replace(column, head=column.bare) for column in others]
    widths = fitted(short, look.width)
    if widths is None:
        yield from cell_per_line(columns, look.width)
        return
    yield from grid(short, widths)
    yield from (f"In every row, {column.head}: {column.cells[0]}" for column in same)
    yield from () if full else _units(others)


def legend(table: Table) -> str:
    """The legend for empty cells among numbers; empty where there are none."""
    numbers = _numbers(table)
    empty = any(name not in row for row in table.rows for name in numbers)
    return "An empty cell has no value; it is not a zero." if empty else ""


def _columns(table: Table, look: Look) -> list[TextColumn]:
    things = {label: name for name, label in labelled_columns(table.columns).items()}
    numbers = _numbers(table)
    columns = []
    for name, head in shown_columns(table.columns, look.headings, look.every).items():
        other = name if look.every else things.get(name, name)
        cells = (_text(row.get(name) or row.get(other), look.base_iri) for row in table.rows)
        unit = look.units.get(name, "")
        columns.append(TextColumn(plain(head), tuple(cells), name in numbers, unit))
    return columns


def _units(columns: Sequence[TextColumn]) -> Iterator[str]:
    """The units that were left out of the headings."""
    counted: dict[str, list[str]] = {}
    for column in columns:
        if column.bare != column.head:
            counted.setdefault(column.unit, []).append(column.bare)
    for unit, texts in counted.items():
        yield f"In {unit}: {', '.join(texts)}."


def shown_columns(
    columns: Sequence[str], headings: Mapping[str, str], every: bool = False
) -> dict[str, str]:
    """The columns that are shown, each with its heading.

    Args:
        columns: all there are.
        headings: column → what people call it.
        every: whether the column of an IRI is shown beside the column of its label.
    """
    labels = {} if every else labelled_columns(columns)
    things = {label: name for name, label in labels.items()}
    shown = {}
    for name in columns:
        if name not in labels:
            thing = things.get(name, name)
            head = headings.get(thing) or thing
            alone = thing.removesuffix("Label") not in columns or not thing.endswith("Label")
            shown[name] = head.removesuffix(" (name)") if alone else head
    return shown


def _numbers(table: Table) -> list[str]:
    return [
        name
        for name in table.columns
        if any(name in row for row in table.rows)
        and all(row[name].is_number or row[name].is_suppressed for row in table.rows if name in row)
    ]


def _text(cell: Cell | None, base_iri: str) -> str:
    if cell is None:
        return ""
    value = cell.value
    if cell.kind == "uri":
        things = value.removeprefix(f"{base_iri}id/")
        known = things if things != value else shorten(value)
        value = known if known != value else value.removeprefix(base_iri)
    return plain(value)
