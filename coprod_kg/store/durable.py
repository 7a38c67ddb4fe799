"""The durable store (RocksDB) and its commits; only the writer process has it open.

A commit is written whole to a journal first, then applied, flushed to disk, and published as a
snapshot; only then is the journal removed and the commit acknowledged. Applying is idempotent
(graphs are replaced whole, additions are sets), so after a crash at any moment the journal, if
it is there, is applied again. pyoxigraph offers no transaction over several calls but SPARQL
Update, which takes 450 MB to insert 100,000 triples; the journal costs one ``fsync`` instead.
"""

import shutil
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyoxigraph as ox

from coprod_kg.errors import QueryTimeout, StoreChanged, StoreError, StoreUnavailable
from coprod_kg.store import merged, write_ahead
from coprod_kg.store.base import Change, Commit
from coprod_kg.store.changes import Changed, write_changes
from coprod_kg.store.description import Describer, Description
from coprod_kg.store.directory import DataDirectory, check_room
from coprod_kg.store.graph_writer import LARGE, GraphWriter
from coprod_kg.store.remote.recovery import check_alone, undo
from coprod_kg.store.snapshots import Snapshots

if TYPE_CHECKING:
    from coprod_kg.store.remote.control import State
    from coprod_kg.store.remote.pair import Pair

__all__ = ["Durable", "open_store"]

_GROWN = 1.5
"""How much larger the store's files are when they are compacted: so all compactions of a store
that grows write three times its size at most."""

_MOST_MANIFEST_GROWTH = 256 << 10
"""By how much the engine's list of files may grow. It is read whenever a version is opened: at
3.5 MB, after some 700 commits, that took 20 of 30 ms."""

_ANY = "*"
"""Stands for all graphs where it is asked whether one of them changed; no IRI is written so."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PROV = "http://www.w3.org/ns/prov#"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_VERSION = ox.NamedNode("http://www.w3.org/ns/dcat#version")


@dataclass(slots=True)
class Durable:
    """The store of one data directory, open for writing.

    Attributes:
        store: the RocksDB store.
        directory: where it lies.
        base_iri: the IRI under which versions and graphs are named.
        keep: how many versions stay queryable.
        keep_cited: how many of the versions that were cited stay so.
        version_at_open: the newest version when the store was opened.
        manifest_bytes: the size of the RocksDB MANIFEST then.
        compacted: how many bytes its files had then, or when they were last compacted.
        touched: for each graph changed since, the last version that changed it.
        description: keeps what each version says of itself, where that is wanted.
        pair: the engine that says which version is the newest, where there is one.
        announce: told of a version that can be opened and is not the newest yet.
    """

    store: ox.Store
    directory: DataDirectory
    base_iri: str
    keep: int
    keep_cited: int = 0
    version_at_open: int = 0
    manifest_bytes: int = 0
    compacted: int = 0
    touched: dict[str, int] = field(default_factory=dict)
    description: Description | None = None
    pair: "Pair | None" = None
    announce: Callable[[int], object] = lambda version: None

    @classmethod
    def open(
        cls,
        directory: DataDirectory,
        base_iri: str,
        keep: int,
        keep_cited: int = 0,
        describe: Describer | None = None,
        pair: "Pair | None" = None,
    ) -> "Durable":
        """Open the store, finish what a crash left unfinished, publish the newest version.

        Args:
            directory: where it lies.
            base_iri: the IRI under which versions and graphs are named.
            keep: how many versions stay queryable.
            keep_cited: how many of the versions that were cited stay so.
            describe: what each version says of itself, beside its numbers.
            pair: the engine that the directory is paired with.

        Raises:
            StoreUnavailable: the store cannot be opened.
        """
        if pair is not None:
            undo(directory)
        else:
            check_alone(directory)
        store = open_store(directory)
        description = Description(store, base_iri, describe) if describe else None
        durable = cls(
            store, directory, base_iri, keep, keep_cited, description=description, pair=pair
        )
        if pair is not None:
            from coprod_kg.store.remote.initial_copy import copied, copy

            pair.join(directory, durable.version() if copied(directory) is None else 0)
            copy(pair, store, directory)
        unfinished = write_ahead.read(directory.journal)
        if unfinished is not None:
            _check_room(directory, unfinished)
            durable._change(unfinished, datetime.now(UTC), again=True)
        elif description is not None:
            description.load_counts(durable.version())
        if not merged.is_current(durable.store, base_iri, durable.version()):
            sys.stderr.write("coprod-kg writer: the merge of all graphs is made anew\n")
            merged.build(durable.store, base_iri, durable.version())
        durable._publish()
        directory.journal.unlink(missing_ok=True)
        durable.follow()
        durable.version_at_open, durable.manifest_bytes = (
            durable.version(),
            _manifest_bytes(directory),
        )
        durable.compacted = _bytes(directory)
        return durable

    @property
    def needs_reopening(self) -> bool:
        """Whether the RocksDB MANIFEST has grown long since the store was opened.

        Each commit adds to it, each version has a copy, and only opening the store writes it anew,
        as long as the number of its files asks for.
        """
        return _manifest_bytes(self.directory) - self.manifest_bytes > _MOST_MANIFEST_GROWTH

    def version(self) -> int:
        """The newest version in the store; 0 before the first commit."""
        newest = self.touched.get(_ANY, self.version_at_open) or self._newest_recorded()
        while self._is_recorded(newest + 1):  # the commit that is under way, or another machine's
            newest += 1
        return newest

    def _made(self, version: int) -> datetime | None:
        """When a version was made, as it says itself."""
        node = ox.NamedNode(f"{self.base_iri}version/{version}")
        when = ox.NamedNode(f"{_PROV}generatedAtTime")
        quads = self.store.quads_for_pattern(node, when, None, self._graph("provenance"))
        texts = [quad.object.value for quad in quads if isinstance(quad.object, ox.Literal)]
        return datetime.fromisoformat(texts[0]) if texts else None

    def _newest_recorded(self) -> int:
        """The newest version of all that are recorded."""
        quads = self.store.quads_for_pattern(None, _VERSION, None, self._graph("provenance"))
        numbers = (quad.object for quad in quads)
        return max(
            (int(number.value) for number in numbers if isinstance(number, ox.Literal)), default=0
        )

    def _is_recorded(self, version: int) -> bool:
        node = ox.NamedNode(f"{self.base_iri}version/{version}")
        said = self.store.quads_for_pattern(node, _VERSION, None, self._graph("provenance"))
        return next(iter(said), None) is not None

    def commit(self, changes: Sequence[Change]) -> Commit:
        """Make the changes, in their order, one new version.

        Raises:
            StoreError: one of them holds something other than N-Triples; nothing changed.
            StoreChanged: one was made from an older version; nothing changed.
            StoreFull: there is no room for it; nothing changed.
            StoreUnavailable: the engine does not answer; nothing changed.
            WrongUsage: the engine cannot keep a graph of that name; nothing changed.
            OSError: the disk or the engine failed midway; the next `open` takes the commit up
                again, or undoes it.
        """
        with self.pair.lease() if self.pair else nullcontext() as state:
            if state is not None:
                self._follow(state)
            return self._commit(changes, state)

    def _commit(self, changes: Sequence[Change], state: "State | None") -> Commit:
        version, touched, made = self.version() + 1, set[str](), datetime.now(UTC)
        for change in changes:
            self._check_base(change, version - 1, touched)
            _check(change)
            if self.pair is not None:
                self.pair.check(change)
            touched |= change.replace.keys() | change.add.keys() | {_ANY}
        steps = (*changes, self._record(version, changes, made))
        _check_room(self.directory, steps)
        write_ahead.write(self.directory.journal, steps)
        self._change(steps, made)
        if state is not None:
            self._send(state, steps)
        self._compact(steps)
        self._publish()
        self.touched.update(dict.fromkeys(touched, version))
        self.directory.journal.unlink()
        self.snapshots.prune(self.keep, self.keep_cited)
        return Commit(version)

    def _compact(self, changes: Sequence[Change]) -> None:
        """Compact the store's files where a large commit has made them half as large again.

        Each pattern of a query looks into every file that may hold its triples: after a bulk load
        questions took 1.7 times the processor time that they take once the files are compacted.
        """
        there = _bytes(self.directory)
        has_room = shutil.disk_usage(self.directory.root).free > 2 * there
        if _size(changes) >= LARGE and there > _GROWN * self.compacted and has_room:
            self.store.optimize()
            self.compacted = _bytes(self.directory)

    def _send(self, state: "State", steps: Sequence[Change]) -> None:
        """Make the version in the engine, which has no other one after ours yet.

        Raises:
            ConnectionError: it was not made there, or that is not known.
        """
        if self.pair is None:
            return
        described = self.description.graph.value if self.description else None
        before = self.snapshots.open(state.version)
        try:
            self.pair.switch(state, self.pair.patches(before.store, self.store, steps, described))
        except (StoreError, QueryTimeout) as error:
            raise ConnectionError(str(error)) from None
        finally:
            before.close()

    def follow(self) -> None:
        """Take over what other machines committed to the engine; nothing where it is silent.

        Raises:
            OSError: it broke off midway; the next `open` undoes it.
        """
        if self.pair is not None:
            state = self.pair.unless_silent(self.pair.state)
            if state is not None:
                self._follow(state)
                self.pair.share(self.directory)

    def _follow(self, state: "State") -> None:
        mine = self.version()
        if self.pair is None or state.version <= mine:
            return
        write_ahead.write(self.directory.journal, ())
        changed = Changed()
        pieces, known = 0, mine
        try:
            while True:
                for graphs in self.pair.changed_since(mine):
                    changed = self._take_over(Change(graphs))
                    self.touched.update(dict.fromkeys((*graphs, _ANY), state.version))
                    pieces += 1
                after = self.pair.state()
                if after is None or after.commit == state.commit:
                    break
                mine, state = state.version, after  # what was read may be of either
        except (StoreError, QueryTimeout) as error:
            raise ConnectionError(str(error)) from None
        version = self.version()
        if self.description is not None:
            self.description.load_counts(version)
            # of several versions, or pieces of one, it is not known which changed what
            if version == known + 1 and pieces == 1:
                made = self._made(version) or datetime.now(UTC)
                write_changes(self.directory.changes, version, made, changed, again=False)
        self._publish()
        self.directory.journal.unlink()
        self.snapshots.prune(self.keep, self.keep_cited)

    def _take_over(self, change: Change) -> Changed:
        """Make a change that another machine made."""
        make = GraphWriter(self.store).apply
        if self.description is not None:
            return self.description.apply_described([change], make)
        make([change])
        return Changed()

    @property
    def snapshots(self) -> Snapshots:
        """Where the versions are published."""
        return Snapshots(self.directory.snapshots)

    def _check_base(self, change: Change, newest: int, earlier: set[str]) -> None:
        """Refuse a change whose base version has been changed since.

        Args:
            change: the change.
            newest: the newest version.
            earlier: the graphs of the changes before it in the same commit.
        """
        if change.base is None:
            return
        graphs = (_ANY,) if change.depends_on is None else change.depends_on
        changed = (graph in earlier or self.touched.get(graph, 0) > change.base for graph in graphs)
        # What changed before the store was opened is not known: it counts as changed.
        if not self.version_at_open <= change.base <= newest or any(changed):
            raise StoreChanged(
                f"the change was made from version {change.base}, and others have come since",
                fix="Make it again from the newest version.",
            )

    def _publish(self) -> None:
        self.store.flush()  # first: an acknowledged commit must survive a power loss
        self.snapshots.publish(self.store, self.version(), self.announce)

    def _change(self, changes: Sequence[Change], made: datetime, *, again: bool = False) -> None:
        """Apply changes, and describe what they made.

        Args:
            changes: they.
            made: when the version is made.
            again: whether they were applied before, perhaps in part, when the process ended.
        """
        if self.description is None:
            GraphWriter(self.store).apply(changes, again=again)
            return
        described = self.description.prepare(changes)
        GraphWriter(self.store).apply(described, self.description.differences, again=again)
        version = self.version()
        changed = self.description.describe_changes(changes, version, made, self.snapshots.tags())
        write_changes(self.directory.changes, version, made, changed, again=again)

    def _graph(self, name: str) -> ox.NamedNode:
        return ox.NamedNode(f"{self.base_iri}graph/{name}")

    def _record(self, version: int, changes: Sequence[Change], made: datetime) -> Change:
        """The new version as PROV-O: what it came from, and when."""
        node = ox.NamedNode(f"{self.base_iri}version/{version}")
        now = made.isoformat(timespec="milliseconds")

        def prov(name: str) -> ox.NamedNode:
            return ox.NamedNode(_PROV + name)

        def literal(value: str, kind: str) -> ox.Literal:
            return ox.Literal(value, datatype=ox.NamedNode(_XSD + kind))

        triples = [
            ox.Triple(node, ox.NamedNode(f"{_RDF}type"), prov("Entity")),
            ox.Triple(node, _VERSION, literal(str(version), "integer")),
            ox.Triple(node, prov("generatedAtTime"), literal(now, "dateTime")),
        ]
        if version > 1:
            before = ox.NamedNode(f"{self.base_iri}version/{version - 1}")
            triples.append(ox.Triple(node, prov("wasRevisionOf"), before))
        triples += [
            ox.Triple(node, prov("wasGeneratedBy"), ox.NamedNode(change.activity))
            for change in changes
            if change.activity
        ]
        written = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
        return Change(add={self._graph("provenance").value: written or b""})


def open_store(directory: DataDirectory) -> ox.Store:
    """The store of a data directory that is held, open for writing.

    Raises:
        StoreUnavailable: it cannot be opened.
    """
    try:
        return ox.Store(str(directory.store))
    except (OSError, RuntimeError) as error:  # the second for a damaged file
        raise StoreUnavailable(
            f"the store cannot be opened: {error}", where=str(directory.store)
        ) from None


def _size(changes: Sequence[Change]) -> int:
    """The bytes of what some changes write."""
    graphs = [graph for change in changes for graph in (change.replace, change.add)]
    return sum(len(triples) for graph in graphs for triples in graph.values())


def _bytes(directory: DataDirectory) -> int:
    """The size of the engine's files."""
    found = 0
    for path in directory.store.glob("*.sst"):
        with suppress(FileNotFoundError):  # the engine removes those that it has compacted
            found += path.stat().st_size
    return found


def _manifest_bytes(directory: DataDirectory) -> int:
    """The size of the RocksDB MANIFEST, the engine's list of its files."""
    return sum(path.stat().st_size for path in directory.store.glob("MANIFEST-*"))


def _check_room(directory: DataDirectory, changes: Sequence[Change]) -> None:
    """Refuse changes for which the disk lacks room: journal, store's log, files, compaction."""
    check_room(directory.root, 4 * _size(changes))


def _check(change: Change) -> None:
    """Parse every triple before the journal is written.

    What is journalled must be valid, and give the same graph when it is applied again after a
    crash: so nothing is added that has blank nodes.
    """
    for graph, triples in [*change.replace.items(), *change.add.items()]:
        if graph == merged.CLIENT_DEFAULT.value:
            raise StoreError("the name of this graph is kept for the default graph", where=graph)
        try:
            merged.graph_node(graph)
            quads = ox.parse(triples, ox.RdfFormat.N_TRIPLES)
            if graph not in change.add:
                deque(quads, maxlen=0)  # read to its end, for its grammar alone
                continue
            for quad in quads:
                if any(isinstance(term, ox.BlankNode) for term in (quad.subject, quad.object)):
                    raise StoreError("a graph is only added to without blank nodes", where=graph)
        except (SyntaxError, ValueError) as error:
            raise StoreError(f"the change is not N-Triples: {error}", where=graph) from None
