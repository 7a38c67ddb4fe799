"""Shapes of SHACL's core as functions that also say which statements decided; it never reports.

Only what the profiles of the stages need. A constraint that is not known here is an error of the
model, never passed over. The reference for the verdict is pySHACL; a test compares the two.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.validation.paths import Path, Reached, path_of
from coprod_kg.validation.statements import RDF_TYPE, Statements, Triples

__all__ = ["SH", "Outcome", "Shape", "compiled"]

SH: Final = "http://www.w3.org/ns/shacl#"
"""The namespace of SHACL."""
_MOST_TRIPLES: Final = 40
"""Statements kept of what decided: enough to see why, however much there is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a shape says of a node.

    Attributes:
        met: whether the node conforms.
        triples: the statements that make it conform; where it does not, those that were found.
    """

    met: bool
    triples: Triples = ()


Shape = Callable[[Statements, Any], Outcome]
_Constraint = Callable[[Statements, Reached], Outcome]
_Maker = Callable[[Statements, Any, Any], _Constraint]


def compiled(shapes: Statements, node: Any) -> Shape:
    """The function for the shape that is written at a node.

    Raises:
        ModelError: a constraint or a path in it is not known here.
    """
    at = shapes.value(node, _sh("path"))
    path: Path | None = None if at is None else path_of(shapes, at)
    constraints = list(_constraints(shapes, node))

    def check(data: Statements, focus: Any) -> Outcome:
        values: Reached = {focus: ()} if path is None else path(data, focus)
        outcomes = [one(data, values) for one in constraints]
        if all(one.met for one in outcomes):
            return Outcome(True, _joined(one.triples for one in outcomes))
        return Outcome(False, _joined(values.values()))

    return check


def _constraints(shapes: Statements, node: Any) -> Iterable[_Constraint]:
    for name, make in _MAKERS.items():
        for value in shapes.objects(node, _sh(name)):
            yield make(shapes, node, value)
    for name in _UNKNOWN:
        if shapes.value(node, _sh(name)) is not None:
            raise ModelError(
                f"the profiles cannot use sh:{name}",
                where=str(node),
                fix=f"Use one of: {', '.join(sorted(_MAKERS))}.",
            )


def _sh(name: str) -> ox.NamedNode:
    return ox.NamedNode(SH + name)


def _joined(parts: Iterable[Triples]) -> Triples:
    every = dict.fromkeys(one for part in parts for one in part)
    return tuple(every)[:_MOST_TRIPLES]


def _counted(lowest: int, highest: int | None, shape: Shape | None = None) -> _Constraint:
    """That so many values conform; of all values where there is no shape."""

    def check(data: Statements, values: Reached) -> Outcome:
        ways = []
        for value, way in values.items():
            inner = shape(data, value) if shape else Outcome(True)
            if inner.met:
                ways.append(way + inner.triples)
        met = lowest <= len(ways) and (highest is None or len(ways) <= highest)
        return Outcome(met, _joined(ways))

    return check


def _every(test: Shape) -> _Constraint:
    """That each value conforms."""

    def check(data: Statements, values: Reached) -> Outcome:
        outcomes = [(way, test(data, value)) for value, way in values.items()]
        met = all(one.met for _, one in outcomes)
        return Outcome(met, _joined(way + one.triples for way, one in outcomes))

    return check


def _min_count(_: Statements, __: Any, value: Any) -> _Constraint:
    return _counted(int(value.value), None)


def _max_count(_: Statements, __: Any, value: Any) -> _Constraint:
    return _counted(0, int(value.value))


def _qualified(shapes: Statements, node: Any, value: Any) -> _Constraint:
    lowest = shapes.value(node, _sh("qualifiedMinCount"))
    highest = shapes.value(node, _sh("qualifiedMaxCount"))
    return _counted(
        int(lowest.value) if lowest is not None else 0,
        int(highest.value) if highest is not None else None,
        compiled(shapes, value),
    )


def _has_value(_: Statements, __: Any, value: Any) -> _Constraint:
    return lambda _data, values: Outcome(value in values, values.get(value, ()))


def _in(shapes: Statements, _: Any, value: Any) -> _Constraint:
    allowed = frozenset(shapes.members(value))
    return _every(lambda _data, one: Outcome(one in allowed))


def _class(_: Statements, __: Any, value: Any) -> _Constraint:
    def test(data: Statements, one: Any) -> Outcome:
        if isinstance(one, ox.Literal):
            return Outcome(False)
        types = data.objects(one, RDF_TYPE)
        found = next((kind for kind in types if kind in data.subclasses(value)), None)
        if found is None:
            return Outcome(False)
        return Outcome(True, (ox.Triple(one, RDF_TYPE, found),))

    return _every(test)


def _node_kind(_: Statements, __: Any, value: Any) -> _Constraint:
    kinds = {
        "IRI": (ox.NamedNode,),
        "Literal": (ox.Literal,),
        "BlankNode": (ox.BlankNode,),
        "BlankNodeOrIRI": (ox.BlankNode, ox.NamedNode),
    }
    allowed = kinds.get(value.value.removeprefix(SH))
    if allowed is None:
        raise ModelError(f"the profiles cannot use the kind of node {value}")
    return _every(lambda _data, one: Outcome(isinstance(one, allowed)))


def _min_inclusive(_: Statements, __: Any, value: Any) -> _Constraint:
    lowest = float(value.value)

    def test(_data: Statements, one: Any) -> Outcome:
        try:
            return Outcome(isinstance(one, ox.Literal) and float(one.value) >= lowest)
        except ValueError:
            return Outcome(False)

    return _every(test)


def _not(shapes: Statements, _: Any, value: Any) -> _Constraint:
    shape = compiled(shapes, value)
    return _every(lambda data, one: Outcome(not shape(data, one).met))


def _and(shapes: Statements, _: Any, value: Any) -> _Constraint:
    parts = [compiled(shapes, one) for one in shapes.members(value)]

    def test(data: Statements, one: Any) -> Outcome:
        outcomes = [part(data, one) for part in parts]
        return Outcome(all(part.met for part in outcomes), _joined(o.triples for o in outcomes))

    return _every(test)


def _or(shapes: Statements, _: Any, value: Any) -> _Constraint:
    parts = [compiled(shapes, one) for one in shapes.members(value)]

    def test(data: Statements, one: Any) -> Outcome:
        outcomes = (part(data, one) for part in parts)
        return next((part for part in outcomes if part.met), Outcome(False))

    return _every(test)


def _nested(shapes: Statements, _: Any, value: Any) -> _Constraint:
    return _every(compiled(shapes, value))


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
_UNKNOWN: Final = (
    *("closed", "datatype", "deactivated", "disjoint", "equals", "flags", "languageIn"),
    *("lessThan", "lessThanOrEquals", "maxExclusive", "maxInclusive", "maxLength"),
    *("minExclusive", "minLength", "pattern", "qualifiedValueShapesDisjoint", "sparql"),
    *("uniqueLang", "xone", "rule", "js"),
)
