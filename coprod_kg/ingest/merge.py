"""Merge of a patch: the resources that a file describes are replaced, all others stay.

A resource is replaced with all its statements: those that the file leaves out are removed.
Skolemised blank nodes are removed with the last statement that refers to them.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from coprod_kg.errors import WrongUsage
from coprod_kg.ingest.outcome import Checked, Outcome, SubmittedFile
from coprod_kg.ingest.sandbox import Budget, check
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query, Store
from coprod_kg.validation.report import TABLE, Finding, Report, Severity

__all__ = ["graph_of", "merged"]

_NT: Final = "application/n-triples"
_ALL: Final = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }"


def graph_of(store: Store, kind: str, organisation: str, base_iri: str) -> bytes:
    """An organisation's graph as it is now, as sorted N-Triples."""
    graph = f"{base_iri}graph/{kind}/{organisation}"
    content = store.query(Query(_ALL, (_NT,), default_graphs=(graph,))).read()
    return b"".join(sorted(content.splitlines(keepends=True)))


def merged(
    outcomes: Sequence[Outcome],
    store: Store,
    settings: Settings,
    *,
    all_files: bool,
    budget: Budget | None = None,
) -> list[Outcome]:
    """Merge files into their organisations' graphs, and check the whole again.

    Args:
        outcomes: the checked files.
        store: where the data is.
        settings: the limits and the base IRI.
        all_files: whether all files are, as the sender asked; else only tables with rows of several
            organisations, of which nobody stated whose they are (`Checked.partial`).
        budget: the time that all checks of the call may take together, where there is one.
    """
    batch, indexes = [], []
    for index, outcome in enumerate(outcomes):
        checked = outcome.checked
        if not all_files and not checked.partial:
            continue
        name = _stated(outcome)
        graph = graph_of(store, "organisation", name, settings.base_iri) if name else b""
        # A file that is refused by itself is merged all the same where the store describes its
        # organisation: the store may have what the file lacks.
        if outcome.accepted or f"<{settings.base_iri}id/organisation/{name}> ".encode() in graph:
            if not graph and not all_files:
                continue  # nothing to merge it into
            merged_graph = _merged(graph, checked, f"{settings.base_iri}.well-known/genid/")
            batch.append(SubmittedFile(outcome.file, merged_graph, _NT, name))
            indexes.append(index)
    merged_outcomes = list(outcomes)
    for index, recheck in zip(indexes, check(batch, settings, budget=budget), strict=True):
        outcome, first_check = outcomes[index], outcomes[index].checked
        report = Report(
            _placed_findings(
                outcome.report.findings, recheck.report.findings, first_check.described
            )
        )
        recheck = replace(
            recheck,
            report=report,
            described=recheck.described | first_check.described,
            partial=first_check.partial,
            positions=first_check.positions,
            headers=first_check.headers,
        )
        merged_outcomes[index] = replace(
            outcome,
            organisation=_stated(outcome),
            report=report,
            triples=recheck.triples,
            error=recheck.refusal,
            merged=True,
            checked=recheck,
        )
    return merged_outcomes


def _stated(outcome: Outcome) -> str | None:
    """The organisation; a patch need not describe it where the sender stated it."""
    organisation = outcome.organisation
    usage = isinstance(outcome.error, WrongUsage)
    return (
        outcome.sent.organisation
        if organisation is None and usage and outcome.sent
        else organisation
    )


def _merged(graph: bytes, checked: Checked, nameless: str) -> bytes:
    """The lines of a graph less those on the things a file describes, and the lines of the file."""
    replaced_subjects = {f"<{iri}>".encode() for iri in checked.described}
    lines = [
        line
        for line in graph.splitlines(keepends=True)
        if line.split(b" ", 1)[0] not in replaced_subjects
    ]
    stem = f"<{nameless}".encode()
    # An orphan may have been the only one to refer to another, so until none is left.
    while True:
        referents = {line.rsplit(b" ", 2)[1] for line in lines}
        orphans = {
            subject
            for subject in (line.split(b" ", 1)[0] for line in lines)
            if subject.startswith(stem) and subject not in referents
        }
        if not orphans:
            break
        lines = [line for line in lines if line.split(b" ", 1)[0] not in orphans]
    return b"".join(sorted({*lines, *checked.data.splitlines(keepends=True)}))


def _placed_findings(
    first_findings: Sequence[Finding], new_findings: Sequence[Finding], described: Collection[str]
) -> tuple[Finding, ...]:
    """The findings on the merged graph, with their places in the file.

    On things that only the store described, violations alone are kept: the file does not hold them.
    """
    by_statement = {
        (finding.focus, finding.path, finding.value, finding.shape): finding
        for finding in first_findings
    }
    cells = tuple(finding for finding in first_findings if finding.shape.startswith(TABLE))
    return (
        *cells,
        *(
            by_statement.get(
                (finding.focus, finding.path, finding.value, finding.shape),
                replace(finding, spot=None),
            )
            for finding in new_findings
            if finding.focus in described or finding.severity is Severity.VIOLATION
        ),
    )
