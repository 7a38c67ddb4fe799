"""The verdict on answers: the one of `coprod-kg assess` on the same statements once submitted.

The rules and profiles are those of a submission, run over the statements alone; the cases of others
come from the store by the same saved queries. Nothing is written.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.assessment.claims import CitedEvidence, Claim
from coprod_kg.assessment.explanation import Explanation
from coprod_kg.assessment.peers import Peers, ReportedBarrier, SimilarInitiative, similar_at
from coprod_kg.assessment.search import Subject
from coprod_kg.assessment.sentences import Sentences
from coprod_kg.assessment.text import met_of_required
from coprod_kg.model.graph import Graph
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import expand, is_secondary, named
from coprod_kg.reasoning.rules import Rules
from coprod_kg.selfassessment.answers import Answers
from coprod_kg.selfassessment.statements import Statements
from coprod_kg.store.base import Store
from coprod_kg.validation.profiles import CriterionFinding, Judgement, Profiles, Verdict

__all__ = ["NextStep", "count_answers", "judgements", "next_steps", "profiles", "verdict"]

_STEPS: Final = 3
_RULES: Final = threading.Lock()
"""`Rules.infer` is not thread-safe: it keeps the facts of its data until it ends."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """One thing to do: to give evidence, or to change practice.

    Attributes:
        kind: ``target``, ``reason``, ``criterion``, ``evidence`` or ``ask``.
        verdict: the criterion that it is about, of the kind ``criterion``.
        barrier: the barrier that others got past, of the kind ``ask``.
    """

    kind: str
    verdict: Verdict | None = None
    barrier: ReportedBarrier | None = None


@cache
def _model() -> tuple[Rules, Profiles]:
    model = Model.installed()
    rules = Rules(model.rules, model.background)
    return rules, Profiles(model.stages, model.graph)


def profiles() -> Profiles:
    """The profiles by which answers are judged."""
    return _model()[1]


def judgements(
    statements: Sequence[ox.Triple],
) -> tuple[dict[str, Judgement], list[ox.Triple]]:
    """The judgement on each thing that statements describe, and the inferred statements."""
    rules, profiles_of_stages = _model()
    with _RULES:
        inferred = rules.infer(statements)
    return {
        judgement.subject: judgement for judgement in profiles_of_stages.judge(statements, inferred)
    }, inferred


def verdict(
    statements: Statements,
    answers: Answers,
    store: Store | None = None,
    language: str | None = None,
) -> Explanation:
    """The explanation of an initiative's stage by some answers alone.

    Args:
        statements: the statements of the answers.
        answers: the answers.
        store: has the cases of others; None leaves those out.
        language: of the reader; None for the one that the answers were written in.
    """
    language = language or answers.language
    by_subject, inferred = judgements(statements.triples)
    data = Graph([*statements.triples, *inferred])
    initiative = ox.NamedNode(statements.initiative)
    claims = tuple(_claims(data, initiative, answers, language))
    judgement = by_subject.get(statements.initiative, Judgement(statements.initiative, (), ()))
    ended_stages = tuple(
        sorted(node.value for node in data.objects(initiative, named("cp:endedAtStage")))
    )
    stages = [claim.stage for claim in claims if claim.open] or list(judgement.supported)
    return Explanation(
        subject=Subject(
            statements.initiative,
            answers.first("Ask-name"),
            (statements.organisation or "").rpartition("/")[2],
            answers.all("Ask-runner"),
        ),
        claims=claims,
        judgement=judgement,
        fresh=True,
        barriers=_barriers(data, initiative, language, stages, store) if store else (),
        labels={},
        words=Sentences(language),
        ended_at=ended_stages,
        runners=tuple(
            by_subject[iri]
            for iri in [statements.organisation]
            if iri is not None and iri in by_subject
        ),
        alike=_alike(data, initiative, [*stages, *ended_stages], store, language) if store else (),
    )


def next_steps(explanation: Explanation, answers: Answers) -> list[NextStep]:
    """Three things to do now: to state the target and its reason, then to fill the record.

    The criteria are those of the claimed stages; none is about a higher stage.
    """
    return list(_next_steps(explanation, answers))[:_STEPS]


def count_answers(values: dict[str, Any], explanation: Explanation) -> None:
    """Recount the criteria of each stage: one met by the absence of answers does not count."""
    pairs = zip(values["profiles"], explanation.judgement.profiles, strict=True)
    for profile_values, profile in pairs:
        required = [
            criterion_verdict
            for criterion_verdict in explanation.verdicts(profile)
            if criterion_verdict.criterion.required and not criterion_verdict.by_silence
        ]
        profile_values["howMany"] = met_of_required(explanation.words, "counted", required)


def _next_steps(explanation: Explanation, answers: Answers) -> Iterable[NextStep]:
    if not answers.first("Ask-target"):
        yield NextStep("target")
    elif not answers.first("Ask-reason"):
        yield NextStep("reason")
    co_production = [profile for profile in explanation.judgement.profiles if not profile.stage]
    claimed_profiles = list(explanation.claimed) or list(explanation.supported)
    for profile in [*co_production, *claimed_profiles]:
        for criterion_verdict in explanation.verdicts(profile):
            denied = criterion_verdict.finding is CriterionFinding.DOES_NOT_HOLD
            if not criterion_verdict.met and criterion_verdict.criterion.required and not denied:
                yield NextStep("criterion", verdict=criterion_verdict)
    if not any(name.endswith(".title") for name in answers.values_by_name):
        yield NextStep("evidence")
    for barrier in explanation.barriers:
        if barrier.overcame and not barrier.overcome_by:
            yield NextStep("ask", barrier=barrier)
    for profile in claimed_profiles:
        for criterion_verdict in explanation.verdicts(profile):
            if not criterion_verdict.met and not criterion_verdict.criterion.required:
                yield NextStep("criterion", verdict=criterion_verdict)


def _label(node: ox.NamedNode | None, language: str) -> str | None:
    concept = Model.installed().concepts.get(node.value) if node is not None else None
    return concept.label(language) if concept else None


def _claims(
    data: Graph, initiative: ox.NamedNode, answers: Answers, language: str
) -> Iterable[Claim]:
    """The stage that is claimed of the initiative."""
    current = data.objects(initiative, named("cp:currentStage"))
    for claim in data.subjects(named("cp:about"), initiative):
        stage = data.value(claim, named("cp:stage"))
        if stage is None:
            continue
        basis = data.value(claim, named("cp:basis"))
        concept = Model.installed().concepts[stage.value]
        yield Claim(
            iri=claim.value,
            stage=stage.value,
            stage_label=concept.label(language),
            rank=concept.rank,
            claimant=answers.first("Ask-runner"),
            claimant_iri=_iri(data.value(claim, named("cp:claimedBy"))),
            basis=_label(basis, language) or "",
            secondary=basis is not None and is_secondary(basis.value),
            since=None,
            until=None,
            open=stage in current,
            confidence=None,
            comment=None,
            sources=tuple(_cited(data, claim)),
        )


def _cited(data: Graph, claim: ox.NamedNode) -> Iterable[CitedEvidence]:
    for document in data.objects(claim, named("cp:supportedBy")):
        page = data.value(document, named("foaf:page"))
        label = data.value(document, named("rdfs:label"))
        yield CitedEvidence(
            document.value,
            label.value,
            page.value if page is not None else None,
            _iri(data.value(document, named("cp:hasIndependence"))) or None,
        )


def _iri(node: ox.NamedNode | None) -> str:
    return node.value if node is not None else ""


def _barriers(
    data: Graph,
    initiative: ox.NamedNode,
    language: str,
    stages: list[str],
    store: Store,
) -> tuple[ReportedBarrier, ...]:
    """The barriers in the answers, with the cases of others."""
    peers = Peers(store, Sentences(language))
    _, next_step = peers.next_step(stages)
    reports = []
    for claim in data.subjects(named("cp:about"), initiative):
        barrier = data.value(claim, named("cp:barrier"))
        if barrier is None:
            continue
        standpoint = data.value(claim, named("cp:standpoint"))
        overcome = [
            _label(enabler, language) for enabler in data.objects(claim, named("cp:overcomeBy"))
        ]
        reports.append(
            ReportedBarrier(
                iri=barrier.value,
                label=_label(barrier, language) or barrier.value,
                step=next_step,
                step_stated=False,
                at_step=False,
                standpoint=_label(standpoint, language),
                standpoint_unstated=standpoint == named("standpoint:unstated"),
                severity=None,
                status=_label(data.value(claim, named("cp:barrierStatus")), language),
                basis=_label(named("basis:self-claim"), language) or "",
                comment=None,
                overcome_by=tuple(label for label in overcome if label),
            )
        )
    peers.compare(reports)
    return tuple(sorted(reports, key=lambda report: report.label))


def _alike(
    data: Graph, initiative: ox.NamedNode, stages: list[str], store: Store, language: str
) -> tuple[SimilarInitiative, ...]:
    sector = data.value(initiative, ox.NamedNode(expand("cp:sector")))
    if sector is None or not stages:
        return ()
    return similar_at(store, sector.value, stages, language)
