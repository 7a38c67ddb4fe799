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
        with_iris: whether the column of an IRI is shown beside the column of its label.
    """

    base_iri: str
    headings: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    width: int | None = None
    with_iris: bool = True


def readable(table: Table, look: Look) -> Iterator[str]:
    """The lines of an answer: a header and aligned rows, or a truth value.

    Where a line has no room for all, units and constant columns are written below the rows.
    """
    if table.truth is not None:
        yield "true" if table.truth else "false"
        return
    columns = _columns(table, look)
    if look.width is None or line_length([column.full_width for column in columns]) <= look.width:
        yield from grid(columns, [column.full_width for column in columns])
        return
    constant_columns = [column for column in columns[1:] if column.constant and len(table.rows) > 1]
    shown = [column for column in columns if column not in constant_columns]
    units_fit = line_length([column.full_width for column in shown]) <= look.width
    bare_columns = (
        shown if units_fit else [replace(column, head=column.bare_head) for column in shown]
    )
    widths = fitted(bare_columns, look.width)
    if widths is None:
        yield from cell_per_line(columns, look.width)
        return
    yield from grid(bare_columns, widths)
    yield from (f"In every row, {column.head}: {column.cells[0]}" for column in constant_columns)
    yield from () if units_fit else _units(shown)


def legend(table: Table) -> str:
    """The legend for empty cells among numbers; empty where there are none."""
    numbers = _numbers(table)
    empty = any(name not in row for row in table.rows for name in numbers)
    return "An empty cell has no value; it is not a zero." if empty else ""


def _columns(table: Table, look: Look) -> list[TextColumn]:
    iri_columns = {label: name for name, label in labelled_columns(table.columns).items()}
    numbers = _numbers(table)
    columns = []
    for name, head in shown_columns(table.columns, look.headings, look.with_iris).items():
        iri_column = name if look.with_iris else iri_columns.get(name, name)
        cells = (_text(row.get(name) or row.get(iri_column), look.base_iri) for row in table.rows)
        unit = look.units.get(name, "")
        columns.append(TextColumn(plain(head), tuple(cells), name in numbers, unit))
    return columns


def _units(columns: Sequence[TextColumn]) -> Iterator[str]:
    """The units that were left out of the headings."""
    headings_by_unit: dict[str, list[str]] = {}
    for column in columns:
        if column.bare_head != column.head:
            headings_by_unit.setdefault(column.unit, []).append(column.bare_head)
    for unit, texts in headings_by_unit.items():
        yield f"In {unit}: {', '.join(texts)}."


def shown_columns(
    columns: Sequence[str], headings: Mapping[str, str], with_iris: bool = False
) -> dict[str, str]:
    """The columns that are shown, each with its heading.

    Args:
        columns: all there are.
        headings: column → what people call it.
        with_iris: whether the column of an IRI is shown beside the column of its label.
    """
    labels = {} if with_iris else labelled_columns(columns)
    iri_columns = {label: name for name, label in labels.items()}
    headings_shown = {}
    for name in columns:
        if name not in labels:
            iri_column = iri_columns.get(name, name)
            head = headings.get(iri_column) or iri_column
            is_label = iri_column.endswith("Label") and iri_column.removesuffix("Label") in columns
            headings_shown[name] = head if is_label else head.removesuffix(" (name)")
    return headings_shown


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
        slug_path = value.removeprefix(f"{base_iri}id/")
        shortened = slug_path if slug_path != value else shorten(value)
        value = shortened if shortened != value else value.removeprefix(base_iri)
    return plain(value)
