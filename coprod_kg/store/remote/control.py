"""The control graph of an engine: which version it holds, who writes, what each version changed.

It is a named graph of the same dataset. No query of a client sees it, because each names its
dataset. A change of the engine is one update request whose operations all begin with the same
guard: they do something only while the engine holds the version that the change was made from and
the lease is still that of its writer. So a writer that was paused for too long changes nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from coprod_kg.errors import QueryTimeout, StoreUnavailable
from coprod_kg.store.merged import UNNAMED
from coprod_kg.store.remote.client import Engine

__all__ = [
    "CONTROL",
    "MERGE",
    "Patch",
    "State",
    "begin",
    "changed_since",
    "clock",
    "drafts",
    "literal",
    "moved",
    "moving",
    "named",
    "read",
    "release",
    "rows",
    "switch",
    "take",
    "version",
]

CONTROL: Final = "urn:uuid:7d0c4a56-6c1b-4d0e-9d4b-3f6f3c0d2b18"
"""The control graph, and the thing in it of which is said what holds for all."""
MERGE: Final = "urn:uuid:c1b0c7de-3a0d-4b0b-8a34-6d1c5f0b7e92"
"""The graph that holds the merge of all graphs (`coprod_kg.store.merged`), kept by the writer."""

_C: Final = f"<{CONTROL}>"


def _term(name: str) -> str:
    return f"<{CONTROL}#{name}>"


_VERSION, _COMMIT, _LINEAGE = _term("version"), _term("commit"), _term("lineage")
_ANCESTORS, _BASE = _term("ancestors"), _term("base-iri")
_TOKEN, _HOLDER, _UNTIL = _term("token"), _term("holder"), _term("until")
_CHANGED, _GONE, _DRAFT = _term("changed"), _term("gone"), _term("draft")
_MOVED: Final = _term("moved")

_STATE: Final = f"""
SELECT * WHERE {{ GRAPH {_C} {{
  {_C} {_VERSION} ?version ; {_COMMIT} ?commit ; {_LINEAGE} ?lineage ;
    {_ANCESTORS} ?ancestors ; {_BASE} ?base .
  OPTIONAL {{ {_C} {_TOKEN} ?token ; {_HOLDER} ?holder ; {_UNTIL} ?until }}
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
    """

    version: int
    commit: str
    lineage: str
    ancestors: tuple[tuple[str, int], ...]
    base_iri: str
    token: str = ""
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """What a version changes in one graph of the engine.

    Attributes:
        graph: its IRI in the engine.
        removed: N-Triples lines to take out.
        added: N-Triples lines to put in.
        unmerged: those taken out that no graph holds any more.
        draft: the IRI of the graph that holds its whole new content, where it is exchanged whole:
            then there are no lines.
        gone: whether the graph is there no longer.
    """

    graph: str
    removed: frozenset[bytes] = frozenset()
    added: frozenset[bytes] = frozenset()
    unmerged: frozenset[bytes] = frozenset()
    draft: str | None = None
    gone: bool = False


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
    for row in rows(engine, _STATE, seconds):
        ancestors = tuple((str(name), int(last)) for name, last in json.loads(row["ancestors"]))
        return State(
            int(row["version"]),
            row["commit"],
            row["lineage"],
            ancestors,
            row["base"],
            row.get("token", ""),
            row.get("holder", ""),
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


def take(engine: Engine, token: str, holder: str, until: datetime) -> None:
    """Take the lease, or make ours last longer; whether it is ours is seen in the state.

    The engine's clock says whether another's has ended.
    """
    engine.update(
        f"DELETE {{ GRAPH {_C} {{ {_C} {_TOKEN} ?t ; {_HOLDER} ?h ; {_UNTIL} ?u }} }} "
        f"INSERT {{ GRAPH {_C} {{ {_C} {_TOKEN} {literal(token)} ; {_HOLDER} {literal(holder)} ; "
        f"{_UNTIL} {_moment(until)} }} }} "
        f"WHERE {{ GRAPH {_C} {{ {_C} {_VERSION} ?v "
        f"OPTIONAL {{ {_C} {_TOKEN} ?t ; {_HOLDER} ?h ; {_UNTIL} ?u }} "
        f"FILTER(!BOUND(?t) || ?t = {literal(token)} || ?u < NOW()) }} }}"
    )


def release(engine: Engine, token: str) -> None:
    """Give the lease back, if it is ours."""
    engine.update(
        f"DELETE {{ GRAPH {_C} {{ {_C} {_TOKEN} ?t ; {_HOLDER} ?h ; {_UNTIL} ?u }} }} "
        f"WHERE {{ GRAPH {_C} {{ {_C} {_TOKEN} ?t ; {_HOLDER} ?h ; {_UNTIL} ?u "
        f"FILTER(?t = {literal(token)}) }} }}"
    )


def clock(engine: Engine) -> datetime:
    """What time it is for the engine."""
    return datetime.fromisoformat(rows(engine, "SELECT (NOW() AS ?now) {}")[0]["now"])


def drafts(engine: Engine, remove: Iterable[str] = (), note: Iterable[str] = ()) -> list[str]:
    """The drafts that writers noted, after some were removed and others noted.

    A draft is noted before it is put in, so that the next writer removes what one left that ended.
    """
    operations = [
        f"DROP SILENT GRAPH <{graph}> ; DELETE DATA {{ GRAPH {_C} {{ {_C} {_DRAFT} <{graph}> }} }}"
        for graph in remove
    ]
    operations += [f"INSERT DATA {{ GRAPH {_C} {{ {_C} {_DRAFT} <{graph}> }} }}" for graph in note]
    if operations:
        engine.update(" ;\n".join(operations))
    found = rows(engine, f"SELECT ?g {{ GRAPH {_C} {{ {_C} {_DRAFT} ?g }} }}")
    return [row["g"] for row in found]


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
    return newest, tuple(sorted(graph for graph in graphs if graph != UNNAMED.value))


def version(engine: Engine) -> int:
    """The newest version; 0 where nothing was ever put there."""
    found = rows(engine, f"SELECT ?v {{ GRAPH {_C} {{ {_C} {_VERSION} ?v }} }}")
    return int(found[0]["v"]) if found else 0


def moved(engine: Engine) -> dict[str, str]:
    """The graphs that `coprod_kg.store.remote.migration` has moved, each with its digest."""
    text = f"SELECT ?g ?digest {{ GRAPH {_C} {{ ?g {_MOVED} ?digest }} }}"
    return {row["g"]: row["digest"] for row in rows(engine, text, 60.0)}


def moving(graph: str, digest: str, version: int) -> str:
    """The operation that notes that a graph was moved."""
    told = f"<{graph}> {_CHANGED} {version} ; {_MOVED} {literal(digest)}"
    return f"INSERT DATA {{ GRAPH {_C} {{ {told} }} }}"


def switch(state: State, token: str, patches: Sequence[Patch], commit: str) -> str:
    """The update that makes the next version of some patches, all of it or nothing.

    Args:
        state: the engine's, from which the change was made.
        token: of the writer.
        patches: what changes.
        commit: the mark of the commit; the engine states it once the update was carried out.
    """
    guard = (
        f"GRAPH {_C} {{ {_C} {_VERSION} {state.version} ; {_COMMIT} {literal(state.commit)} ; "
        f"{_TOKEN} {literal(token)} }}"
    )
    following = state.version + 1
    apart = [MERGE, CONTROL, *(patch.draft for patch in patches if patch.draft)]
    operations = [_lines(patches, guard)]
    for patch in patches:
        if patch.draft is not None:
            operations += _exchanged(patch, guard, apart)
    touched = " ".join(f"<{patch.graph}>" for patch in patches)
    gone = " ".join(f"<{patch.graph}> {_GONE} true ." for patch in patches if patch.gone)
    operations += [
        f"DELETE {{ GRAPH {_C} {{ ?g {_CHANGED} ?n . ?g {_GONE} ?x }} }} "  # noqa: S608  # our terms
        f"INSERT {{ GRAPH {_C} {{ ?g {_CHANGED} {following} }} }} "
        f"WHERE {{ {guard} VALUES ?g {{ {touched} }} "
        f"OPTIONAL {{ GRAPH {_C} {{ ?g {_CHANGED} ?n }} }} "
        f"OPTIONAL {{ GRAPH {_C} {{ ?g {_GONE} ?x }} }} }}",
        *([f"INSERT {{ GRAPH {_C} {{ {gone} }} }} WHERE {{ {guard} }}"] if gone else []),
        # Last, because it ends what the guard asks for; and the lease with it.
        f"DELETE {{ GRAPH {_C} {{ {_C} {_VERSION} {state.version} ; "
        f"{_COMMIT} {literal(state.commit)} ; {_TOKEN} ?t ; {_HOLDER} ?h ; {_UNTIL} ?u }} }} "
        f"INSERT {{ GRAPH {_C} {{ {_C} {_VERSION} {following} ; {_COMMIT} {literal(commit)} }} }} "
        f"WHERE {{ {guard} GRAPH {_C} {{ {_C} {_TOKEN} ?t ; {_HOLDER} ?h ; {_UNTIL} ?u }} }}",
    ]
    return " ;\n".join(operations)


def _lines(patches: Sequence[Patch], guard: str) -> str:
    """One operation for all lines: what is taken out goes first, so what one adds stays."""
    out, put = list[str](), list[str]()
    for patch in patches:
        out += _in_graph(patch.graph, patch.removed) + _in_graph(MERGE, patch.unmerged)
        put += _in_graph(patch.graph, patch.added) + _in_graph(MERGE, patch.added)
    return f"DELETE {{ {' '.join(out)} }} INSERT {{ {' '.join(put)} }} WHERE {{ {guard} }}"


def _in_graph(graph: str, lines: Iterable[bytes]) -> list[str]:
    told = "\n".join(line.decode() for line in sorted(lines))
    return [f"GRAPH <{graph}> {{\n{told}\n}}"] if told else []


def _exchanged(patch: Patch, guard: str, apart: Sequence[str]) -> list[str]:
    """The operations that put a draft in the place of a graph, and keep the merge.

    The engine itself finds what no other graph holds: blank nodes have no names that we could say.
    """
    graph, merge = f"GRAPH <{patch.graph}> {{ ?s ?p ?o }}", f"GRAPH <{MERGE}> {{ ?s ?p ?o }}"
    others = ", ".join(f"<{name}>" for name in (patch.graph, *apart))
    elsewhere = f"GRAPH ?other {{ ?s ?p ?o }} FILTER(?other NOT IN ({others}))"
    return [
        f"DELETE {{ {merge} }} WHERE {{ {guard} {graph} FILTER NOT EXISTS {{ {elsewhere} }} }}",
        f"DELETE {{ {graph} }} WHERE {{ {guard} {graph} }}",
        f"INSERT {{ {graph} {merge} }} WHERE {{ {guard} GRAPH <{patch.draft}> {{ ?s ?p ?o }} }}",
    ]


def _moment(moment: datetime) -> str:
    return f'"{moment.isoformat()}"^^<http://www.w3.org/2001/XMLSchema#dateTime>'
