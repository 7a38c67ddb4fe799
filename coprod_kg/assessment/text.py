"""An explanation as text for a terminal, in the reader's language.

Whatever rests on secondary coding says so, and every number has its denominator.
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
"""With fewer cases a sentence warns the reader not to generalise."""
_MOST_STATEMENTS: Final = 2
"""Statements shown under a criterion on a terminal; the plain values have all."""
_SIGNS: Final = {
    CriterionFinding.HOLDS: "✓",
    CriterionFinding.DOES_NOT_HOLD: "✗",
    CriterionFinding.NOT_CODED: "?",
}
"""The sign before a criterion; the two other findings have a word instead."""
_IMPLIED: Final = (
    "https://w3id.org/coprod/ontology#about",
    "http://www.w3.org/2004/02/skos/core#broader",
)
_BOILERPLATE: Final = "Coded from the source named here"
"""The start of a comment that tells nothing about the case."""


def as_lines(explanation: Explanation, base_iri: str, *, every: bool = False) -> Iterator[str]:
    """The explanation as lines of text.

    Args:
        explanation: the explanation.
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
        slots: other values to fill in.
    """
    met = [verdict for verdict in required if verdict.met]
    silent = sum(verdict.criterion.only_excludes for verdict in met)
    silence = ""
    if silent:
        how = "by-silence-alone" if silent == len(met) else "by-silence"
        silence = words.say(how, silent)
    return words.say(key, len(met), required=len(required), silence=silence, **slots)


def what_others_did(barrier: ReportedBarrier, words: Sentences) -> str:
    """How many others report a barrier, overcame it or went on all the same, in sentences."""
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
    sentences = [words.say(key, barrier.others, all=barrier.reporting, coded=coded)]
    overcame, went_on = len(barrier.overcame), len(barrier.went_on)
    if not overcame:
        sentences.append(words.say("overcome-unknown", barrier.others))
    elif overcame == barrier.others:
        sentences.append(words.say("overcame-all", overcame))
    else:
        sentences.append(words.say("overcame", overcame, others=barrier.others))
    if went_on:
        step = words.step(barrier.step) or ""
        key = "went-on-all" if went_on == barrier.others else "went-on"
        sentences.append(words.say(key, went_on, others=barrier.others, step=step))
    if 0 < overcame + went_on < _FEW:
        sentences.append(words.say("few"))
    return " ".join(sentences)


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
    for profile in explanation.judgement.profiles if every else explanation.relevant:
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
    sentences = []
    for claim in explanation.open_claims:
        stage, when = claim.stage_label, words.when(claim.since, claim.until)
        sentences.append(words.say("claim", stage=stage, when=when, basis=_basis(words, claim)))
        if claim.comment:
            sentences.append(words.quoted(claim.comment))
        sources = "; ".join(source.label for source in claim.sources)
        sentences.append(
            words.say("cites", sources=sources) if sources else words.say("cites-none")
        )
    label = "label-claimed"
    if explanation.ended_at and not sentences:
        label = "label-ended"
    if explanation.ended_at:
        stages = [explanation.labels.get(stage) or shorten(stage) for stage in explanation.ended_at]
        sentences.append(
            words.say("ended-at", stages=words.listed(map(words.inside, stages), "or"))
        )
    elif not sentences:
        sentences.append(words.say("none-claimed"))
    earlier = [claim for claim in explanation.claims if not claim.open]
    if earlier:
        # Several claimants may tell the same history.
        history = dict.fromkeys(
            f"{words.inside(claim.stage_label)} {words.when(claim.since, claim.until, still=False)}"
            for claim in earlier
        )
        sentences.append(words.say("before", history="; ".join(history)))
    yield from _labelled(words, label, sentences)


def _basis(words: Sentences, claim: Claim) -> str:
    ours = claim.claimant.startswith("coprod-kg")
    claimant = words.say("the-project") if ours else claim.claimant
    return words.say(
        "by-secondary" if claim.secondary else "by", who=claimant, basis=words.inside(claim.basis)
    )


def _supported(explanation: Explanation) -> Iterator[str]:
    words = explanation.words
    stages = words.listed([_stage(explanation, profile) for profile in explanation.supported])
    if not stages:
        sentences = [words.say("decides-none")]
    elif explanation.claimed and not explanation.above_evidence:
        sentences = [words.say("bears-out", stages=stages)]
    else:
        sentences = [words.say("in-full", stages=stages)]
    if explanation.above_evidence:
        sentences += [
            _lacking(explanation, profile)
            for profile in explanation.claimed
            if profile.stage not in explanation.judgement.supported
        ]
        unjudged = {claim.stage_label for claim in explanation.open_claims} - {
            explanation.labels.get(profile.stage, "") for profile in explanation.claimed
        }
        key = f"not-judged-{_kind(explanation)}"
        sentences += [words.say(key, stage=stage) for stage in sorted(unjudged)]
    yield from _labelled(words, "label-supported", sentences)


def _lacking(explanation: Explanation, profile: Profile) -> str:
    """The missing criteria of a claimed stage; denied ones and unrecorded ones are kept apart."""
    words = explanation.words
    required = [verdict for verdict in explanation.verdicts(profile) if verdict.criterion.required]
    denied = [verdict for verdict in required if verdict.finding is CriterionFinding.DOES_NOT_HOLD]
    silent = [verdict for verdict in required if not verdict.met and verdict not in denied]
    stage = words.inside(_stage(explanation, profile))
    sentences = [met_of_required(words, "lacking", required, stage=stage)]
    if denied:
        sentences.append(words.say("against", names=_names(words, denied)))
    if silent:
        sentences.append(words.say("not-on-record", names=_names(words, silent)))
    if not denied:
        sentences.append(words.say(f"may-be-right-{_kind(explanation)}"))
    return " ".join(sentences)


def _both_sides(explanation: Explanation) -> Iterator[str]:
    """Whether it is co-production at all, which is judged apart from the stages."""
    words, co_produced = explanation.words, explanation.judgement.co_produced
    if co_produced is None:
        return
    profile = next(profile for profile in explanation.judgement.profiles if not profile.stage)
    lacking = [verdict for verdict in explanation.verdicts(profile) if not verdict.met]
    denied = [verdict for verdict in lacking if verdict.finding is CriterionFinding.DOES_NOT_HOLD]
    if co_produced:
        sentence = words.say("co-produced")
    elif denied:
        sentence = words.say("co-production-denied", names=_names(words, denied))
    else:
        sentence = words.say("co-production-unknown", names=_names(words, lacking))
    yield from _labelled(words, "label-both-sides", [sentence])


def _runners(explanation: Explanation) -> Iterator[str]:
    """The state of the organisations behind a programme, which is where culture is.

    Criteria that several of them miss are listed once.
    """
    words = explanation.words
    claimed_rank = max((profile.rank for profile in explanation.claimed), default=0)
    highest_rank = max((profile.rank for profile in explanation.judgement.profiles), default=0)
    if not explanation.runners or not claimed_rank or claimed_rank < highest_rank:
        return
    names = {
        runner.subject: explanation.labels.get(runner.subject) or shorten(runner.subject)
        for runner in explanation.runners
    }
    yield ""
    all_names = words.listed(names.values())
    yield from _indented(words.say("after-programme", len(names), names=all_names), "")
    for profile in explanation.runners[0].profiles:
        verdicts_by_runner = {
            runner.subject: [
                verdict for verdict in verdicts_on(runner, profile) if verdict.criterion.required
            ]
            for runner in explanation.runners
            if profile in runner.profiles
        }
        stage = words.inside(_stage(explanation, profile))
        runners_by_findings: dict[tuple[CriterionFinding, ...], list[str]] = {}
        for runner, required in verdicts_by_runner.items():
            runners_by_findings.setdefault(
                tuple(verdict.finding for verdict in required), []
            ).append(runner)
        for runners in runners_by_findings.values():
            runner_names = words.listed(names[runner] for runner in runners)
            sentence = met_of_required(
                words, "runner", verdicts_by_runner[runners[0]], stage=stage, names=runner_names
            )
            yield from _indented(sentence, "")
        missed: dict[tuple[str, str], list[str]] = {}
        for runner, required in verdicts_by_runner.items():
            for verdict in required:
                if not verdict.met:
                    key = (verdict.criterion.iri, _sign(words, verdict))
                    missed.setdefault(key, []).append(runner)
        criteria = {criterion.iri: criterion for criterion in profile.criteria}
        for (criterion, sign), runners in missed.items():
            texts = criteria[criterion].words(words.language)
            runner_names = words.listed(names[runner] for runner in runners)
            note = "" if len(runners) == len(verdicts_by_runner) else f" ({runner_names})"
            yield from _indented(f"{sign} {texts.name}{note}. {texts.message}", "  ")


def _criteria(explanation: Explanation, profile: Profile, base_iri: str) -> Iterator[str]:
    words, verdicts = explanation.words, explanation.verdicts(profile)
    stage = _stage(explanation, profile)
    if profile.stage in explanation.ended_at:
        yield words.say("heading-ended", stage=stage)
    elif profile in explanation.claimed:
        yield words.say("heading-claimed", stage=stage)
    elif profile.stage in explanation.last_stages:
        yield words.say("heading-last", stage=stage)
    elif profile in explanation.supported:
        yield words.say("heading-supported", stage=stage)
    else:
        required = [verdict for verdict in verdicts if verdict.criterion.required]
        yield from _indented(met_of_required(words, "heading-next", required, stage=stage), "")
        yield from _indented(words.say("higher"), "  ")
        verdicts = tuple(verdict for verdict in verdicts if not verdict.met)
    for verdict in verdicts:
        helps = "" if verdict.criterion.required else words.say("helps")
        texts = verdict.criterion.words(words.language)
        yield f"  {_sign(words, verdict)} {texts.name}{helps}"
        for sentence in _criterion_sentences(explanation, verdict):
            yield from _indented(sentence, " " * 6)
        yield from _statements(explanation, verdict, base_iri)


def _sign(words: Sentences, verdict: Verdict) -> str:
    if verdict.finding is CriterionFinding.CONTESTED:
        return words.say("sign-contested")
    if verdict.finding is CriterionFinding.NOT_FOUND:
        return words.say("sign-looked-for")
    return _SIGNS[verdict.finding]


def _criterion_sentences(explanation: Explanation, verdict: Verdict) -> Iterator[str]:
    """The sentences under a criterion, without its statements."""
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
    shown_triples = [
        triple
        for triple in verdict.triples
        if triple.predicate.value not in _IMPLIED and str(triple.subject).startswith(f"<{base_iri}")
    ]
    sentences = list(dict.fromkeys(_sentence(explanation, triple) for triple in shown_triples))
    for sentence in sentences[:_MOST_STATEMENTS]:
        text = sentence if verdict.met else words.say("found-only", statement=sentence)
        yield from _indented(text, " " * 6)
    if len(sentences) > _MOST_STATEMENTS:
        yield f"      {words.say('more', len(sentences) - _MOST_STATEMENTS)}"


def _sentence(explanation: Explanation, triple: ox.Triple) -> str:
    """A statement in words: the names of subject and property, and the value."""
    relation = _name_of(explanation, triple.predicate)
    value = _name_of(explanation, triple.object)
    if str(triple.subject) == f"<{explanation.subject.iri}>":
        return f"{relation[:1].upper()}{relation[1:]}: {value}."
    claim = _name_of(explanation, triple.subject)
    if value.casefold() in claim.casefold():  # its label says it already
        return f"{claim}."
    return f"{claim}, {relation}: {value}."


def _name_of(explanation: Explanation, node: Any) -> str:
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
    reports_by_barrier: dict[str, list[ReportedBarrier]] = {}
    for barrier in explanation.barriers:
        reports_by_barrier.setdefault(barrier.iri, []).append(barrier)
    for reports in reports_by_barrier.values():
        yield from _barrier(explanation, reports)


def _alike(explanation: Explanation) -> Iterator[str]:
    """The nearest five at the same stage in the same sector, with how many there are."""
    if not explanation.alike:
        return
    words, many = explanation.words, len(explanation.alike)
    moved = sum(peer.moved_on for peer in explanation.alike)
    if not moved:
        note = words.say("alike-none-moved")
    else:
        key = "alike-moved-all" if moved == many else "alike-moved"
        note = words.say(key, moved, all=many)
    nearest = (
        words.say("alike-nearest", _NEAREST, all=many)
        if many > _NEAREST
        else words.say("alike-all", many)
    )
    yield ""
    yield from _indented(f"{words.say('alike', many, moved=note)} {nearest}", "")
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
        note = f" ({'; '.join(facts)})" if facts else ""
        yield from _indented(f"{peer.label}{note}", "  • ")


def _barrier(explanation: Explanation, reports: Sequence[ReportedBarrier]) -> Iterator[str]:
    """One barrier: each report of it, and once the cases of others."""
    words = explanation.words
    yield from _indented(reports[0].label, "  • ")
    for barrier in reports:
        yield from _indented(_report_sentence(words, barrier), " " * 6)
        if barrier.comment and not barrier.comment.startswith(_BOILERPLATE):
            yield from _indented(words.quoted(barrier.comment), " " * 8)
        criteria = {
            verdict.criterion.iri: verdict.criterion for verdict in explanation.judgement.verdicts
        }
        blocked = [criteria[iri] for iri in barrier.blocks if iri in criteria]
        if blocked:
            names = words.listed(
                words.quoted(criterion.words(words.language).name) for criterion in blocked
            )
            yield from _indented(words.say("blocks", criteria=names), " " * 8)
        if barrier.overcome_by:
            enablers = words.listed(map(words.inside, barrier.overcome_by))
            yield from _indented(words.say("overcome-here", enablers=enablers), " " * 8)
    # Reports at different steps differ only in the cases that went on: the first has the most.
    barrier = reports[0]
    yield from _indented(what_others_did(barrier, words), " " * 6)
    for case in barrier.overcame:
        yield from _indented(_case(words, barrier, case, "case-overcame"), " " * 8)
    for case in barrier.went_on:
        yield from _indented(_case(words, barrier, case, "case-went-on"), " " * 8)


def _report_sentence(words: Sentences, barrier: ReportedBarrier) -> str:
    """The step, severity, status, standpoint and basis of a report."""
    step = words.step(barrier.step) if barrier.step_stated else None
    facts = [words.say("at-step", step=step) if step else words.say("step-unstated")]
    facts += [words.inside(fact) for fact in (barrier.severity, barrier.status) if fact]
    if barrier.standpoint and not barrier.standpoint_unstated:
        facts.append(words.say("seen-by", standpoint=words.inside(barrier.standpoint)))
    facts.append(words.inside(barrier.basis))
    sentence = "; ".join(facts)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _case(words: Sentences, barrier: ReportedBarrier, case: Case, key: str) -> str:
    """One case of a barrier; coding and step are named only where they differ from the others'."""
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
