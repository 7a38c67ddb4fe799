"""Sureness of an assessment: the claims and evidence behind it, and what would change it."""

from collections.abc import Iterator
from typing import Final

from coprod_kg.assessment.claims import Claim
from coprod_kg.assessment.explanation import Explanation
from coprod_kg.validation.profiles import CriterionFinding, Profile, Verdict

__all__ = ["how_sure", "what_would_change_it"]

_INDEPENDENT: Final = "https://w3id.org/coprod/vocab/independence/independent"


def how_sure(explanation: Explanation) -> list[str]:
    """What the verdict rests on, in sentences of the reader's language."""
    return [*_claimants(explanation), *_evidence(explanation), *_criteria(explanation)]


def what_would_change_it(explanation: Explanation) -> list[str]:
    """What would have to come on record, or be withdrawn, for another verdict."""
    return [*_upwards(explanation), *_downwards(explanation)]


def _last_claims(explanation: Explanation) -> tuple[Claim, ...]:
    """The claims of its present stage, or of the one at its end or claimed last."""
    stages = explanation.last_stages
    last = [claim for claim in explanation.claims if claim.stage in stages]
    return explanation.open_claims or tuple(last)


def _claimants(explanation: Explanation) -> Iterator[str]:
    words = explanation.words
    # The last claim of each claimant counts, also one of the end or of an earlier stage.
    last = {claim.claimant_iri: claim for claim in explanation.claims}
    claims = list(last.values())
    if not claims:
        return
    tense = "" if any(claim.open for claim in claims) else "-past"
    if len(claims) == 1:
        yield words.say(f"claimants-one{tense}")
    elif len({(claim.stage, claim.open) for claim in claims}) == 1:
        yield words.say(f"claimants-agree{tense}", len(claims))
    else:
        seen = dict.fromkeys(
            f"{words.inside(claim.stage_label)} "
            f"{words.when(claim.since, claim.until, still=claim.open)}"
            for claim in claims
        )
        yield words.say(f"claimants-differ{tense}", len(claims), stages=words.listed(seen))
    if all(claim.secondary for claim in claims):
        yield words.say("all-secondary")
    degrees = dict.fromkeys(words.inside(claim.confidence) for claim in claims if claim.confidence)
    if degrees:
        yield words.say(f"confidence{tense}", degrees=words.listed(degrees))


def _evidence(explanation: Explanation) -> Iterator[str]:
    claims = _last_claims(explanation)
    cited = {source.iri: source.independence for claim in claims for source in claim.sources}
    if not claims:
        return
    if not cited:
        yield explanation.words.say("no-source")
        return
    words, independences = explanation.words, list(cited.values())
    if not any(independences):
        yield words.say("independence-unknown", len(independences))
        return
    independent, unknown = independences.count(_INDEPENDENT), independences.count(None)
    if 0 < independent < len(independences):
        yield words.say("independent-some", independent, cited=len(independences))
    else:
        yield words.say(
            "independent-all" if independent else "independent-none", len(independences)
        )
    if unknown:
        yield words.say("independence-unsaid", unknown)


def _criteria(explanation: Explanation) -> Iterator[str]:
    met = _met(explanation)
    words = explanation.words
    silent = [verdict for verdict in met if verdict.criterion.only_excludes]
    contested = [verdict for verdict in met if verdict.finding is CriterionFinding.CONTESTED]
    if silent:
        yield words.say("rests-on-silence", len(silent), met=len(met), stage=_stages(explanation))
    if contested:
        yield words.say("contested", names=_names(explanation, contested))


def _upwards(explanation: Explanation) -> Iterator[str]:
    """The criteria missing for the claimed stages; where none is claimed, for the nearest one."""
    words = explanation.words
    unsupported = [
        profile
        for profile in explanation.claimed
        if profile.stage not in explanation.judgement.supported
    ]
    key = "would-bear-out"
    if not explanation.claims and not explanation.supported:
        staged = [profile for profile in explanation.judgement.profiles if profile.stage]
        unsupported = sorted(staged, key=lambda profile: len(_missed(explanation, profile)))[:1]
        key = "would-support"
    for profile in unsupported:
        missed = _missed(explanation, profile)
        denied = [
            verdict for verdict in missed if verdict.finding is CriterionFinding.DOES_NOT_HOLD
        ]
        stage = words.inside(words.concept(profile.stage) or profile.stage)
        if denied:
            names = _names(explanation, denied)
            yield words.say("would-need-withdrawal", stage=stage, names=names)
        elif missed:
            names = _names(explanation, missed)
            yield words.say(key, len(missed), stage=stage, names=names)


def _downwards(explanation: Explanation) -> Iterator[str]:
    met = _met(explanation)
    single = [
        verdict
        for verdict in met
        if not verdict.criterion.only_excludes and _rests(explanation, verdict) == 1
    ]
    if single:
        names = _names(explanation, single)
        key = "would-fall-all" if len(single) == len(met) else "would-fall"
        stage = _stages(explanation)
        yield explanation.words.say(key, len(single), met=len(met), names=names, stage=stage)


def _stages(explanation: Explanation) -> str:
    """The supported stages as they stand within a sentence; a label may have a comma."""
    words = explanation.words
    return words.listed(
        words.quoted(words.inside(words.concept(profile.stage) or profile.stage))
        for profile in explanation.supported
    )


def _met(explanation: Explanation) -> list[Verdict]:
    """The required criteria of the supported stages, each once."""
    by_criterion = {
        verdict.criterion.iri: verdict
        for profile in explanation.supported
        for verdict in explanation.verdicts(profile)
        if verdict.criterion.required and verdict.met
    }
    return list(by_criterion.values())


def _missed(explanation: Explanation, profile: Profile) -> list[Verdict]:
    verdicts = explanation.verdicts(profile)
    return [verdict for verdict in verdicts if verdict.criterion.required and not verdict.met]


def _rests(explanation: Explanation, verdict: Verdict) -> int:
    """The number of claims, and of values of the subject itself, that decided a verdict."""
    subject = f"<{explanation.subject.iri}>"
    return len(
        {
            triple if str(triple.subject) == subject else triple.subject
            for triple in verdict.triples
            if "/id/" in str(triple.subject)
        }
    )


def _names(explanation: Explanation, verdicts: list[Verdict]) -> str:
    words = explanation.words
    return words.listed(
        words.quoted(verdict.criterion.words(words.language).name) for verdict in verdicts
    )
