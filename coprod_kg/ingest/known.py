"""Queries to the store about data that is there before a submission is written."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pyoxigraph import QueryResultsFormat, QuerySolutions, parse_query_results

from coprod_kg.ingest.changes import Statements, normalised
from coprod_kg.queries.ask import ask_own
from coprod_kg.store.base import Store

__all__ = [
    "described_elsewhere",
    "labels",
    "last_submissions",
    "names_elsewhere",
    "said_elsewhere",
    "versions",
]

_AT_ONCE = 2000
"""Things in one query: the text of a query has its limits."""


def said_elsewhere(store: Store, things: Iterable[str]) -> dict[str, dict[str, Statements]]:
    """For each of these things that an organisation's graph describes, graph → what it says."""
    return _said(store, "described-by", things)


def names_elsewhere(store: Store, things: Iterable[str]) -> dict[str, dict[str, Statements]]:
    """For each of these things, graph → what it is called there, and who runs it."""
    return _said(store, "names-of", things)


def _said(store: Store, query: str, things: Iterable[str]) -> dict[str, dict[str, Statements]]:
    found: dict[str, dict[str, set[tuple[str, Any]]]] = {}
    wanted = sorted(things)
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        answer = ask_own(store, f"writing/{query}", thing=part)
        rows = parse_query_results(answer, QueryResultsFormat.JSON)
        for row in rows if isinstance(rows, QuerySolutions) else ():
            thing, graph, path = (row[name].value for name in ("thing", "graph", "property"))
            found.setdefault(thing, {}).setdefault(graph, set()).add(
                (path, normalised(row["value"]))
            )
    return {
        thing: {graph: frozenset(said) for graph, said in graphs.items()}
        for thing, graphs in found.items()
    }


def described_elsewhere(store: Store, things: Iterable[str]) -> dict[str, set[str]]:
    """For each of these things that is known, the graphs that describe it."""
    known: dict[str, set[str]] = {}
    for row in _rows(store, "known-things", thing=things):
        known.setdefault(row["thing"], set()).add(row["graph"])
    return known


def last_submissions(store: Store, graphs: Iterable[str]) -> dict[str, tuple[str, str, str, str]]:
    """For each graph the file, model and sender that it comes from, and the kind of submission."""
    return {
        row["graph"]: (row["file"], row["model"], row["sender"], row.get("kind", ""))
        for row in _rows(store, "latest-submissions", graph=graphs)
    }


def labels(store: Store, things: Iterable[str]) -> dict[str, str]:
    """The names for people of things, terms and concepts, in English where there is one."""
    found: dict[str, str] = {}
    for row in _rows(store, "labels", thing=things):
        if row["language"] == "en":
            found[row["thing"]] = row["label"]
        found.setdefault(row["thing"], row["label"])
    return found


def versions(store: Store, submissions: Iterable[str]) -> dict[str, int]:
    """For each of these submissions (IRIs) that entered, the version that first holds it."""
    rows = _rows(store, "versions-of-submissions", submission=submissions)
    return {row["submission"]: int(row["version"]) for row in rows}


def _rows(store: Store, name: str, **iris: Iterable[str]) -> Iterator[dict[str, str]]:
    """The rows of a query in ``queries/writing``, its variable bound to some IRIs."""
    wanted = {variable: sorted(values) for variable, values in iris.items()}
    if not all(wanted.values()):
        return
    answer: dict[str, Any] = json.loads(ask_own(store, f"writing/{name}", **wanted))
    for row in answer["results"]["bindings"]:
        yield {variable: cell["value"] for variable, cell in row.items()}
