"""The writing road: read, validate, assess, commit; it never parses what was sent itself.

Whose data is it? Each file belongs to one organisation, whose graph it replaces as a whole.
That is the organisation stated with the call; else the one organisation that runs
(``cp:runBy``) every initiative in the file; else the only organisation that the file describes.
Where two or more run everything together, the one that the file is named for. The organisation
must be described in the file, so that a slip in its name cannot open a second graph. Where none
of this decides, the file is refused and its sender asked to state it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePath

from coprod_kg.errors import CoprodError, NotConformant, WrongUsage
from coprod_kg.reading.job import Checked, Sent
from coprod_kg.reading.model import Model
from coprod_kg.reading.sandbox import check, open_file
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Store
from coprod_kg.submitting.keeping import keep
from coprod_kg.submitting.known import described_elsewhere, last_submissions
from coprod_kg.submitting.outcome import Outcome, Sender
from coprod_kg.submitting.provenance import Record
from coprod_kg.validation.report import Finding, Severity
from coprod_kg.validation.vocabulary import KNOWN_REFERENCE

__all__ = ["Outcome", "Sender", "Sent", "submit", "validate"]

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def submit(
    files: Sequence[Path | Sent],
    store: Store,
    settings: Settings,
    sender: Sender | None = None,
    *,
    dry_run: bool = False,
) -> list[Outcome]:
    """Read, validate and assess each file, and commit those that are accepted, all at once.

    Args:
        files: what was sent; a path is opened here.
        store: where it goes.
        settings: the limits, the base IRI and the data directory.
        sender: who sends.
        dry_run: do everything but the commit.

    Returns:
        One outcome per file, in the order given. A refused file keeps no other one out, unless
        the other refers to what only the refused one describes.
    """
    started, sender = datetime.now(UTC), sender or Sender()
    outcomes, checked = _checked(files, settings)
    outcomes = _resolved(outcomes, checked, store, settings)
    outcomes = _refused_where_unfit(outcomes)
    record = Record(settings.base_iri, sender, Model.installed().digest, started, datetime.now(UTC))
    outcomes = _recognised(outcomes, store, record)
    if dry_run or not any(map(_enters, outcomes)):
        return outcomes
    for one in filter(_enters, outcomes):
        if one.sent:
            keep(one.sent.content, settings.data)
    commit = store.commit(_change(outcomes, checked, record))
    return [replace(one, version=commit.version) if _enters(one) else one for one in outcomes]


def validate(files: Sequence[Path | Sent], settings: Settings) -> list[Outcome]:
    """The same without a store: what the files refer to must be in one of them."""
    outcomes, checked = _checked(files, settings)
    return _refused_where_unfit(_resolved(outcomes, checked, None, settings))


def _enters(outcome: Outcome) -> bool:
    return outcome.accepted and not outcome.unchanged


def _checked(
    files: Sequence[Path | Sent], settings: Settings
) -> tuple[list[Outcome], list[Checked]]:
    """Every file through the sandbox; of those that cannot even be opened, the reason."""
    outcomes: list[Outcome] = []
    for one in files:
        try:
            sent = one if isinstance(one, Sent) else open_file(one, settings)
            outcomes.append(Outcome(sent.name, sent))
        except CoprodError as error:
            outcomes.append(Outcome(PurePath(str(one)).name, error=error))
    results = iter(check([one.sent for one in outcomes if one.sent], settings))
    checked = [next(results) if one.sent else Checked() for one in outcomes]
    told = [_told(*both) for both in zip(outcomes, checked, strict=True)]
    return _one_file_each(told), checked


def _told(outcome: Outcome, checked: Checked) -> Outcome:
    """The outcome with what the sandbox said."""
    if outcome.sent is None or checked.refusal:
        return replace(outcome, error=outcome.error or checked.refusal)
    sent, outcome = outcome.sent, replace(outcome, report=checked.report, triples=checked.triples)
    try:
        return replace(outcome, organisation=_organisation(sent, checked))
    except WrongUsage as error:
        return replace(outcome, error=error)


def _organisation(sent: Sent, checked: Checked) -> str:
    """Whose data it is; how that is decided, the module's docstring says."""
    described = ", ".join(checked.organisations) or "none"
    decided = sent.organisation
    stem = PurePath(sent.name).stem
    for candidates in (checked.leads, checked.organisations):
        if decided is None and len(candidates) == 1:
            decided = candidates[0]
        elif decided is None and stem in candidates:
            decided = stem
    if decided is None:
        raise WrongUsage(
            "whose data this is cannot be told from the file",
            where=sent.name,
            fix=f"State the organisation. Described in the file: {described}.",
        )
    if decided not in checked.organisations or not _SLUG.fullmatch(decided):
        raise WrongUsage(
            f"the file describes no organisation <id/organisation/{decided}>",
            where=sent.name,
            fix=f"State one that it describes ({described}); names are in small letters, "
            "digits and hyphens.",
        )
    return decided


def _one_file_each(outcomes: list[Outcome]) -> list[Outcome]:
    """Refuse every file of an organisation that has two: each would undo the other."""
    counts = Counter(one.organisation for one in outcomes if one.organisation)
    return [
        replace(
            one,
            error=WrongUsage(
                f"there is more than one file for the organisation {one.organisation}",
                where=one.file,
                fix="A file replaces all of an organisation's data: put it into one file.",
            ),
        )
        if one.organisation and counts[one.organisation] > 1
        else one
        for one in outcomes
    ]


def _references(outcome: Outcome) -> list[Finding]:
    return [one for one in outcome.report.findings if one.shape == KNOWN_REFERENCE]


def _resolved(
    outcomes: list[Outcome], checked: list[Checked], store: Store | None, settings: Settings
) -> list[Outcome]:
    """Take out the findings on things that the store, or another file of this call, describes.

    A file that falls takes its things with it, so this is done again until nothing changes.
    """
    wanted = {one.value[1:-1] for file in outcomes for one in _references(file) if one.value}
    known = described_elsewhere(store, wanted) if store else {}
    stem = f"{settings.base_iri}graph/organisation/"
    replaced = {f"{stem}{one.organisation}" for one in outcomes if one.accepted}
    stored = {
        thing
        for thing, graphs in known.items()
        if any(one.startswith(stem) for one in graphs - replaced)
    }
    fallen = {place for place, one in enumerate(outcomes) if not one.accepted}
    while True:
        described = stored.union(
            *(one.described for place, one in enumerate(checked) if place not in fallen)
        )
        resolved = [_without_known(one, described) for one in outcomes]
        now = {
            place
            for place, one in enumerate(resolved)
            if not (one.accepted and one.report.conforms)
        }
        if now == fallen:
            return resolved
        fallen = now


def _without_known(outcome: Outcome, known: Iterable[str]) -> Outcome:
    gone = [one for one in _references(outcome) if one.value and one.value[1:-1] in known]
    return replace(outcome, report=outcome.report.without(gone))


def _refused_where_unfit(outcomes: list[Outcome]) -> list[Outcome]:
    return [
        replace(one, error=_unfit(one)) if one.accepted and not one.report.conforms else one
        for one in outcomes
    ]


def _unfit(outcome: Outcome) -> NotConformant:
    count = outcome.report.count(Severity.VIOLATION)
    return NotConformant(
        f"{count} finding{'' if count == 1 else 's'} must be mended first",
        where=outcome.file,
        fix="The report says which.",
    )


def _recognised(outcomes: list[Outcome], store: Store, record: Record) -> list[Outcome]:
    """Mark the files whose very bytes, checked with this very model, are what is there."""
    graphs = {
        record.graph("organisation", one.organisation): one
        for one in outcomes
        if one.accepted and one.organisation
    }
    last = last_submissions(store, graphs)
    sender = record.sender.iri(record.base_iri)
    same = {
        one.organisation
        for graph, one in graphs.items()
        if last.get(graph) == (f"sha256:{one.sha256}", f"sha256:{record.model}", sender)
    }
    return [replace(one, unchanged=one.accepted and one.organisation in same) for one in outcomes]


def _change(outcomes: list[Outcome], checked: list[Checked], record: Record) -> Change:
    replaced: dict[str, bytes] = {}
    for outcome, result in zip(outcomes, checked, strict=True):
        if _enters(outcome) and outcome.organisation:
            replaced[record.graph("organisation", outcome.organisation)] = result.data
            replaced[record.graph("assessment", outcome.organisation)] = result.inferred
    provenance = record.written([one for one in outcomes if _enters(one)])
    return Change(
        replace=replaced,
        add={f"{record.base_iri}graph/provenance": provenance},
        activity=record.activity,
    )
