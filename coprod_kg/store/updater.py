"""Evaluation of a SPARQL Update on a copy of the newest snapshot, in a child under limits.

The text is a client's, so neither the writer nor a web process parses it. The copy is made of
hard links; what the update changed is found by comparing the graphs that it can have written
before and after, and is then committed like any other change.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import pyoxigraph as ox

from coprod_kg.errors import QueryMemory, QueryRefused, QuerySyntax, StoreUnavailable
from coprod_kg.sandbox import wire
from coprod_kg.sandbox.child import Payloads, PreloadedModule, environment, run, serve
from coprod_kg.sandbox.limits import limited
from coprod_kg.settings import Settings
from coprod_kg.sparql.update_bindings import graph_bindings
from coprod_kg.sparql.update_operations import Operation
from coprod_kg.store import merged
from coprod_kg.store.asked_dataset import found_graphs
from coprod_kg.store.base import Change, Update
from coprod_kg.store.directory import DataDirectory, check_room
from coprod_kg.store.engine_errors import failed, stopped_by, syntax
from coprod_kg.store.federation import Calls, calling
from coprod_kg.store.graph_diff import changed
from coprod_kg.store.plain_text import check_plain
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.views import Views

__all__ = ["bound_graphs", "main", "prepare"]

_MERGED: Final = ox.NamedNode("urn:uuid:4b5d7a1e-52f0-4d9e-8f6b-2f0d2a9a7e35")
"""A graph of the copy, for as long as one operation runs."""
_COMPARING_SECONDS = 600.0
"""How long it may take to find what an update of everything has changed."""


def prepare(update: Update, settings: Settings) -> Change:
    """The change that an update makes, computed by a child process.

    Raises:
        StoreFull: there is no room to work in.
        QuerySyntax: the text is not SPARQL Update.
        QueryTimeout, QueryMemory, QueryTooDeep: it met one of the limits.
        QueryFailed: it cannot be carried out, such as creating a graph that exists.
        ServiceFailed: an endpoint that it calls did not answer.
        EngineFailed: the engine broke down over it.
    """
    seconds = min(update.seconds, settings.query_seconds)
    directory = DataDirectory(settings.data.resolve())
    operations = update.operations or (Operation(update.text),)
    asked = {
        "text": update.text,
        "graphs": update.graphs,
        "calls": update.calls,
        "operations": [operation._asdict() for operation in operations],
        "settings": {**settings.environ(), "COPROD_DATA": str(directory.root)},
    }
    check_room(directory.root, 0)
    with tempfile.TemporaryDirectory(dir=directory.scratch) as scratch:
        ended = run(
            PreloadedModule("coprod_kg.store.updater"),
            lambda file: wire.write(file, {**asked, "scratch": scratch}),
            seconds=seconds + _COMPARING_SECONDS + 60,
            environ={**environment(), **_certificates()},
        )
    os.write(2, ended.stderr)
    stopped = stopped_by(ended.status, "update", seconds, settings.query_memory_mb, ended.panic)
    if stopped is not None:
        raise stopped
    answer = None if ended.status else ended.answer(sys.maxsize)
    if answer is None:
        raise StoreUnavailable(f"the update ended with status {ended.status}")
    message, graphs = answer
    replace = dict(zip(message["replace"], graphs, strict=True))
    for graph in update.kept:
        replace.pop(graph, None)
    return Change(
        replace,
        update.add,
        update.activity,
        message["base"],
        shared_blank_nodes=True,
        depends_on=update.depends_on,
    )


def _certificates() -> dict[str, str]:
    """Where OpenSSL finds the authorities of endpoints that an update calls, if that is set."""
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    return {name: os.environ[name] for name in names if name in os.environ}


def main() -> None:
    """Carry out the update on standard input; write what changed to standard output."""
    serve(_work)


def _work(asked: dict[str, Any], _: list[bytes]) -> Payloads:
    settings = Settings.load(environ=asked["settings"])
    views = Views(Snapshots(DataDirectory(settings.data).snapshots), settings.base_iri)
    reader = views.open(None)
    copy = Path(asked["scratch"]) / "store"
    reader.store.backup(str(copy))
    store = ox.Store(str(copy))
    if settings.default_graph == "strict" and settings.base_iri not in asked["text"]:
        for name in ("provenance", "catalogue"):  # they are kept
            store.remove_graph(ox.NamedNode(f"{settings.base_iri}graph/{name}"))
    with (
        calling(asked["text"], asked["calls"], settings.service_seconds) as calls,
        limited(settings.query_seconds, settings.query_memory_mb),
    ):
        written = _carry_out(store, asked, calls, settings.base_iri)
    with limited(_COMPARING_SECONDS, settings.query_memory_mb):
        graphs = dict(changed(reader.store, store, written, merged.CLIENT_DEFAULT))
        for graph, lines in graphs.items():
            check_plain(lines, graph or None, lambda triple: _is_there(reader.store, triple))
    return {"base": reader.version, "replace": list(graphs)}, graphs.values()


def _is_there(store: ox.Store, triple: ox.Triple) -> bool:
    """Whether any graph has the statement."""
    return any(store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None))


def _carry_out(
    store: ox.Store, asked: Mapping[str, Any], calls: Calls, base_iri: str
) -> set[str] | None:
    """Carry out the operations, which turns the copy into a plain store.

    Returns:
        The only named graphs that they can have written, or None where any may be.
    """
    first, *others = (Operation(**operation) for operation in asked["operations"])
    written: set[str] | None = set(asked["graphs"] or ())

    def run(text: str) -> None:
        nonlocal written
        if asked["graphs"] is None and written is not None:
            bound = bound_graphs(store, text, base_iri)
            written = None if bound is None else written | bound
        try:
            _update(store, text, calls, base_iri)
        except QuerySyntax:  # told again with its place in the whole text
            _update(ox.Store(), asked["text"], calls, base_iri)
            raise

    if in_place := _in_place(store, first):
        run(in_place)
    merged.drop_merge(store)
    for operation in others if in_place else (first, *others):
        run(_merging(store, operation, base_iri))
        store.remove_graph(_MERGED)
    if store.contains_named_graph(merged.CLIENT_DEFAULT):
        raise QueryRefused(f"the graph {merged.CLIENT_DEFAULT} is not written: its name is kept")
    return written


def bound_graphs(store: ox.Store, text: str, base_iri: str) -> set[str] | None:
    """The only named graphs that an operation will write if it is run now, or None: any may be."""
    found = graph_bindings(text)
    if found is None:
        return None
    graphs = {*found.graphs}
    if found.query:
        default, named = map(_nodes, (found.default, found.named))
        try:
            solutions = store.query(
                found.query, base_iri=base_iri, default_graph=default, named_graphs=named
            )
            for solution in cast("ox.QuerySolutions", solutions):
                graphs.update(graph.value for graph in solution if isinstance(graph, ox.NamedNode))
        except (SyntaxError, ValueError, RuntimeError, OSError):
            return None  # what is wrong is told by the update itself
    return graphs - {merged.CLIENT_DEFAULT.value}


def _nodes(iris: Sequence[str] | None) -> Any:
    return None if iris is None else [*map(ox.NamedNode, iris)]


def _in_place(store: ox.Store, operation: Operation) -> str:
    """The text of the first operation where it can read the merge that the version keeps."""
    listed = operation.reads_names and store.contains_named_graph(merged.CLIENT_DEFAULT)
    return "" if listed else operation.in_place


def _merging(store: ox.Store, operation: Operation, base_iri: str) -> str:
    """The text of an operation, once the graphs that it reads merged are one graph of the copy."""
    if operation.graphs_query == "":
        return operation.before_using
    if operation.graphs_query is None:
        sources: Sequence[ox.NamedNode | None] = [None]
        named = [*store.named_graphs()] if operation.reads_names else []
    else:
        sources, named = found_graphs(operation.graphs_query, base_iri)[0], []
    clauses = [f"USING {_MERGED}", *(f"USING NAMED {graph}" for graph in named)]
    for graph in sources:
        quads = store.quads_for_pattern(None, None, None, graph)
        merged.add_quads(store, (merged.in_graph(quad, _MERGED) for quad in quads))
    store.add_graph(_MERGED)
    return " ".join((operation.before_using, *clauses, operation.after_using))


def _update(store: ox.Store, text: str, calls: Calls, base_iri: str) -> None:
    try:
        store.update(calls.addressed(text), base_iri=base_iri)
    except SyntaxError as error:
        raise syntax(str(error), "SPARQL 1.1 Update") from None
    except MemoryError:
        raise QueryMemory("the update needs more memory than it may use") from None
    except (ValueError, RuntimeError, OSError) as error:
        raise calls.failure or failed(error, "update") from None


if __name__ == "__main__":
    main()
