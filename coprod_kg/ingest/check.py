"""Check of a batch of files: opened, checked in the sandbox, partitioned by organisation.

A workbook that holds the data of several organisations becomes one outcome for each; as parts of
one file they are committed together or not at all.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Final

from coprod_kg.errors import CoprodError, NotConformant, WrongUsage
from coprod_kg.ingest.known import described_elsewhere
from coprod_kg.ingest.locate import in_table
from coprod_kg.ingest.outcome import Checked, Outcome, SubmittedFile
from coprod_kg.ingest.sandbox import Budget, check, open_file
from coprod_kg.model.namespaces import SLUG
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

_HOW_TO_STATE: Final = "--organisation ID, or the field Organisation of the form"
_MOST_EXAMPLES: Final = 3
_N_TRIPLES: Final = "application/n-triples"


@dataclass
class Progress:
    """The progress of a check, and its limit.

    Attributes:
        more: called with the number of further files, or parts of files, to check.
        done: called, from several threads, with the number finished since the last call.
        budget: the time that all checks may take together, where that is limited.
    """

    more: Callable[[int], None] = field(default=lambda count: None)
    done: Callable[[int], None] = field(default=lambda count: None)
    budget: Budget | None = None


def checked_files(
    files: Sequence[Path | SubmittedFile], settings: Settings, progress: Progress
) -> list[Outcome]:
    """Check every file in the sandbox; files that cannot be opened get the reason."""
    opened: list[Outcome] = []
    for file in files:
        try:
            sent = file if isinstance(file, SubmittedFile) else open_file(file, settings)
            opened.append(Outcome(sent.name, sent))
        except CoprodError as error:
            opened.append(Outcome(PurePath(str(file)).name, error=error))
    batch = [outcome.sent for outcome in opened if outcome.sent]
    progress.more(len(batch))
    results = iter(check(batch, settings, progress=progress.done, budget=progress.budget))
    outcomes = [
        replace(outcome, checked=next(results)) if outcome.sent else outcome for outcome in opened
    ]
    return [_with_results(outcome) for outcome in _partition(outcomes, settings, progress)]


def _partition(outcomes: list[Outcome], settings: Settings, progress: Progress) -> list[Outcome]:
    """The outcomes with every file of several organisations partitioned, and each part checked."""
    batch = [
        SubmittedFile(outcome.file, content, _N_TRIPLES, name)
        for outcome in outcomes
        for name, content in outcome.checked.parts.items()
    ]
    progress.more(len(batch))
    results = iter(check(batch, settings, progress=progress.done, budget=progress.budget))
    partitioned: list[Outcome] = []
    for outcome in outcomes:
        table = outcome.checked
        if not table.parts or table.positions is None:
            partitioned.append(outcome)
            continue
        table_findings = table.report.findings
        for name in table.parts:
            part = next(results)
            shape_findings = in_table(part.report.findings, table.positions, table.headers)
            part = replace(
                part,
                report=Report((*table_findings, *shape_findings)),
                partial=table.partial,
                positions=table.positions,
                headers=table.headers,
            )
            partitioned.append(replace(outcome, organisation=name, checked=part))
            table_findings = ()  # findings on the table are reported once, with its first part
    return partitioned


def _with_results(outcome: Outcome) -> Outcome:
    """The outcome with the report, organisation and refusal of the sandbox's result."""
    sent, checked = outcome.sent, outcome.checked
    if sent is None or checked.refusal:
        return replace(outcome, error=outcome.error or checked.refusal)
    reported = replace(outcome, report=checked.report, triples=checked.triples)
    if reported.organisation:
        sent = replace(sent, organisation=reported.organisation)
    try:
        return replace(reported, organisation=_organisation(sent, checked))
    except WrongUsage as error:
        # Other violations go first: mending them may also settle whose data this is.
        other_faults = any(finding.shape != KNOWN_REFERENCE for finding in _violations(reported))
        return reported if other_faults else replace(reported, error=error)


def _violations(outcome: Outcome) -> list[Finding]:
    return [
        finding for finding in outcome.report.findings if finding.severity is Severity.VIOLATION
    ]


def _organisation(sent: SubmittedFile, checked: Checked) -> str:
    """The organisation that owns the data, by the rules in `coprod_kg.ingest.submit`."""
    described_names = ", ".join(checked.organisations) or "none"
    owner = checked.owner(sent)
    if owner is None and len(checked.runners) > 1 and not checked.partial:
        raise WrongUsage(
            f"several organisations run something in it ({', '.join(checked.runners)}), so "
            "whose data this is must be said",
            where=sent.name,
            fix=f"State the organisation: {_HOW_TO_STATE}.",
        )
    if owner is None:
        raise WrongUsage(
            "whose data this is cannot be told from the file",
            where=sent.name,
            fix=f"State the organisation: {_HOW_TO_STATE}. "
            f"Described in the file: {described_names}.",
        )
    if owner not in checked.organisations or not SLUG.fullmatch(owner):
        raise WrongUsage(
            f"the file describes no organisation <id/organisation/{owner}>",
            where=sent.name,
            fix=f"State one that it describes ({described_names}); names are in small letters, "
            "digits and hyphens.",
        )
    return owner


def one_file_each(outcomes: list[Outcome]) -> list[Outcome]:
    """Refuse every file of an organisation that has two: each would undo the other."""
    counts = Counter(outcome.organisation for outcome in outcomes if outcome.organisation)
    return [
        replace(outcome, error=_second_file_refusal(outcome))
        if outcome.organisation and counts[outcome.organisation] > 1
        else outcome
        for outcome in outcomes
    ]


def _second_file_refusal(outcome: Outcome) -> WrongUsage:
    return WrongUsage(
        f"there is more than one file for the organisation {outcome.organisation}",
        where=outcome.file,
        fix="A file replaces all of an organisation's data: put it into one file.",
    )


def resolved(outcomes: list[Outcome], store: Store | None, settings: Settings) -> list[Outcome]:
    """Take out the findings on things that the store, or another file of this call, describes.

    A refused file takes its resources with it, so this is repeated until nothing changes.
    """
    referred_things = {
        reference.value[1:-1]
        for outcome in outcomes
        for reference in _references(outcome)
        if reference.value
    }
    graphs_of = described_elsewhere(store, referred_things) if store else {}
    stored = _described_in_store(graphs_of, outcomes, f"{settings.base_iri}graph/organisation/")
    refused = {_file(outcome) for outcome in outcomes if not outcome.accepted}
    while True:
        described = stored.union(
            *(outcome.checked.described for outcome in outcomes if _file(outcome) not in refused)
        )
        refused_now = {
            _file(outcome)
            for outcome in outcomes
            if not (outcome.accepted and _without_resolved(outcome, described).report.conforms)
        }
        if refused_now == refused:
            return [_without_resolved(outcome, described) for outcome in outcomes]
        refused = refused_now


def _described_in_store(
    graphs_of: Mapping[str, set[str]], outcomes: list[Outcome], stem: str
) -> set[str]:
    """The resources described in organisations' graphs that this call does not replace."""
    replaced_graphs = {f"{stem}{outcome.organisation}" for outcome in outcomes if outcome.accepted}
    return {
        thing
        for thing, graphs in graphs_of.items()
        if any(graph.startswith(stem) for graph in graphs - replaced_graphs)
    }


def _file(outcome: Outcome) -> object:
    """The key that the parts of one file have in common."""
    return id(outcome.sent) if outcome.sent else id(outcome.error)


def _references(outcome: Outcome) -> list[Finding]:
    return [finding for finding in outcome.report.findings if finding.shape == KNOWN_REFERENCE]


def _without_resolved(outcome: Outcome, described: set[str]) -> Outcome:
    dropped = [
        reference
        for reference in _references(outcome)
        if reference.value and reference.value[1:-1] in described
    ]
    return replace(outcome, report=outcome.report.without(dropped)) if dropped else outcome


def refused_where_unfit(outcomes: list[Outcome]) -> list[Outcome]:
    """Refuse each outcome with a violation, and with it the other parts of its file."""
    judged = [
        replace(outcome, error=_findings_refusal(outcome))
        if outcome.accepted and not outcome.report.conforms
        else outcome
        for outcome in outcomes
    ]
    refused = {_file(outcome) for outcome in judged if not outcome.accepted}
    return [
        replace(outcome, error=_other_parts_refusal(outcome))
        if outcome.accepted and _file(outcome) in refused
        else outcome
        for outcome in judged
    ]


def refused_where_renamed(outcomes: list[Outcome], settings: Settings) -> list[Outcome]:
    """Refuse a table that would rename resources, where no organisation was stated.

    Identifiers are made from the name of the organisation: the sender can only be asked.
    """
    return [
        replace(outcome, error=_renaming_refusal(outcome, settings))
        if outcome.changes.renamed
        and outcome.checked.positions
        and outcome.sent
        and not outcome.sent.organisation
        else outcome
        for outcome in outcomes
    ]


def _renaming_refusal(outcome: Outcome, settings: Settings) -> WrongUsage:
    renamed, stem = outcome.changes.renamed, f"{settings.base_iri}id/"
    examples = [
        f"{new.name} ({new.before.removeprefix(stem)} would be {new.iri.removeprefix(stem)})"
        for new in renamed[:_MOST_EXAMPLES]
    ]
    more = f" and {len(renamed) - _MOST_EXAMPLES} more" if len(renamed) > _MOST_EXAMPLES else ""
    return WrongUsage(
        f"things that are here already would get new identifiers: {', '.join(examples)}{more}",
        where=outcome.file,
        fix="Say whose file it is, as when it was sent before: "
        f"{_HOW_TO_STATE.replace('ID', outcome.organisation or 'ID')}.",
    )


def _findings_refusal(outcome: Outcome) -> NotConformant:
    count = outcome.report.count(Severity.VIOLATION)
    return NotConformant(
        f"{count} finding{'' if count == 1 else 's'} must be mended first",
        where=outcome.file,
        fix="Mend what is marked so, and send the file again.",
    )


def _other_parts_refusal(outcome: Outcome) -> NotConformant:
    return NotConformant(
        f"the rows of {outcome.organisation} are sound, but others in the file are not",
        where=outcome.file,
        fix="A file enters as a whole or not at all: mend the others.",
    )
