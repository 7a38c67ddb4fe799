"""The pairing of a data directory with an engine, as the writer process uses it.

The engine says which version is the newest. A commit takes the lease there, follows what other
machines committed, is applied to the directory, and is sent as one guarded update; only then is it
published here. What a process left that ended in between is undone on the next start, from the
newest snapshot; the engine knows whether the commit was made, and is followed.
"""

import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, TypeVar
from uuid import uuid4

import pyoxigraph as ox

from coprod_kg.errors import QueryTimeout, StoreChanged, StoreError, StoreUnavailable
from coprod_kg.store import merged
from coprod_kg.store.base import DEFAULT_GRAPH, EMPTY, Change
from coprod_kg.store.directory import DataDirectory, write_durably
from coprod_kg.store.graph_writer import quads_of
from coprod_kg.store.identity import FORMAT, Identity
from coprod_kg.store.remote import control, privacy
from coprod_kg.store.remote.client import LARGE, Engine
from coprod_kg.store.remote.control import State
from coprod_kg.store.remote.switch import Patch, switch

__all__ = ["Pair", "content"]

_Made = TypeVar("_Made")
_LEASE_SECONDS: Final = 60.0
_FIRST_SECONDS: Final = 5.0
"""So long it stays with whoever was overtaken."""
_PATIENCE_SECONDS: Final = 20.0
"""How long a commit waits for the lease, and for the engine to say whether it was made."""
_AGAIN_SECONDS: Final = 0.2
_MANY: Final = 100
"""So many graphs take a while, which is said."""
_FETCHED_BYTES: Final = 16 << 20
_LINES_BYTES: Final = 1 << 20
"""From so many bytes of changed lines on a graph is exchanged whole."""


@dataclass(slots=True)
class Pair:
    """The engine that a data directory is paired with.

    Attributes:
        engine: the endpoints.
        base_iri: under which things and graphs are named.
        token: the mark of the directory as a writer: the next process takes up the lease of one
            that was killed. Of a directory one process writes at a time.
        holder: its machine, by name.
        silent: whether the engine did not answer last; said once.
        leased: whether the lease may be ours.
    """

    engine: Engine
    base_iri: str
    token: str
    holder: str = field(default_factory=socket.gethostname)
    silent: bool = False
    leased: bool = False

    @classmethod
    def of(cls, engine: Engine, directory: DataDirectory, base_iri: str) -> "Pair":
        """The pair of an engine and a directory that is held."""
        status = directory.root.stat()
        place = f"{socket.gethostname()} {status.st_dev} {status.st_ino}"
        return cls(engine, base_iri, sha256(place.encode()).hexdigest()[:32])

    def join(self, directory: DataDirectory, version: int) -> None:
        """See that the directory and the engine hold the same data, up to a version.

        An empty directory takes over what the engine holds; an empty pair begins together.

        Args:
            directory: that is opened.
            version: its newest.

        Raises:
            StoreUnavailable: they hold different data, or the engine does not answer and there is
                nothing here to answer from.
        """
        identity = Identity.read(directory.root)
        try:
            state = control.read(self.engine)
        except (StoreError, QueryTimeout) as error:
            if not version:
                raise
            self._say(f"{error} Reading goes on; nothing can be changed until it answers.")
            return
        if state is None:
            if version:
                raise StoreUnavailable(
                    f"the engine at {self.engine.url} holds none of the data in {directory.root}",
                    fix="Put it there: coprod-kg migrate --to the same address.",
                )
            fresh = State(0, "", identity.lineage, identity.ancestors, self.base_iri)
            control.begin(self.engine, fresh)
            state = control.read(self.engine) or fresh  # another machine may have been quicker
        self._check(state, directory)
        write_durably(directory.paired, f"{self.engine.url}\n".encode())
        if state.lineage != identity.lineage:
            if version:
                raise StoreUnavailable(
                    f"the engine at {self.engine.url} holds lineage {state.lineage} of the data, "
                    f"and {directory.root} lineage {identity.lineage}",
                    fix="Serve from an empty directory, which takes over what the engine holds; or "
                    "empty the engine's dataset and run coprod-kg migrate --to.",
                )
            Identity(FORMAT, state.lineage, state.ancestors).write(directory.root)
        elif state.version < version:
            raise StoreUnavailable(
                f"the engine at {self.engine.url} holds version {state.version}, and "
                f"{directory.root} version {version}: the engine was put back to an older state",
                fix="Empty the engine's dataset and run coprod-kg migrate --to, or serve from an "
                "empty directory, which takes over what the engine holds.",
            )

    def state(self) -> State | None:
        """What the engine says of itself."""
        return control.read(self.engine)

    def share(self, directory: DataDirectory) -> None:
        """Keep the list of private organisations the same on all machines."""
        self.unless_silent(lambda: privacy.share(self.engine, directory))

    def _check(self, state: State, directory: DataDirectory) -> None:
        if state.base_iri != self.base_iri:
            raise StoreUnavailable(
                f"the engine at {self.engine.url} names its data under {state.base_iri}, not under "
                f"{self.base_iri}",
                where=str(directory.root),
                fix="Set base-iri to the first.",
            )

    @contextmanager
    def lease(self) -> Iterator[State]:
        """Be the only writer; the state in which the engine is then.

        Raises:
            StoreUnavailable: the engine does not answer, or another machine went on writing.
        """
        self.leased = True
        try:
            state = self._taken()
            if state.drafts:
                self.engine.update(" ;\n".join(control.removing(state.drafts)))
            yield state
        except StoreChanged:
            self._go_first()
            raise
        finally:
            if self.leased:
                with suppress(StoreError, QueryTimeout):  # it ends by itself
                    control.release(self.engine, self.token)

    def _go_first(self) -> None:
        """Keep the lease for a moment after another machine's commit came in between.

        The change is made again at once, from the new version. Without the lease it would be
        overtaken again and again by a machine that commits one change after the other.
        """
        with suppress(StoreError, QueryTimeout):
            control.take(self.engine, self.token, self.holder, _FIRST_SECONDS)
            self.leased = False

    def _taken(self) -> State:
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            control.take(self.engine, self.token, self.holder, _LEASE_SECONDS)
            state = control.read(self.engine)
            if state is None:
                raise StoreUnavailable(
                    f"the engine at {self.engine.url} holds none of this data any more",
                    fix="Put its dataset back, or run coprod-kg migrate --to.",
                )
            if state.token == self.token:
                return state
            taken = True
            while taken:  # only asked: to try would be a write, which holds up whoever has it
                if time.monotonic() > end:
                    raise StoreUnavailable(
                        f"{state.holder} writes to the engine at the moment",
                        fix="Send the change again in a minute.",
                    )
                time.sleep(_AGAIN_SECONDS)
                taken = control.is_taken(self.engine)

    def switch(self, state: State, patches: Sequence[Patch]) -> None:
        """Make the next version of the engine, all of it or nothing.

        Raises:
            ConnectionError: it was not made, or whether it was made is not known.
        """
        commit = str(uuid4())
        failure: Exception | None = None
        try:
            self.engine.update(switch(state, self.token, patches, commit), 600.0)
        except (StoreError, QueryTimeout) as error:
            failure = error  # it may have been carried out all the same
        after = self._answered(lambda: control.read(self.engine))
        if after is None or after.commit != commit:
            raise ConnectionError(
                str(failure or "the lease of the engine had ended, and nothing was changed there")
            )
        self.leased = False  # it ended with the commit

    def _answered(self, ask: Callable[[], _Made]) -> _Made:
        """What the engine says, once it answers.

        Raises:
            ConnectionError: it did not answer for some time.
        """
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return ask()
            except (StoreError, QueryTimeout) as error:
                if time.monotonic() > end:
                    raise ConnectionError(str(error)) from None
            time.sleep(_AGAIN_SECONDS)

    def check(self, change: Change) -> None:
        """Refuse a change that the engine cannot hold.

        Raises:
            WrongUsage: the name of a graph is one that it takes for another.
        """
        self.engine.kind.check_names((*change.replace, *change.add))

    def patches(
        self, before: ox.Store, after: ox.Store, changes: Sequence[Change], described: str | None
    ) -> list[Patch]:
        """What changes made of a store, for the engine; large content is put there as drafts.

        Args:
            before: the newest snapshot.
            after: the store to which they were applied.
            changes: they.
            described: the graph that describes the version, or None.
        """
        replaced = {graph for change in changes for graph in change.replace}
        replaced |= {described} if described else set()
        made = [self._patch(before, after, merged.graph_node(graph)) for graph in sorted(replaced)]
        grown = dict[str, bytes]()
        for change in changes:
            for graph, triples in change.add.items():
                grown[graph] = grown.get(graph, b"") + triples
        for graph, triples in grown.items():
            if graph not in replaced:
                copy = ox.Store()  # spells the terms as the store does
                copy.load(triples, ox.RdfFormat.N_TRIPLES)
                lines = content(copy, merged.MERGED)
                node = merged.graph_node(graph)
                if self.engine.kind.alters(lines.decode()):
                    made.append(self._patch(before, after, node))
                else:
                    made.append(Patch(node.value, added=frozenset(lines.splitlines())))
        return [patch for patch in made if patch is not None]

    def _patch(self, before: ox.Store, after: ox.Store, node: ox.NamedNode) -> Patch | None:
        gone = not after.contains_named_graph(node)
        if gone and not before.contains_named_graph(node):
            return None
        old, new = content(before, node), content(after, node)
        removed = frozenset(old.splitlines()) - frozenset(new.splitlines())
        added = frozenset(new.splitlines()) - frozenset(old.splitlines())
        lines = b"\n".join((*removed, *added))
        if b"_:" in old or b"_:" in new or self._goes_as_data(lines):
            return Patch(node.value, draft=self._draft(new), gone=gone)
        quads = ox.parse(b"\n".join(removed), ox.RdfFormat.N_TRIPLES)
        lost = [quad for quad in quads if merged.in_graph(quad, merged.MERGED) not in after]
        unmerged = frozenset(f"{quad.triple} .".encode() for quad in lost)
        return Patch(node.value, removed, added, unmerged, gone=gone)

    def _goes_as_data(self, lines: bytes) -> bool:
        """Whether lines are too long for an update, or have an IRI that would be altered in one."""
        return len(lines) > _LINES_BYTES or self.engine.kind.alters(lines.decode())

    def _draft(self, triples: bytes) -> str:
        graph = f"urn:uuid:{uuid4()}"
        note = control.noting(graph)
        if len(triples) > LARGE:
            self.engine.add(note)
            self.engine.put(graph, triples)
        else:
            self.engine.add(note + quads_of(triples, ox.NamedNode(graph)))
        return graph

    def changed_since(self, version: int) -> Iterator[dict[str, bytes]]:
        """The graphs that later versions changed, as `fetched` gives them."""
        return self.fetched(control.changed_since(self.engine, version))

    def fetched(self, changed: Mapping[str, bool]) -> Iterator[dict[str, bytes]]:
        """Graphs of the engine, some megabytes at a time, as in `Change.replace`.

        Many new graphs together go into a store in bulk.

        Args:
            changed: the IRI of each in the engine, and whether it is there now.
        """
        if len(changed) > _MANY:
            sys.stderr.write(f"coprod-kg writer: {len(changed)} graphs come from the engine\n")
        graphs, size = dict[str, bytes](), 0
        for graph, there in changed.items():
            name = DEFAULT_GRAPH if graph == merged.CLIENT_DEFAULT.value else graph
            graphs[name] = (self.engine.graph(graph) or EMPTY) if there else b""
            size += len(graphs[name])
            if size > _FETCHED_BYTES:
                yield graphs
                graphs, size = {}, 0
        if graphs:
            yield graphs

    def unless_silent(self, ask: Callable[[], _Made]) -> _Made | None:
        """What the engine says, or None where it is silent, which is said once."""
        try:
            answer = ask()
        except (StoreError, QueryTimeout) as error:
            self._say(str(error))
            return None
        self.silent = False
        return answer

    def _say(self, what: str) -> None:
        if not self.silent:
            sys.stderr.write(f"coprod-kg writer: {what}\n")
        self.silent = True


def content(store: ox.Store, node: ox.NamedNode | ox.DefaultGraph) -> bytes:
    """A graph of a store as N-Triples."""
    return store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=node) or b""
