"""The store protocol: query, change, update and commit, free of any engine.

`coprod_kg.store.local` implements it (one writer, snapshots, query workers), alone or paired with
an engine that others run (`coprod_kg.store.remote`). Nothing above this package knows which.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Final, Protocol, Self, TypeVar

from coprod_kg.errors import StoreChanged, VersionGone
from coprod_kg.sparql.update_operations import Operation
from coprod_kg.store.identity import Identity

__all__ = [
    "DEFAULT_GRAPH",
    "EMPTY",
    "NOTHING",
    "Answer",
    "Cancellation",
    "Change",
    "Commit",
    "Hidden",
    "Query",
    "RestrictedStore",
    "Retention",
    "Store",
    "Update",
    "attempt",
]

EMPTY = b"\n"
"""The content of a graph that is there and holds nothing."""

_Made = TypeVar("_Made")
_ATTEMPTS: Final = 10
_PAUSE_SECONDS: Final = 0.02

DEFAULT_GRAPH = ""
"""The IRI that stands for the default graph where graphs are named by IRIs."""


class Cancellation:
    """Cancellation of a query by its client, from another thread than the one that waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether the query was cancelled."""
        return self._cancelled

    def cancel(self) -> None:
        """Cancel the query: nobody waits for its answer any more."""
        with self._lock:
            self._cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], object]) -> None:
        """Have something done when the query is cancelled, or now if that has happened."""
        with self._lock:
            if not self._cancelled:
                self._callbacks.append(callback)
                return
        callback()


@dataclass(frozen=True, slots=True)
class Hidden:
    """The data that does not exist for a client.

    Attributes:
        graphs: the IRIs of graphs, in order.
        record: the IRI of the graph of provenance, in which their submissions are recorded.
        rules: SELECT queries over that graph, asked in turn: every statement from or to an IRI in
            the first column is removed before the next query is asked.
    """

    graphs: tuple[str, ...] = ()
    record: str = ""
    rules: tuple[str, ...] = ()


NOTHING = Hidden()
"""Nothing is hidden."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query for the store.

    Attributes:
        text: SPARQL 1.1 query text.
        media_types: what the client accepts, best first; the store picks the first that fits
            the form of the query (SELECT and ASK, or CONSTRUCT and DESCRIBE).
        default_graphs: IRIs of the protocol's ``default-graph-uri``; they override FROM.
        named_graphs: IRIs of the protocol's ``named-graph-uri``; they override FROM NAMED.
        version: the dataset version to ask, or None for the newest.
        seconds: the deadline.
        union: whether the default graph is the merge of all graphs where nothing else is said.
        dataset_query: None where the text has no FROM; else empty, or where it has more than one, a
            SELECT that finds their graphs as ``?default`` and those of FROM NAMED as ``?named``.
        excluded_graphs: named graphs that are left out of a dataset that nothing else names.
        hidden: what does not exist for this client.
        calls: the calls of other services in the text: the IRI that stands for an endpoint, the
            endpoint or None where it may not be called, and whether the call is SILENT.
        cancellation: the client's cancellation, which releases the worker that computes the answer.
        reserved: whether a worker answers it that is kept from strangers, where there is one.
        sent: the text as the client sent it, where ``text`` is what was admitted of it; None where
            it is still to be admitted (`coprod_kg.queries.ask`).
    """

    text: str
    media_types: tuple[str, ...]
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    version: int | None = None
    seconds: float = 30.0
    union: bool = True
    dataset_query: str | None = None
    excluded_graphs: tuple[str, ...] = ()
    hidden: Hidden = Hidden()  # a frozen value of nothing
    calls: tuple[tuple[str, str | None, bool], ...] = ()
    cancellation: Cancellation | None = field(default=None, compare=False)
    reserved: bool = field(default=False, compare=False)
    sent: str | None = field(default=None, compare=False)


@dataclass(slots=True)
class Answer:
    """The bytes of an answer as they come; close it, or leave its ``with``, to release its worker.

    Attributes:
        media_type: what the bytes are.
        version: the dataset version that was asked.
        length: the number of bytes where the whole answer is known already, else None: then it
            streams, and an answer that fails midway raises one of `coprod_kg.errors` out of
            the iterator.
        chunks: the bytes, once.
        note: what a reader has to know of an answer without rows; empty where there is nothing.
    """

    media_type: str
    version: int
    length: int | None
    chunks: Iterator[bytes]
    note: str = ""

    def read(self) -> bytes:
        """All the bytes at once."""
        with self:
            return b"".join(self.chunks)

    def close(self) -> None:
        """Stop, and release the worker that computes this answer."""
        close = getattr(self.chunks, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Change:
    """The change that one commit makes, all of it or nothing.

    Attributes:
        replace: graph IRI → its whole new content as N-Triples (UTF-8); empty bytes drop it, and
            `EMPTY` leaves it there with nothing in it.
        add: graph IRI → N-Triples to add to what it holds.
        activity: IRI of the activity (PROV-O) that this change comes from.
        base: the version it was made from, where it must not be made from another.
        shared_blank_nodes: whether equal labels mean the same blank node in every graph, those of
            the store among them; otherwise each graph has its own scope.
        depends_on: the IRIs of the only graphs of ``base`` that the change was made from: commits
            that changed others may have come since. None where it was made from all of them.
    """

    replace: Mapping[str, bytes] = field(default_factory=dict)
    add: Mapping[str, bytes] = field(default_factory=dict)
    activity: str | None = None
    base: int | None = None
    shared_blank_nodes: bool = False
    depends_on: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """A SPARQL Update, admitted already.

    Attributes:
        text: SPARQL 1.1 Update text.
        add: graph IRI → N-Triples that go in with what it changes, for its provenance.
        activity: IRI of the activity that it is.
        seconds: the deadline.
        kept: graph IRIs that it leaves as they are, whatever it says.
        graphs: IRIs of the only named graphs that it can write, or None where that is not known:
            then all are compared.
        calls: as in `Query`.
        depends_on: as `Change.depends_on`.
        operations: what it does one by one, where graphs have to be merged on the way; empty
            where the text says all.
    """

    text: str
    add: Mapping[str, bytes] = field(default_factory=dict)
    activity: str | None = None
    seconds: float = 30.0
    kept: tuple[str, ...] = ()
    graphs: tuple[str, ...] | None = None
    calls: tuple[tuple[str, str | None, bool], ...] = ()
    depends_on: tuple[str, ...] | None = None
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class Retention:
    """Why a version is kept.

    Attributes:
        names: its tags: with one it is always kept.
        cited: how many others were cited after it, or None where it was not cited.
        newer: how many versions are newer.
    """

    names: tuple[str, ...]
    cited: int | None
    newer: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that will survive: it is on disk, and visible to every later question.

    Attributes:
        version: the number of the dataset version that first holds it.
    """

    version: int


class Store(Protocol):
    """A versioned set of named graphs.

    What another engine may not be able to do it refuses, and never does by halves: data that is
    hidden (`Query.hidden`), a change that says what it was made from (`Change.base`), an update.
    One that keeps no older versions has only the newest in `versions`.
    """

    def version(self) -> int:
        """The newest version that can be asked.

        Raises:
            StoreUnavailable: nobody answers.
        """
        ...

    def versions(self) -> tuple[int, ...]:
        """The versions that can be asked, oldest first."""
        ...

    def identity(self) -> Identity:
        """The lineage of the versions."""
        ...

    def cite(self, version: int) -> None:
        """Note that a version was cited, so that it is kept.

        Raises:
            NotFound: there is no such version yet.
            VersionGone: it is not kept.
        """
        ...

    def kept(self, version: int) -> Retention:
        """Why a version is kept."""
        ...

    def query(self, query: Query) -> Answer:
        """Ask.

        Raises:
            QuerySyntax: the text is not SPARQL; ``where`` names line and column.
            NotAcceptable: no media type fits the form of the query.
            NotFound: there is no such version yet.
            VersionGone: the version asked for is not kept.
            QueryTimeout: the deadline passed.
            QueryMemory: the memory cap was hit.
            QueryTooDeep: the query is nested deeper than the engine can follow.
            QueryFailed: it cannot be carried out.
            ServiceFailed: an endpoint that it calls did not answer.
            EngineFailed: the engine broke down over it.
            Overloaded: no worker became free in time.
            RequestError: the client cancelled the query.
            StoreError: something is hidden from the client, and this engine cannot hide it.
            StoreUnavailable: nobody answers.
        """
        ...

    def commit(self, change: Change) -> Commit:
        """Make the change durable and visible, then return.

        Raises:
            StoreUnavailable: nobody answers; whether the change was made is not known.
            StoreChanged: what the change was made from has changed since; nothing changed.
            StoreError: the change was refused; nothing changed.
        """
        ...

    def update(self, update: Update) -> Commit:
        """Run an update on the newest version and commit what it changes, all or nothing.

        Raises:
            QuerySyntax: the text is not SPARQL Update.
            QueryTimeout, QueryMemory, QueryTooDeep: it met one of the limits.
            StoreChanged: other commits kept coming in between.
            StoreUnavailable: nobody answers.
        """
        ...


@dataclass(frozen=True, slots=True)
class RestrictedStore:
    """A store of which some data is hidden.

    Commits are not restricted: who may make them is decided by the caller.

    Attributes:
        store: the whole of it.
        hidden: that data.
        reserved: whether workers answer that are kept from strangers.
    """

    store: Store
    hidden: Hidden
    reserved: bool = field(default=False, kw_only=True)

    def version(self) -> int:
        """The newest version that can be asked."""
        return self.store.version()

    def versions(self) -> tuple[int, ...]:
        """The versions that can be asked, oldest first."""
        return self.store.versions()

    def identity(self) -> Identity:
        """The lineage of the versions."""
        return self.store.identity()

    def cite(self, version: int) -> None:
        """Note that a version was cited."""
        self.store.cite(version)

    def kept(self, version: int) -> Retention:
        """Why a version is kept."""
        return self.store.kept(version)

    def query(self, query: Query) -> Answer:
        """Ask what can be seen."""
        reserved = query.reserved or self.reserved
        return self.store.query(replace(query, hidden=self.hidden, reserved=reserved))

    def commit(self, change: Change) -> Commit:
        """Make the change."""
        return self.store.commit(change)

    def update(self, update: Update) -> Commit:
        """Run an update."""
        return self.store.update(update)


def attempt(change: Callable[[], _Made]) -> _Made:
    """Make a change; again where another commit came in between.

    Args:
        change: reads the newest version and commits what it makes of it. It may run several
            times, so it must not read the body of a request, which can be read only once.

    Raises:
        StoreChanged: others were quicker each time; nothing was changed.
    """
    for number in range(1, _ATTEMPTS):
        try:
            return change()
        except (StoreChanged, VersionGone):  # so many commits came between that it is not kept
            # Those who met wait for different times, or they would meet again.
            time.sleep(random.uniform(0, number * _PAUSE_SECONDS))  # noqa: S311 - no secret
    return change()
