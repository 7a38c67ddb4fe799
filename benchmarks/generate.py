"""Makes up organisations and initiatives, as many as asked for; the same seed gives the same bytes.

Nothing here is about anybody: the names say so. The shares are roughly those of the example data,
so that measurements mean something: how many claims an initiative has, how many of them evidence.

    python benchmarks/generate.py DIRECTORY --initiatives 10000 --seed 7
"""

import argparse
import random
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from coprod_kg.model.files import files

__all__ = ["PER_ORGANISATION", "main", "organisation"]

PER_ORGANISATION = 8
"""Initiatives of one organisation."""

_STAGES = ("ad-hoc-individual", "ad-hoc-collective", "pilot-project", "project", "programme")
_CITIZENS: tuple[str, ...] = ("service-user", "citizen", "resident", "family-carer", "volunteer")
_SERVICE: tuple[str, ...] = (
    "frontline-professional",
    "local-authority",
    "local-manager",
    "public-service-provider",
)
_CONDITIONS = (
    *("integrated-way-of-working", "meaningful-input", "value-for-users"),
    *("value-for-organisation", "formal-structures", "formal-processes", "leadership-commitment"),
)
_CLAIM = "  cp:claimedBy <id/agent/made-up> ; cp:basis basis:secondary-coding ;\n"


@cache
def _slugs(scheme: str) -> tuple[str, ...]:
    """The concepts of a scheme that are no groups."""
    text = (files("ontology") / "vocab" / f"{scheme}.ttl").read_text(encoding="utf-8")
    found = re.findall(r'skos:notation "([^"]+)"', text)
    return tuple(sorted(one for one in found if not re.search(r"(barriers|enablers)$", one)))


def _prefixes() -> str:
    names = (
        *("barrier", "barrier-status", "basis", "condition", "contribution", "destination"),
        *("direction", "enabler", "evidence-kind", "learning-level", "phase", "role", "sector"),
        *("severity", "stage", "standpoint", "status", "step"),
    )
    lines = [f"PREFIX {one}: <https://w3id.org/coprod/vocab/{one}/>" for one in names]
    return "\n".join(
        (
            *lines,
            "PREFIX country: <http://publications.europa.eu/resource/authority/country/>",
            "PREFIX cp: <https://w3id.org/coprod/ontology#>",
            "PREFIX dcterms: <http://purl.org/dc/terms/>",
            "PREFIX org: <http://www.w3.org/ns/org#>",
            "PREFIX prov: <http://www.w3.org/ns/prov#>",
            "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>",
            "PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>",
            "",
        )
    )


def organisation(number: int, seed: int, initiatives: int = PER_ORGANISATION) -> str:
    """One organisation with its initiatives, as the Turtle file that it would send.

    Args:
        number: which one; it alone decides the names.
        seed: decides everything else.
        initiatives: how many it runs.
    """
    chance = random.Random(f"{seed}/{number}")
    slug = f"made-up-{number}"
    country = chance.choice(("DNK", "SWE", "GBR", "ITA", "DEU"))
    parts = [
        _prefixes(),
        '<id/agent/made-up> a prov:Agent ; rdfs:label "Generator of made-up data"@en .',
        f'<id/organisation/{slug}> a org:Organization ; rdfs:label "Made-up {number}"@en ;'
        f" cp:country country:{country} .",
        f'<id/evidence/{slug}> a cp:Evidence ; rdfs:label "Made-up report {number}"@en ;'
        f" cp:evidenceKind evidence-kind:{chance.choice(_slugs('evidence-kind'))} .",
    ]
    if chance.random() < 0.3:
        parts += _claims_of_culture(chance, slug)
    for place in range(initiatives):
        parts += _initiative(chance, slug, place, initiatives)
    return "\n".join(parts) + "\n"


def _claims_of_culture(chance: random.Random, slug: str) -> Iterator[str]:
    subject = f"organisation/{slug}"
    yield _claim(chance, "StageAssessment", f"{slug}-culture", subject, "cp:stage stage:culture")
    for one in chance.sample(_CONDITIONS, chance.randrange(len(_CONDITIONS) + 1)):
        yield _claim(
            chance, "ConditionClaim", f"{slug}-{one}", subject, f"cp:condition condition:{one}"
        )


def _claim(chance: random.Random, kind: str, name: str, subject: str, says: str) -> str:
    folder = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower()
    owner = re.match(r"made-up-\d+", name)
    evidence = (
        f"  cp:supportedBy <id/evidence/{owner[0]}> ;\n" if chance.random() < 0.8 and owner else ""
    )
    return (
        f"<id/{folder}/{name}> a cp:{kind} ; cp:about <id/{subject}> ;\n{_CLAIM}{evidence}"
        f'  {says} ; rdfs:label "Made-up claim {name}"@en .'
    )


def _initiative(chance: random.Random, slug: str, place: int, of: int) -> Iterator[str]:
    name = f"{slug}-{place}"
    year = chance.randrange(1995, 2024)
    facts = [
        f'<id/initiative/{name}> a cp:Initiative ; rdfs:label "Made-up initiative {name}"@en',
        f"cp:runBy <id/organisation/{slug}>",
        f"cp:sector sector:{chance.choice(_slugs('sector'))}",
        f"dcterms:source <https://example.org/{name}>",
        f'cp:startDate "{year}"^^xsd:gYear',
    ]
    if chance.random() < 0.7:
        facts.append('cp:place "Nowhere"@en')
    if chance.random() < 0.5:
        facts.append(f"cp:lifecycleStatus status:{chance.choice(_slugs('status'))}")
    if place == 0 and of > 2 and chance.random() < 0.5:
        parts = " , ".join(
            f"<id/initiative/{slug}-{one}>" for one in range(1, chance.randrange(2, 4))
        )
        facts.append(f"cp:hasPart {parts}")
    if chance.random() < 0.1:
        facts.append(f"cp:partCount {chance.randrange(1, 30)}")
    if chance.random() < 0.2:
        facts.append('cp:strategicGoal "A made-up goal"@en')
    yield " ;\n  ".join(facts) + " ."
    yield from _history(chance, name, year)
    yield from _participations(chance, name)
    yield from _reports(chance, name)


def _history(chance: random.Random, name: str, year: int) -> Iterator[str]:
    first = chance.randrange(len(_STAGES))
    before = ""
    for number, stage in enumerate(_STAGES[first : first + chance.randrange(3)]):
        says = f'cp:stage stage:{stage} ; cp:validFrom "{year + 2 * number}"^^xsd:gYear{before}'
        yield _claim(chance, "StageAssessment", f"{name}-{stage}", f"initiative/{name}", says)
        before = f" ; cp:followsAssessment <id/stage-assessment/{name}-{stage}>"


def _participations(chance: random.Random, name: str) -> Iterator[str]:
    for side in (_CITIZENS, _SERVICE):
        for role in chance.sample(side, chance.randrange(3)):
            says = f"cp:role role:{role}"
            if chance.random() < 0.7:
                says += f" ; cp:phase phase:{chance.choice(_slugs('phase'))}"
            if chance.random() < 0.3:
                says += f" ; cp:contribution contribution:{chance.choice(_slugs('contribution'))}"
            yield _claim(chance, "Participation", f"{name}-{role}", f"initiative/{name}", says)


def _reports(chance: random.Random, name: str) -> Iterator[str]:
    subject = f"initiative/{name}"
    for barrier in chance.sample(_slugs("barrier"), chance.randrange(3)):
        says = f"cp:barrier barrier:{barrier} ; cp:step step:{chance.choice(_slugs('step'))}"
        if chance.random() < 0.4:
            enabler = chance.choice(_slugs("enabler"))
            says += f" ; cp:barrierStatus barrier-status:overcome ; cp:overcomeBy enabler:{enabler}"
        yield _claim(chance, "BarrierReport", f"{name}-{barrier}", subject, says)
    for enabler in chance.sample(_slugs("enabler"), chance.randrange(4)):
        says = f"cp:enabler enabler:{enabler}"
        yield _claim(chance, "EnablerReport", f"{name}-{enabler}", subject, says)
    if chance.random() < 0.4:
        direction = chance.choice(("feed-forward", "feedback"))
        levels = _slugs("learning-level")
        says = (
            f"cp:direction direction:{direction} ;"
            f" cp:fromLevel learning-level:{chance.choice(levels)} ;"
            f" cp:toLevel learning-level:{chance.choice(levels)} ;"
            f" cp:destination destination:{chance.choice(_slugs('destination'))}"
        )
        yield _claim(chance, "KnowledgeFlow", f"{name}-flow", subject, says)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one file an organisation."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--initiatives", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    given.directory.mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, given.initiatives, PER_ORGANISATION)):
        count = min(PER_ORGANISATION, given.initiatives - first)
        path = given.directory / f"made-up-{number}.ttl"
        path.write_text(organisation(number, given.seed, count), encoding="utf-8")
    sys.stdout.write(f"{given.initiatives} initiatives in {given.directory}\n")


if __name__ == "__main__":
    main()
