"""SHACL property paths as functions that also return the statements they followed.

The reference for what a path means is pySHACL; a test compares the two.
"""

from collections.abc import Callable
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.graph import Graph

__all__ = ["Path", "Reached", "Triples", "path_of", "path_text"]

Triples = tuple[ox.Triple, ...]
"""Some statements, in an order that means something."""
Reached = dict[Any, Triples]
"""Every node that a path leads to, each with the statements of one way there."""
Path = Callable[[Graph, Any], Reached]

_SH: Final = "http://www.w3.org/ns/shacl#"
_INVERSE, _ALTERNATIVE, _ANY, _OPTIONAL, _SOME = (
    ox.NamedNode(f"{_SH}{name}Path")
    for name in ("inverse", "alternative", "zeroOrMore", "zeroOrOne", "oneOrMore")
)


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
    def follow(data: Graph, node: Any) -> Reached:
        if isinstance(node, ox.Literal):
            return {}
        return {
            value: (ox.Triple(node, predicate, value),) for value in data.objects(node, predicate)
        }

    return follow


def _backward(predicate: ox.NamedNode) -> Path:
    def follow(data: Graph, node: Any) -> Reached:
        return {
            value: (ox.Triple(value, predicate, node),) for value in data.subjects(predicate, node)
        }

    return follow


def _sequence(steps: list[Path]) -> Path:
    def follow(data: Graph, node: Any) -> Reached:
        reached: Reached = {node: ()}
        for step in steps:
            next_reached: Reached = {}
            for current, route in reached.items():
                for value, leg in step(data, current).items():
                    if value not in next_reached:
                        next_reached[value] = route + leg
            reached = next_reached
        return reached

    return follow


def _alternative(branches: list[Path]) -> Path:
    def follow(data: Graph, node: Any) -> Reached:
        reached: Reached = {}
        for branch in branches:
            for value, route in branch(data, node).items():
                reached.setdefault(value, route)
        return reached

    return follow


def _repetition(step: Path, *, start: bool, again: bool) -> Path:
    def follow(data: Graph, node: Any) -> Reached:
        reached: Reached = {node: ()} if start else {}
        queue: list[tuple[Any, Triples]] = [(node, ())]
        while queue:
            current, route = queue.pop(0)
            for value, leg in step(data, current).items():
                if value not in reached:
                    reached[value] = route + leg
                    if again:
                        queue.append((value, route + leg))
        return reached

    return follow
