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
from coprod_kg.ingest.journal import Journal, JournalEntry, Member, keep_all
from coprod_kg.ingest.known import last_submissions, statements_elsewhere
from coprod_kg.ingest.links import links_apart, replacing_links
from coprod_kg.ingest.merge import graph_of, merged
from coprod_kg.ingest.naming import follow_owners, with_name_hints
from coprod_kg.ingest.outcome import Outcome, Sender, SubmittedFile
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
    "SubmitOptions",
    "SubmittedFile",
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
        progress: is called as the check goes on.
    """

    dry_run: bool = False
    patch: bool = False
    own_only: bool = False
    links_apart: bool = False
    progress: Progress = field(default_factory=Progress)


def submit(
    files: Sequence[Path | SubmittedFile],
    store: Store,
    settings: Settings,
    sender: Sender | None = None,
    options: SubmitOptions | None = None,
) -> list[Outcome]:
    """Read, validate and assess each file, and commit those that are accepted, all at once.

    Args:
        files: the files sent; a path is opened here.
        store: where it goes.
        settings: the limits, the base IRI and the data directory.
        sender: who sends.
        options: the options; by default a commit that replaces the organisation's former data.

    Returns:
        One outcome per file and organisation, in the order given. A refused file keeps no other
        one out, unless the other refers to what only the refused one describes.
    """
    started = datetime.now(UTC)
    checked = checked_files(files, settings, options.progress if options else Progress())
    return submit_checked(checked, started, store, settings, sender, options)


def submit_checked(
    checked: list[Outcome],
    started: datetime,
    store: Store,
    settings: Settings,
    sender: Sender | None = None,
    options: SubmitOptions | None = None,
) -> list[Outcome]:
    """Assess files that were read and validated, and commit as `submit` does.

    Args:
        checked: the outcomes of `coprod_kg.ingest.check.checked_files`.
        started: when it began.
        store: where they go.
        settings: the limits, the base IRI and the data directory.
        sender: who sends.
        options: the options.
    """
    options, sender = options or SubmitOptions(), sender or Sender()
    checked = one_file_each(checked)
    if options.links_apart:
        checked = [replace(outcome, checked=links_apart(outcome.checked)) for outcome in checked]

    def attempt_commit() -> list[Outcome]:
        version = store.version()
        budget = options.progress.budget
        outcomes = merged(checked, store, settings, all_files=options.patch, budget=budget)
        described = (outcome.checked.described for outcome in outcomes if outcome.organisation)
        stored = statements_elsewhere(store, frozenset[str]().union(*described))
        outcomes = owned(outcomes, stored, settings, own_only=options.own_only)
        outcomes = refused_where_unfit(resolved(outcomes, store, settings))
        times, kind = (started, datetime.now(UTC)), "patch" if options.patch else ""
        record = SubmissionRecord(settings.base_iri, sender, Model.installed().digest, times, kind)
        outcomes = _mark_unchanged(outcomes, store, record)
        graphs = _graphs(outcomes, store, settings)
        compared = [
            _with_changes(outcome, original.checked.described, graphs, settings)
            for outcome, original in zip(outcomes, checked, strict=True)
        ]
        outcomes = refused_where_unfit(refused_where_renamed(compared, settings))
        entering = {
            outcome.organisation: outcome.checked
            for outcome in outcomes
            if _enters(outcome) and outcome.organisation
        }
        following = follow_owners(entering, stored, store, settings) if entering else {}
        following = {
            name: relabelled for name, relabelled in following.items() if name not in entering
        }
        outcomes = [
            with_name_hints(outcome, following.values()) if _enters(outcome) else outcome
            for outcome in outcomes
        ]
        if options.dry_run or not entering:
            return outcomes
        relabelled_graphs = {name: data for name, (data, _) in following.items()}
        return _commit(outcomes, store, settings, record, version, graphs, relabelled_graphs)

    return attempt(attempt_commit)


def validate(
    files: Sequence[Path | SubmittedFile], settings: Settings, progress: Progress | None = None
) -> list[Outcome]:
    """Check files without a store: every thing they refer to must be described in one of them."""
    outcomes = one_file_each(checked_files(files, settings, progress or Progress()))
    return refused_where_unfit(resolved(outcomes, None, settings))


def _enters(outcome: Outcome) -> bool:
    return outcome.accepted and not outcome.unchanged and outcome.organisation is not None


def _mark_unchanged(
    outcomes: list[Outcome], store: Store, record: SubmissionRecord
) -> list[Outcome]:
    """Mark the files whose bytes the store holds already, checked with the same model."""
    graphs = {
        record.graph("organisation", outcome.organisation): outcome
        for outcome in outcomes
        if outcome.accepted and outcome.organisation
    }
    latest = last_submissions(store, graphs)
    sender = record.sender.iri(record.base_iri)
    unchanged = {
        outcome.organisation
        for graph, outcome in graphs.items()
        if latest.get(graph)
        == (f"sha256:{outcome.sha256}", f"sha256:{record.model}", sender, record.kind_of(outcome))
    }
    return [
        replace(outcome, unchanged=outcome.accepted and outcome.organisation in unchanged)
        for outcome in outcomes
    ]


def _graphs(outcomes: list[Outcome], store: Store, settings: Settings) -> dict[str, bytes]:
    """The present graph of each organisation that would change, as sorted N-Triples."""
    names = {
        outcome.organisation for outcome in outcomes if _enters(outcome) and outcome.organisation
    }
    stem = f"{settings.base_iri}graph/organisation/"
    stored_graphs = last_submissions(store, [f"{stem}{name}" for name in names])
    return {
        name: graph_of(store, "organisation", name, settings.base_iri)
        if f"{stem}{name}" in stored_graphs
        else b""
        for name in sorted(names)
    }


def _with_changes(
    outcome: Outcome, described: frozenset[str], graphs: Mapping[str, bytes], settings: Settings
) -> Outcome:
    """The outcome with the changes it would make, where it would be committed."""
    graph = graphs.get(outcome.organisation or "")
    if graph is None or not _enters(outcome):
        return outcome
    difference = changes(graph, outcome.checked.statements, described, settings.base_iri)
    if not outcome.checked.partial:  # the sender of a patch knows that the rest stays
        difference = replace(difference, kept=())
    return replace(outcome, changes=difference)


def _commit(
    outcomes: list[Outcome],
    store: Store,
    settings: Settings,
    record: SubmissionRecord,
    version: int,
    graphs: Mapping[str, bytes],
    relabelled_graphs: Mapping[str, bytes],
) -> list[Outcome]:
    """Archive the bytes, write the journal, commit, and write the journal again."""
    journal = Journal(settings.data)
    entering = [outcome for outcome in outcomes if _enters(outcome)]
    sent = {id(outcome.sent): outcome.sent.content for outcome in entering if outcome.sent}
    keep_all(sent.values(), settings.data)
    outcomes = [
        replace(outcome, submission=record.name) if _enters(outcome) else outcome
        for outcome in outcomes
    ]
    entry = JournalEntry(
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
    journal.write(entry)
    change = _change(entering, record, version, relabelled_graphs)
    links = [record.graph("same-as", outcome.organisation or "") for outcome in entering]
    commit = store.commit(replacing_links(change, store, links))
    outcomes = [
        replace(outcome, version=commit.version) if _enters(outcome) else outcome
        for outcome in outcomes
    ]
    journal.write(replace(entry, version=commit.version, report=as_table(outcomes)))
    return outcomes


def _members(
    entering: list[Outcome], graphs: Mapping[str, bytes], journal: Journal
) -> tuple[Member, ...]:
    """What each organisation's graph holds before and after, kept."""
    names = [outcome.organisation or "" for outcome in entering]
    before = journal.keep_graphs([graphs[name] for name in names])
    after = journal.keep_graphs([outcome.checked.data for outcome in entering])
    return tuple(
        Member(outcome.file, name, outcome.sha256 or "", outcome.triples, was, now)
        for outcome, name, was, now in zip(entering, names, before, after, strict=True)
    )


def _change(
    entering: list[Outcome],
    record: SubmissionRecord,
    version: int,
    relabelled_graphs: Mapping[str, bytes],
) -> Change:
    replaced = {
        record.graph("organisation", name): data for name, data in relabelled_graphs.items()
    }
    for outcome in entering:
        name = outcome.organisation or ""
        replaced[record.graph("organisation", name)] = outcome.checked.data
        replaced[record.graph("assessment", name)] = outcome.checked.inferred
        if outcome.checked.links:
            replaced[record.graph("same-as", name)] = outcome.checked.links
    return Change(
        replace=replaced,
        add={f"{record.base_iri}graph/provenance": record.n_triples(entering)},
        activity=record.activity,
        base=version,
        depends_on=tuple(replaced),
    )
