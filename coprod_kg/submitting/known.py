"""What the writing road asks the store before it writes; it changes nothing."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pyoxigraph import NamedNode

from coprod_kg.files import files
from coprod_kg.store.base import Query, Store
from coprod_kg.terms import serialise

__all__ = ["described_elsewhere", "labels", "last_submissions"]

_JSON = "application/sparql-results+json"


def described_elsewhere(store: Store, things: Iterable[str]) -> dict[str, set[str]]:
    """For each of these things that is known, the graphs that describe it."""
    known: dict[str, set[str]] = {}
    for row in _rows(store, "known-things", things):
        known.setdefault(row["thing"], set()).add(row["graph"])
    return known


def last_submissions(store: Store, graphs: Iterable[str]) -> dict[str, tuple[str, str, str, str]]:
    """For each graph the file, model and sender that it comes from, and the kind of submission."""
    return {
        row["graph"]: (row["file"], row["model"], row["sender"], row.get("kind", ""))
        for row in _rows(store, "latest-submissions", graphs)
    }


def labels(store: Store, things: Iterable[str]) -> dict[str, str]:
    """The names for people of things, terms and concepts, in English where there is one."""
    found: dict[str, str] = {}
    for row in _rows(store, "labels", things):
        if row["language"] == "en":
            found[row["thing"]] = row["label"]
        found.setdefault(row["thing"], row["label"])
    return found


def _rows(store: Store, name: str, iris: Iterable[str]) -> Iterator[dict[str, str]]:
    """The answer to one of the questions in ``queries/writing`` about some IRIs."""
    terms = " ".join(serialise(NamedNode(one)) for one in sorted(iris))
    if not terms:
        return
    text = (files("queries") / "writing" / f"{name}.rq").read_text(encoding="utf-8")
    answer: dict[str, Any] = json.loads(
        store.query(Query(text.replace("UNDEF", terms), (_JSON,))).read()
    )
    for row in answer["results"]["bindings"]:
        yield {variable: cell["value"] for variable, cell in row.items()}
