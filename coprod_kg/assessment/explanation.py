"""Explanation of one subject's assessment: verdicts, the statements behind them, and peers.

The profiles judge the data again, which finds the statements behind each verdict. Where the result
differs from the conclusions in the store, the explanation is marked as not fresh.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import pyoxigraph as ox

from coprod_kg.assessment.claims import Claim, claims_on
from coprod_kg.assessment.peers import (
    Peers,
    ReportedBarrier,
    SimilarInitiative,
    similar_initiatives,
)
from coprod_kg.assessment.queries import labels_in, rows
from coprod_kg.assessment.search import Subject
from coprod_kg.assessment.sentences import Sentences
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import term
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query, Store
from coprod_kg.validation.profiles import Judgement, Profile, Profiles, Verdict

__all__ = ["Explainer", "Explanation", "verdicts_on"]

_CONCLUSION_TERMS: Final = ("supportedStage", "meetsCriterion", "missesCriterion")


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one subject's stage.

    Attributes:
        subject: the initiative or organisation.
        claims: every claim of a stage, oldest first.
        judgement: the verdicts of the profiles.
        fresh: whether the conclusions in the store agree with the judgement.
        barriers: the barriers reported, each with the cases of others.
        labels: IRI → label.
        words: the sentences of the reader's language.
        ended_at: the stages claimed for its end; none while it goes on.
        runners: the judgements on the organisations that run it and are described with it.
        alike: the initiatives at its stage in its sector, those with the most in common first.
    """

    subject: Subject
    claims: tuple[Claim, ...]
    judgement: Judgement
    fresh: bool
    barriers: tuple[ReportedBarrier, ...]
    labels: dict[str, str]
    words: Sentences
    ended_at: tuple[str, ...] = ()
    runners: tuple[Judgement, ...] = ()
    alike: tuple[SimilarInitiative, ...] = ()

    @property
    def open_claims(self) -> tuple[Claim, ...]:
        """The claims of its present stage."""
        return tuple(claim for claim in self.claims if claim.open)

    @property
    def supported(self) -> tuple[Profile, ...]:
        """The profiles of the highest stage that the record supports in full."""
        stages = self.judgement.supported
        return tuple(profile for profile in self.judgement.profiles if profile.stage in stages)

    @property
    def claimed(self) -> tuple[Profile, ...]:
        """The profiles of the stages that are claimed now, or were when it ended."""
        stages = {claim.stage for claim in self.open_claims} | set(self.ended_at)
        return tuple(profile for profile in self.judgement.profiles if profile.stage in stages)

    @property
    def last_stages(self) -> tuple[str, ...]:
        """Where no stage is claimed now, the stages claimed for its end, or else last of all.

        The claims of last of all are those that held longest; one without an end counts as longest.
        """
        if self.open_claims or self.ended_at:
            return () if self.open_claims else self.ended_at
        ends = [claim.until or "9999" for claim in self.claims]
        pairs = zip(self.claims, ends, strict=True)
        return tuple(dict.fromkeys(claim.stage for claim, end in pairs if end == max(ends)))

    @property
    def relevant(self) -> tuple[Profile, ...]:
        """The profiles whose criteria matter now.

        Those of the stages that are claimed, or were last; without any the supported ones; and the
        next one where the claims are borne out.
        """
        last = [profile for profile in self.judgement.profiles if profile.stage in self.last_stages]
        relevant = list(self.claimed) or last or list(self.supported)
        following = self.next_profile
        if following and not self.above_evidence and following not in relevant:
            relevant.append(following)
        return tuple(relevant)

    @property
    def above_evidence(self) -> bool:
        """Whether some claim is of a higher stage than the record supports."""
        highest = max((profile.rank for profile in self.supported), default=0)
        return any(profile.rank > highest for profile in self.claimed)

    @property
    def next_profile(self) -> Profile | None:
        """The profile of the stage after the highest that is claimed or supported.

        None where no stage is claimed or it ended: then nothing shows that it is to go on.
        """
        if not self.open_claims:
            return None
        ranks = [profile.rank for profile in (*self.claimed, *self.supported)]
        top = max(ranks, default=0)
        return next((profile for profile in self.judgement.profiles if profile.rank > top), None)

    def verdicts(self, profile: Profile) -> tuple[Verdict, ...]:
        """The verdicts on the criteria of one profile, in their order."""
        return verdicts_on(self.judgement, profile)


def verdicts_on(judgement: Judgement, profile: Profile) -> tuple[Verdict, ...]:
    """The verdicts on the criteria of one profile, in their order."""
    by_criterion = {verdict.criterion.iri: verdict for verdict in judgement.verdicts}
    return tuple(by_criterion[criterion.iri] for criterion in profile.criteria)


class Explainer:
    """Explains one subject after another out of one store.

    Args:
        store: where data and conclusions are.
        settings: the base IRI.
        language: of the reader.
    """

    def __init__(self, store: Store, settings: Settings, language: str = "en") -> None:
        self._store = store
        self._words = Sentences(language)
        self._base = settings.base_iri
        self._peers = Peers(store, self._words)
        self._organisations: dict[str, _OrganisationData] = {}

    @property
    def profiles(self) -> Profiles:
        """The profiles of this installation."""
        return _profiles()

    def explain(self, subject: Subject) -> Explanation:
        """Explain one subject, and name the initiatives like it."""
        alike = similar_initiatives(self._store, subject.iri, self._words.language)
        return replace(self.explain_alone(subject), alike=alike)

    def explain_alone(self, subject: Subject) -> Explanation:
        """Explain one subject without similar initiatives, the slowest query in a large store."""
        organisation_data = self._judge_organisation(subject.organisation)
        judgement = organisation_data.judgements.get(subject.iri, Judgement(subject.iri, (), ()))
        claims = claims_on(self._store, subject.iri, self._words)
        ended_at = organisation_data.values(subject.iri, "endedAtStage")
        stages = [claim.stage for claim in claims if claim.open] or list(judgement.supported)
        runners = tuple(
            organisation_data.judgements[iri]
            for iri in organisation_data.values(subject.iri, "runBy")
            if iri in organisation_data.judgements
        )
        return Explanation(
            subject=subject,
            claims=claims,
            judgement=judgement,
            fresh=_conclusions(judgement) == organisation_data.conclusions_on(subject.iri),
            barriers=self._peers.barriers_of(subject.iri, stages),
            labels=self._labels(judgement, runners),
            words=self._words,
            ended_at=ended_at,
            runners=runners,
        )

    def _judge_organisation(self, organisation: str) -> "_OrganisationData":
        """An organisation's data, judged now, with the conclusions of its last commit."""
        if organisation not in self._organisations:
            data = self._graph("organisation", organisation)
            inferred = self._graph("assessment", organisation)
            owner = ox.NamedNode(f"{self._base}id/organisation/{organisation}")
            judgements = self.profiles.judge(data, inferred, owner)
            self._organisations[organisation] = _OrganisationData(
                {judgement.subject: judgement for judgement in judgements}, [*data, *inferred]
            )
        return self._organisations[organisation]

    def _graph(self, kind: str, organisation: str) -> list[ox.Triple]:
        query = Query(
            "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }",
            ("application/n-triples",),
            default_graphs=(f"{self._base}graph/{kind}/{organisation}",),
        )
        answer = self._store.query(query).read()
        return [quad.triple for quad in ox.parse(answer, format=ox.RdfFormat.N_TRIPLES)]

    def _labels(self, judgement: Judgement, runners: Sequence[Judgement]) -> dict[str, str]:
        things = {
            node.value
            for verdict in judgement.verdicts
            for triple in verdict.triples
            for node in triple
            if isinstance(node, ox.NamedNode)
        }
        things |= {
            claim
            for verdict in judgement.verdicts
            for claim in (*verdict.denied, *verdict.searched)
        }
        things |= {runner.subject for runner in runners}
        things |= {profile.stage for runner in runners for profile in runner.profiles}
        things |= {profile.stage for profile in judgement.profiles if profile.stage}
        things |= {kind for verdict in judgement.verdicts for kind in verdict.criterion.evidence}
        label_rows = rows(self._store, "labels", thing=things)
        return labels_in(self._words.language, label_rows, "thing", "label")


@cache
def _profiles() -> Profiles:
    """The installed profiles; compiling them takes far longer than judging by them."""
    model = Model.installed()
    return Profiles(model.stages, model.graph)


@dataclass(frozen=True, slots=True)
class _OrganisationData:
    """One organisation's data: the judgement on each subject, and all statements."""

    judgements: dict[str, Judgement]
    triples: list[ox.Triple]

    def values(self, subject: str, name: str) -> tuple[str, ...]:
        """The things that a subject has by a property of the ontology."""
        node, predicate = ox.NamedNode(subject), ox.NamedNode(term(name))
        iris = {
            triple.object.value
            for triple in self.triples
            if triple.subject == node
            and triple.predicate == predicate
            and isinstance(triple.object, ox.NamedNode)
        }
        return tuple(sorted(iris))

    def conclusions_on(self, subject: str) -> set[ox.Triple]:
        """The conclusions on a subject in the store, drawn at the last commit."""
        predicates, node = {term(name) for name in _CONCLUSION_TERMS}, ox.NamedNode(subject)
        return {
            triple
            for triple in self.triples
            if triple.subject == node and triple.predicate.value in predicates
        }


def _conclusions(judgement: Judgement) -> set[ox.Triple]:
    """The conclusions that the store has if the last commit came to the same judgement."""
    subject = ox.NamedNode(judgement.subject)
    return {
        *_triples(subject, "supportedStage", judgement.supported),
        *_triples(
            subject, "meetsCriterion", [v.criterion.iri for v in judgement.verdicts if v.met]
        ),
        *_triples(
            subject, "missesCriterion", [v.criterion.iri for v in judgement.verdicts if not v.met]
        ),
    }


def _triples(subject: ox.NamedNode, name: str, iris: Sequence[str]) -> Iterable[ox.Triple]:
    predicate = ox.NamedNode(term(name))
    return (ox.Triple(subject, predicate, ox.NamedNode(iri)) for iri in iris)
