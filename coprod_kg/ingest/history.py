"""What submissions changed, in words, and how one is rolled back.

Rolling one back restores each of its organisations' data as it was just before it, so whatever was
sent since is rolled back too. That is a new version; nothing of the past is rewritten.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import pyoxigraph as ox

from coprod_kg.errors import RequestError
from coprod_kg.ingest.journal import Journal, JournalEntry, Member, keep
from coprod_kg.ingest.known import labels, statements_elsewhere, versions
from coprod_kg.ingest.links import replacing_links
from coprod_kg.ingest.merge import graph_of
from coprod_kg.ingest.naming import follow_owners
from coprod_kg.ingest.outcome import Checked, Outcome, Sender, SubmittedFile
from coprod_kg.ingest.provenance import SubmissionRecord
from coprod_kg.ingest.reported import as_table
from coprod_kg.ingest.sandbox import check
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import expand, last_part
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Store, attempt

__all__ = ["Difference", "differences", "roll_back", "settled"]

_NT: Final = "application/n-triples"
_LABEL: Final = expand("rdfs:label")
_Fact: TypeAlias = tuple[str, str, Any]
"""Subject, property and value."""
_TYPE: Final = expand("rdf:type")


@dataclass(frozen=True, slots=True)
class Difference:
    """What a submission changed about one resource.

    Attributes:
        thing: its name.
        iri: its IRI.
        kind: ``new``, ``gone`` or ``changed``.
        added: the new statements, as pairs of property and value in words.
        removed: the former statements, likewise.
    """

    thing: str
    iri: str
    kind: str
    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """The difference as JSON can hold it."""
        return asdict(self)


def differences(record: JournalEntry, store: Store, settings: Settings) -> list[Difference]:
    """What a submission added and removed, resource by resource, in words."""
    journal = Journal(settings.data)
    before: set[_Fact] = set()
    after: set[_Fact] = set()
    for member in record.members:
        before |= _facts(journal.graph(member.before))
        after |= _facts(journal.graph(member.after))
    added, removed = after - before, before - after
    names = _names([*before, *after], [*added, *removed], store)
    added_facts, removed_facts = _by_thing(added), _by_thing(removed)
    things_before, things_after = {fact[0] for fact in before}, {fact[0] for fact in after}
    return [
        Difference(
            names.get(thing, last_part(thing)),
            thing,
            "new" if thing not in things_before else "changed" if thing in things_after else "gone",
            tuple(_property_values(added_facts.get(thing, []), names)),
            tuple(_property_values(removed_facts.get(thing, []), names)),
        )
        for thing in sorted({*added_facts, *removed_facts})
    ]


def _facts(content: bytes) -> set[_Fact]:
    facts: set[_Fact] = set()
    for quad in ox.parse(content, ox.RdfFormat.N_TRIPLES):
        subject: Any = quad.subject
        facts.add((subject.value, quad.predicate.value, quad.object))
    return facts


def _names(
    all_facts: Iterable[_Fact], changed_facts: Iterable[_Fact], store: Store
) -> dict[str, str]:
    """The names of all that a difference shows."""
    own_names = {
        subject: value.value
        for subject, path, value in sorted(all_facts, key=str)
        if path == _LABEL
    }
    iris: set[str] = set()
    for subject, path, value in changed_facts:
        iris |= {subject, path}
        if isinstance(value, ox.NamedNode):
            iris.add(value.value)
    return {**labels(store, iris - own_names.keys()), **own_names, _LABEL: "name", _TYPE: "is a"}


def _by_thing(facts: Iterable[_Fact]) -> dict[str, list[_Fact]]:
    facts_by_thing: dict[str, list[_Fact]] = {}
    for fact in sorted(facts, key=str):
        facts_by_thing.setdefault(fact[0], []).append(fact)
    return facts_by_thing


def _property_values(facts: Iterable[_Fact], names: dict[str, str]) -> Iterator[tuple[str, str]]:
    for _, path, value in facts:
        text = value.value
        if not isinstance(value, ox.Literal):
            text = names.get(text, text)
        yield names.get(path, last_part(path)), text


def settled(records: Iterable[JournalEntry], store: Store, base_iri: str) -> list[JournalEntry]:
    """Records with the version or the absence of each commit looked up in the store.

    A commit can outlive the process that waited for it, whose record then has no version. The
    provenance that entered with the commit has it.
    """
    all_records = list(records)
    unsettled = {
        f"{base_iri}submission/{record.id}": record for record in all_records if record.unsettled
    }
    version_of = versions(store, unsettled)
    settled_records = {
        record.id: _with_version(record, version_of.get(iri)) for iri, record in unsettled.items()
    }
    return [settled_records.get(record.id, record) for record in all_records]


def _with_version(record: JournalEntry, version: int | None) -> JournalEntry:
    """A record with its version, or without changes where it did not enter."""
    if version is None:
        return replace(record, members=())
    files = [
        {**file, "version": version} if file["submission"] else file
        for file in record.report["files"]
    ]
    report = {**record.report, "version": version, "files": files}
    return replace(record, version=version, report=report)


def roll_back(name: str, store: Store, settings: Settings, sender: Sender) -> JournalEntry:
    """Restore the data of a submission's organisations as it was just before it.

    Args:
        name: the submission.
        store: where the data is.
        settings: the limits, the base IRI and the data directory.
        sender: who rolls it back.

    Returns:
        The record of the submission that this is itself.

    Raises:
        NotFound: there is no such submission.
        RequestError: it changed nothing that could be taken back.
    """
    journal, started = Journal(settings.data), datetime.now(UTC)
    undone = _entry_to_undo(name, journal, store, settings)
    contents = {member.organisation: journal.graph(member.before) for member in undone.members}
    inferred = _inferred(contents, settings)
    times = (started, datetime.now(UTC))
    record = SubmissionRecord(
        settings.base_iri, sender, Model.installed().digest, times, "rollback"
    )
    for data in filter(None, contents.values()):
        keep(data, settings.data)

    def commit() -> JournalEntry:
        version = store.version()
        entering = {name: Checked(data=content) for name, content in contents.items()}
        things = frozenset[str]().union(*(checked.statements for checked in entering.values()))
        stored = statements_elsewhere(store, things)
        following = follow_owners(entering, stored, store, settings)
        graphs = contents | {name: data for name, (data, _) in following.items()}
        outcomes = [_outcome(undone, record, name, graphs[name]) for name in contents]
        members = tuple(_member(outcome, store, settings, journal) for outcome in outcomes)
        entry = JournalEntry(
            record.name, sender.label, started.isoformat(), accepted=True, undoes=name
        )
        entry = replace(entry, members=members)
        journal.write(replace(entry, report=as_table(outcomes)))
        change = _change(outcomes, graphs, inferred, record, version)
        # The journal does not keep the graphs of links, so those from before cannot be restored.
        links = [record.graph("same-as", name) for name in contents]
        result = store.commit(replacing_links(change, store, links))
        outcomes = [replace(outcome, version=result.version) for outcome in outcomes]
        return replace(entry, version=result.version, report=as_table(outcomes))

    entry = attempt(commit)
    journal.write(entry)
    return entry


def _entry_to_undo(name: str, journal: Journal, store: Store, settings: Settings) -> JournalEntry:
    [undone] = settled([journal.read(name)], store, settings.base_iri)
    if not undone.members or undone.version is None:
        raise RequestError(
            f"the submission {name} changed nothing", fix="Only what entered can be taken back."
        )
    return undone


def _inferred(contents: dict[str, bytes], settings: Settings) -> dict[str, bytes]:
    """The conclusions from each organisation's data, by today's rules and profiles."""
    files = [
        SubmittedFile(f"{organisation}.nt", data, _NT, organisation)
        for organisation, data in contents.items()
        if data
    ]
    results = check(files, settings, validates=False)
    return {
        file.organisation or "": result.inferred
        for file, result in zip(files, results, strict=True)
    }


def _outcome(
    undone: JournalEntry, record: SubmissionRecord, organisation: str, data: bytes
) -> Outcome:
    return Outcome(
        f"what was before {undone.id}",
        SubmittedFile(f"{organisation}.nt", data, _NT, organisation),
        organisation,
        triples=data.count(b"\n"),
        submission=record.name,
    )


def _member(outcome: Outcome, store: Store, settings: Settings, journal: Journal) -> Member:
    name, content = outcome.organisation or "", outcome.sent.content if outcome.sent else b""
    graph_now = graph_of(store, "organisation", name, settings.base_iri)
    before, after = journal.keep_graph(graph_now), journal.keep_graph(content)
    return Member(outcome.file, name, outcome.sha256 or "", outcome.triples, before, after)


def _change(
    outcomes: list[Outcome],
    contents: dict[str, bytes],
    inferred: dict[str, bytes],
    record: SubmissionRecord,
    version: int,
) -> Change:
    replaced: dict[str, bytes] = {}
    for organisation, data in contents.items():
        replaced[record.graph("organisation", organisation)] = data
    for outcome in outcomes:  # conclusions of organisations whose labels only follow stay as is
        name = outcome.organisation or ""
        replaced[record.graph("assessment", name)] = inferred.get(name, b"")
    return Change(
        replace=replaced,
        add={f"{record.base_iri}graph/provenance": record.n_triples(outcomes)},
        activity=record.activity,
        base=version,
        depends_on=tuple(replaced),
    )
