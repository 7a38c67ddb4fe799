"""Runner of the queries in ``queries/assessing``."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from coprod_kg.queries.ask import ask_own
from coprod_kg.store.base import Store

__all__ = ["AnswerValue", "Row", "labels_in", "rows", "text"]


@dataclass(frozen=True, slots=True)
class AnswerValue:
    """One value of an answer.

    Attributes:
        value: the IRI or the text.
        is_true: whether it is the boolean true.
        language: of a text, or empty.
    """

    value: str
    is_true: bool
    language: str = ""


Row = Mapping[str, AnswerValue]


def text(row: Row, name: str) -> str | None:
    """The value of a column, or None where it is empty."""
    return row[name].value if name in row else None


def labels_in(language: str, answer_rows: Iterable[Row], thing: str, label: str) -> dict[str, str]:
    """The labels of things in a language, else in English, else in any language.

    A thing that has a label in each of several languages stands in several rows of an answer.

    Args:
        language: of the reader.
        answer_rows: the rows.
        thing: the column of the things.
        label: the column of their labels.
    """
    labels: dict[str, dict[str, str]] = {}
    for row in answer_rows:
        if thing in row and label in row:
            by_language = labels.setdefault(row[thing].value, {})
            by_language.setdefault(row[label].language, row[label].value)
    preferred = (language, "en", "")
    return {
        iri: next(
            (by_language[tag] for tag in preferred if tag in by_language), min(by_language.values())
        )
        for iri, by_language in labels.items()
    }


def rows(store: Store, name: str, **iris: Iterable[str]) -> Iterator[Row]:
    """The answer to ``queries/assessing/NAME.rq``.

    Args:
        store: the store.
        name: the file's name without its ending.
        iris: variable → the IRIs that it is bound to; one that is not given stays open.
    """
    bindings = {variable: sorted(set(values)) for variable, values in iris.items()}
    if not all(bindings.values()):
        return
    for row in json.loads(ask_own(store, f"assessing/{name}", **bindings))["results"]["bindings"]:
        yield {variable: _cell(cell) for variable, cell in row.items()}


def _cell(cell: Mapping[str, Any]) -> AnswerValue:
    value = str(cell["value"])
    is_true = value == "true" and str(cell.get("datatype", "")).endswith("#boolean")
    return AnswerValue(value, is_true, str(cell.get("xml:lang", "")))
