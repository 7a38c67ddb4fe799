"""Runner of the queries in ``queries/assessing``."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from coprod_kg.queries.ask import ask_own
from coprod_kg.store.base import Store

__all__ = ["AnswerValue", "Row", "rows", "text"]


@dataclass(frozen=True, slots=True)
class AnswerValue:
    """One value of an answer.

    Attributes:
        value: the IRI or the text.
        is_true: whether it is the boolean true.
    """

    value: str
    is_true: bool


Row = Mapping[str, AnswerValue]


def text(row: Row, name: str) -> str | None:
    """The value of a column, or None where it is empty."""
    return row[name].value if name in row else None


def rows(store: Store, name: str, **iris: Iterable[str]) -> Iterator[Row]:
    """The answer to ``queries/assessing/NAME.rq``.

    Args:
        store: the store.
        name: the file's name without its ending.
        iris: variable → the IRIs that it is bound to; one that is not given stays open.
    """
    wanted = {variable: sorted(set(values)) for variable, values in iris.items()}
    if not all(wanted.values()):
        return
    for row in json.loads(ask_own(store, f"assessing/{name}", **wanted))["results"]["bindings"]:
        yield {variable: _cell(cell) for variable, cell in row.items()}


def _cell(cell: Mapping[str, Any]) -> AnswerValue:
    value = str(cell["value"])
    return AnswerValue(
        value, value == "true" and str(cell.get("datatype", "")).endswith("#boolean")
    )
