"""Differences between two answers of one query, matched by the columns that identify a row."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from coprod_kg.formats.table import Cell, Table
from coprod_kg.queries.library import SavedQuery

__all__ = [
    "Differences",
    "Row",
    "RowChange",
    "as_csv",
    "compare",
    "document",
    "key_columns",
    "key_of",
    "lines",
]

Row = dict[str, Cell]
_FORMULA: Final = tuple("=+-@\t\r\n")
_NUMBER: Final = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row of the same key whose other cells differ.

    Attributes:
        key: the cells that identify it.
        cells: column → what it was and what it is; None where it was or is unbound.
        row: all of it, as it is.
    """

    key: Row
    cells: dict[str, tuple[Cell | None, Cell | None]]
    row: Row


@dataclass(frozen=True, slots=True)
class Differences:
    """The differences between two answers.

    Attributes:
        columns: the columns of both, in order.
        key: the columns that identify a row.
        added: rows of the later answer alone.
        removed: rows of the earlier answer alone.
        changed: rows of both, in the order of the later one, with the cells that differ.
    """

    columns: tuple[str, ...]
    key: tuple[str, ...]
    added: tuple[Row, ...]
    removed: tuple[Row, ...]
    changed: tuple[RowChange, ...]


def key_of(query: SavedQuery, *tables: Table) -> tuple[str, ...]:
    """The columns that identify a row: as the query says, else all that hold no number."""
    return key_columns(query.key, *tables)


def key_columns(declared_key: tuple[str, ...], *tables: Table) -> tuple[str, ...]:
    """The columns that identify a row, given the key that the query declares (empty: none)."""
    columns = tuple(dict.fromkeys(name for table in tables for name in table.columns))
    if declared_key and set(declared_key) <= set(columns):
        return declared_key
    numbers = {
        name
        for table in tables
        for row in table.rows
        for name, cell in row.items()
        if cell.is_number
    }
    return tuple(name for name in columns if name not in numbers) or columns


def compare(earlier: Table, later: Table, key: Sequence[str]) -> Differences:
    """The differences between two answers of the same query.

    Several rows of one key are compared in the order in which they come, once those that are
    the same in both are set aside.
    """
    columns = tuple(dict.fromkeys((*earlier.columns, *later.columns)))
    earlier_rows, later_rows = _rows_by_key(earlier, key), _rows_by_key(later, key)
    added: list[Row] = []
    changed: list[RowChange] = []
    removed: list[Row] = []
    for identity, rows in later_rows.items():
        earlier_of_key = earlier_rows.pop(identity, [])
        unchanged = [row for row in rows if row in earlier_of_key]
        earlier_left = list(earlier_of_key)
        later_left = []
        for row in rows:
            if row in unchanged and row in earlier_left:
                earlier_left.remove(row)
            else:
                later_left.append(row)
        for earlier_row, later_row in zip(earlier_left, later_left, strict=False):
            changed.append(_change(earlier_row, later_row, columns, key))
        added += later_left[len(earlier_left) :]
        removed += earlier_left[len(later_left) :]
    removed += [row for rows in earlier_rows.values() for row in rows]
    return Differences(columns, tuple(key), tuple(added), tuple(removed), tuple(changed))


def _rows_by_key(table: Table, key: Sequence[str]) -> dict[tuple[Cell | None, ...], list[Row]]:
    groups: dict[tuple[Cell | None, ...], list[Row]] = {}
    for row in table.rows:
        groups.setdefault(tuple(row.get(name) for name in key), []).append(row)
    return groups


def _change(earlier: Row, later: Row, columns: Sequence[str], key: Sequence[str]) -> RowChange:
    cells = {
        name: (earlier.get(name), later.get(name))
        for name in columns
        if earlier.get(name) != later.get(name)
    }
    return RowChange({name: later[name] for name in key if name in later}, cells, later)


def lines(differences: Differences) -> list[list[str]]:
    """One line for each cell that differs: what happened, the key, the column, from, to."""
    cell_lines = []
    other_columns = [name for name in differences.columns if name not in differences.key]
    for kind, rows in (("added", differences.added), ("removed", differences.removed)):
        for row in rows:
            texts = [(name, _text(row.get(name))) for name in other_columns] or [("", "")]
            for name, text in texts:
                pair = ["", text] if kind == "added" else [text, ""]
                cell_lines.append([kind, *_key_texts(row, differences), name, *pair])
    for change in differences.changed:
        for name, (earlier, later) in change.cells.items():
            cell_lines.append(
                [
                    "changed",
                    *_key_texts(change.key, differences),
                    name,
                    _text(earlier),
                    _text(later),
                ]
            )
    return cell_lines


def as_csv(differences: Differences, line_end: str = "\r\n") -> str:
    """The same lines as CSV with a header.

    A text that a spreadsheet would take for a formula stands behind an apostrophe; numbers do not.

    Args:
        differences: between two answers.
        line_end: the end of a line; that of RFC 4180 by default.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator=line_end)
    writer.writerow(["change", *differences.key, "column", "from", "to"])
    writer.writerows([_harmless(text) for text in line] for line in lines(differences))
    return file.getvalue()


def _harmless(text: str) -> str:
    formula = text[:1] in _FORMULA and not _NUMBER.fullmatch(text)
    return f"'{text}" if formula else text


def _key_texts(row: Row, differences: Differences) -> list[str]:
    return [_text(row.get(name)) for name in differences.key]


def _text(cell: Cell | None) -> str:
    return cell.value if cell is not None else ""


def document(differences: Differences) -> dict[str, Any]:
    """The differences, with cells as in SPARQL JSON results."""
    return {
        "columns": differences.columns,
        "key": differences.key,
        "added": [_row(row) for row in differences.added],
        "removed": [_row(row) for row in differences.removed],
        "changed": [
            {
                "key": _row(change.key),
                "cells": {
                    name: {"from": _value(earlier), "to": _value(later)}
                    for name, (earlier, later) in change.cells.items()
                },
            }
            for change in differences.changed
        ],
    }


def _row(row: Row) -> dict[str, Any]:
    return {name: _value(cell) for name, cell in row.items()}


def _value(value: Cell | None) -> dict[str, str] | None:
    return None if value is None else value.described()
