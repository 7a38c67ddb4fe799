"""Findings on nodes of which the screen is certain that they violate a shape, as pySHACL has them.

Only of constraints whose results the specification settles from the values alone (SHACL, 4): one
for the node, or one for each value that does not conform.
"""

from collections.abc import Sequence
from typing import Any, Final

import pyoxigraph as ox
import rdflib

from coprod_kg.model.graph import Graph
from coprod_kg.validation.constraints import SH, sh
from coprod_kg.validation.decided import Constraint, Run
from coprod_kg.validation.report import Finding, Severity
from coprod_kg.validation.view import rdflib_term

__all__ = ["SEVERITIES", "Violations", "turtle"]

SEVERITIES: Final = {
    f"{SH}Violation": Severity.VIOLATION,
    f"{SH}Warning": Severity.WARNING,
    f"{SH}Info": Severity.INFO,
}
_LONGEST_VALUE: Final = 500
_OF_NODE: Final = frozenset({"minCount"})
_OF_VALUES: Final = frozenset({"and", "class", "datatype", "node", "nodeKind", "not", "or"})


class Violations:
    """What is reported of one shape.

    Args:
        shapes: the statements of the shapes.
        shape: its IRI.
        constraints: the names of its constraints, and the constraints.
    """

    def __init__(
        self, shapes: Graph, shape: ox.NamedNode, constraints: Sequence[tuple[str, Constraint]]
    ) -> None:
        self._shape, self._constraints = shape.value, constraints
        severity = shapes.value(shape, sh("severity"))
        self._severity = SEVERITIES.get(severity.value if severity else "", Severity.VIOLATION)
        messages = shapes.objects(shape, sh("message"))
        english = (message.value for message in messages if message.language in ("en", None))
        self._message = min(english, default="")
        self._path = _path(shapes, shapes.value(shape, sh("path")))
        self._has_words = bool(messages)  # else pySHACL makes some

    def findings(self, run: Run, focus: Any, values: Sequence[Any]) -> list[Finding] | None:
        """The findings on a node, or None where pySHACL has to tell.

        Args:
            run: the file.
            focus: the node.
            values: those that the path of the shape leads to.
        """
        found: list[Finding] = []
        for name, constraint in self._constraints if self._has_words else ():
            met = constraint(run, focus, values)
            if met is False and name in _OF_NODE:
                found.append(self._finding(name, focus, None))
            elif met is False and name in _OF_VALUES:
                for value in values:
                    met = constraint(run, focus, (value,))
                    if met is None:
                        return None
                    if not met:
                        found.append(self._finding(name, focus, value))
            elif not met:
                return None
        return found or None

    def _finding(self, name: str, focus: Any, value: Any) -> Finding:
        return Finding(
            severity=self._severity,
            focus=str(rdflib_term(focus)),
            path=self._path,
            value=None if value is None else turtle(rdflib_term(value)),
            message=self._message,
            shape=self._shape,
            component=f"{SH}{name[0].upper()}{name[1:]}ConstraintComponent",
        )


def _path(shapes: Graph, path: Any) -> str | None:
    """The path as an IRI; an inverse one with ^ before it."""
    if path is None or isinstance(path, ox.NamedNode):
        return path and path.value
    inverse = shapes.value(path, sh("inversePath"))
    return inverse and f"^{inverse.value}"


def turtle(value: Any) -> str:
    """A term of rdflib as in Turtle, escaped, and cut off where it is very long."""
    if isinstance(value, rdflib.Literal):
        text = str(value)
        text = text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
        if value.language:
            return str(ox.Literal(text, language=value.language))
        datatype = ox.NamedNode(str(value.datatype)) if value.datatype else None
        return str(ox.Literal(text, datatype=datatype))
    return str(ox.NamedNode(str(value)))
