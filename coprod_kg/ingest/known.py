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
    "statements_elsewhere",
    "versions",
]

_MOST_THINGS = 2000
"""Things in one query: the text of a query has its limits."""


def statements_elsewhere(store: Store, things: Iterable[str]) -> dict[str, dict[str, Statements]]:
    """For each of these things that an organisation's graph describes, graph → statements."""
    pairs: dict[str, dict[str, set[tuple[str, Any]]]] = {}
    all_things = sorted(things)
    for start in range(0, len(all_things), _MOST_THINGS):
        batch = all_things[start : start + _MOST_THINGS]
        answer = ask_own(store, "writing/described-by", thing=batch)
        rows = parse_query_results(answer, QueryResultsFormat.JSON)
        for row in rows if isinstance(rows, QuerySolutions) else ():
            by_graph = pairs.setdefault(row["thing"].value, {})
            pair = (row["property"].value, normalised(row["value"]))
            for graph in row["graphs"].value.split():
                by_graph.setdefault(graph, set()).add(pair)
    return {
        thing: {graph: frozenset(statements) for graph, statements in graphs.items()}
        for thing, graphs in pairs.items()
    }


def described_elsewhere(store: Store, things: Iterable[str]) -> dict[str, set[str]]:
    """For each of these things that is known, the graphs that describe it."""
    graphs_by_thing: dict[str, set[str]] = {}
    for row in _rows(store, "known-things", thing=things):
        graphs_by_thing.setdefault(row["thing"], set()).add(row["graph"])
    return graphs_by_thing


def last_submissions(store: Store, graphs: Iterable[str]) -> dict[str, tuple[str, str, str, str]]:
    """For each graph the file, model and sender that it comes from, and the kind of submission."""
    return {
        row["graph"]: (row["file"], row["model"], row["sender"], row.get("kind", ""))
        for row in _rows(store, "latest-submissions", graph=graphs)
    }


def labels(store: Store, things: Iterable[str]) -> dict[str, str]:
    """The names for people of things, terms and concepts, in English where there is one."""
    names: dict[str, str] = {}
    for row in _rows(store, "labels", thing=things):
        if row["language"] == "en":
            names[row["thing"]] = row["label"]
        names.setdefault(row["thing"], row["label"])
    return names


def versions(store: Store, submissions: Iterable[str]) -> dict[str, int]:
    """For each of these submissions (IRIs) that entered, the version that first holds it."""
    rows = _rows(store, "versions-of-submissions", submission=submissions)
    return {row["submission"]: int(row["version"]) for row in rows}


def _rows(store: Store, name: str, **iris: Iterable[str]) -> Iterator[dict[str, str]]:
    """The rows of a query in ``queries/writing``, its variable bound to some IRIs."""
    bindings = {variable: sorted(values) for variable, values in iris.items()}
    if not all(bindings.values()):
        return
    answer: dict[str, Any] = json.loads(ask_own(store, f"writing/{name}", **bindings))
    for row in answer["results"]["bindings"]:
        yield {variable: cell["value"] for variable, cell in row.items()}
