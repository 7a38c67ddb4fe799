"""Small random worlds in the words of the ontology, each consistent; nobody's real data.

A world has some things of each sort. What is said of them follows the domains and ranges, often
without their types, so that these must be concluded. The same seed gives the same world.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pyoxigraph as ox

from coprod_kg.model.graph import Graph
from coprod_kg.model.namespaces import expand, shorten, term
from coprod_kg.reasoning.expressions import Expressions

__all__ = ["Worlds"]

BASE = "https://w3id.org/coprod/id/"
TYPE = ox.NamedNode(expand("rdf:type"))
SORTS = (
    *("cp:Initiative", "cp:Initiative", "cp:Initiative", "cp:Initiative"),
    *("org:Organization", "org:Organization", "org:OrganizationalUnit", "prov:Agent"),
    *("cp:StageAssessment", "cp:StageAssessment", "cp:BarrierReport", "cp:EnablerReport"),
    *("cp:Participation", "cp:Participation", "cp:KnowledgeFlow", "cp:KnowledgeFlow"),
    *("cp:ConditionClaim", "cp:ConditionClaim", "cp:Evidence", "cp:PublicService"),
    *("cp:Hypothesis", "cp:Criterion", "cp:Verdict"),
)
APART = {expand("cp:meetsCriterion"), expand("cp:missesCriterion")}


class Worlds:
    """What worlds are made of.

    Args:
        model: the statements of the ontology and its schemes.
    """

    def __init__(self, model: Sequence[ox.Triple]) -> None:
        self._said = Graph(model)
        self._expressions = Expressions(self._said)
        self._functional = set(self._said.instances("owl:FunctionalProperty"))
        self._ordered = set(self._said.instances("owl:AsymmetricProperty"))
        pairs = self._said.pairs("owl:inverseOf")
        self._turned = {
            one
            for a, b in (*pairs, *((b, a) for a, b in pairs))
            for one in [a]
            if b in self._ordered
        }
        self._properties = sorted(self._said.instances("owl:ObjectProperty"), key=str)
        self._defined = sorted({str(one) for one, _ in self._said.pairs("owl:equivalentClass")})

    def world(self, seed: int, statements: int = 60) -> list[ox.Triple]:
        """The statements of one world."""
        random = Random(seed)
        things = {
            ox.NamedNode(f"{BASE}{_kind(sort)}/w{seed}-{place}"): expand(sort)
            for place, sort in enumerate(SORTS)
        }
        found = dict.fromkeys(self._types(random, things))
        firm = {one.subject for one in found if str(one.object) in self._defined}
        said: set[tuple[Any, Any]] = set()
        wanted = len(found) + statements
        while len(found) < wanted:
            prop = random.choice(self._properties)
            pair = self._pair(random, prop, things)
            if pair is None or (
                prop in self._functional and (pair[0] in firm or (pair[0], prop) in said)
            ):
                continue
            if prop.value in APART and any((pair[0], ox.NamedNode(one)) in said for one in APART):
                continue
            said.add((pair[0], prop))
            found[ox.Triple(pair[0], prop, pair[1])] = None
        return list(found)

    def _types(self, random: Random, things: dict[ox.NamedNode, str]) -> Iterator[ox.Triple]:
        for thing, sort in things.items():
            if random.random() < 0.5:
                yield ox.Triple(thing, TYPE, ox.NamedNode(sort))
            if random.random() < 0.2:
                below = [
                    one
                    for one in self._defined
                    if f"<{sort}>" in self._expressions.superclasses(one)
                ]
                if below:
                    yield ox.Triple(thing, TYPE, ox.NamedNode(random.choice(below)[1:-1]))

    def _pair(self, random: Random, prop: Any, things: dict[ox.NamedNode, str]) -> Any:
        """Two things that the property may relate."""
        subjects = self._fitting(self._said.value(prop, "rdfs:domain"), things)
        objects = self._fitting(self._said.value(prop, "rdfs:range"), things)
        if not objects:
            objects = self._said_to_be(self._said.value(prop, "rdfs:range"))
        if not subjects or not objects:
            return None
        pair = random.choice(subjects), random.choice(objects)
        if prop in self._ordered or prop in self._turned:
            order = list(things)
            later, earlier = pair if prop in self._ordered else pair[::-1]
            if order.index(later) <= order.index(earlier):
                return None
        return pair

    def _fitting(self, kind: Any, things: dict[ox.NamedNode, str]) -> list[ox.NamedNode]:
        if kind is None:
            return []
        union = self._said.value(kind, "owl:unionOf") if isinstance(kind, ox.BlankNode) else None
        kinds = list(self._said.members(union)) if union is not None else [kind]
        wanted = {str(one) for one in kinds}
        agents = {f"<{expand('prov:Agent')}>"} & wanted
        return [
            thing
            for thing, sort in things.items()
            if wanted & self._expressions.superclasses(f"<{sort}>")
            or (agents and shorten(sort).startswith("org:"))
        ]

    def _said_to_be(self, kind: Any) -> list[ox.NamedNode]:
        found = [one for one in self._said.instances(shorten(kind.value)) if kind] if kind else []
        return sorted(found, key=str)


def _kind(sort: str) -> str:
    local = sort.partition(":")[2]
    return "".join(f"-{one.lower()}" if one.isupper() else one for one in local).lstrip("-")


def decided_by_updates(triples: Sequence[ox.Triple]) -> list[ox.Triple]:
    """Those that no reasoner concludes: the present stage, which dates decide, and a default."""
    names = ("country", "countsEvidence", "currentStage", "endedAtStage", "step")
    decided = [term(name) for name in (*names, "supportSeenFrom", "takesStep")]
    return [one for one in triples if one.predicate.value in decided]
