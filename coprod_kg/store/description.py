"""The description of the data that each version carries in its graph ``catalogue``.

A commit describes what it made before it is published, so that a version and what is said of it
can never disagree. What is said beside the numbers comes from a `Describer`, which reads the store
and knows the vocabularies of portals; this module keeps it, the numbers, and the list of the things
that changed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.base import Change
from coprod_kg.store.counts import counted, exchange, recounted, statements, tallied
from coprod_kg.store.new_statements import (
    NOTHING_NEW,
    NewSubjects,
    new_subjects,
    statements_in,
    subjects_of,
    written_graphs,
)
from coprod_kg.store.statement_forms import Statements, Subject, Tally
from coprod_kg.store.statistics import COUNTED, dataset_node, read_statistics, write_statistics

__all__ = [
    "CopiedDescription",
    "Describer",
    "Description",
    "DescriptionChange",
    "Match",
    "VersionToDescribe",
]

Match: TypeAlias = Callable[..., Iterator[ox.Quad]]
"""Finds quads by subject, predicate, object and graph, as a store does."""

_RECORDS: Final = ("ontology", "provenance", "catalogue", "queries")
_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_EXAMPLE: Final = ox.NamedNode("http://rdfs.org/ns/void#exampleResource")
_REFERRED_TO: Final = (
    ox.NamedNode("http://xmlns.com/foaf/0.1/Agent"),
    ox.NamedNode("http://purl.org/dc/terms/Location"),
    ox.NamedNode("http://xmlns.com/foaf/0.1/Document"),
)
_DERIVED: Final = ox.NamedNode("http://www.w3.org/ns/prov#wasDerivedFrom")
_VERSION: Final = ox.NamedNode("http://www.w3.org/ns/dcat#version")


@dataclass(frozen=True, slots=True)
class VersionToDescribe:
    """What there is to describe.

    Attributes:
        match: finds quads of the store.
        base_iri: where things and graphs have their names.
        number: of the version that is made.
        made: when.
        tags: the versions that have a name: name → version.
        graphs: the graphs that changed; all there are where ``whole``.
        whole: whether all is to be described, not only what changed.
    """

    match: Match
    base_iri: str
    number: int
    made: datetime
    tags: Mapping[str, int]
    graphs: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class DescriptionChange:
    """What is to change in what is said of a version beside its numbers.

    Attributes:
        subjects: subject → all that is said of it; nothing for one that is not there any more.
        removed: what is in a list of many things no more, of which only this is said.
        added: what is in one, likewise; of its subject only the properties that are said change.
    """

    subjects: Mapping[ox.NamedNode, Sequence[ox.Triple]]
    removed: Sequence[ox.Triple] = ()
    added: Sequence[ox.Triple] = ()


class Describer(Protocol):
    """Works out what is to be said of a version beside its numbers."""

    def __call__(self, version: VersionToDescribe) -> DescriptionChange:
        """The change of the description that the version makes."""
        ...


@dataclass(slots=True)
class Description:
    """The keeper of the description while its store is open for writing.

    Attributes:
        store: the store.
        base_iri: where the graphs have their names.
        describe: what is said beside the numbers; where it is None nothing is described.
        tally: the counts of what is there, or None where they have to be counted anew.
        written: those that are written, or None where that has to be read.
        before: what was said of the subjects that a commit touches before it.
        new: those that it adds, as far as its lines tell.
        places: the graphs in which it touches each.
    """

    store: ox.Store
    base_iri: str
    describe: Describer | None
    tally: Tally | None = None
    written: Tally | None = None
    before: dict[Subject, Statements] = field(default_factory=dict)
    new: NewSubjects = NOTHING_NEW
    places: dict[Subject, set[str]] = field(default_factory=dict)

    @property
    def graph(self) -> ox.NamedNode:
        """Where the description stands."""
        return ox.NamedNode(f"{self.base_iri}graph/catalogue")

    def open(self, version: int) -> None:
        """Take up the counts as they are written, where they are those of the version."""
        numbered = self.store.quads_for_pattern(
            dataset_node(self.base_iri), _VERSION, ox.Literal(str(version)), self.graph
        )
        if self.describe and next(iter(numbered), None) is not None:
            found = read_statistics(self.store, self.graph, self.base_iri)
            # what a release has written that did not count what leads where is counted anew
            self.tally = found if any(key[:1] == ("leads",) for key in found) else None

    def look(self, changes: Sequence[Change]) -> None:
        """Note what is said of the subjects that some changes are about to touch."""
        self._forget()
        if self.describe is None:
            return
        lines_by_graph = list(written_graphs(changes))
        added = statements_in(lines_by_graph)
        for graph, lines, replaces in lines_by_graph:
            subjects = subjects_of(lines)
            if replaces:
                subjects |= self._there(graph)
            for subject in subjects:
                self.places.setdefault(subject, set()).add(graph)
        self.before = {subject: statements(self.store, subject) for subject in self.places}
        self.new = new_subjects(self.store, added, self.before)

    def _forget(self) -> None:
        self.before, self.places, self.new = {}, {}, NOTHING_NEW

    def tell(
        self, changes: Sequence[Change], version: int, made: datetime, tags: Mapping[str, int]
    ) -> list[tuple[str, str, list[str]]]:
        """Describe what the changes made, which are in the store now.

        Args:
            changes: they.
            version: the number of what they made.
            made: when.
            tags: the versions that have a name.

        Returns:
            The things that changed: IRI, ``created``, ``updated`` or ``removed``, and the graphs.
        """
        if self.describe is None:
            return []
        graphs = {graph for change in changes for graph in (*change.replace, *change.add)}
        for change in changes:
            for graph, lines in change.replace.items():
                # without blank nodes, which get other labels, the subjects are those of the lines
                for subject in self._there(graph) if b"_:" in lines else ():
                    self.places.setdefault(subject, set()).add(graph)
        found = list(self._changed())
        whole = self.tally is None or self.graph.value in graphs
        if self.tally is None:
            self.tally = counted(self.store)
        if whole:
            graphs = {str(node.value) for node in merged.named_graphs(self.store)}
        to_describe = VersionToDescribe(
            self.store.quads_for_pattern,
            self.base_iri,
            version,
            made,
            tags,
            tuple(sorted(graphs)),
            whole,
        )
        self._put(self.describe(to_describe))
        if whole or self.written is None:
            self.written = read_statistics(self.store, self.graph, self.base_iri)
        self.written = write_statistics(
            self.store, self.graph, self.base_iri, self.tally, self.written
        )
        self._forget()
        return found

    def _there(self, graph: str) -> set[Subject]:
        quads = self.store.quads_for_pattern(None, None, None, merged.graph_node(graph))
        return {quad.subject for quad in quads}

    def _changed(self) -> Iterator[tuple[str, str, list[str]]]:
        """What changed, while the counts are brought up to date."""
        things = f"{self.base_iri}id/"
        # Who sent data is known to those who may see that data; it is no thing that changed.
        records = {f"{self.base_iri}graph/{name}" for name in _RECORDS}
        before = {subject: self.before.get(subject, ()) for subject in self.places}
        changed = recounted(self.store, before, self.tally, new=self.new)
        for subject, kind in changed.items():
            name = subject.value if isinstance(subject, ox.NamedNode) else ""
            told = sorted(self.places[subject] - records)
            if name.startswith(things) and told:
                yield name, kind, told

    def _put(self, change: DescriptionChange) -> None:
        removed, added = set(change.removed), set(change.added)
        lists = {triple.subject for triple in change.added}
        for subject, wanted in change.subjects.items():
            # a list of many things is not read for the few properties beside it
            paths = {triple.predicate for triple in wanted} if subject in lists else {None}
            held = {
                quad.triple
                for path in paths
                for quad in self.store.quads_for_pattern(subject, path, None, self.graph)
                if quad.predicate not in COUNTED
            }
            removed |= held - set(wanted)
            added |= set(wanted) - held
        exchange(self.store, self.graph, removed, added, self.tally)


class CopiedDescription:
    """The description in a copy of a store from which data is taken: it speaks of what is left."""

    def __init__(self, store: ox.Store, base_iri: str) -> None:
        """Read what the copy says of itself, if anything."""
        self._store = store
        self._base_iri = base_iri
        self._graph = ox.NamedNode(f"{base_iri}graph/catalogue")
        self._written = read_statistics(store, self._graph, base_iri)
        self._tally = Tally(self._written)
        for key in (("classes",), ("properties",)):
            del self._tally[key]

    def change(self, subjects: set[Subject], change: Callable[[], object]) -> None:
        """Make a change that touches some subjects only."""
        if self._written:
            tallied(self._store, subjects, self._tally, change)
        else:
            change()

    def leave_out(self, graphs: Iterable[str]) -> None:
        """Say nothing of datasets that come from some graphs, and write the numbers anew."""
        if not self._written:
            return
        names = {
            quad.subject.value
            for graph in graphs
            for quad in self._quads(None, _DERIVED, ox.NamedNode(graph))
            if isinstance(quad.subject, ox.NamedNode)
        }
        self._drop(list(self._naming(names)))
        gone = [
            quad
            for quad in self._quads(None, _EXAMPLE, None)
            if isinstance(quad.object, ox.NamedNode)
            and not any(self._store.quads_for_pattern(quad.object, None, None, merged.MERGED))
        ]
        self._drop(gone)
        # What only those referred to: who sent them, where they are, their pages.
        for kind in _REFERRED_TO:
            for node in {quad.subject for quad in self._quads(None, _TYPE, kind)}:
                if not any(self._quads(None, None, node)):
                    self._drop(list(self._quads(node, None, None)))
        write_statistics(self._store, self._graph, self._base_iri, self._tally, self._written)

    def _quads(self, subject: Any, predicate: ox.NamedNode | None, value: Any) -> Iterator[ox.Quad]:
        return self._store.quads_for_pattern(subject, predicate, value, self._graph)

    def _naming(self, names: set[str]) -> Iterator[ox.Quad]:
        """What is said of some datasets and of their parts, which are names with a fragment."""
        for quad in self._quads(None, None, None) if names else ():
            for node in (quad.subject, quad.object):
                if isinstance(node, ox.NamedNode) and node.value.partition("#")[0] in names:
                    yield quad

    def _drop(self, quads: Iterable[ox.Quad]) -> None:
        exchange(self._store, self._graph, {quad.triple for quad in quads}, (), self._tally)
