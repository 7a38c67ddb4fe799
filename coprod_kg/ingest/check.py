"""Check of a batch of files: opened, checked in the sandbox, partitioned by organisation.

A workbook that holds the data of several organisations becomes one outcome for each; as parts of
one file they are committed together or not at all.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Final

from coprod_kg.errors import CoprodError, NotConformant, WrongUsage
from coprod_kg.ingest.known import described_elsewhere
from coprod_kg.ingest.locate import in_table
from coprod_kg.ingest.outcome import Checked, Outcome, Sent
from coprod_kg.ingest.sandbox import Budget, check, open_file
from coprod_kg.settings import Settings
from coprod_kg.store.base import Store
from coprod_kg.validation.report import Finding, Report, Severity
from coprod_kg.validation.vocabulary import KNOWN_REFERENCE

__all__ = [
    "Progress",
    "checked_files",
    "one_file_each",
    "refused_where_renamed",
    "refused_where_unfit",
    "resolved",
]

_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_HOW: Final = "--organisation ID, or the field Organisation of the form"
_SHOWN: Final = 3
_N_TRIPLES: Final = "application/n-triples"


@dataclass
class Progress:
    """How far a check has come.

    Attributes:
        more: told how many more files or parts of files there are.
        done: told, from several threads, how many more are done.
        budget: how far it may go in all, where there is a limit on that.
    """

    more: Callable[[int], None] = field(default=lambda count: None)
    done: Callable[[int], None] = field(default=lambda count: None)
    budget: Budget | None = None


def checked_files(
    files: Sequence[Path | Sent], settings: Settings, progress: Progress
) -> list[Outcome]:
    """Check every file in the sandbox; files that cannot be opened get the reason."""
    opened: list[Outcome] = []
    for file in files:
        try:
            sent = file if isinstance(file, Sent) else open_file(file, settings)
            opened.append(Outcome(sent.name, sent))
        except CoprodError as error:
            opened.append(Outcome(PurePath(str(file)).name, error=error))
    batch = [outcome.sent for outcome in opened if outcome.sent]
    progress.more(len(batch))
    results = iter(check(batch, settings, progress=progress.done, budget=progress.budget))
    outcomes = [
        replace(outcome, checked=next(results)) if outcome.sent else outcome for outcome in opened
    ]
    return [_told(outcome) for outcome in _parted(outcomes, settings, progress)]


def _parted(outcomes: list[Outcome], settings: Settings, progress: Progress) -> list[Outcome]:
    """The outcomes with every file of several organisations partitioned, and each part checked."""
    batch = [
        Sent(outcome.file, content, _N_TRIPLES, name)
        for outcome in outcomes
        for name, content in outcome.checked.parts.items()
    ]
    progress.more(len(batch))
    results = iter(check(batch, settings, progress=progress.done, budget=progress.budget))
    parted: list[Outcome] = []
    for outcome in outcomes:
        whole = outcome.checked
        if not whole.parts or whole.positions is None:
            parted.append(outcome)
            continue
        told = whole.report.findings
        for name in whole.parts:
            part = next(results)
            shaped = in_table(part.report.findings, whole.positions, whole.headers)
            part = replace(
                part,
                report=Report((*told, *shaped)),
                partial=whole.partial,
                positions=whole.positions,
                headers=whole.headers,
            )
            parted.append(replace(outcome, organisation=name, checked=part))
            told = ()  # what is wrong with the table stands with its first part
    return parted


def _told(outcome: Outcome) -> Outcome:
    """The outcome with what the sandbox said."""
    sent, checked = outcome.sent, outcome.checked
    if sent is None or checked.refusal:
        return replace(outcome, error=outcome.error or checked.refusal)
    told = replace(outcome, report=checked.report, triples=checked.triples)
    if told.organisation:
        sent = replace(sent, organisation=told.organisation)
    try:
        return replace(told, organisation=_organisation(sent, checked))
    except WrongUsage as error:
        # What is wrong in the file itself is told first: it may be why this cannot be told.
        wrong = any(finding.shape != KNOWN_REFERENCE for finding in _violations(told))
        return told if wrong else replace(told, error=error)


def _violations(outcome: Outcome) -> list[Finding]:
    return [
        finding for finding in outcome.report.findings if finding.severity is Severity.VIOLATION
    ]


def _organisation(sent: Sent, checked: Checked) -> str:
    """The organisation whose data it is; `coprod_kg.ingest.submit` says how that is decided."""
    described = ", ".join(checked.organisations) or "none"
    decided = checked.owner(sent)
    if decided is None and len(checked.runners) > 1 and not checked.partial:
        raise WrongUsage(
            f"several organisations run something in it ({', '.join(checked.runners)}), so "
            "whose data this is must be said",
            where=sent.name,
            fix=f"State the organisation: {_HOW}.",
        )
    if decided is None:
        raise WrongUsage(
            "whose data this is cannot be told from the file",
            where=sent.name,
            fix=f"State the organisation: {_HOW}. Described in the file: {described}.",
        )
    if decided not in checked.organisations or not _SLUG.fullmatch(decided):
        raise WrongUsage(
            f"the file describes no organisation <id/organisation/{decided}>",
            where=sent.name,
            fix=f"State one that it describes ({described}); names are in small letters, "
            "digits and hyphens.",
        )
    return decided


def one_file_each(outcomes: list[Outcome]) -> list[Outcome]:
    """Refuse every file of an organisation that has two: each would undo the other."""
    counts = Counter(outcome.organisation for outcome in outcomes if outcome.organisation)
    return [
        replace(outcome, error=_doubled(outcome))
        if outcome.organisation and counts[outcome.organisation] > 1
        else outcome
        for outcome in outcomes
    ]


def _doubled(outcome: Outcome) -> WrongUsage:
    return WrongUsage(
        f"there is more than one file for the organisation {outcome.organisation}",
        where=outcome.file,
        fix="A file replaces all of an organisation's data: put it into one file.",
    )


def resolved(outcomes: list[Outcome], store: Store | None, settings: Settings) -> list[Outcome]:
    """Take out the findings on things that the store, or another file of this call, describes.

    A refused file takes its resources with it, so this is repeated until nothing changes.
    """
    wanted = {
        reference.value[1:-1]
        for outcome in outcomes
        for reference in _references(outcome)
        if reference.value
    }
    known = described_elsewhere(store, wanted) if store else {}
    stored = _stored(known, outcomes, f"{settings.base_iri}graph/organisation/")
    fallen = {_file(outcome) for outcome in outcomes if not outcome.accepted}
    while True:
        described = stored.union(
            *(outcome.checked.described for outcome in outcomes if _file(outcome) not in fallen)
        )
        now = {
            _file(outcome)
            for outcome in outcomes
            if not (outcome.accepted and _without_known(outcome, described).report.conforms)
        }
        if now == fallen:
            return [_without_known(outcome, described) for outcome in outcomes]
        fallen = now


def _stored(known: Mapping[str, set[str]], outcomes: list[Outcome], stem: str) -> set[str]:
    """The resources described in organisations' graphs that this call does not replace."""
    replaced = {f"{stem}{outcome.organisation}" for outcome in outcomes if outcome.accepted}
    return {
        thing
        for thing, graphs in known.items()
        if any(graph.startswith(stem) for graph in graphs - replaced)
    }


def _file(outcome: Outcome) -> object:
    """The key that the parts of one file have in common."""
    return id(outcome.sent) if outcome.sent else id(outcome.error)


def _references(outcome: Outcome) -> list[Finding]:
    return [finding for finding in outcome.report.findings if finding.shape == KNOWN_REFERENCE]


def _without_known(outcome: Outcome, known: set[str]) -> Outcome:
    gone = [
        reference
        for reference in _references(outcome)
        if reference.value and reference.value[1:-1] in known
    ]
    return replace(outcome, report=outcome.report.without(gone)) if gone else outcome


def refused_where_unfit(outcomes: list[Outcome]) -> list[Outcome]:
    """Refuse what has a violation, and with it the other parts of its file."""
    told = [
        replace(outcome, error=_unfit(outcome))
        if outcome.accepted and not outcome.report.conforms
        else outcome
        for outcome in outcomes
    ]
    fallen = {_file(outcome) for outcome in told if not outcome.accepted}
    return [
        replace(outcome, error=_along(outcome))
        if outcome.accepted and _file(outcome) in fallen
        else outcome
        for outcome in told
    ]


def refused_where_renamed(outcomes: list[Outcome], settings: Settings) -> list[Outcome]:
    """Refuse a table that would rename resources, where no organisation was stated.

    Identifiers are made from the name of the organisation: the sender can only be asked.
    """
    return [
        replace(outcome, error=_renaming(outcome, settings))
        if outcome.changes.renamed
        and outcome.checked.positions
        and outcome.sent
        and not outcome.sent.organisation
        else outcome
        for outcome in outcomes
    ]


def _renaming(outcome: Outcome, settings: Settings) -> WrongUsage:
    renamed, stem = outcome.changes.renamed, f"{settings.base_iri}id/"
    shown = [
        f"{new.name} ({new.before.removeprefix(stem)} would be {new.iri.removeprefix(stem)})"
        for new in renamed[:_SHOWN]
    ]
    more = f" and {len(renamed) - _SHOWN} more" if len(renamed) > _SHOWN else ""
    return WrongUsage(
        f"things that are here already would get new identifiers: {', '.join(shown)}{more}",
        where=outcome.file,
        fix="Say whose file it is, as when it was sent before: "
        f"{_HOW.replace('ID', outcome.organisation or 'ID')}.",
    )


def _unfit(outcome: Outcome) -> NotConformant:
    count = outcome.report.count(Severity.VIOLATION)
    return NotConformant(
        f"{count} finding{'' if count == 1 else 's'} must be mended first",
        where=outcome.file,
        fix="Mend what is marked so, and send the file again.",
    )


def _along(outcome: Outcome) -> NotConformant:
    return NotConformant(
        f"the rows of {outcome.organisation} are sound, but others in the file are not",
        where=outcome.file,
        fix="A file enters as a whole or not at all: mend the others.",
    )
