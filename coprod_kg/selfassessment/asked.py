"""Properties that a criterion asks for, and the values of each that would meet it.

They are read from the path of its shape, so a criterion that is added in Turtle becomes a question
at once. A claim is left out where the submission shapes require a property of it that no question
asks for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.model.graph import RDF_TYPE, Graph
from coprod_kg.model.namespaces import expand, named

__all__ = ["AskedProperty", "SubmissionShapes", "properties_asked"]

_ABOUT: Final = named("cp:about")
_RUN_BY: Final = named("cp:runBy")
_BROADER: Final = named("skos:broader")
_INITIATIVE: Final = expand("cp:Initiative")
_EVIDENCE: Final = frozenset({expand("cp:countsEvidence"), expand("cp:supportedBy")})
_ASKED_APART: Final = frozenset({expand("cp:StageAssessment"), expand("cp:Transition")})
"""Claims of a stage are no evidence for it; a question of their own asks for them."""


@dataclass(frozen=True, slots=True)
class AskedProperty:
    """One property that can hold what a criterion looks for.

    Attributes:
        claim: the class of the claim that has it; empty where the subject itself has it.
        prop: the property.
        values: the concepts of which one will do; None for a text, a date or a number.
        indirect: whether it is a property of an initiative that the organisation runs.
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


class SubmissionShapes:
    """The properties in the submission shapes: classes, ranges, datatypes, cardinalities.

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
        self._classes_of: dict[str, list[str]] = {}
        self._required: dict[str, list[str]] = {}
        claims = {node.value for node in background.subclasses(named("cp:Claim"))}
        self.claims = claims - _ASKED_APART - {expand("cp:Claim")}
        for node, kind in shapes.pairs("sh:targetClass"):
            for shape in shapes.objects(node, "sh:property"):
                path = shapes.value(shape, "sh:path")
                if isinstance(path, ox.NamedNode) and isinstance(kind, ox.NamedNode):
                    self._read(shapes, kind.value, path.value, shape)

    def _read(self, shapes: Graph, kind: str, path: str, shape: Any) -> None:
        self._classes_of.setdefault(path, []).append(kind)
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
        return next((kind for kind in self._classes_of.get(prop, ()) if kind in self.claims), None)

    def of_initiative(self, prop: str) -> bool:
        """Whether an initiative itself has the property."""
        return _INITIATIVE in self._classes_of.get(prop, ())

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
        concepts = (
            node.value
            for narrower in self.background.subclasses(kind)
            for node in self.background.subjects(RDF_TYPE, narrower)
            if isinstance(node, ox.NamedNode)
        )
        return frozenset(concepts)

    def narrower(self, concepts: Iterable[str]) -> frozenset[str]:
        """Some concepts with all that are narrower."""
        all_concepts, queue = set(concepts), list(concepts)
        while queue:
            for node in self.background.subjects(_BROADER, ox.NamedNode(queue.pop())):
                if node.value not in all_concepts:
                    all_concepts.add(node.value)
                    queue.append(node.value)
        return frozenset(all_concepts)


def properties_asked(
    shapes: Graph, node: Any, submissions: SubmissionShapes, assumed: Mapping[str, str]
) -> list[AskedProperty]:
    """The properties that a criterion can be met by, each once, in the order of its path.

    Args:
        shapes: the profiles of the stages.
        node: the criterion.
        submissions: the properties in the submission shapes.
        assumed: property → value that each answer implies.
    """
    by_key: dict[tuple[str, str, bool], AskedProperty] = {}
    candidates = list(_fitting(shapes, node, (), submissions))
    for candidate in candidates:
        required = set(submissions.required(candidate.claim)) if candidate.claim else set()
        found_props = {prop for claim, prop, _ in by_key if claim == candidate.claim}
        offered = {other.prop for other in candidates if _same_claim(other, candidate)}
        if required - {candidate.prop} - found_props - set(assumed) - offered:
            continue
        key = (candidate.claim, candidate.prop, candidate.indirect)
        earlier = by_key.get(key)
        if earlier and earlier.values is not None and candidate.values is not None:
            candidate = AskedProperty(
                *key[:2], earlier.values | candidate.values, candidate.indirect
            )
        by_key[key] = candidate
    return list(by_key.values())


def _same_claim(first: AskedProperty, second: AskedProperty) -> bool:
    return first.claim == second.claim and first.indirect == second.indirect


def _fitting(
    shapes: Graph, node: Any, start: tuple[_Step, ...], submissions: SubmissionShapes
) -> Iterator[AskedProperty]:
    """The properties that the shape at a node asks for, on the nodes that some steps lead to."""
    path = shapes.value(node, "sh:path")
    for steps in _routes(shapes, path) if path is not None else [()]:
        route = (*start, *steps)
        inner = shapes.value(node, "sh:qualifiedValueShape") or node
        parts = list(shapes.objects(inner, "sh:property"))
        for part in parts:
            yield from _fitting(shapes, part, route, submissions)
        heads = shapes.objects(inner, "sh:or")
        alternatives = [alternative for head in heads for alternative in shapes.members(head)]
        for alternative in alternatives:
            if shapes.value(alternative, "sh:property") is not None:
                for part in shapes.objects(alternative, "sh:property"):
                    yield from _fitting(shapes, part, route, submissions)
            else:
                yield from _at_end(shapes, alternative, route, submissions)
        if not parts and not alternatives:
            yield from _at_end(shapes, inner, route, submissions)


def _at_end(
    shapes: Graph, node: Any, route: tuple[_Step, ...], submissions: SubmissionShapes
) -> Iterator[AskedProperty]:
    """The property asked for at the end of a route, where an answer can state it."""
    steps = [step for step in route if not step.closure]
    indirect = bool(steps) and steps[0].inverse and steps[0].prop == _RUN_BY
    steps = steps[1:] if indirect else steps
    claim = ""
    if steps and steps[0].inverse and steps[0].prop == _ABOUT:
        steps = steps[1:]
        claim = submissions.claim_with(steps[0].prop.value) or "" if steps else ""
        if not claim:
            return
    if len(steps) != 1 or steps[0].inverse:
        return
    prop = steps[0].prop.value
    if prop in _EVIDENCE or not (claim or submissions.of_initiative(prop)):
        return
    allowed = _allowed(shapes, node, submissions)
    concepts = submissions.concepts(prop)
    if not concepts:
        if prop not in submissions.ranges and allowed is None:
            yield AskedProperty(claim, prop, None, indirect)
        return
    values = concepts if allowed is None else allowed & concepts
    if any(step.closure and step.prop == _BROADER for step in route):
        values = submissions.narrower(allowed or ()) & concepts - (allowed or frozenset())
    if values:
        yield AskedProperty(claim, prop, frozenset(values), indirect)


def _allowed(shapes: Graph, node: Any, submissions: SubmissionShapes) -> frozenset[str] | None:
    """The concepts that a shape allows; None where it allows any."""
    if (value := shapes.value(node, "sh:hasValue")) is not None:
        return frozenset({value.value})
    inner = shapes.value(node, "sh:qualifiedValueShape") or node
    if (head := shapes.value(inner, "sh:in")) is not None:
        return frozenset(member.value for member in shapes.members(head))
    if (kind := shapes.value(inner, "sh:class")) is not None:
        return submissions.instances(kind)
    return None


def _routes(shapes: Graph, node: Any) -> list[tuple[_Step, ...]]:
    """The routes that a path allows, each as its properties in order."""
    if isinstance(node, ox.NamedNode):
        return [(_Step(node),)]
    if shapes.is_list(node):
        routes: list[tuple[_Step, ...]] = [()]
        for member in shapes.members(node):
            routes = [(*route, *rest) for route in routes for rest in _routes(shapes, member)]
        return routes
    if (inner := shapes.value(node, "sh:inversePath")) is not None:
        return [(_Step(inner, inverse=True),)]
    if (inner := shapes.value(node, "sh:alternativePath")) is not None:
        return [route for member in shapes.members(inner) for route in _routes(shapes, member)]
    closures = ("sh:zeroOrMorePath", "sh:zeroOrOnePath", "sh:oneOrMorePath")
    inner = next((step for name in closures if (step := shapes.value(node, name))), None)
    return [(_Step(inner, closure=True),)] if isinstance(inner, ox.NamedNode) else [()]
