"""JSON document of the differences between two answers."""

from typing import Any

from coprod_kg.formats.table import Cell
from coprod_kg.queries.differences import Differences, Row
from coprod_kg.queries.downloads import cell

__all__ = ["document"]


def document(found: Differences) -> dict[str, Any]:
    """The differences, with cells as in SPARQL JSON results."""
    return {
        "columns": found.columns,
        "key": found.key,
        "added": [_row(row) for row in found.added],
        "removed": [_row(row) for row in found.removed],
        "changed": [
            {
                "key": _row(change.key),
                "cells": {
                    name: {"from": _value(old), "to": _value(new)}
                    for name, (old, new) in change.cells.items()
                },
            }
            for change in found.changed
        ],
    }


def _row(row: Row) -> dict[str, Any]:
    return {name: _value(cell) for name, cell in row.items()}


def _value(value: Cell | None) -> dict[str, str] | None:
    return None if value is None else cell(value)
