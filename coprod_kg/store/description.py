"""The description of the data that each version carries in its graph ``catalogue``.

A commit describes what it made before it is published, so that a version and what is said of it
can never disagree. What is said beside the numbers comes from a `Describer`, which reads the store
and knows the vocabularies of portals; this module keeps it, the numbers, and the list of the things
that changed.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol, TypeAlias

import pyoxigraph as ox

from coprod_kg.store import merged
from coprod_kg.store.base import Change
from coprod_kg.store.changes import Changed
from coprod_kg.store.counts import count_store, replace_triples, statements, update_counts
from coprod_kg.store.graph_writer import Difference
from coprod_kg.store.graph_writes import (
    differences,
    graph_writes,
    lines_in,
    subjects_in,
    written_graphs,
)
from coprod_kg.store.new_statements import NOTHING_NEW, NewSubjects, new_subjects
from coprod_kg.store.statement_forms import Statements, Subject, Tally
from coprod_kg.store.statistics import (
    COUNTED,
    dataset_node,
    read_statistics,
    statistics_triples,
    write_statistics,
)

__all__ = [
    "Describer",
    "Description",
    "DescriptionChange",
    "Match",
    "VersionToDescribe",
]

Match: TypeAlias = Callable[..., Iterator[ox.Quad]]
"""Finds quads by subject, predicate, object and graph, as a store does."""

_MODEL: Final = "ontology"
_RECORDS: Final = (_MODEL, "provenance", "catalogue", "queries")
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
    """The triples of the description that a version changes, beside its statistics.

    Attributes:
        subjects: subject → all its triples afterwards; none remove the subject.
        removed: triples to remove from subjects that have very many, as a catalogue its members.
        added: triples to add to such; of these, `subjects` replaces only the properties it lists.
    """

    subjects: Mapping[Subject, Sequence[ox.Triple]]
    removed: Sequence[ox.Triple] = ()
    added: Sequence[ox.Triple] = ()


class Describer(Protocol):
    """Works out what is to be said of a version beside its numbers."""

    def __call__(self, version: VersionToDescribe) -> DescriptionChange:
        """The change of the description that the version makes."""
        ...


@dataclass(slots=True)
class Description:
    """Keeps the description of the data up to date while the store is open for writing.

    Attributes:
        store: the store.
        base_iri: where the graphs have their names.
        describe: works out what is said beside the numbers.
        tally: the counts of what is there, or None where they have to be counted anew.
        written: those that are written, or None where that has to be read.
        before: what was said of the subjects that a commit touches before it.
        new: those that it adds, as far as its lines tell.
        differences: of the graphs that it replaces, from what they hold, as far as they are known.
        graphs_by_subject: the graphs in which it touches each.
        new_description: what it puts into the graph of the description in the place of all that
            stands there, or None where it leaves that graph alone.
    """

    store: ox.Store
    base_iri: str
    describe: Describer
    tally: Tally | None = None
    written: Tally | None = None
    before: dict[Subject, Statements] = field(default_factory=dict)
    new: NewSubjects = NOTHING_NEW
    differences: Mapping[str, Difference] = field(default_factory=dict)
    graphs_by_subject: dict[Subject, set[str]] = field(default_factory=dict)
    new_description: bytes | None = None

    @property
    def graph(self) -> ox.NamedNode:
        """Where the description stands."""
        return ox.NamedNode(f"{self.base_iri}graph/catalogue")

    def load_counts(self, version: int) -> None:
        """Take up the counts as they are written, where they are those of the version."""
        numbered = self.store.quads_for_pattern(
            dataset_node(self.base_iri), _VERSION, ox.Literal(str(version)), self.graph
        )
        if next(iter(numbered), None) is not None:
            found = read_statistics(self.store, self.graph, self.base_iri)
            # what a release has written that did not count what leads where is counted anew
            self.tally = found if any(key[:1] == ("leads",) for key in found) else None
            self.written = found.copy()

    def prepare(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Note what is said of the subjects that some changes are about to touch.

        Returns:
            The changes to make, before what they made is described. What replaces the graph of
            the description is put in by `describe_changes`, so that a graph which is to hold nearly
            the same again is neither emptied nor counted anew.
        """
        self._forget()
        changes = self._without_new_description(changes)
        writes = graph_writes(self.store, changes)
        for write in writes:
            for subject in write.subjects:
                self.graphs_by_subject.setdefault(subject, set()).add(write.graph)
        touched = self.graphs_by_subject
        self.before = {subject: statements(self.store, subject) for subject in touched}
        self.new = new_subjects(self.store, lines_in(writes), self.before)
        self.differences = differences(writes)
        return changes

    def _without_new_description(self, changes: Sequence[Change]) -> Sequence[Change]:
        """The changes without the one that replaces the graph of the description."""
        graph = self.graph.value
        written = [lines for name, lines, _ in written_graphs(changes) if name == graph]
        if len(written) != 1 or not any(graph in change.replace for change in changes):
            return changes
        (self.new_description,) = written
        return [
            replace(change, replace={g: told for g, told in change.replace.items() if g != graph})
            for change in changes
        ]

    def _forget(self) -> None:
        self.before, self.graphs_by_subject, self.differences = {}, {}, {}
        self.new, self.new_description = NOTHING_NEW, None

    def describe_changes(
        self, changes: Sequence[Change], version: int, made: datetime, tags: Mapping[str, int]
    ) -> Changed:
        """Describe what the changes made, which are in the store now.

        Args:
            changes: they.
            version: the number of what they made.
            made: when.
            tags: the versions that have a name.

        Returns:
            What they changed.
        """
        graphs = {graph for change in changes for graph in (*change.replace, *change.add)}
        for graph, lines, replaces in written_graphs(changes):
            put_in_later = graph == self.graph.value and self.new_description is not None
            # What is added is provenance, which has no blank nodes. Those of a graph that is
            # replaced get other labels in the engine, so its subjects are read again.
            if replaces and b"_:" in lines and not put_in_later:
                for subject in subjects_in(self.store, graph):
                    self.graphs_by_subject.setdefault(subject, set()).add(graph)
        found = self._changed()
        whole = self.tally is None or self.graph.value in graphs
        if self.tally is None:
            self.tally = count_store(self.store)
        if whole:
            graphs = {str(node.value) for node in merged.named_graphs(self.store)}
        match, names = self.store.quads_for_pattern, tuple(sorted(graphs))
        to_describe = VersionToDescribe(match, self.base_iri, version, made, tags, names, whole)
        if self.written is None or (whole and self.new_description is None):
            self.written = read_statistics(self.store, self.graph, self.base_iri)
        if self.new_description is None:
            self._put(self.describe(to_describe))
        else:
            quads = ox.parse(self.new_description, ox.RdfFormat.N_TRIPLES)
            installed = [quad.triple for quad in quads]
            self._put(_as_all_said(installed))  # first: what is described follows from it
            self._put_whole(self.describe(to_describe), installed)
        self.written = write_statistics(
            self.store, self.graph, self.base_iri, self.tally, self.written
        )
        self._forget()
        return found

    def apply_described(
        self, changes: Sequence[Change], make: Callable[[Sequence[Change]], object]
    ) -> Changed:
        """Have changes made that another machine described, of which the description is a part.

        Args:
            changes: they.
            make: makes them in the store.

        Returns:
            What they changed.
        """
        self.tally = self.written = None  # `load_counts` takes up those that are written then
        self.prepare(changes)  # its result leaves the description out, which comes with these
        make(changes)
        found = self._changed()
        self._forget()
        return found

    def _changed(self) -> Changed:
        """What changed, while the counts are brought up to date."""
        start = f"{self.base_iri}id/"
        # Who sent data is known to those who may see that data; it is no thing that changed.
        records = {f"{self.base_iri}graph/{name}" for name in _RECORDS}
        model = f"{self.base_iri}graph/{_MODEL}"
        before = {subject: self.before.get(subject, ()) for subject in self.graphs_by_subject}
        changed = update_counts(self.store, before, self.tally, new=self.new)
        things, others = list[tuple[str, str, list[str]]](), False
        for subject, kind in changed.items():
            name = subject.value if isinstance(subject, ox.NamedNode) else ""
            graphs = self.graphs_by_subject[subject]
            told = sorted(graphs - records)
            if name.startswith(start) and told:
                things.append((name, kind, told))
            elif told or model in graphs:
                others = True
        return Changed(things, others)

    def _put(self, change: DescriptionChange) -> None:
        removed, added = set(change.removed), set(change.added)
        lists = {triple.subject for triple in (*change.removed, *change.added)}
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
        replace_triples(self.store, self.graph, removed, added, self.tally)

    def _put_whole(self, described: DescriptionChange, installed: Collection[ox.Triple]) -> None:
        """Make the graph hold what is described and installed and the numbers that it holds."""
        wanted = {triple for told in described.subjects.values() for triple in told}
        wanted.update(installed)
        numbers = set(statistics_triples(self.written or Tally(), self.base_iri))
        gone = []
        for quad in self.store.quads_for_pattern(None, None, None, self.graph):
            triple = quad.triple
            if triple in wanted:
                wanted.remove(triple)  # nothing is held twice: there may be a million
            elif triple not in numbers:
                gone.append(triple)
        replace_triples(self.store, self.graph, gone, wanted, self.tally)


def _as_all_said(triples: Iterable[ox.Triple]) -> DescriptionChange:
    """The change after which these statements are all that is said of their subjects."""
    told: dict[Subject, list[ox.Triple]] = {}
    for triple in triples:
        told.setdefault(triple.subject, []).append(triple)
    return DescriptionChange(told)
