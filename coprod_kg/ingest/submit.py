"""Submission of files: read, validate, assess, commit.

Whose data is it? Each file belongs to one organisation, whose graph it replaces as a whole.
That is the organisation stated with the call (the option, the field of the form, or the token);
else the one organisation that runs (``cp:runBy``) anything in the file, or the only one that it
describes; else one that runs everything and that the file is named for. The organisation must be
described in the file, so that a slip in its name cannot open a second graph. Where several run
something in it, a file of RDF is refused and its sender asked; a workbook is parted, and each of
its organisations gets its own, added to what it has: nothing of anybody is taken away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from coprod_kg.ingest.changes import changes
from coprod_kg.ingest.check import (
    Progress,
    checked_files,
    one_file_each,
    refused_where_renamed,
    refused_where_unfit,
    resolved,
)
from coprod_kg.ingest.journal import Journal, Member, keep
from coprod_kg.ingest.journal import JournalEntry as Kept
from coprod_kg.ingest.known import last_submissions
from coprod_kg.ingest.links import links_apart, replacing_links
from coprod_kg.ingest.merge import graph_of, merged
from coprod_kg.ingest.naming import follow_owners, with_name_hints
from coprod_kg.ingest.outcome import Outcome, Sender, Sent
from coprod_kg.ingest.ownership import owned
from coprod_kg.ingest.provenance import SubmissionRecord
from coprod_kg.ingest.reported import as_table
from coprod_kg.model.installed import Model
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Store, attempt

__all__ = [
    "Outcome",
    "Progress",
    "Sender",
    "Sent",
    "SubmitOptions",
    "submit",
    "submit_checked",
    "validate",
]


@dataclass(frozen=True, slots=True)
class SubmitOptions:
    """How a submission is dealt with.

    Attributes:
        dry_run: do everything but the commit.
        patch: what a file describes replaces those things only, and the rest of the
            organisation's data stays.
        own_only: whether an initiative that only others run is refused: so for a contributor.
        links_apart: whether statements that something is the same as in Wikidata, ROR or GeoNames
            go into a graph of their own: so for a harvest, where nobody here can answer for them.
        progress: told how far the check has come.
    """

    dry_run: bool = False
    patch: bool = False
    own_only: bool = False
    links_apart: bool = False
    progress: Progress = field(default_factory=Progress)


def submit(
    files: Sequence[Path | Sent],
    store: Store,
    settings: Settings,
    sender: Sender | None = None,
    way: SubmitOptions | None = None,
) -> list[Outcome]:
    """Read, validate and assess each file, and commit those that are accepted, all at once.

    Args:
        files: what was sent; a path is opened here.
        store: where it goes.
        settings: the limits, the base IRI and the data directory.
        sender: who sends.
        way: the options; by default a commit that replaces what was there.

    Returns:
        One outcome per file and organisation, in the order given. A refused file keeps no other
        one out, unless the other refers to what only the refused one describes.
    """
    started = datetime.now(UTC)
    read = checked_files(files, settings, way.progress if way else Progress())
    return submit_checked(read, started, store, settings, sender, way)


def submit_checked(
    read: list[Outcome],
    started: datetime,
    store: Store,
    settings: Settings,
    sender: Sender | None = None,
    way: SubmitOptions | None = None,
) -> list[Outcome]:
    """Assess files that were read and validated, and commit as `submit` does.

    Args:
        read: what the check said of each (`coprod_kg.ingest.check.checked_files`).
        started: when it began.
        store: where they go.
        settings: the limits, the base IRI and the data directory.
        sender: who sends.
        way: the options.
    """
    way, sender = way or SubmitOptions(), sender or Sender()
    read = one_file_each(read)
    if way.links_apart:
        read = [replace(outcome, checked=links_apart(outcome.checked)) for outcome in read]

    def enter() -> list[Outcome]:
        version = store.version()
        budget = way.progress.budget
        outcomes = merged(read, store, settings, every=way.patch, budget=budget)
        outcomes = owned(outcomes, store, settings, own_only=way.own_only)
        outcomes = refused_where_unfit(resolved(outcomes, store, settings))
        times, kind = (started, datetime.now(UTC)), "patch" if way.patch else ""
        record = SubmissionRecord(settings.base_iri, sender, Model.installed().digest, times, kind)
        outcomes = _recognised(outcomes, store, record)
        graphs = _graphs(outcomes, store, settings)
        compared = [
            _compared(outcome, before.checked.described, graphs, settings)
            for outcome, before in zip(outcomes, read, strict=True)
        ]
        outcomes = refused_where_unfit(refused_where_renamed(compared, settings))
        entering = {
            outcome.organisation: outcome.checked.data
            for outcome in outcomes
            if _enters(outcome) and outcome.organisation
        }
        following = follow_owners(entering, store, settings) if entering else {}
        following = {name: made for name, made in following.items() if name not in entering}
        outcomes = [
            with_name_hints(outcome, following.values()) if _enters(outcome) else outcome
            for outcome in outcomes
        ]
        if way.dry_run or not entering:
            return outcomes
        others = {name: data for name, (data, _) in following.items()}
        return _committed(outcomes, store, settings, record, version, graphs, others)

    return attempt(enter)


def validate(
    files: Sequence[Path | Sent], settings: Settings, progress: Progress | None = None
) -> list[Outcome]:
    """Check files without a store: what they refer to must be in one of them."""
    outcomes = one_file_each(checked_files(files, settings, progress or Progress()))
    return refused_where_unfit(resolved(outcomes, None, settings))


def _enters(outcome: Outcome) -> bool:
    return outcome.accepted and not outcome.unchanged and outcome.organisation is not None


def _recognised(outcomes: list[Outcome], store: Store, record: SubmissionRecord) -> list[Outcome]:
    """Mark the files whose very bytes, checked with this very model, are what is there."""
    graphs = {
        record.graph("organisation", outcome.organisation): outcome
        for outcome in outcomes
        if outcome.accepted and outcome.organisation
    }
    last = last_submissions(store, graphs)
    sender = record.sender.iri(record.base_iri)
    same = {
        outcome.organisation
        for graph, outcome in graphs.items()
        if last.get(graph)
        == (f"sha256:{outcome.sha256}", f"sha256:{record.model}", sender, record.kind_of(outcome))
    }
    return [
        replace(outcome, unchanged=outcome.accepted and outcome.organisation in same)
        for outcome in outcomes
    ]


def _graphs(outcomes: list[Outcome], store: Store, settings: Settings) -> dict[str, bytes]:
    """The present graph of each organisation that would change, as sorted N-Triples."""
    names = {
        outcome.organisation for outcome in outcomes if _enters(outcome) and outcome.organisation
    }
    stem = f"{settings.base_iri}graph/organisation/"
    there = last_submissions(store, [f"{stem}{name}" for name in names])
    return {
        name: graph_of(store, "organisation", name, settings.base_iri)
        if f"{stem}{name}" in there
        else b""
        for name in sorted(names)
    }


def _compared(
    outcome: Outcome, described: frozenset[str], graphs: Mapping[str, bytes], settings: Settings
) -> Outcome:
    """The outcome with the changes it would make, where it would be committed."""
    now = graphs.get(outcome.organisation or "")
    if now is None or not _enters(outcome):
        return outcome
    told = changes(now, outcome.checked.said, described, settings.base_iri)
    if not outcome.checked.partial:  # a patch was asked for: what stays is what was meant to
        told = replace(told, kept=())
    return replace(outcome, changes=told)


def _committed(
    outcomes: list[Outcome],
    store: Store,
    settings: Settings,
    record: SubmissionRecord,
    version: int,
    graphs: Mapping[str, bytes],
    others: Mapping[str, bytes],
) -> list[Outcome]:
    """Archive the bytes, write the journal, commit, and write the journal again."""
    journal = Journal(settings.data)
    entering = [outcome for outcome in outcomes if _enters(outcome)]
    for sent in {id(outcome.sent): outcome.sent for outcome in entering}.values():
        if sent:
            keep(sent.content, settings.data)
    outcomes = [
        replace(outcome, submission=record.name) if _enters(outcome) else outcome
        for outcome in outcomes
    ]
    kept = Kept(
        record.name,
        record.sender.label,
        record.times[0].isoformat(),
        patch=bool(record.kind),
        accepted=all(outcome.accepted for outcome in outcomes),
        members=_members(entering, graphs, journal),
        report=as_table(outcomes),
    )
    # Before the commit, so that a kill between the two leaves a record without a version, not a
    # version without a record.
    journal.write(kept)
    change = _change(entering, record, version, others)
    links = [record.graph("same-as", outcome.organisation or "") for outcome in entering]
    commit = store.commit(replacing_links(change, store, links))
    outcomes = [
        replace(outcome, version=commit.version) if _enters(outcome) else outcome
        for outcome in outcomes
    ]
    journal.write(replace(kept, version=commit.version, report=as_table(outcomes)))
    return outcomes


def _members(
    entering: list[Outcome], graphs: Mapping[str, bytes], journal: Journal
) -> tuple[Member, ...]:
    """What each organisation's graph holds before and after, kept."""
    members = []
    for outcome in entering:
        name = outcome.organisation or ""
        before = journal.keep_graph(graphs[name])
        after = journal.keep_graph(outcome.checked.data)
        members.append(
            Member(outcome.file, name, outcome.sha256 or "", outcome.triples, before, after)
        )
    return tuple(members)


def _change(
    entering: list[Outcome], record: SubmissionRecord, version: int, others: Mapping[str, bytes]
) -> Change:
    replaced = {record.graph("organisation", name): data for name, data in others.items()}
    for outcome in entering:
        name = outcome.organisation or ""
        replaced[record.graph("organisation", name)] = outcome.checked.data
        replaced[record.graph("assessment", name)] = outcome.checked.inferred
        if outcome.checked.links:
            replaced[record.graph("same-as", name)] = outcome.checked.links
    return Change(
        replace=replaced,
        add={f"{record.base_iri}graph/provenance": record.written(entering)},
        activity=record.activity,
        base=version,
        depends_on=tuple(replaced),
    )
