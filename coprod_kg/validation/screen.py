"""Screen before pySHACL: decides the shapes of which it is certain, node by node.

Nearly every node of a good file conforms to nearly every shape, and pySHACL spends most of its time
on those. The screen decides in three values: a shape holds, or does not, or is undecided. pySHACL
is skipped where a shape certainly holds, and where it certainly does not and `violations` knows
what pySHACL would report. A constraint that the screen does not implement is undecided; a test
compares reports with and without it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.graph import RDF_TYPE, Graph
from coprod_kg.validation.constraints import SH, sh
from coprod_kg.validation.decided import (
    CONSTRAINT_COMPILERS,
    VACUOUS_WITHOUT_VALUES,
    Check,
    Constraint,
    Run,
    Truth,
    all_of,
    any_of,
    negated,
    undecided,
)
from coprod_kg.validation.paths import START, path_of
from coprod_kg.validation.patterns import ConstraintQuery
from coprod_kg.validation.report import Finding
from coprod_kg.validation.violations import Violations

__all__ = ["Screen", "Screened"]

_TARGETS: Final = ("targetClass", "targetSubjectsOf", "targetObjectsOf", "targetNode", "target")
_Values = Callable[[Graph, Any], Sequence[Any] | None]
"""From a focus node to the values of a path; None stands for unknown values."""
_UNCONSTRAINING: Final = frozenset(
    {*_TARGETS, "path", "severity", "message", "name", "description", "order"}
)


class Screened(NamedTuple):
    """What the screen makes of a file.

    Attributes:
        findings: on the nodes that certainly violate a shape.
        nodes_for_pyshacl: shape → the nodes that might violate it; None where pySHACL has to find
            the targets.
    """

    findings: Sequence[Finding]
    nodes_for_pyshacl: Mapping[Any, Sequence[Any] | None]


class Screen:
    """The shapes as functions in three values.

    Args:
        shapes: the statements of the shapes.
    """

    def __init__(self, shapes: Graph) -> None:
        self._shapes = shapes
        self._checks: dict[Any, Check] = {}
        self._reports: dict[Any, tuple[_Values, Violations]] = {}
        self._parts: dict[Any, list[Any]] = {}
        self._unscreened: list[Any] = []
        classes = {*shapes.instances("rdfs:Class", "owl:Class")} & {
            *shapes.instances("sh:NodeShape", "sh:PropertyShape")
        }  # a class that is also a shape targets its own instances (SHACL, 2.1.3.3)
        target_nodes = (node for name in _TARGETS for node, _ in shapes.pairs(sh(name)))
        for shape in dict.fromkeys((*target_nodes, *sorted(classes, key=str))):
            if shape in classes or any(
                shapes.value(shape, sh(name)) is not None for name in _TARGETS[2:]
            ):
                self._unscreened.append(shape)
            else:
                self._parts[shape] = self._screened_parts(shape)

    def screened(self, data: Graph) -> Screened:
        """What is decided of a file, and what is left to pySHACL.

        Args:
            data: the statements of the file, above those of the background.
        """
        run = Run(data)
        findings: list[Finding] = []
        nodes_by_part: dict[Any, dict[Any, None]] = {}
        for shape, parts in self._parts.items():
            nodes = self._target_nodes(shape, data)
            for part in parts:
                check = self._checks[part]
                for node in nodes:
                    met = check(run, node)
                    if met is True:
                        continue
                    found = None if met is None else self._violations(run, part, node)
                    if found is None:
                        nodes_by_part.setdefault(part, {})[node] = None
                    else:
                        findings += found
        nodes_for_pyshacl: dict[Any, Sequence[Any] | None] = {
            part: [*nodes] for part, nodes in nodes_by_part.items()
        }
        return Screened(findings, nodes_for_pyshacl | dict.fromkeys(self._unscreened))

    def _target_nodes(self, shape: Any, data: Graph) -> dict[Any, None]:
        nodes: dict[Any, None] = {}
        for target in self._shapes.objects(shape, sh("targetClass")):
            for kind in data.subclasses(target):
                nodes.update(dict.fromkeys(data.subjects(RDF_TYPE, kind)))
        for target in self._shapes.objects(shape, sh("targetSubjectsOf")):
            for layer in data.layers():
                nodes.update(dict.fromkeys(subject for subject, _ in layer.pairs(target)))
        return nodes

    def _screened_parts(self, shape: Any) -> list[Any]:
        """The parts of a shape that are checked one by one: its properties, or the shape itself.

        Its properties, where it consists of nothing else and each has an IRI.
        """
        parts = self._shapes.objects(shape, sh("property"))
        if {*self._constraints(shape)} != {"property"} or not all(
            isinstance(part, ox.NamedNode) for part in parts
        ):
            parts = (shape,)
        for part in parts:
            constraints, values = self._compiled(part)
            self._checks[part] = self._test(constraints, values)
            if isinstance(part, ox.NamedNode):
                self._reports[part] = values, Violations(self._shapes, part, constraints)
        return [*parts]

    def _violations(self, run: Run, part: Any, node: Any) -> list[Finding] | None:
        """The findings on a node that violates a part of a shape, or None: pySHACL has to tell."""
        if part not in self._reports:
            return None
        values, violations = self._reports[part]
        nodes = values(run.data, node)
        return None if nodes is None else violations.findings(run, node, nodes)

    def _constraints(self, node: Any) -> list[str]:
        """The names of the constraints at a shape."""
        names = (
            name.value.removeprefix(SH)
            for name in self._shapes.properties(node)
            if name.value.startswith(SH)
        )
        return [name for name in names if name not in _UNCONSTRAINING]

    def _memoised_check(self, node: Any) -> Check:
        """The function for a shape inside another one, which is often asked about the same node."""
        test = self._test(*self._compiled(node))

        def check(run: Run, focus: Any) -> Truth:
            key = (check, focus)
            if key not in run.decided:
                run.decided[key] = None  # a recursive shape is undecided
                run.decided[key] = test(run, focus)
            return run.decided[key]

        return check

    def _compiled(self, node: Any) -> tuple[list[tuple[str, Constraint]], _Values]:
        """The constraints of a shape with their names, and the function from node to values."""
        constraints = [
            (name, self._constraint(name, value))
            for name in self._constraints(node)
            for value in self._shapes.objects(node, sh(name))
        ]
        return constraints, self._values(self._shapes.value(node, sh("path")))

    def _test(self, constraints: Sequence[tuple[str, Constraint]], values: _Values) -> Check:
        holds_without_values = VACUOUS_WITHOUT_VALUES.issuperset(name for name, _ in constraints)

        def check(run: Run, focus: Any) -> Truth:
            nodes = values(run.data, focus)
            if nodes is None:
                return None
            if holds_without_values and not nodes:
                return True
            answer: Truth = True
            for _, constraint in constraints:
                met = constraint(run, focus, nodes)
                if met is False:
                    return False
                if met is None:
                    answer = None
            return answer

        return check

    def _values(self, path_node: Any) -> _Values:
        """The function from a focus node to its values."""
        if path_node is None:
            return lambda _, focus: (focus,)
        if isinstance(path_node, ox.NamedNode):
            return lambda data, focus: data.objects(focus, path_node)
        try:
            path = path_of(self._shapes, path_node)
        except ModelError:
            return lambda _, __: None
        return lambda data, focus: tuple(path(data, focus, START))

    def _constraint(self, name: str, value: Any) -> Constraint:
        if name in ("and", "or"):
            checks = [self._memoised_check(part) for part in self._shapes.members(value)]
            combine = all_of if name == "and" else any_of
            return lambda run, _, values: all_of(
                combine(check(run, node) for check in checks) for node in values
            )
        if name in ("node", "property"):
            check = self._memoised_check(value)
            return lambda run, _, values: all_of(check(run, node) for node in values)
        if name == "not":
            check = self._memoised_check(value)
            return lambda run, _, values: all_of(negated(check(run, node)) for node in values)
        if name == "sparql":
            return self._query_constraint(value)
        make = CONSTRAINT_COMPILERS.get(name)
        return make(value) if make else undecided

    def _query_constraint(self, node: Any) -> Constraint:
        """The constraint of a query: it holds where the query certainly has no solution."""
        text = self._shapes.text(node, "sh:select")
        if "$PATH" in text or self._shapes.value(node, sh("deactivated")) is not None:
            return undecided
        query = ConstraintQuery(text)
        return lambda run, focus, _: None if query.may_have_solution(run, focus) else True
