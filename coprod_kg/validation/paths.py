"""SHACL property paths as functions that also return the statements they followed.

The reference for what a path means is pySHACL; a test compares the two.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.graph import Graph

__all__ = ["START", "Path", "Reached", "Route", "Triples", "path_of", "path_text", "statements"]

Triples = tuple[ox.Triple, ...]
"""Some statements, in an order that means something."""
Route = tuple[Any, ...]
"""One way to a node: nothing, or the route before its last statement and the parts of that.

Thousands are followed for each that anybody asks about, so only then are there triples of them.
"""
Reached = Mapping[Any, Route]
"""Every node that a path leads to, each with one way there."""
Path = Callable[[Graph, Any, Route], Reached]
"""Follows a path in some data from a node, to which a route has led."""
START: Final[Route] = ()
_NOWHERE: Final[Reached] = MappingProxyType({})

_SH: Final = "http://www.w3.org/ns/shacl#"
_INVERSE, _ALTERNATIVE, _ANY, _OPTIONAL, _SOME = (
    ox.NamedNode(f"{_SH}{name}Path")
    for name in ("inverse", "alternative", "zeroOrMore", "zeroOrOne", "oneOrMore")
)


def statements(route: Route) -> Triples:
    """The statements on a route, in their order."""
    triples: list[ox.Triple] = []
    while route:
        route, *triple = route
        triples.append(ox.Triple(*triple))
    return tuple(reversed(triples))


def path_of(shapes: Graph, node: Any) -> Path:
    """The function for the path that is written at a node of the shapes.

    Raises:
        ModelError: it is no path, or of a kind that is not known here.
    """
    if isinstance(node, ox.NamedNode):
        return _forward(node)
    if shapes.is_list(node):
        return _sequence([path_of(shapes, member) for member in shapes.members(node)])
    if (inner := shapes.value(node, _INVERSE)) is not None:
        if not isinstance(inner, ox.NamedNode):
            raise ModelError(
                "an inverse path of more than one property is not known here",
                fix="Write the inverse of each property, in the other order.",
            )
        return _backward(inner)
    if (inner := shapes.value(node, _ALTERNATIVE)) is not None:
        return _alternative([path_of(shapes, member) for member in shapes.members(inner)])
    for kind, start, again in ((_ANY, True, True), (_OPTIONAL, True, False), (_SOME, False, True)):
        if (inner := shapes.value(node, kind)) is not None:
            return _repetition(path_of(shapes, inner), start=start, again=again)
    raise ModelError(f"{node} is no path of SHACL that is known here")


def path_text(shapes: Graph, node: Any, name: Callable[[str], str]) -> str:
    """The path as SPARQL writes it.

    Args:
        shapes: the shapes that have it.
        node: its node.
        name: gives the short name of an IRI.
    """
    if isinstance(node, ox.NamedNode):
        return name(node.value)
    if shapes.is_list(node):
        return "/".join(
            _parenthesised(path_text(shapes, member, name)) for member in shapes.members(node)
        )
    if (inner := shapes.value(node, _ALTERNATIVE)) is not None:
        return "|".join(path_text(shapes, member, name) for member in shapes.members(inner))
    if (inner := shapes.value(node, _INVERSE)) is not None:
        return f"^{path_text(shapes, inner, name)}"
    for kind, sign in ((_ANY, "*"), (_OPTIONAL, "?"), (_SOME, "+")):
        if (inner := shapes.value(node, kind)) is not None:
            return f"{_parenthesised(path_text(shapes, inner, name), '/|')}{sign}"
    return str(node)


def _parenthesised(text: str, signs: str = "|") -> str:
    return f"({text})" if any(sign in text for sign in signs) else text


def _forward(predicate: ox.NamedNode) -> Path:
    def follow(data: Graph, node: Any, route: Route) -> Reached:
        values = data.objects(node, predicate)
        return {value: (route, node, predicate, value) for value in values} if values else _NOWHERE

    return follow


def _backward(predicate: ox.NamedNode) -> Path:
    def follow(data: Graph, node: Any, route: Route) -> Reached:
        values = data.subjects(predicate, node)
        return {value: (route, value, predicate, node) for value in values} if values else _NOWHERE

    return follow


def _sequence(steps: list[Path]) -> Path:
    def follow(data: Graph, node: Any, route: Route) -> Reached:
        reached: Reached = {node: route}
        for step in steps:
            next_reached: dict[Any, Route] = {}
            for current, way in reached.items():
                for value, following in step(data, current, way).items():
                    next_reached.setdefault(value, following)
            reached = next_reached
        return reached

    return follow


def _alternative(branches: list[Path]) -> Path:
    def follow(data: Graph, node: Any, route: Route) -> Reached:
        reached: dict[Any, Route] = {}
        for branch in branches:
            for value, way in branch(data, node, route).items():
                reached.setdefault(value, way)
        return reached

    return follow


def _repetition(step: Path, *, start: bool, again: bool) -> Path:
    def follow(data: Graph, node: Any, route: Route) -> Reached:
        reached: dict[Any, Route] = {node: route} if start else {}
        queue = [(node, route)]
        for current, way in queue:  # the loop also reaches the nodes that it adds
            for value, following in step(data, current, way).items():
                if value not in reached:
                    reached[value] = following
                    if again:
                        queue.append((value, following))
        return reached

    return follow
