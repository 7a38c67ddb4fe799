"""The control graph of an engine: which version it holds, who writes, what each version changed.

It is a named graph of the same dataset. No query of a client sees it, because each names its
dataset.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from coprod_kg.errors import QueryTimeout, StoreUnavailable
from coprod_kg.store.merged import CLIENT_DEFAULT
from coprod_kg.store.remote.client import Engine

__all__ = [
    "CONTROL",
    "MERGED",
    "State",
    "begin",
    "changed_since",
    "is_taken",
    "literal",
    "moved",
    "moving",
    "named",
    "noting",
    "read",
    "release",
    "removing",
    "rows",
    "take",
    "term",
    "version",
]

CONTROL: Final = "urn:uuid:7d0c4a56-6c1b-4d0e-9d4b-3f6f3c0d2b18"
"""The control graph, and the thing in it of which is said what holds for all."""
MERGED: Final = "urn:uuid:c1b0c7de-3a0d-4b0b-8a34-6d1c5f0b7e92"
"""The graph that holds the merge of all graphs (`coprod_kg.store.merged`), kept by the writer."""

_C: Final = f"<{CONTROL}>"


def term(name: str) -> str:
    """What the control graph calls something, as SPARQL writes it."""
    return f"<{CONTROL}#{name}>"


_VERSION, _COMMIT, _LINEAGE = term("version"), term("commit"), term("lineage")
_ANCESTORS, _BASE = term("ancestors"), term("base-iri")
_TOKEN, _HOLDER, _UNTIL = term("token"), term("holder"), term("until")
_CHANGED, _GONE, _DRAFT = term("changed"), term("gone"), term("draft")
_MOVED: Final = term("moved")
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"

_STATE: Final = f"""
SELECT * WHERE {{ GRAPH {_C} {{
  {_C} {_VERSION} ?version ; {_COMMIT} ?commit ; {_LINEAGE} ?lineage ;
    {_ANCESTORS} ?ancestors ; {_BASE} ?base .
  OPTIONAL {{ {_C} {_TOKEN} ?token ; {_HOLDER} ?holder ; {_UNTIL} ?until }}
  OPTIONAL {{ {_C} {_DRAFT} ?draft }}
}} }}"""


@dataclass(frozen=True, slots=True)
class State:
    """What an engine says of itself.

    Attributes:
        version: the newest version.
        commit: the mark of the commit that made it.
        lineage: of the versions, and its ancestors as `coprod_kg.store.identity` has them.
        base_iri: under which things and graphs are named.
        token: the mark of the writer that has the lease, or empty.
        holder: that writer by name.
        drafts: the graphs that writers noted as theirs.
    """

    version: int
    commit: str
    lineage: str
    ancestors: tuple[tuple[str, int], ...]
    base_iri: str
    token: str = ""
    holder: str = ""
    drafts: tuple[str, ...] = ()


def literal(text: str) -> str:
    """A text as SPARQL writes it."""
    return json.dumps(text, ensure_ascii=False)  # every JSON string is one of SPARQL


def rows(engine: Engine, query: str, seconds: float = 10.0) -> list[dict[str, str]]:
    """The rows of a query that names graphs of the engine itself, by variable.

    Raises:
        StoreUnavailable: nobody answers, or what answers is no SPARQL engine.
    """
    try:
        bindings: list[Mapping[str, Any]] = json.loads(engine.query(query, seconds=seconds))[
            "results"
        ]["bindings"]
        return [{name: cell["value"] for name, cell in row.items()} for row in bindings]
    except QueryTimeout as error:
        raise StoreUnavailable(str(error)) from None
    except (ValueError, KeyError, TypeError):
        raise StoreUnavailable(
            f"what answers at {engine.url} is no SPARQL engine of the kind {engine.kind.name}",
            fix="The setting store names its dataset, store-engine its kind.",
        ) from None


def read(engine: Engine, seconds: float = 10.0) -> State | None:
    """The state of the engine, or None where nothing was ever put there.

    Raises:
        StoreUnavailable: nobody answers.
    """
    found = rows(engine, _STATE, seconds)
    drafts = tuple(row["draft"] for row in found if "draft" in row)
    for row in found:
        ancestors = tuple((str(name), int(last)) for name, last in json.loads(row["ancestors"]))
        return State(
            int(row["version"]),
            row["commit"],
            row["lineage"],
            ancestors,
            row["base"],
            row.get("token", ""),
            row.get("holder", ""),
            drafts,
        )
    return None


def begin(engine: Engine, state: State) -> None:
    """Say for the first time what the engine holds; its graphs are there already."""
    engine.update(
        f"INSERT {{ GRAPH {_C} {{ {_C} {_VERSION} {state.version} ; "
        f"{_COMMIT} {literal(state.commit)} ; {_LINEAGE} {literal(state.lineage)} ; "
        f"{_ANCESTORS} {literal(json.dumps(state.ancestors))} ; "
        f"{_BASE} {literal(state.base_iri)} }} }} "
        f"WHERE {{ FILTER NOT EXISTS {{ GRAPH {_C} {{ {_C} {_VERSION} ?v }} }} }}"
    )


def take(engine: Engine, token: str, holder: str, seconds: float) -> None:
    """Take the lease, or make ours last longer; whether it is ours is seen in the state.

    The engine's clock says whether another's has ended, and when this one does.
    """
    # Taken away, because Oxigraph (0.5.13) adds no duration to a time.
    less = f'"{"-" if seconds > 0 else ""}PT{abs(seconds):g}S"^^<{_XSD}dayTimeDuration>'
    engine.update(
        f"DELETE {{ GRAPH {_C} {{ {_C} {_TOKEN} ?t ; {_HOLDER} ?h ; {_UNTIL} ?u }} }} "
        f"INSERT {{ GRAPH {_C} {{ {_C} {_TOKEN} {literal(token)} ; {_HOLDER} {literal(holder)} ; "
        f"{_UNTIL} ?end }} }} "
        f"WHERE {{ GRAPH {_C} {{ {_C} {_VERSION} ?v "
        f"OPTIONAL {{ {_C} {_TOKEN} ?t ; {_HOLDER} ?h ; {_UNTIL} ?u }} "
        f"FILTER(!BOUND(?t) || ?t = {literal(token)} || ?u < NOW()) }} "
        f"BIND(NOW() - {less} AS ?end) }}"
    )


def is_taken(engine: Engine) -> bool:
    """Whether somebody has the lease, by the engine's clock."""
    text = f"SELECT ?u {{ GRAPH {_C} {{ {_C} {_UNTIL} ?u FILTER(?u >= NOW()) }} }}"
    return bool(rows(engine, text))


def release(engine: Engine, token: str) -> None:
    """Give the lease back, if it is ours."""
    engine.update(
        f"DELETE {{ GRAPH {_C} {{ {_C} {_TOKEN} ?t ; {_HOLDER} ?h ; {_UNTIL} ?u }} }} "
        f"WHERE {{ GRAPH {_C} {{ {_C} {_TOKEN} ?t ; {_HOLDER} ?h ; {_UNTIL} ?u "
        f"FILTER(?t = {literal(token)}) }} }}"
    )


def noting(draft: str) -> bytes:
    """The N-Quads that note a draft, so that the next writer removes what one left that ended."""
    return f"<{CONTROL}> {_DRAFT} <{draft}> {_C} .\n".encode()


def removing(drafts: Iterable[str]) -> list[str]:
    """The operations that remove drafts and the notes of them."""
    return [
        f"DROP SILENT GRAPH <{draft}> ; DELETE DATA {{ GRAPH {_C} {{ {_C} {_DRAFT} <{draft}> }} }}"
        for draft in drafts
    ]


def changed_since(engine: Engine, version: int) -> dict[str, bool]:
    """The graphs that versions after this one changed, and whether each is there now."""
    found = rows(
        engine,
        f"SELECT ?g ?gone {{ GRAPH {_C} {{ ?g {_CHANGED} ?n FILTER(?n > {version}) "
        f"OPTIONAL {{ ?g {_GONE} ?gone }} }} }}",
        60.0,
    )
    return {row["g"]: "gone" not in row for row in found}


def named(engine: Engine) -> tuple[int, tuple[str, ...]]:
    """The newest version, and the graphs that have a name for clients, both of one moment."""
    found = rows(
        engine,
        f"SELECT ?v ?g {{ GRAPH {_C} {{ {_C} {_VERSION} ?v "
        f"OPTIONAL {{ ?g {_CHANGED} ?n FILTER NOT EXISTS {{ ?g {_GONE} ?x }} }} }} }}",
    )
    graphs = (row["g"] for row in found if "g" in row)
    newest = int(found[0]["v"]) if found else 0
    return newest, tuple(sorted(graph for graph in graphs if graph != CLIENT_DEFAULT.value))


def version(engine: Engine) -> int:
    """The newest version; 0 where nothing was ever put there."""
    found = rows(engine, f"SELECT ?v {{ GRAPH {_C} {{ {_C} {_VERSION} ?v }} }}")
    return int(found[0]["v"]) if found else 0


def moved(engine: Engine) -> dict[str, str]:
    """The graphs that `coprod_kg.store.remote.migration` has moved, each with its digest."""
    text = f"SELECT ?g ?digest {{ GRAPH {_C} {{ ?g {_MOVED} ?digest }} }}"
    return {row["g"]: row["digest"] for row in rows(engine, text, 60.0)}


def moving(graph: str, digest: str, version: int) -> bytes:
    """The N-Quads that note that a graph was moved."""
    return (
        f'<{graph}> {_CHANGED} "{version}"^^<{_XSD}integer> {_C} .\n'
        f"<{graph}> {_MOVED} {literal(digest)} {_C} .\n"
    ).encode()
