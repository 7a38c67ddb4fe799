"""SHACL Core constraints as functions that also return the statements that decided.

It has the constraints that the profiles of the stages need; any other one raises a `ModelError`.
The reference for the verdict is pySHACL; a test compares the two.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.graph import RDF_TYPE, Graph
from coprod_kg.validation.paths import (
    START,
    Path,
    Reached,
    Route,
    Triples,
    path_of,
    statements,
)

__all__ = ["SH", "Shape", "ShapeOutcome", "compiled", "sh"]

SH: Final = "http://www.w3.org/ns/shacl#"
"""The namespace of SHACL."""
_MOST_TRIPLES: Final = 40
"""The most deciding statements that are kept: enough to see the reason."""


class ShapeOutcome(NamedTuple):
    """The outcome of a shape at a node.

    Attributes:
        met: whether the node conforms.
        parts: what makes it conform, routes and outcomes of other shapes; where it does not, the
            routes that were found.
    """

    met: bool
    parts: "tuple[Route | ShapeOutcome, ...]" = ()

    @property
    def triples(self) -> Triples:
        """The statements that decided, each once."""
        distinct = dict.fromkeys(
            triple
            for part in self.parts
            for triple in (part.triples if isinstance(part, ShapeOutcome) else statements(part))
        )
        return tuple(distinct)[:_MOST_TRIPLES]


_MET: Final = ShapeOutcome(True)
_NOT_MET: Final = ShapeOutcome(False)

Shape = Callable[[Graph, Any], ShapeOutcome]
"""Checks a node of some data."""
_Constraint = Callable[[Graph, Reached], ShapeOutcome]
"""Checks all values that a path reaches from a node."""
_Maker = Callable[[Graph, Any, Any], _Constraint]
"""Makes a constraint from the graph of the shapes, the node of its shape and its own value."""


def compiled(shapes: Graph, node: Any) -> Shape:
    """The function for the shape that is written at a node.

    Raises:
        ModelError: a constraint or a path in it is not known here.
    """
    path_node = shapes.value(node, sh("path"))
    path: Path | None = None if path_node is None else path_of(shapes, path_node)
    constraints = list(_constraints(shapes, node))

    def check(data: Graph, focus: Any) -> ShapeOutcome:
        values: Reached = {focus: START} if path is None else path(data, focus, START)
        outcomes: list[ShapeOutcome] = []
        for constraint in constraints:
            outcome = constraint(data, values)
            if not outcome.met:
                return ShapeOutcome(False, tuple(values.values()))
            outcomes.append(outcome)
        return ShapeOutcome(True, tuple(outcomes))

    return check


def _constraints(shapes: Graph, node: Any) -> Iterable[_Constraint]:
    for name, make in _MAKERS.items():
        for value in shapes.objects(node, sh(name)):
            yield make(shapes, node, value)
    for name in _UNKNOWN:
        if shapes.value(node, sh(name)) is not None:
            raise ModelError(
                f"the profiles cannot use sh:{name}",
                where=str(node),
                fix=f"Use one of: {', '.join(sorted(_MAKERS))}.",
            )


def sh(name: str) -> ox.NamedNode:
    """The term of SHACL of this local name."""
    return ox.NamedNode(SH + name)


def _count_between(lowest: int, highest: int | None, shape: Shape | None = None) -> _Constraint:
    """A check of the number of values that conform to a shape; without a shape, of all values."""

    def check(data: Graph, values: Reached) -> ShapeOutcome:
        parts: list[Route | ShapeOutcome] = []
        count = 0
        for value, route in values.items():
            inner = shape(data, value) if shape else _MET
            if inner.met:
                count += 1
                parts += (route, inner)
        met = lowest <= count and (highest is None or count <= highest)
        return ShapeOutcome(met, tuple(parts))

    return check


def _each(test: Shape) -> _Constraint:
    """A check that each value conforms."""

    def check(data: Graph, values: Reached) -> ShapeOutcome:
        parts: list[Route | ShapeOutcome] = []
        for value, route in values.items():
            outcome = test(data, value)
            if not outcome.met:
                return _NOT_MET
            parts += (route, outcome)
        return ShapeOutcome(True, tuple(parts))

    return check


def _min_count(_: Graph, __: Any, value: Any) -> _Constraint:
    return _count_between(int(value.value), None)


def _max_count(_: Graph, __: Any, value: Any) -> _Constraint:
    return _count_between(0, int(value.value))


def _qualified(shapes: Graph, node: Any, value: Any) -> _Constraint:
    lowest = shapes.value(node, sh("qualifiedMinCount"))
    highest = shapes.value(node, sh("qualifiedMaxCount"))
    return _count_between(
        int(lowest.value) if lowest is not None else 0,
        int(highest.value) if highest is not None else None,
        compiled(shapes, value),
    )


def _has_value(_: Graph, __: Any, value: Any) -> _Constraint:
    return lambda _data, values: (
        ShapeOutcome(True, (values[value],)) if value in values else _NOT_MET
    )


def _in(shapes: Graph, _: Any, value: Any) -> _Constraint:
    allowed = frozenset(shapes.members(value))
    return _each(lambda _data, node: _MET if node in allowed else _NOT_MET)


def _class(_: Graph, __: Any, value: Any) -> _Constraint:
    def test(data: Graph, node: Any) -> ShapeOutcome:
        if isinstance(node, ox.Literal):
            return _NOT_MET
        types = data.objects(node, RDF_TYPE)
        kind_matched = next((kind for kind in types if kind in data.subclasses(value)), None)
        if kind_matched is None:
            return _NOT_MET
        return ShapeOutcome(True, ((START, node, RDF_TYPE, kind_matched),))

    return _each(test)


def _node_kind(_: Graph, __: Any, value: Any) -> _Constraint:
    kinds = {
        "IRI": (ox.NamedNode,),
        "Literal": (ox.Literal,),
        "BlankNode": (ox.BlankNode,),
        "BlankNodeOrIRI": (ox.BlankNode, ox.NamedNode),
    }
    allowed = kinds.get(value.value.removeprefix(SH))
    if allowed is None:
        raise ModelError(f"the profiles cannot use the kind of node {value}")
    return _each(lambda _data, node: _MET if isinstance(node, allowed) else _NOT_MET)


def _min_inclusive(_: Graph, __: Any, value: Any) -> _Constraint:
    lowest = float(value.value)

    def test(_data: Graph, node: Any) -> ShapeOutcome:
        try:
            return ShapeOutcome(isinstance(node, ox.Literal) and float(node.value) >= lowest)
        except ValueError:
            return _NOT_MET

    return _each(test)


def _not(shapes: Graph, _: Any, value: Any) -> _Constraint:
    shape = compiled(shapes, value)
    return _each(lambda data, node: _NOT_MET if shape(data, node).met else _MET)


def _and(shapes: Graph, _: Any, value: Any) -> _Constraint:
    parts = [compiled(shapes, member) for member in shapes.members(value)]

    def test(data: Graph, node: Any) -> ShapeOutcome:
        outcomes: list[ShapeOutcome] = []
        for part in parts:
            outcome = part(data, node)
            if not outcome.met:
                return _NOT_MET
            outcomes.append(outcome)
        return ShapeOutcome(True, tuple(outcomes))

    return _each(test)


def _or(shapes: Graph, _: Any, value: Any) -> _Constraint:
    parts = [compiled(shapes, member) for member in shapes.members(value)]

    def test(data: Graph, node: Any) -> ShapeOutcome:
        for part in parts:
            outcome = part(data, node)
            if outcome.met:
                return outcome
        return _NOT_MET

    return _each(test)


def _nested(shapes: Graph, _: Any, value: Any) -> _Constraint:
    return _each(compiled(shapes, value))


_MAKERS: Final[dict[str, _Maker]] = {
    "minCount": _min_count,
    "maxCount": _max_count,
    "hasValue": _has_value,
    "in": _in,
    "class": _class,
    "nodeKind": _node_kind,
    "minInclusive": _min_inclusive,
    "qualifiedValueShape": _qualified,
    "node": _nested,
    "property": _nested,
    "and": _and,
    "or": _or,
    "not": _not,
}
# The rest of SHACL: a profile with one of them is refused, else it would silently go unchecked.
_UNKNOWN: Final = (
    *("closed", "datatype", "deactivated", "disjoint", "equals", "flags", "languageIn"),
    *("lessThan", "lessThanOrEquals", "maxExclusive", "maxInclusive", "maxLength"),
    *("minExclusive", "minLength", "pattern", "qualifiedValueShapesDisjoint", "sparql"),
    *("uniqueLang", "xone", "rule", "js"),
)
