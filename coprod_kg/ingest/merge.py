"""Merge of a patch: the resources that a file describes replace theirs, others stay.

A resource is replaced with all its statements: those that the file leaves out are removed.
Skolemised blank nodes are removed with the last statement that refers to them.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from coprod_kg.errors import WrongUsage
from coprod_kg.ingest.outcome import Checked, Outcome, Sent
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
    found = store.query(Query(_ALL, (_NT,), default_graphs=(graph,))).read()
    return b"".join(sorted(found.splitlines(keepends=True)))


def merged(
    outcomes: Sequence[Outcome],
    store: Store,
    settings: Settings,
    *,
    every: bool,
    budget: Budget | None = None,
) -> list[Outcome]:
    """Merge files into their organisations' graphs, and check the whole again.

    Args:
        outcomes: what was checked.
        store: where the data is.
        settings: the limits and the base IRI.
        every: whether all files are, as the sender asked; else only tables with rows of several
            organisations, of which nobody stated whose they are (`Checked.partial`).
        budget: the time that all checks of the call may take together, where there is one.
    """
    batch, places = [], []
    for place, outcome in enumerate(outcomes):
        checked = outcome.checked
        if not every and not checked.partial:
            continue
        name = _stated(outcome)
        now = graph_of(store, "organisation", name, settings.base_iri) if name else b""
        # A file that is refused by itself is merged all the same where the store describes its
        # organisation: what the file leaves out may stand there.
        if outcome.accepted or f"<{settings.base_iri}id/organisation/{name}> ".encode() in now:
            if not now and not every:
                continue  # nothing to merge it into
            whole = _merged(now, checked, f"{settings.base_iri}.well-known/genid/")
            batch.append(Sent(outcome.file, whole, _NT, name))
            places.append(place)
    made = list(outcomes)
    for place, again in zip(places, check(batch, settings, budget=budget), strict=True):
        outcome, first = outcomes[place], outcomes[place].checked
        report = Report(_found(outcome.report.findings, again.report.findings, first.described))
        again = replace(
            again,
            report=report,
            described=again.described | first.described,
            partial=first.partial,
            positions=first.positions,
            headers=first.headers,
        )
        made[place] = replace(
            outcome,
            organisation=_stated(outcome),
            report=report,
            triples=again.triples,
            error=again.refusal,
            merged=True,
            checked=again,
        )
    return made


def _stated(outcome: Outcome) -> str | None:
    """The organisation; a patch need not describe it where the sender stated it."""
    found = outcome.organisation
    usage = isinstance(outcome.error, WrongUsage)
    return outcome.sent.organisation if found is None and usage and outcome.sent else found


def _merged(now: bytes, checked: Checked, nameless: str) -> bytes:
    """The lines of a graph less those on the things a file describes, and the lines of the file."""
    gone = {f"<{iri}>".encode() for iri in checked.described}
    kept = [line for line in now.splitlines(keepends=True) if line.split(b" ", 1)[0] not in gone]
    stem = f"<{nameless}".encode()
    # An orphan may have been the only one to refer to another, so until none is left.
    while True:
        named = {line.rsplit(b" ", 2)[1] for line in kept}
        orphans = {
            subject
            for subject in (line.split(b" ", 1)[0] for line in kept)
            if subject.startswith(stem) and subject not in named
        }
        if not orphans:
            break
        kept = [line for line in kept if line.split(b" ", 1)[0] not in orphans]
    return b"".join(sorted({*kept, *checked.data.splitlines(keepends=True)}))


def _found(
    first: Sequence[Finding], again: Sequence[Finding], described: Collection[str]
) -> tuple[Finding, ...]:
    """The findings on the merged graph, with their places in the file.

    Of what was there before only violations are kept: the sender's file does not hold it.
    """
    placed = {
        (finding.focus, finding.path, finding.value, finding.shape): finding for finding in first
    }
    cells = tuple(finding for finding in first if finding.shape.startswith(TABLE))
    return (
        *cells,
        *(
            placed.get(
                (finding.focus, finding.path, finding.value, finding.shape),
                replace(finding, spot=None),
            )
            for finding in again
            if finding.focus in described or finding.severity is Severity.VIOLATION
        ),
    )
