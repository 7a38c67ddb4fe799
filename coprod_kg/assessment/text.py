"""An explanation as text for a terminal.

Secondary coding is named as such wherever something rests on it, and small numbers are said.
"""

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.assessment.claims import Claim
from coprod_kg.assessment.explanation import Explanation, verdicts_on
from coprod_kg.assessment.peers import Case, ReportedBarrier
from coprod_kg.model.namespaces import shorten
from coprod_kg.validation.profiles import Finding, Profile, Verdict

__all__ = ["as_lines"]

_WIDTH: Final = 96
_NEAREST: Final = 5
_SHOWN: Final = 2
"""Statements shown under a criterion on a terminal; the plain values have all."""
_SIGNS: Final = {
    Finding.HOLDS: "✓",
    Finding.CONTESTED: "✓ (contested)",
    Finding.DOES_NOT_HOLD: "✗",
    Finding.NOT_FOUND: "? (looked for)",
    Finding.NOT_CODED: "?",
}
"""Before a criterion: met, denied, looked for and not found, not on record."""
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


def _lines(explanation: Explanation, base_iri: str, every: bool) -> Iterator[str]:
    yield explanation.subject.label
    runners = (
        f", run by {_listed(explanation.subject.run_by)}" if explanation.subject.run_by else ""
    )
    yield f"  {explanation.subject.iri.removeprefix(f'{base_iri}id/')}{runners}"
    yield ""
    yield from _claims(explanation)
    yield from _supported(explanation)
    yield from _both_sides(explanation)
    if not explanation.fresh:
        yield from _indented(
            "The store holds other conclusions: the data or the profiles changed since. "
            f"Run coprod-kg assess --refresh {explanation.subject.organisation}",
            "  ! ",
        )
    for profile in explanation.judgement.profiles if every else _that_matter(explanation):
        yield ""
        yield from _criteria(explanation, profile, base_iri)
    yield from _runners(explanation)
    yield from _barriers(explanation)
    yield from _alike(explanation)


def _claims(explanation: Explanation) -> Iterator[str]:
    open_claims = explanation.open_claims
    for claim in open_claims:
        yield from _indented(f"{claim.stage_label}{_since(claim)}. {_basis(claim)}", "Claimed    ")
        if claim.comment:
            yield from _indented(_quoted(claim.comment), " " * 11)
        if claim.sources:
            yield from _indented(
                f"It cites: {'; '.join(source.label for source in claim.sources)}.", " " * 11
            )
        else:
            yield from _indented("It cites no evidence.", " " * 11)
    if explanation.ended_at:
        stages = [explanation.labels.get(stage) or shorten(stage) for stage in explanation.ended_at]
        yield f"Ended      It has ended, at the stage {_listed(map(str.lower, stages), 'or')}."
    elif not open_claims:
        yield "Claimed    No stage is claimed for it now."
    earlier = [claim for claim in explanation.claims if not claim.open]
    if earlier:
        told = [f"{claim.stage_label.lower()}{_since(claim)}" for claim in earlier]
        yield from _indented(f"Before: {'; '.join(told)}.", " " * 11)


def _since(claim: Claim) -> str:
    if claim.since and claim.until:
        return f" from {claim.since} until {claim.until}"
    if claim.until:
        return f" until {claim.until}"
    return f" since {claim.since}" if claim.since else " (no date)"


def _basis(claim: Claim) -> str:
    who = "the coprod-kg project" if claim.claimant.startswith("coprod-kg") else claim.claimant
    not_theirs = ", not the organisation's own statement" if claim.secondary else ""
    return f"By {who}: {claim.basis.lower()}{not_theirs}."


def _supported(explanation: Explanation) -> Iterator[str]:
    names = _listed([_stage(explanation, profile) for profile in explanation.supported])
    label = "Supported  "
    if not names:
        yield from _indented("The record decides for no stage: see what is not on record.", label)
    elif explanation.claimed and not explanation.above_evidence:
        yield from _indented(f"{names}: the record bears the claim out.", label)
    else:
        yield from _indented(f"{names}, in full.", label)
    above = [
        profile
        for profile in explanation.claimed
        if profile.stage not in explanation.judgement.supported
    ]
    if not explanation.above_evidence:
        return
    for profile in above:
        yield from _indented(_lacking(explanation, profile), " " * 11)
    unfit = {claim.stage_label for claim in explanation.open_claims} - {
        explanation.labels.get(profile.stage, "") for profile in explanation.claimed
    }
    for stage in sorted(unfit):
        yield from _indented(f"{stage} is not judged of a subject of this kind.", " " * 11)


def _lacking(explanation: Explanation, profile: Profile) -> str:
    """What keeps the record from deciding for a claimed stage, silence apart from a no."""
    required = [one for one in explanation.verdicts(profile) if one.criterion.required]
    against = [one for one in required if one.finding is Finding.DOES_NOT_HOLD]
    silent = [one for one in required if not one.met and one not in against]
    met = sum(one.met for one in required)
    told = (
        f"For {_stage(explanation, profile).lower()}, {met} of {len(required)} required criteria "
        "are met."
    )
    if against:
        told += f" Against it: {'; '.join(_quoted(one.criterion.name) for one in against)}."
    if silent:
        told += f" Not on record: {'; '.join(_quoted(one.criterion.name) for one in silent)}."
    if not against:
        told += (
            f" That says what this record lacks, not what the {_kind(explanation)} lacks: "
            "the claim may well be right."
        )
    return told


def _both_sides(explanation: Explanation) -> Iterator[str]:
    """Whether it is co-production at all: a question of its own."""
    both = explanation.judgement.co_produced
    if both is None:
        return
    profile = next(one for one in explanation.judgement.profiles if not one.stage)
    lacking = [one.criterion.name for one in explanation.verdicts(profile) if not one.met]
    told = (
        "Both sides put something in, so it is co-production."
        if both
        else f"Whether it is co-production is not on record: {'; '.join(map(_quoted, lacking))}."
    )
    yield from _indented(told, "Both sides ")


def _runners(explanation: Explanation) -> Iterator[str]:
    """The state of the organisation behind a programme, which is where culture is."""
    top = max((profile.rank for profile in explanation.claimed), default=0)
    highest = max((one.rank for one in explanation.judgement.profiles), default=0)
    if not explanation.runners or not top or top < highest:
        return
    for runner in explanation.runners:
        for profile in runner.profiles:
            required = [one for one in verdicts_on(runner, profile) if one.criterion.required]
            met = sum(one.met for one in required)
            name = explanation.labels.get(runner.subject) or shorten(runner.subject)
            yield ""
            yield from _indented(
                f"What comes after a programme is no matter of this initiative but of {name}, "
                f"which runs it: {met} of {len(required)} required criteria of "
                f"{_stage(explanation, profile).lower()} are on record there.",
                "",
            )
            for verdict in required:
                if not verdict.met:
                    yield from _indented(_asked(verdict), "  ")


def _asked(verdict: Verdict) -> str:
    return f"{_SIGNS[verdict.finding]} {verdict.criterion.name}. {verdict.criterion.message}"


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
    verdicts = explanation.verdicts(profile)
    if profile in explanation.claimed or profile in explanation.supported:
        about = "claimed" if profile in explanation.claimed else "supported"
        yield f"{_stage(explanation, profile)} ({about})"
    else:
        required = [verdict for verdict in verdicts if verdict.criterion.required]
        met = sum(verdict.met for verdict in required)
        stage = _stage(explanation, profile)
        yield f"{stage}: {met} of {len(required)} required criteria are on record"
        yield from _indented("Higher is not better: this says only what it would take.", "  ")
        verdicts = tuple(verdict for verdict in verdicts if not verdict.met)
    for verdict in verdicts:
        helps = "" if verdict.criterion.required else " (helps, not required)"
        yield f"  {_SIGNS[verdict.finding]} {verdict.criterion.name}{helps}"
        if verdict.met and verdict.criterion.only_excludes:
            yield from _indented("Nothing on record speaks against it.", " " * 6)
        if verdict.denied:
            told = _listed([explanation.labels.get(one) or one for one in verdict.denied])
            yield from _indented(f"Somebody says that it does not hold: {told}.", " " * 6)
        if verdict.searched:
            told = _listed([explanation.labels.get(one) or one for one in verdict.searched])
            yield from _indented(f"It was looked for and not found: {told}.", " " * 6)
        if not verdict.met:
            yield from _indented(verdict.criterion.message, " " * 6)
            kinds = [
                explanation.labels.get(kind, shorten(kind)) for kind in verdict.criterion.evidence
            ]
            if kinds and verdict.criterion.required:
                yield from _indented(
                    f"Would show it: {_listed(map(str.lower, kinds), 'or')}.", " " * 6
                )
        yield from _statements(explanation, verdict, base_iri)


def _statements(explanation: Explanation, verdict: Verdict, base_iri: str) -> Iterator[str]:
    telling = [
        triple
        for triple in verdict.triples
        if triple.predicate.value not in _IMPLIED and str(triple.subject).startswith(f"<{base_iri}")
    ]
    sentences = list(dict.fromkeys(_sentence(explanation, triple) for triple in telling))
    lead = "" if verdict.met else "Found only: "
    for sentence in sentences[:_SHOWN]:
        yield from _indented(f"{lead}{sentence}", " " * 6)
    if len(sentences) > _SHOWN:
        yield f"      … and {len(sentences) - _SHOWN} more (--json has them all)"


def _sentence(explanation: Explanation, triple: ox.Triple) -> str:
    """A statement in words: what the subject is called, the property, and the value."""
    relation = _called(explanation, triple.predicate)
    value = _called(explanation, triple.object)
    if str(triple.subject) == f"<{explanation.subject.iri}>":
        return f"{relation[:1].upper()}{relation[1:]}: {value}."
    return f"{_called(explanation, triple.subject)}, {relation}: {value}."


def _called(explanation: Explanation, node: Any) -> str:
    if isinstance(node, ox.Literal):
        return _quoted(node.value)
    if isinstance(node, ox.NamedNode):
        return explanation.labels.get(node.value) or shorten(node.value)
    return "a claim without a name"


def _barriers(explanation: Explanation) -> Iterator[str]:
    yield ""
    if not explanation.barriers:
        yield "Barriers   None is reported of it."
        return
    yield "Barriers reported of it, and what others did about the same"
    for barrier in explanation.barriers:
        yield from _barrier(barrier)


def _alike(explanation: Explanation) -> Iterator[str]:
    """The nearest five at the same stage in the same sector, with how many there are."""
    if not explanation.alike:
        return
    many = len(explanation.alike)
    moved = sum(one.moved_on for one in explanation.alike)
    yield ""
    were = "are or were" if many > 1 else "is or was"
    told = (
        f"{moved} of them {'is' if moved == 1 else 'are'} on record at a higher one later."
        if moved
        else "that any moved on is not on record."
    )
    others = "others" if many > 1 else "other"
    yield from _indented(
        f"{many} {others} in its sector {were} at its stage; {told} The nearest:", ""
    )
    for one in explanation.alike[:_NEAREST]:
        shared = [
            word for word, holds in (("level", one.same_level), ("size", one.same_size)) if holds
        ]
        facts = [f"same {_listed(shared)}"] if shared else []
        facts += ["moved on"] if one.moved_on else []
        facts += ["has ended"] if one.ended else []
        told = f" ({'; '.join(facts)})" if facts else ""
        yield from _indented(f"{one.label}{told}", "  • ")


def _barrier(barrier: ReportedBarrier) -> Iterator[str]:
    step = (
        f"at the step {barrier.step.rpartition('/')[2]}"
        if barrier.step_stated and barrier.step
        else ""
    )
    facts = [step or "step not stated", barrier.severity and barrier.severity.lower()]
    facts.append(barrier.status and barrier.status.lower())
    if barrier.standpoint and not barrier.standpoint_unstated:
        facts.append(f"seen by: {barrier.standpoint.lower()}")
    facts.append(barrier.basis.lower())
    yield from _indented(
        f"{barrier.label} ({', '.join(str(fact) for fact in facts if fact)})", "  • "
    )
    if barrier.comment and not barrier.comment.startswith(_BOILERPLATE):
        yield from _indented(_quoted(barrier.comment), " " * 6)
    if barrier.overcome_by:
        how = _listed(map(str.lower, barrier.overcome_by))
        yield from _indented(f"Overcome here by {how}.", " " * 6)
    yield from _indented(_elsewhere(barrier), " " * 6)
    for case in (*barrier.overcame, *barrier.went_on):
        yield from _indented(_case(case, reported=case in barrier.overcame), " " * 8)


def _elsewhere(barrier: ReportedBarrier) -> str:
    if not barrier.others:
        return "Nobody else in the store reports it, so there is nothing to learn from others yet."
    coded = (
        ", all known from secondary coding"
        if barrier.others_secondary == barrier.others
        else f", {barrier.others_secondary} of them known from secondary coding"
        if barrier.others_secondary
        else ""
    )
    who = f"{barrier.others} other{'s' if barrier.others > 1 else ''} report it{coded}."
    if barrier.others == 1:
        who = who.replace("report it", "reports it").replace(", all known", ", known")
    passed = len(barrier.overcame)
    went = len(barrier.went_on)
    told = (
        f"{passed} of them {'is' if passed == 1 else 'are'} said to have overcome it"
        if passed
        else "Whether they overcame it is not on record"
        if barrier.others == 1
        else f"Whether they overcame it is not on record in any of the {barrier.others}"
    )
    if went:
        step = (barrier.step or "").rpartition("/")[2]
        told += f"; {went} took the step {step} although they report it"
    few = " Too few to generalise from." if 0 < passed + went < 5 else ""
    return f"{who} {told}.{few}"


def _case(case: Case, *, reported: bool) -> str:
    when = _duration(case.since, case.until)
    how = _listed(map(str.lower, case.enablers)) if case.enablers else "nothing named"
    means = f"by {how}" if reported else f"enablers reported there: {how}"
    step = "" if case.same_step else "; whether at the same step is not stated"
    coded = "; secondary coding" if case.secondary else ""
    return f"{case.label}: {means}{when}{step}{coded}"


def _duration(since: str | None, until: str | None) -> str:
    if not since or not until:
        return (
            f"; since {since}"
            if since
            else f"; until {until}"
            if until
            else "; how long: not known"
        )
    years = int(until[:4]) - int(since[:4])
    unit = "year" if years == 1 else "years"
    return f"; {since} to {until}, {f'about {years} {unit}' if years else 'within a year'}"


def _stage(explanation: Explanation, profile: Profile) -> str:
    return explanation.labels.get(profile.stage) or shorten(profile.stage)


def _quoted(text: str) -> str:
    return f"“{text}”"


def _kind(explanation: Explanation) -> str:
    return "organisation" if "/id/organisation/" in explanation.subject.iri else "initiative"


def _listed(words: Iterable[str], last: str = "and") -> str:
    known = list(words)
    if len(known) < 2:
        return "".join(known)
    return f"{', '.join(known[:-1])} {last} {known[-1]}"


def _indented(text: str, lead: str) -> list[str]:
    lines = wrap(
        text,
        _WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_on_hyphens=False,
    )
    return lines or [lead]
