"""What a criterion asks for: the properties on its path, and the values that would meet it.

Read from the shape, so that a criterion that is added in Turtle can be asked at once. A way to meet
it that the submission shapes would refuse without something that is not asked is left out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.model.graph import RDF_TYPE, Graph
from coprod_kg.model.namespaces import expand, named

__all__ = ["Asked", "Submissions", "asked_by"]

_ABOUT: Final = named("cp:about")
_RUN_BY: Final = named("cp:runBy")
_BROADER: Final = named("skos:broader")
_INITIATIVE: Final = expand("cp:Initiative")
_EVIDENCE: Final = frozenset({expand("cp:countsEvidence"), expand("cp:supportedBy")})
_ASKED_APART: Final = frozenset({expand("cp:StageAssessment"), expand("cp:Transition")})
"""Claims of a stage are no sign of it, and a question of their own asks for them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One property that can hold what a criterion looks for.

    Attributes:
        claim: the class of the claim that has it; empty where the subject itself has it.
        prop: the property.
        values: the concepts of which one will do; None for a text, a date or a number.
        indirect: whether it is looked for at what an organisation runs.
    """

    claim: str
    prop: str
    values: frozenset[str] | None
    indirect: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    """One property of a path; ``closure`` for one that may be followed any number of times."""

    prop: Any
    inverse: bool = False
    closure: bool = False


class Submissions:
    """What the submission shapes say of properties: of which class, of which kind, how many.

    Args:
        shapes: the submission shapes.
        background: the ontology and its schemes.
    """

    def __init__(self, shapes: Graph, background: Graph) -> None:
        self.background = background
        self.dates: set[str] = set()
        self.whole_numbers: set[str] = set()
        self.single: set[str] = set()
        self.ranges: dict[str, str] = {}
        self._of: dict[str, list[str]] = {}
        self._required: dict[str, list[str]] = {}
        claims = {node.value for node in background.subclasses(named("cp:Claim"))}
        self.claims = claims - _ASKED_APART - {expand("cp:Claim")}
        for node, kind in shapes.pairs("sh:targetClass"):
            for shape in shapes.objects(node, "sh:property"):
                path = shapes.value(shape, "sh:path")
                if isinstance(path, ox.NamedNode) and isinstance(kind, ox.NamedNode):
                    self._read(shapes, kind.value, path.value, shape)

    def _read(self, shapes: Graph, kind: str, path: str, shape: Any) -> None:
        self._of.setdefault(path, []).append(kind)
        violation = shapes.value(shape, "sh:severity") == named("sh:Violation")
        if violation and shapes.value(shape, "sh:minCount") is not None:
            self._required.setdefault(kind, []).append(path)
        if shapes.value(shape, "sh:maxCount") is not None:
            self.single.add(path)
        if (target := shapes.value(shape, "sh:class")) is not None:
            self.ranges[path] = target.value
        types = [shapes.value(shape, "sh:datatype")]
        for head in shapes.objects(shape, "sh:or"):
            types += [
                shapes.value(alternative, "sh:datatype") for alternative in shapes.members(head)
            ]
        if named("xsd:gYear") in types:
            self.dates.add(path)
        if types == [named("xsd:integer")]:
            self.whole_numbers.add(path)

    def claim_with(self, prop: str) -> str | None:
        """The class of claims that has a property, where it can be asked for."""
        return next((kind for kind in self._of.get(prop, ()) if kind in self.claims), None)

    def of_initiative(self, prop: str) -> bool:
        """Whether an initiative itself has the property."""
        return _INITIATIVE in self._of.get(prop, ())

    def required(self, claim: str) -> Sequence[str]:
        """The properties without which a claim of this class is refused, in their order."""
        return self._required.get(claim, ())

    def concepts(self, prop: str) -> frozenset[str]:
        """The concepts that can be the value of a property; none where it takes no concept."""
        target = self.ranges.get(prop)
        if target is None:
            return frozenset()
        return self.instances(ox.NamedNode(target))

    def instances(self, kind: Any) -> frozenset[str]:
        """The concepts of a class."""
        found = (
            node.value
            for narrower in self.background.subclasses(kind)
            for node in self.background.subjects(RDF_TYPE, narrower)
            if isinstance(node, ox.NamedNode)
        )
        return frozenset(found)

    def narrower(self, concepts: Iterable[str]) -> frozenset[str]:
        """Some concepts with all that are narrower."""
        found, waiting = set(concepts), list(concepts)
        while waiting:
            for node in self.background.subjects(_BROADER, ox.NamedNode(waiting.pop())):
                if node.value not in found:
                    found.add(node.value)
                    waiting.append(node.value)
        return frozenset(found)


def asked_by(
    shapes: Graph, node: Any, known: Submissions, assumed: Mapping[str, str]
) -> list[Asked]:
    """The properties that a criterion can be met by, each once, in the order of its path.

    Args:
        shapes: the profiles of the stages.
        node: the criterion.
        known: what the submission shapes say.
        assumed: property → value that an answer says besides.
    """
    found: dict[tuple[str, str, bool], Asked] = {}
    every = list(_fitting(shapes, node, (), known))
    for asked in every:
        needs = set(known.required(asked.claim)) if asked.claim else set()
        beside = {prop for claim, prop, _ in found if claim == asked.claim}
        offered = {fitting.prop for fitting in every if _joined(fitting, asked)}
        if needs - {asked.prop} - beside - set(assumed) - offered:
            continue
        key = (asked.claim, asked.prop, asked.indirect)
        before = found.get(key)
        if before and before.values is not None and asked.values is not None:
            asked = Asked(*key[:2], before.values | asked.values, asked.indirect)
        found[key] = asked
    return list(found.values())


def _joined(fitting: Asked, other: Asked) -> bool:
    return fitting.claim == other.claim and fitting.indirect == other.indirect


def _fitting(
    shapes: Graph, node: Any, before: tuple[_Step, ...], known: Submissions
) -> Iterator[Asked]:
    """What is asked by the shape at a node, of the nodes that some steps lead to."""
    path = shapes.value(node, "sh:path")
    for steps in _ways(shapes, path) if path is not None else [()]:
        route = (*before, *steps)
        inner = shapes.value(node, "sh:qualifiedValueShape") or node
        parts = list(shapes.objects(inner, "sh:property"))
        for part in parts:
            yield from _fitting(shapes, part, route, known)
        heads = shapes.objects(inner, "sh:or")
        alternatives = [alternative for head in heads for alternative in shapes.members(head)]
        for alternative in alternatives:
            if shapes.value(alternative, "sh:property") is not None:
                for part in shapes.objects(alternative, "sh:property"):
                    yield from _fitting(shapes, part, route, known)
            else:
                yield from _at(shapes, alternative, route, known)
        if not parts and not alternatives:
            yield from _at(shapes, inner, route, known)


def _at(shapes: Graph, node: Any, route: tuple[_Step, ...], known: Submissions) -> Iterator[Asked]:
    """What is asked at the end of a route, where an answer can be put there."""
    plain = [step for step in route if not step.closure]
    indirect = bool(plain) and plain[0].inverse and plain[0].prop == _RUN_BY
    plain = plain[1:] if indirect else plain
    claim = ""
    if plain and plain[0].inverse and plain[0].prop == _ABOUT:
        plain = plain[1:]
        claim = known.claim_with(plain[0].prop.value) or "" if plain else ""
        if not claim:
            return
    if len(plain) != 1 or plain[0].inverse:
        return
    prop = plain[0].prop.value
    if prop in _EVIDENCE or not (claim or known.of_initiative(prop)):
        return
    wanted = _wanted(shapes, node, known)
    concepts = known.concepts(prop)
    if not concepts:
        if prop not in known.ranges and wanted is None:
            yield Asked(claim, prop, None, indirect)
        return
    values = concepts if wanted is None else wanted & concepts
    if any(step.closure and step.prop == _BROADER for step in route):
        values = known.narrower(wanted or ()) & concepts - (wanted or frozenset())
    if values:
        yield Asked(claim, prop, frozenset(values), indirect)


def _wanted(shapes: Graph, node: Any, known: Submissions) -> frozenset[str] | None:
    """The concepts that a shape allows; None where it allows any."""
    if (value := shapes.value(node, "sh:hasValue")) is not None:
        return frozenset({value.value})
    inner = shapes.value(node, "sh:qualifiedValueShape") or node
    if (head := shapes.value(inner, "sh:in")) is not None:
        return frozenset(member.value for member in shapes.members(head))
    if (kind := shapes.value(inner, "sh:class")) is not None:
        return known.instances(kind)
    return None


def _ways(shapes: Graph, node: Any) -> list[tuple[_Step, ...]]:
    """The ways that a path can be gone, each as its properties in order."""
    if isinstance(node, ox.NamedNode):
        return [(_Step(node),)]
    if shapes.is_list(node):
        routes: list[tuple[_Step, ...]] = [()]
        for member in shapes.members(node):
            routes = [(*route, *more) for route in routes for more in _ways(shapes, member)]
        return routes
    if (inner := shapes.value(node, "sh:inversePath")) is not None:
        return [(_Step(inner, inverse=True),)]
    if (inner := shapes.value(node, "sh:alternativePath")) is not None:
        return [route for member in shapes.members(inner) for route in _ways(shapes, member)]
    closures = ("sh:zeroOrMorePath", "sh:zeroOrOnePath", "sh:oneOrMorePath")
    inner = next((step for name in closures if (step := shapes.value(node, name))), None)
    return [(_Step(inner, closure=True),)] if isinstance(inner, ox.NamedNode) else [()]
