"""A query worker: a process that answers one query at a time and may die of it.

It reads snapshots and nothing else. Its listening socket is shared with the other workers: the
kernel hands each connection to one that is free, and a newer snapshot is taken up between two
queries. Text that somebody sent is parsed here and nowhere else.
"""

import os
import select
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from coprod_kg.errors import CoprodError, QueryMemory, QueryRefused
from coprod_kg.store import wire
from coprod_kg.store.children import LIFELINE
from coprod_kg.store.engine_errors import syntax
from coprod_kg.store.formats import choose
from coprod_kg.store.limits import limited, no_core_files, peak_memory
from coprod_kg.store.sending import AnswerWriter
from coprod_kg.store.snapshots import Reader, Snapshots

__all__ = ["LISTEN", "main"]

LISTEN = "COPROD_LISTEN"
"""The environment variable with the number of the shared listening socket."""

_REQUEST_SECONDS = 5.0
_WATCH_SECONDS = 0.25
_GROWTH = 256 << 20


@dataclass(slots=True)
class Worker:
    """What one worker process keeps between two queries."""

    snapshots: Snapshots
    base_iri: str
    memory_mb: int
    readers: dict[int, Reader] = field(default_factory=dict)

    def serve(self, connection: socket.socket) -> None:
        """Answer the query that comes over a connection, or die trying."""
        connection.settimeout(_REQUEST_SECONDS)
        wire.send_message(connection, {"pid": os.getpid()})
        request = wire.receive_message(connection)
        connection.settimeout(None)
        writer = AnswerWriter(connection)
        try:
            reader = self._reader(request["version"])  # opening one starts threads: no cap yet
            with _watched(connection), limited(request["seconds"], self.memory_mb):
                self._answer(reader, request, writer)
        except CoprodError as error:
            writer.fail(error)
        except MemoryError:
            writer.fail(QueryMemory("the query needs more memory than it may use"))
        wire.send(connection, wire.END)

    def _answer(self, reader: Reader, request: Mapping[str, Any], writer: AnswerWriter) -> None:
        try:
            results = reader.store.query(
                request["text"], base_iri=self.base_iri, **_dataset(request, reader.store)
            )
            media_type, serialise = choose(results, request["media_types"])
            writer.begin(media_type, reader.version)
            serialise(writer)
        except SyntaxError as error:
            raise syntax(str(error), "SPARQL 1.1") from None
        except (ValueError, RuntimeError) as error:
            raise QueryRefused(f"the query cannot be answered: {error}") from None
        writer.end()

    def _reader(self, wanted: int | None) -> Reader:
        """The snapshot asked for; of those open the current one and the last other one stay."""
        current = self.snapshots.current()
        version = current if wanted is None else wanted
        if version not in self.readers:
            for stale in [one for one in self.readers if one != current]:
                self.readers.pop(stale).close()
            self.readers[version] = self.snapshots.open(version)
        return self.readers[version]


def _dataset(request: Mapping[str, Any], store: ox.Store) -> dict[str, Any]:
    """The RDF dataset of the query (SPARQL 1.1 Protocol, section 2.1.4)."""
    if request["default_graphs"] or request["named_graphs"]:
        return {
            "default_graph": [ox.NamedNode(one) for one in request["default_graphs"]],
            "named_graphs": [ox.NamedNode(one) for one in request["named_graphs"]],
        }
    if request["apart"]:
        return {"named_graphs": [one for one in store.named_graphs() if not _apart(one, request)]}
    return {"use_default_graph_as_union": request["union"]}


def _apart(graph: ox.NamedNode | ox.BlankNode, request: Mapping[str, Any]) -> bool:
    return isinstance(graph, ox.NamedNode) and graph.value in request["apart"]


class _watched:  # noqa: N801 - read as a context
    """Ends this process when the other side of the connection leaves before the end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._done = threading.Event()

    def __enter__(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._connection, getattr(select, "POLLRDHUP", select.POLLHUP))
        while not self._done.is_set():
            left = poll.poll(_WATCH_SECONDS * 1000)
            if left and not self._done.is_set():
                os._exit(0)


def main() -> None:
    """Answer queries until the parent leaves or this process has grown too large."""
    no_core_files()
    listening = socket.socket(fileno=int(os.environ[LISTEN]))
    listening.setblocking(False)
    lifeline = int(os.environ[LIFELINE])
    worker = Worker(
        Snapshots(Path(os.environ["COPROD_DATA"]) / "snapshots"),
        os.environ["COPROD_BASE_IRI"],
        int(os.environ["COPROD_QUERY_MEMORY_MB"]),
    )
    baseline = peak_memory()
    while peak_memory() < baseline + _GROWTH:
        ready, _, _ = select.select([listening.fileno(), lifeline], [], [])
        if lifeline in ready:
            return
        try:
            connection, _ = listening.accept()
        except BlockingIOError:
            continue  # another worker was faster
        with connection:
            try:
                worker.serve(connection)
            except (OSError, EOFError):
                continue  # the asker left


if __name__ == "__main__":
    main()
