"""An explanation as text for a terminal, in the reader's language.

Secondary coding is named as such wherever something rests on it, and every number has its
denominator.
"""

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.assessment.claims import Claim
from coprod_kg.assessment.explanation import Explanation, verdicts_on
from coprod_kg.assessment.peers import Case, ReportedBarrier
from coprod_kg.assessment.sentences import Sentences
from coprod_kg.assessment.sureness import how_sure, what_would_change_it
from coprod_kg.model.namespaces import shorten
from coprod_kg.validation.profiles import CriterionFinding, Profile, Verdict

__all__ = ["as_lines", "met_of_required", "what_others_did"]

_WIDTH: Final = 96
_MARGIN: Final = 14
"""Columns that the labels of the first part take, in every language."""
_NEAREST: Final = 5
_FEW: Final = 5
"""Below so many cases a reader is told not to generalise."""
_SHOWN: Final = 2
"""Statements shown under a criterion on a terminal; the plain values have all."""
_SIGNS: Final = {
    CriterionFinding.HOLDS: "✓",
    CriterionFinding.DOES_NOT_HOLD: "✗",
    CriterionFinding.NOT_CODED: "?",
}
"""Before a criterion: met, denied, not on record; the two others are told in words."""
_IMPLIED: Final = (
    "https://w3id.org/coprod/ontology#about",
    "http://www.w3.org/2004/02/skos/core#broader",
)
_BOILERPLATE: Final = "Coded from the source named here"
"""A comment that says nothing about the case."""


def as_lines(explanation: Explanation, base_iri: str, *, every: bool = False) -> Iterator[str]:
    """The explanation as lines of text.

    Args:
        explanation: what to tell.
        base_iri: what is left out of the names of things.
        every: tell the criteria of every stage, not only of those that matter now.
    """
    for line in _lines(explanation, base_iri, every):
        yield "".join(char if char.isprintable() else " " for char in line)


def met_of_required(words: Sentences, key: str, required: Sequence[Verdict], **slots: str) -> str:
    """How many of some required criteria are met, and how many of these by silence alone.

    Args:
        words: the language.
        key: of the sentence.
        required: the verdicts on the criteria.
        slots: what else is filled in.
    """
    met = [verdict for verdict in required if verdict.met]
    silent = sum(verdict.criterion.only_excludes for verdict in met)
    silence = ""
    if silent:
        how = "by-silence-alone" if silent == len(met) else "by-silence"
        silence = words.say(how, silent)
    return words.say(key, len(met), required=len(required), silence=silence, **slots)


def what_others_did(barrier: ReportedBarrier, words: Sentences) -> str:
    """Who else reports a barrier, of how many, and what is on record of what became of it."""
    if not barrier.reporting:
        return words.say("others-alone")
    if not barrier.others:
        return words.say("others-none", barrier.reporting)
    coded = ""
    if barrier.others_secondary == barrier.others:
        coded = words.say("coded-all", barrier.others)
    elif barrier.others_secondary:
        coded = words.say("coded-some", barrier.others, coded=barrier.others_secondary)
    key = "others-all" if barrier.others == barrier.reporting else "others"
    told = [words.say(key, barrier.others, all=barrier.reporting, coded=coded)]
    passed, went = len(barrier.overcame), len(barrier.went_on)
    if not passed:
        told.append(words.say("overcome-unknown", barrier.others))
    elif passed == barrier.others:
        told.append(words.say("overcame-all", passed))
    else:
        told.append(words.say("overcame", passed, others=barrier.others))
    if went:
        step = words.step(barrier.step) or ""
        key = "went-on-all" if went == barrier.others else "went-on"
        told.append(words.say(key, went, others=barrier.others, step=step))
    if 0 < passed + went < _FEW:
        told.append(words.say("few"))
    return " ".join(told)


def _lines(explanation: Explanation, base_iri: str, every: bool) -> Iterator[str]:
    words = explanation.words
    yield explanation.subject.label
    names = words.listed(explanation.subject.run_by)
    runners = words.say("run-by", names=names) if names else ""
    yield f"  {explanation.subject.iri.removeprefix(f'{base_iri}id/')}{runners}"
    yield ""
    yield from _claims(explanation)
    yield from _supported(explanation)
    yield from _both_sides(explanation)
    yield from _labelled(words, "label-sure", how_sure(explanation))
    yield from _labelled(words, "label-change", what_would_change_it(explanation))
    if not explanation.fresh:
        stale = words.say("stale", organisation=explanation.subject.organisation)
        yield from _indented(stale, "  ! ")
    for profile in explanation.judgement.profiles if every else _that_matter(explanation):
        yield ""
        yield from _criteria(explanation, profile, base_iri)
    yield from _runners(explanation)
    yield from _barriers(explanation)
    yield from _alike(explanation)


def _labelled(words: Sentences, label: str, sentences: Iterable[str]) -> Iterator[str]:
    """Sentences in the column beside a label."""
    lead = f"{words.say(label):<{_MARGIN}}"
    for sentence in sentences:
        yield from _indented(sentence, lead)
        lead = " " * _MARGIN


def _claims(explanation: Explanation) -> Iterator[str]:
    words = explanation.words
    told = []
    for claim in explanation.open_claims:
        stage, when = claim.stage_label, words.when(claim.since, claim.until)
        told.append(words.say("claim", stage=stage, when=when, basis=_basis(words, claim)))
        if claim.comment:
            told.append(words.quoted(claim.comment))
        sources = "; ".join(source.label for source in claim.sources)
        told.append(words.say("cites", sources=sources) if sources else words.say("cites-none"))
    label = "label-claimed"
    if explanation.ended_at and not told:
        label = "label-ended"
    if explanation.ended_at:
        stages = [explanation.labels.get(stage) or shorten(stage) for stage in explanation.ended_at]
        told.append(words.say("ended-at", stages=words.listed(map(words.inside, stages), "or")))
    elif not told:
        told.append(words.say("none-claimed"))
    earlier = [claim for claim in explanation.claims if not claim.open]
    if earlier:
        # Several claimants may tell the same history.
        history = dict.fromkeys(
            f"{words.inside(claim.stage_label)} {words.when(claim.since, claim.until, still=False)}"
            for claim in earlier
        )
        told.append(words.say("before", history="; ".join(history)))
    yield from _labelled(words, label, told)


def _basis(words: Sentences, claim: Claim) -> str:
    ours = claim.claimant.startswith("coprod-kg")
    who = words.say("the-project") if ours else claim.claimant
    return words.say(
        "by-secondary" if claim.secondary else "by", who=who, basis=words.inside(claim.basis)
    )


def _supported(explanation: Explanation) -> Iterator[str]:
    words = explanation.words
    stages = words.listed([_stage(explanation, profile) for profile in explanation.supported])
    if not stages:
        told = [words.say("decides-none")]
    elif explanation.claimed and not explanation.above_evidence:
        told = [words.say("bears-out", stages=stages)]
    else:
        told = [words.say("in-full", stages=stages)]
    if explanation.above_evidence:
        told += [
            _lacking(explanation, profile)
            for profile in explanation.claimed
            if profile.stage not in explanation.judgement.supported
        ]
        unfit = {claim.stage_label for claim in explanation.open_claims} - {
            explanation.labels.get(profile.stage, "") for profile in explanation.claimed
        }
        key = f"not-judged-{_kind(explanation)}"
        told += [words.say(key, stage=stage) for stage in sorted(unfit)]
    yield from _labelled(words, "label-supported", told)


def _lacking(explanation: Explanation, profile: Profile) -> str:
    """What keeps the record from deciding for a claimed stage, silence apart from a no."""
    words = explanation.words
    required = [verdict for verdict in explanation.verdicts(profile) if verdict.criterion.required]
    against = [verdict for verdict in required if verdict.finding is CriterionFinding.DOES_NOT_HOLD]
    silent = [verdict for verdict in required if not verdict.met and verdict not in against]
    stage = words.inside(_stage(explanation, profile))
    told = [met_of_required(words, "lacking", required, stage=stage)]
    if against:
        told.append(words.say("against", names=_names(words, against)))
    if silent:
        told.append(words.say("not-on-record", names=_names(words, silent)))
    if not against:
        told.append(words.say(f"may-be-right-{_kind(explanation)}"))
    return " ".join(told)


def _both_sides(explanation: Explanation) -> Iterator[str]:
    """Whether it is co-production at all: a question of its own."""
    words, both = explanation.words, explanation.judgement.co_produced
    if both is None:
        return
    profile = next(profile for profile in explanation.judgement.profiles if not profile.stage)
    lacking = [verdict for verdict in explanation.verdicts(profile) if not verdict.met]
    against = [one for one in lacking if one.finding is CriterionFinding.DOES_NOT_HOLD]
    if both:
        told = words.say("co-produced")
    elif against:
        told = words.say("co-production-denied", names=_names(words, against))
    else:
        told = words.say("co-production-unknown", names=_names(words, lacking))
    yield from _labelled(words, "label-both-sides", [told])


def _runners(explanation: Explanation) -> Iterator[str]:
    """The state of the organisations behind a programme, which is where culture is.

    What several of them lack alike is told once.
    """
    words = explanation.words
    top = max((profile.rank for profile in explanation.claimed), default=0)
    highest = max((profile.rank for profile in explanation.judgement.profiles), default=0)
    if not explanation.runners or not top or top < highest:
        return
    names = {
        runner.subject: explanation.labels.get(runner.subject) or shorten(runner.subject)
        for runner in explanation.runners
    }
    yield ""
    everybody = words.listed(names.values())
    yield from _indented(words.say("after-programme", len(names), names=everybody), "")
    for profile in explanation.runners[0].profiles:
        states = {
            runner.subject: [
                verdict for verdict in verdicts_on(runner, profile) if verdict.criterion.required
            ]
            for runner in explanation.runners
            if profile in runner.profiles
        }
        stage = words.inside(_stage(explanation, profile))
        alike: dict[tuple[CriterionFinding, ...], list[str]] = {}
        for runner, required in states.items():
            alike.setdefault(tuple(verdict.finding for verdict in required), []).append(runner)
        for runners in alike.values():
            who = words.listed(names[runner] for runner in runners)
            told = met_of_required(words, "runner", states[runners[0]], stage=stage, names=who)
            yield from _indented(told, "")
        missed: dict[tuple[str, str], list[str]] = {}
        for runner, required in states.items():
            for verdict in required:
                if not verdict.met:
                    key = (verdict.criterion.iri, _sign(words, verdict))
                    missed.setdefault(key, []).append(runner)
        criteria = {criterion.iri: criterion for criterion in profile.criteria}
        for (criterion, sign), runners in missed.items():
            said = criteria[criterion].words(words.language)
            who = words.listed(names[runner] for runner in runners)
            whose = "" if len(runners) == len(states) else f" ({who})"
            yield from _indented(f"{sign} {said.name}{whose}. {said.message}", "  ")


def _that_matter(explanation: Explanation) -> list[Profile]:
    """The claimed stages; and what the next one asks where the claims are borne out."""
    shown = list(explanation.claimed) or list(explanation.supported)
    if (
        not explanation.above_evidence
        and explanation.next_profile
        and explanation.next_profile not in shown
    ):
        shown.append(explanation.next_profile)
    return shown


def _criteria(explanation: Explanation, profile: Profile, base_iri: str) -> Iterator[str]:
    words, verdicts = explanation.words, explanation.verdicts(profile)
    stage = _stage(explanation, profile)
    if profile in explanation.claimed:
        yield words.say("heading-claimed", stage=stage)
    elif profile in explanation.supported:
        yield words.say("heading-supported", stage=stage)
    else:
        required = [verdict for verdict in verdicts if verdict.criterion.required]
        yield from _indented(met_of_required(words, "heading-next", required, stage=stage), "")
        yield from _indented(words.say("higher"), "  ")
        verdicts = tuple(verdict for verdict in verdicts if not verdict.met)
    for verdict in verdicts:
        helps = "" if verdict.criterion.required else words.say("helps")
        said = verdict.criterion.words(words.language)
        yield f"  {_sign(words, verdict)} {said.name}{helps}"
        for sentence in _told(explanation, verdict):
            yield from _indented(sentence, " " * 6)
        yield from _statements(explanation, verdict, base_iri)


def _sign(words: Sentences, verdict: Verdict) -> str:
    if verdict.finding is CriterionFinding.CONTESTED:
        return words.say("sign-contested")
    if verdict.finding is CriterionFinding.NOT_FOUND:
        return words.say("sign-looked-for")
    return _SIGNS[verdict.finding]


def _told(explanation: Explanation, verdict: Verdict) -> Iterator[str]:
    """What there is to say under a criterion, its statements apart."""
    words, criterion = explanation.words, verdict.criterion
    if verdict.met and criterion.only_excludes:
        yield words.say("nothing-against")
    for key, claims in (("denied", verdict.denied), ("searched", verdict.searched)):
        if claims:
            labels = [explanation.labels.get(claim) or claim for claim in claims]
            yield words.say(key, claims=words.listed(labels))
    if verdict.met:
        return
    yield criterion.words(words.language).message
    kinds = [explanation.labels.get(kind, shorten(kind)) for kind in criterion.evidence]
    if kinds and criterion.required:
        yield words.say("would-show", kinds="; ".join(map(words.inside, kinds)))
    for key, blockers in (
        (
            "blocked-by",
            [barrier for barrier in explanation.barriers if criterion.iri in barrier.blocks],
        ),
        (
            "perhaps-blocked-by",
            [barrier for barrier in explanation.barriers if criterion.iri in barrier.may_block],
        ),
    ):
        if blockers:
            labels = list(dict.fromkeys(words.inside(barrier.label) for barrier in blockers))
            yield words.say(key, barriers=words.listed(labels))


def _statements(explanation: Explanation, verdict: Verdict, base_iri: str) -> Iterator[str]:
    words = explanation.words
    telling = [
        triple
        for triple in verdict.triples
        if triple.predicate.value not in _IMPLIED and str(triple.subject).startswith(f"<{base_iri}")
    ]
    sentences = list(dict.fromkeys(_sentence(explanation, triple) for triple in telling))
    for sentence in sentences[:_SHOWN]:
        told = sentence if verdict.met else words.say("found-only", statement=sentence)
        yield from _indented(told, " " * 6)
    if len(sentences) > _SHOWN:
        yield f"      {words.say('more', len(sentences) - _SHOWN)}"


def _sentence(explanation: Explanation, triple: ox.Triple) -> str:
    """A statement in words: what the subject is called, the property, and the value."""
    relation = _called(explanation, triple.predicate)
    value = _called(explanation, triple.object)
    if str(triple.subject) == f"<{explanation.subject.iri}>":
        return f"{relation[:1].upper()}{relation[1:]}: {value}."
    claim = _called(explanation, triple.subject)
    if value.casefold() in claim.casefold():  # its label says it already
        return f"{claim}."
    return f"{claim}, {relation}: {value}."


def _called(explanation: Explanation, node: Any) -> str:
    if isinstance(node, ox.Literal):
        # Numbers and dates are no quotations.
        text = node.datatype.value.endswith(("#string", "#langString"))
        return explanation.words.quoted(node.value) if text else node.value
    if isinstance(node, ox.NamedNode):
        return explanation.labels.get(node.value) or shorten(node.value)
    return explanation.words.say("nameless")


def _barriers(explanation: Explanation) -> Iterator[str]:
    words = explanation.words
    yield ""
    if not explanation.barriers:
        yield from _labelled(words, "label-barriers", [words.say("no-barrier")])
        return
    yield words.say("barriers-heading")
    tellings: dict[str, list[ReportedBarrier]] = {}
    for barrier in explanation.barriers:
        tellings.setdefault(barrier.iri, []).append(barrier)
    for told in tellings.values():
        yield from _barrier(explanation, told)


def _alike(explanation: Explanation) -> Iterator[str]:
    """The nearest five at the same stage in the same sector, with how many there are."""
    if not explanation.alike:
        return
    words, many = explanation.words, len(explanation.alike)
    moved = sum(peer.moved_on for peer in explanation.alike)
    if not moved:
        told = words.say("alike-none-moved")
    else:
        key = "alike-moved-all" if moved == many else "alike-moved"
        told = words.say(key, moved, all=many)
    nearest = (
        words.say("alike-nearest", _NEAREST, all=many)
        if many > _NEAREST
        else words.say("alike-all", many)
    )
    yield ""
    yield from _indented(f"{words.say('alike', many, moved=told)} {nearest}", "")
    for peer in explanation.alike[:_NEAREST]:
        facts = [
            words.say(key)
            for key, holds in (
                ("same-level", peer.same_level),
                ("same-size", peer.same_size),
                ("moved-on", peer.moved_on),
                ("has-ended", peer.ended),
            )
            if holds
        ]
        told = f" ({'; '.join(facts)})" if facts else ""
        yield from _indented(f"{peer.label}{told}", "  • ")


def _barrier(explanation: Explanation, tellings: Sequence[ReportedBarrier]) -> Iterator[str]:
    """One barrier: each telling of it, and once what others did about the same."""
    words = explanation.words
    yield from _indented(tellings[0].label, "  • ")
    for barrier in tellings:
        yield from _indented(_telling(words, barrier), " " * 6)
        if barrier.comment and not barrier.comment.startswith(_BOILERPLATE):
            yield from _indented(words.quoted(barrier.comment), " " * 8)
        criteria = {
            verdict.criterion.iri: verdict.criterion for verdict in explanation.judgement.verdicts
        }
        named = [criteria[iri] for iri in barrier.blocks if iri in criteria]
        if named:
            names = words.listed(
                words.quoted(criterion.words(words.language).name) for criterion in named
            )
            yield from _indented(words.say("blocks", criteria=names), " " * 8)
        if barrier.overcome_by:
            enablers = words.listed(map(words.inside, barrier.overcome_by))
            yield from _indented(words.say("overcome-here", enablers=enablers), " " * 8)
    # Tellings of different steps differ only in who took the step: the first one tells most.
    barrier = tellings[0]
    yield from _indented(what_others_did(barrier, words), " " * 6)
    for case in barrier.overcame:
        yield from _indented(_case(words, barrier, case, "case-overcame"), " " * 8)
    for case in barrier.went_on:
        yield from _indented(_case(words, barrier, case, "case-went-on"), " " * 8)


def _telling(words: Sentences, barrier: ReportedBarrier) -> str:
    """At which step, how severe, whether over, seen by whom, on what basis."""
    step = words.step(barrier.step) if barrier.step_stated else None
    facts = [words.say("at-step", step=step) if step else words.say("step-unstated")]
    facts += [words.inside(fact) for fact in (barrier.severity, barrier.status) if fact]
    if barrier.standpoint and not barrier.standpoint_unstated:
        facts.append(words.say("seen-by", standpoint=words.inside(barrier.standpoint)))
    facts.append(words.inside(barrier.basis))
    told = "; ".join(facts)
    return f"{told[:1].upper()}{told[1:]}."


def _case(words: Sentences, barrier: ReportedBarrier, case: Case, key: str) -> str:
    """One that got past a barrier, without what is said of all of them or of no step at all."""
    other_step = barrier.step_stated and not case.same_step
    coded = case.secondary and barrier.others_secondary < barrier.others
    return words.say(
        key if case.enablers else f"{key}-unsaid",
        name=case.label,
        how=words.listed(map(words.inside, case.enablers)),
        when=_duration(words, case.since, case.until),
        step=words.say("case-step") if other_step else "",
        coded=words.say("case-coded") if coded else "",
    )


def _duration(words: Sentences, since: str | None, until: str | None) -> str:
    if since and since == until:
        return words.say("case-in", since=since)
    if since and until:
        years = int(until[:4]) - int(since[:4])
        key = "case-years" if years else "case-within-a-year"
        return words.say(key, years, since=since, until=until)
    if since:
        return words.say("case-since", since=since)
    return words.say("case-until", until=until) if until else words.say("case-when-unknown")


def _stage(explanation: Explanation, profile: Profile) -> str:
    return explanation.labels.get(profile.stage) or shorten(profile.stage)


def _names(words: Sentences, verdicts: Iterable[Verdict]) -> str:
    """The names of criteria in quotation marks, one after the other."""
    return "; ".join(
        words.quoted(verdict.criterion.words(words.language).name) for verdict in verdicts
    )


def _kind(explanation: Explanation) -> str:
    return "organisation" if "/id/organisation/" in explanation.subject.iri else "initiative"


def _indented(text: str, lead: str) -> list[str]:
    lines = wrap(
        text,
        _WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_on_hyphens=False,
    )
    return lines or [lead]
