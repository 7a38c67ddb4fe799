"""Peers of a subject: initiatives that reported the same barriers, and similar ones.

Two things are kept apart. A peer *overcame* a barrier where that is reported, with the enabler. A
peer that reported it at a step *went on* where its stages show that it took the step later; the
enablers reported for the step may have had nothing to do with the barrier.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from coprod_kg.assessment.queries import Row, labels_in, rows, text
from coprod_kg.assessment.sentences import Sentences
from coprod_kg.model.namespaces import is_secondary
from coprod_kg.store.base import Store

__all__ = [
    "Case",
    "Peers",
    "ReportedBarrier",
    "SimilarInitiative",
    "similar_at",
    "similar_initiatives",
]


@dataclass(frozen=True, slots=True)
class Case:
    """One other initiative that met the same barrier and got past it.

    Attributes:
        iri: its IRI.
        label: its name.
        same_step: whether it is known to have met the barrier at the same step.
        enablers: the enablers reported to have helped.
        since: when the barrier was met; of one that went on, the first date at the stage before
            the step; or None.
        until: when the barrier was overcome; of one that went on, the first date past the step;
            or None.
        secondary: whether secondary coding alone reports it.
    """

    iri: str
    label: str
    same_step: bool
    enablers: tuple[str, ...]
    since: str | None
    until: str | None
    secondary: bool


@dataclass(slots=True)
class ReportedBarrier:
    """One barrier that is reported of a subject.

    Attributes:
        iri: its IRI.
        label: its name.
        step: the step at which it was met, or the next one where none is stated; or None.
        step_stated: whether the step was stated.
        at_step: whether its step is the next one of the subject.
        standpoint, severity, status: as reported, in words; or None.
        standpoint_unstated: whether the standpoint is the concept "unstated".
        blocks: the criteria that it is reported to block.
        may_block: the criteria that it blocks by a hypothesis of the project.
        overcome_by: the enablers by which the subject itself overcame it.
        basis: the basis of the report, in words.
        comment: why it was coded so, or None.
        reporting: the number of others that report any barrier.
        others: the number of them that report this one.
        others_secondary: the number of these that only secondary coding reports.
        overcame: those who overcame it.
        went_on: those who reported it at the same step and went on all the same.
    """

    iri: str
    label: str
    step: str | None
    step_stated: bool
    at_step: bool
    standpoint: str | None
    standpoint_unstated: bool
    severity: str | None
    status: str | None
    basis: str
    comment: str | None
    blocks: tuple[str, ...] = ()
    may_block: tuple[str, ...] = ()
    overcome_by: tuple[str, ...] = ()
    reporting: int = 0
    others: int = 0
    others_secondary: int = 0
    overcame: list[Case] = field(default_factory=list)
    went_on: list[Case] = field(default_factory=list)


class Peers:
    """Comparison of the barriers of one subject after another with those of others.

    Each barrier and each step is queried once, for all initiatives together, so that the answers
    serve the next subject, too, and can be cached.

    Args:
        store: where the reports are.
        words: the language of the concepts.
    """

    def __init__(self, store: Store, words: Sentences) -> None:
        self._store = store
        self._words = words
        self._reports_by_barrier: dict[str, tuple[Row, ...]] = {}
        self._moves_by_step: dict[str, dict[str, list[Row]]] = {}
        self._steps_taken: set[str] | None = None
        self._reporting_count: int | None = None

    def barriers_of(self, subject: str, stages: Iterable[str]) -> tuple[ReportedBarrier, ...]:
        """The barriers reported of a subject, with the cases of others.

        Args:
            subject: its IRI.
            stages: the stages at which it stands, the one claimed last at the end.
        """
        steps, next_step = self.next_step(stages)
        reports: dict[str, ReportedBarrier] = {}
        for row in rows(self._store, "barriers", subject=[subject]):
            report = reports.setdefault(row["report"].value, self._barrier(row, next_step, steps))
            report.overcome_by = self._with_enabler(report.overcome_by, row)
            if (criterion := text(row, "criterion")) and criterion not in report.blocks:
                report.blocks = (*report.blocks, criterion)
        self.compare(reports.values(), subject)
        return tuple(
            sorted(reports.values(), key=lambda report: (not report.at_step, report.label))
        )

    def next_step(self, stages: Iterable[str]) -> tuple[dict[str, str], str | None]:
        """The step up from each stage; and that from the last of some stages that has one."""
        steps = {row["stage"].value: row["step"].value for row in rows(self._store, "steps")}
        last = (steps[stage] for stage in reversed(list(stages)) if stage in steps)
        return steps, next(last, None)

    def compare(self, reports: Collection[ReportedBarrier], subject: str = "") -> None:
        """Add the cases of others to the barriers reported of one subject."""
        if not reports:
            return
        if self._reporting_count is None:
            (row,) = rows(self._store, "reporting")
            self._reporting_count = int(row["subjects"].value)
        reporting = self._reporting_count - bool(subject)  # the subject is among those counted
        hypotheses = [
            (row["barrier"].value, row["criterion"].value) for row in rows(self._store, "blocked")
        ]
        for report in reports:
            report.reporting = reporting
            report.may_block = tuple(
                criterion
                for barrier, criterion in hypotheses
                if barrier == report.iri and criterion not in report.blocks
            )
            peer_reports = [
                row for row in self._reports(report.iri) if row["peer"].value != subject
            ]
            report.others = len({row["peer"].value for row in peer_reports})
            # An initiative counts as secondary only where no report of it is more than that.
            report.others_secondary = report.others - len(
                {row["peer"].value for row in peer_reports if not _is_secondary(row)}
            )
            report.overcame = self._overcame(peer_reports, report.step)
            report.went_on = self._went_on(peer_reports, report)

    def _reports(self, barrier: str) -> tuple[Row, ...]:
        if barrier not in self._reports_by_barrier:
            self._reports_by_barrier[barrier] = tuple(
                rows(self._store, "same-barrier", barrier=[barrier])
            )
        return self._reports_by_barrier[barrier]

    def _moves(self, step: str) -> dict[str, list[Row]]:
        """Initiative that passed a step → rows with the dates and the enablers."""
        if self._steps_taken is None:
            self._steps_taken = {row["step"].value for row in rows(self._store, "taken-steps")}
        if step not in self._steps_taken:
            return {}
        if step not in self._moves_by_step:
            moves: dict[str, list[Row]] = {}
            for row in rows(self._store, "passed-step", step=[step]):
                moves.setdefault(row["peer"].value, []).append(row)
            self._moves_by_step[step] = moves
        return self._moves_by_step[step]

    def _went_on(self, peer_reports: Sequence[Row], barrier: ReportedBarrier) -> list[Case]:
        overcame = {case.iri for case in barrier.overcame}
        peers = {
            row["peer"].value: row for row in peer_reports if row["peer"].value not in overcame
        }
        if barrier.step is None or not peers:
            return []
        moves, labels = self._moves(barrier.step), self._labels(peer_reports)
        cases: dict[str, Case] = {}
        for iri in sorted(peers.keys() & moves.keys()):
            for row in moves[iri]:
                enablers_before = cases[iri].enablers if iri in cases else ()
                cases[iri] = Case(
                    iri=iri,
                    label=labels[iri],
                    same_step=text(peers[iri], "step") == barrier.step,
                    enablers=self._with_enabler(enablers_before, row),
                    since=text(row, "started"),
                    until=text(row, "passed"),
                    secondary=_is_secondary(peers[iri]),
                )
        return sorted(cases.values(), key=lambda case: (not case.same_step, case.label))

    def _barrier(
        self, row: Row, next_step: str | None, steps: Mapping[str, str]
    ) -> ReportedBarrier:
        # A report names its step, or the stage at which the barrier was met: the step from there.
        step = text(row, "step") or steps.get(text(row, "atStage") or "")
        barrier, basis = row["barrier"].value, row["basis"].value
        return ReportedBarrier(
            iri=barrier,
            label=self._words.concept(barrier) or barrier,
            step=step or next_step,
            step_stated=step is not None,
            at_step=step is not None and step == next_step,
            standpoint=self._words.concept(text(row, "standpoint")),
            standpoint_unstated=(text(row, "standpoint") or "").endswith("/unstated"),
            severity=self._words.concept(text(row, "severity")),
            status=self._words.concept(text(row, "status")),
            basis=self._words.concept(basis) or basis,
            comment=text(row, "comment"),
        )

    def _overcame(self, peer_reports: Sequence[Row], step: str | None) -> list[Case]:
        cases: dict[str, Case] = {}
        labels = self._labels(peer_reports)
        for row in peer_reports:
            if not row["overcome"].is_true:
                continue
            iri = row["peer"].value
            enablers_before = cases[iri].enablers if iri in cases else ()
            cases[iri] = Case(
                iri=iri,
                label=labels[iri],
                same_step=step is not None and text(row, "step") == step,
                enablers=self._with_enabler(enablers_before, row),
                since=text(row, "from"),
                until=text(row, "until"),
                secondary=_is_secondary(row),
            )
        return sorted(cases.values(), key=lambda case: (not case.same_step, case.label))

    def _labels(self, peer_rows: Iterable[Row]) -> dict[str, str]:
        return labels_in(self._words.language, peer_rows, "peer", "peerLabel")

    def _with_enabler(self, enablers: tuple[str, ...], row: Row) -> tuple[str, ...]:
        """The enablers, with the one of a row where it is new."""
        enabler = self._words.concept(text(row, "enabler"))
        return enablers if enabler is None or enabler in enablers else (*enablers, enabler)


def _is_secondary(row: Row) -> bool:
    return is_secondary(row["basis"].value)


@dataclass(frozen=True, slots=True)
class SimilarInitiative:
    """One initiative that is or was at the same stage in the same sector.

    Attributes:
        iri: its name.
        label: its name.
        same_level: whether who runs it acts at the same level of government, where on record.
        same_size: whether who runs it is of the same size, where on record.
        ended: whether it has ended.
        moved_on: whether it was later seen at a higher stage.
    """

    iri: str
    label: str
    same_level: bool
    same_size: bool
    ended: bool
    moved_on: bool


def similar_initiatives(
    store: Store, subject: str, language: str = "en"
) -> tuple[SimilarInitiative, ...]:
    """The initiatives like this one, those with the most in common first."""
    return _similar(rows(store, "alike", subject=[subject]), language)


def similar_at(
    store: Store, sector: str, stages: Iterable[str], language: str = "en"
) -> tuple[SimilarInitiative, ...]:
    """The initiatives of a sector that are or were at one of some stages, by name."""
    return _similar(rows(store, "alike-at", sector=[sector], stage=stages), language)


def _similar(answer: Iterable[Row], language: str) -> tuple[SimilarInitiative, ...]:
    peer_rows = list(answer)
    labels = labels_in(language, peer_rows, "peer", "peerLabel")
    peers: dict[str, SimilarInitiative] = {}
    for row in peer_rows:
        iri = row["peer"].value
        peers.setdefault(
            iri,
            SimilarInitiative(
                iri=iri,
                label=labels[iri],
                same_level=text(row, "sameLevel") == "1",
                same_size=text(row, "sameSize") == "1",
                ended=text(row, "ended") == "1",
                moved_on=text(row, "movedOn") == "1",
            ),
        )
    return tuple(peers.values())
