"""Runner of the queries in ``queries/assessing``."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyoxigraph import NamedNode

from coprod_kg.model.files import files
from coprod_kg.model.terms import serialise
from coprod_kg.store.base import Query, Store

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
    query = (files("queries") / "assessing" / f"{name}.rq").read_text(encoding="utf-8")
    for variable, values in iris.items():
        terms = " ".join(serialise(NamedNode(iri)) for iri in sorted(set(values)))
        if not terms:
            return
        query = query.replace(
            f"VALUES ?{variable} {{ UNDEF }}", f"VALUES ?{variable} {{ {terms} }}"
        )
    answer = store.query(Query(query, ("application/sparql-results+json",))).read()
    for row in json.loads(answer)["results"]["bindings"]:
        yield {variable: _cell(cell) for variable, cell in row.items()}


def _cell(cell: Mapping[str, Any]) -> AnswerValue:
    value = str(cell["value"])
    return AnswerValue(
        value, value == "true" and str(cell.get("datatype", "")).endswith("#boolean")
    )
