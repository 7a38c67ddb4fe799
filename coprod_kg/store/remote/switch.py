"""The update request that makes the next version of an engine.

Its operations all begin with the same guard: they do something only while the engine holds the
version that the change was made from and the lease is still that of its writer. So a writer that
was paused for too long changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from coprod_kg.store.remote.control import CONTROL, MERGED, State, literal, removing, term

__all__ = ["Patch", "switch"]

_C: Final = f"<{CONTROL}>"
_VERSION, _COMMIT = term("version"), term("commit")
_TOKEN, _HOLDER, _UNTIL = term("token"), term("holder"), term("until")
_CHANGED, _GONE = term("changed"), term("gone")


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
    apart = [MERGED, CONTROL, *(patch.draft for patch in patches if patch.draft)]
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
        # After the others, because it ends what the guard asks for; and the lease with it.
        f"DELETE {{ GRAPH {_C} {{ {_C} {_VERSION} {state.version} ; "
        f"{_COMMIT} {literal(state.commit)} ; {_TOKEN} ?t ; {_HOLDER} ?h ; {_UNTIL} ?u }} }} "
        f"INSERT {{ GRAPH {_C} {{ {_C} {_VERSION} {following} ; {_COMMIT} {literal(commit)} }} }} "
        f"WHERE {{ {guard} GRAPH {_C} {{ {_C} {_TOKEN} ?t ; {_HOLDER} ?h ; {_UNTIL} ?u }} }}",
        *removing(patch.draft for patch in patches if patch.draft),
    ]
    return " ;\n".join(operations)


def _lines(patches: Sequence[Patch], guard: str) -> str:
    """One operation for all lines: what is taken out goes first, so what one adds stays."""
    out, put = list[str](), list[str]()
    for patch in patches:
        out += _in_graph(patch.graph, patch.removed) + _in_graph(MERGED, patch.unmerged)
        put += _in_graph(patch.graph, patch.added) + _in_graph(MERGED, patch.added)
    return f"DELETE {{ {' '.join(out)} }} INSERT {{ {' '.join(put)} }} WHERE {{ {guard} }}"


def _in_graph(graph: str, lines: Iterable[bytes]) -> list[str]:
    told = "\n".join(line.decode() for line in sorted(lines))
    return [f"GRAPH <{graph}> {{\n{told}\n}}"] if told else []


def _exchanged(patch: Patch, guard: str, apart: Sequence[str]) -> list[str]:
    """The operations that put a draft in the place of a graph, and keep the merge.

    The engine itself finds what no other graph holds: blank nodes have no names that we could say.
    """
    graph, merge = f"GRAPH <{patch.graph}> {{ ?s ?p ?o }}", f"GRAPH <{MERGED}> {{ ?s ?p ?o }}"
    others = ", ".join(f"<{name}>" for name in (patch.graph, *apart))
    elsewhere = f"GRAPH ?other {{ ?s ?p ?o }} FILTER(?other NOT IN ({others}))"
    return [
        f"DELETE {{ {merge} }} WHERE {{ {guard} {graph} FILTER NOT EXISTS {{ {elsewhere} }} }}",
        f"DELETE {{ {graph} }} WHERE {{ {guard} {graph} }}",
        f"INSERT {{ {graph} {merge} }} WHERE {{ {guard} GRAPH <{patch.draft}> {{ ?s ?p ?o }} }}",
    ]
