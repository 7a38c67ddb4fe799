"""An explanation as plain values for JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pyoxigraph as ox

from coprod_kg.assessment.explanation import Explanation, verdicts_on
from coprod_kg.assessment.sentences import Sentences
from coprod_kg.assessment.sureness import how_sure, what_would_change_it
from coprod_kg.assessment.text import met_of_required, what_others_did
from coprod_kg.model.namespaces import shorten
from coprod_kg.validation.paths import path_text
from coprod_kg.validation.profiles import Judgement, Profile, Profiles, Verdict

__all__ = ["as_values"]


def as_values(explanation: Explanation, profiles: Profiles) -> dict[str, Any]:
    """The explanation as JSON can hold it, every deciding statement included.

    Args:
        explanation: the explanation.
        profiles: the profiles that judged it.
    """
    words = explanation.words
    language = words.language
    return {
        "subject": explanation.subject.iri,
        "label": explanation.subject.label,
        "language": language,
        "organisation": explanation.subject.organisation,
        "claims": [asdict(claim) for claim in explanation.claims],
        "endedAtStages": list(explanation.ended_at),
        "coProduced": explanation.judgement.co_produced,
        "supportedStages": list(explanation.judgement.supported),
        "contradictedStages": list(explanation.judgement.contradicted),
        "claimAboveEvidence": explanation.above_evidence,
        "howSure": how_sure(explanation),
        "wouldChange": what_would_change_it(explanation),
        "conclusionsAreFresh": explanation.fresh,
        "profiles": [
            _profile(explanation.judgement, profile, profiles, words)
            for profile in explanation.judgement.profiles
        ],
        "runBy": [
            {
                "organisation": runner.subject,
                "supportedStages": list(runner.supported),
                "profiles": [
                    _profile(runner, profile, profiles, words) for profile in runner.profiles
                ],
            }
            for runner in explanation.runners
        ],
        "alike": [asdict(peer) for peer in explanation.alike],
        "barriers": [
            asdict(barrier) | {"what_others_did": what_others_did(barrier, words)}
            for barrier in explanation.barriers
        ],
    }


def _profile(
    judgement: Judgement, profile: Profile, profiles: Profiles, words: Sentences
) -> dict[str, Any]:
    verdicts = verdicts_on(judgement, profile)
    required = [verdict for verdict in verdicts if verdict.criterion.required]
    return {
        "stage": profile.stage or None,
        "rank": profile.rank,
        "met": all(verdict.met for verdict in required),
        "howMany": met_of_required(words, "counted", required),
        "criteria": [_criterion(verdict, profiles, words.language) for verdict in verdicts],
    }


def _criterion(verdict: Verdict, profiles: Profiles, language: str) -> dict[str, Any]:
    criterion = verdict.criterion
    words = criterion.words(language)
    return {
        "criterion": criterion.iri,
        "name": words.name,
        "required": criterion.required,
        "met": verdict.met,
        "finding": verdict.finding,
        "onlyExcludes": criterion.only_excludes,
        "deniedBy": list(verdict.denied),
        "lookedForBy": list(verdict.searched),
        "message": None if verdict.met else words.message,
        "lookedFor": words.description,
        "path": path_text(profiles.shapes, criterion.path, shorten),
        "evidenceThatWouldShowIt": list(criterion.evidence),
        "sources": list(criterion.sources),
        "ourInference": criterion.note,
        "statements": _texts(verdict.triples),
    }


def _texts(triples: Sequence[ox.Triple]) -> list[str]:
    return [f"{triple} ." for triple in triples]
