"""Screen before pySHACL: the shapes that surely hold, node by node.

Nearly every node of a good file conforms to nearly every shape, and pySHACL takes most of its time
to see that. The screen decides in three values: a shape holds, or does not, or cannot be decided
here. Only where it surely holds is pySHACL left out, so that every finding is still pySHACL's. A
constraint that is not known here is undecided; a test compares reports with and without the screen.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import pyoxigraph as ox
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.term import URIRef, Variable

from coprod_kg.errors import ModelError
from coprod_kg.model.graph import RDF_TYPE, Graph
from coprod_kg.model.namespaces import prefixes
from coprod_kg.validation.constraints import SH
from coprod_kg.validation.paths import path_of

__all__ = ["Screen"]

_Answer = bool | None
"""Whether something holds; None where that is not decided here."""
_Check = Callable[["_Run", Any], _Answer]
"""Whether a node conforms to a shape."""
_Constraint = Callable[["_Run", Any, Sequence[Any]], _Answer]
"""Whether a focus node and the values that the path of its shape leads to meet a constraint."""
_Pattern = tuple[Any, ...]
"""Subject, predicate and object: a variable is a text, a term that may be anything is None."""

_TARGETS: Final = ("targetClass", "targetSubjectsOf", "targetObjectsOf", "targetNode", "target")
_UNCONSTRAINING: Final = frozenset(
    {*_TARGETS, "path", "severity", "message", "name", "description", "order"}
)
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_STRING: Final = f"{_XSD}string"
_TEXT: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,15}")
"""The integers that every reader takes for the same number."""
_DATES: Final = {
    f"{_XSD}date": re.compile(r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}"),
    f"{_XSD}gYearMonth": re.compile(r"[1-9][0-9]{3}-(0[1-9]|1[0-2])"),
    f"{_XSD}gYear": re.compile(r"[1-9][0-9]{3}"),
}


class _Run:
    """One file under the screen: its statements, and what has been decided about its nodes."""

    def __init__(self, data: Graph) -> None:
        self.data = data
        self.decided: dict[tuple[_Check, Any], _Answer] = {}


class Screen:
    """The shapes as functions in three values.

    Args:
        shapes: the statements of the shapes.
    """

    def __init__(self, shapes: Graph) -> None:
        self._shapes = shapes
        self._checks: dict[Any, _Check] = {}
        self._parts: dict[Any, list[Any]] = {}
        self._unscreened: list[Any] = []
        classes = {*shapes.instances("rdfs:Class", "owl:Class")} & {
            *shapes.instances("sh:NodeShape", "sh:PropertyShape")
        }  # what is both is a shape for its own instances
        targeting = (node for name in _TARGETS for node, _ in shapes.pairs(_sh(name)))
        for shape in dict.fromkeys((*targeting, *sorted(classes, key=str))):
            if shape in classes or any(
                shapes.value(shape, _sh(name)) is not None for name in _TARGETS[2:]
            ):
                self._unscreened.append(shape)
            else:
                self._parts[shape] = self._parted(shape)

    def doubtful(self, data: Graph) -> Mapping[Any, Sequence[Any] | None]:
        """Shape → the nodes for which it does not surely hold; None where it is to find its own.

        Args:
            data: the statements of a file, above those of the background.
        """
        run = _Run(data)
        found: dict[Any, dict[Any, None]] = {}
        for shape, parts in self._parts.items():
            nodes = self._targeted(shape, data)
            for part in parts:
                check = self._checks[part]
                for node in nodes:
                    if check(run, node) is not True:
                        found.setdefault(part, {})[node] = None
        doubted: dict[Any, Sequence[Any] | None] = {part: [*nodes] for part, nodes in found.items()}
        return doubted | dict.fromkeys(self._unscreened)

    def _targeted(self, shape: Any, data: Graph) -> dict[Any, None]:
        nodes: dict[Any, None] = {}
        for target in self._shapes.objects(shape, _sh("targetClass")):
            for kind in data.subclasses(target):
                nodes.update(dict.fromkeys(data.subjects(RDF_TYPE, kind)))
        for target in self._shapes.objects(shape, _sh("targetSubjectsOf")):
            for layer in data.layers():
                nodes.update(dict.fromkeys(subject for subject, _ in layer.pairs(target)))
        return nodes

    def _parted(self, shape: Any) -> list[Any]:
        """What of a shape is asked for by itself: its properties, where it has nothing else."""
        parts = self._shapes.objects(shape, _sh("property"))
        if {*self._constraints(shape)} != {"property"} or not all(
            isinstance(part, ox.NamedNode) for part in parts
        ):
            parts = (shape,)
        for part in parts:
            self._checks[part] = self._test(part)
        return [*parts]

    def _constraints(self, node: Any) -> list[str]:
        """The names of the constraints at a shape."""
        names = (
            name.value.removeprefix(SH)
            for name in self._shapes.properties(node)
            if name.value.startswith(SH)
        )
        return [name for name in names if name not in _UNCONSTRAINING]

    def _compiled(self, node: Any) -> _Check:
        """The function for a shape inside another one, which is often asked about the same node."""
        test = self._test(node)

        def check(run: _Run, focus: Any) -> _Answer:
            place = (check, focus)
            if place not in run.decided:
                run.decided[place] = None  # a shape that comes back to itself is not decided
                run.decided[place] = test(run, focus)
            return run.decided[place]

        return check

    def _test(self, node: Any) -> _Check:
        names = self._constraints(node)
        constraints = [
            self._constraint(name, value)
            for name in names
            for value in self._shapes.objects(node, _sh(name))
        ]
        idle = _OF_VALUES.issuperset(names)
        values = self._values(self._shapes.value(node, _sh("path")))

        def check(run: _Run, focus: Any) -> _Answer:
            found = values(run.data, focus)
            if found is None:
                return None
            if idle and not found:
                return True
            answer: _Answer = True
            for constraint in constraints:
                met = constraint(run, focus, found)
                if met is False:
                    return False
                if met is None:
                    answer = None
            return answer

        return check

    def _values(self, at: Any) -> Callable[[Graph, Any], Sequence[Any] | None]:
        """The function from a focus node to its values, which may be None for any."""
        if at is None:
            return lambda _, focus: (focus,)
        if isinstance(at, ox.NamedNode):
            return lambda data, focus: data.objects(focus, at)
        try:
            path = path_of(self._shapes, at)
        except ModelError:
            return lambda _, __: None
        return lambda data, focus: tuple(path(data, focus))

    def _constraint(self, name: str, value: Any) -> _Constraint:
        if name in ("and", "or"):
            checks = [self._compiled(part) for part in self._shapes.members(value)]
            joined = _all if name == "and" else _any
            return lambda run, _, values: _all(
                joined(check(run, node) for check in checks) for node in values
            )
        if name in ("node", "property"):
            check = self._compiled(value)
            return lambda run, _, values: _all(check(run, node) for node in values)
        if name == "not":
            check = self._compiled(value)
            return lambda run, _, values: _all(_opposite(check(run, node)) for node in values)
        if name == "sparql":
            return self._asked(value)
        make = _MAKERS.get(name)
        return make(value) if make else _undecided

    def _asked(self, node: Any) -> _Constraint:
        """A query surely finds nothing where its triple patterns, which it joins, find nothing."""
        text = self._shapes.text(node, "sh:select")
        if "$PATH" in text or self._shapes.value(node, _sh("deactivated")) is not None:
            return _undecided
        query = translateQuery(parseQuery(text), None, dict(prefixes())).algebra
        patterns = [tuple(map(_pattern_term, triple)) for triple in _required(query)]
        conditions = [*_conditions(query)]
        allowed, denied = dict(_allowed(conditions)), [*_denied(conditions)]

        def check(run: _Run, focus: Any, _: Sequence[Any]) -> _Answer:
            this = {"this": focus}
            if any(_fits(run.data, [pattern], this, {}) for pattern in denied):
                return True
            return None if _fits(run.data, patterns, this, allowed) else True

        return check


def _sh(name: str) -> ox.NamedNode:
    return ox.NamedNode(SH + name)


def _undecided(_: _Run, __: Any, ___: Sequence[Any]) -> _Answer:
    return None


def _all(answers: Iterable[_Answer]) -> _Answer:
    decided = True
    for answer in answers:
        if answer is False:
            return False
        decided = decided and answer is not None
    return True if decided else None


def _any(answers: Iterable[_Answer]) -> _Answer:
    return _opposite(_all(map(_opposite, answers)))


def _opposite(answer: _Answer) -> _Answer:
    return None if answer is None else not answer


def _each(test: Callable[[Any], _Answer]) -> _Constraint:
    return lambda _, __, values: _all(map(test, values))


def _min_count(value: Any) -> _Constraint:
    lowest = int(value.value)

    def check(_: _Run, __: Any, values: Sequence[Any]) -> _Answer:
        if len(values) < lowest:
            return False
        # Literals that differ here may be one to pySHACL.
        same = lowest > 1 and any(isinstance(node, ox.Literal) for node in values)
        return None if same else True

    return check


def _max_count(value: Any) -> _Constraint:
    most = int(value.value)
    return lambda _, __, values: True if len(values) <= most else None


def _has_value(value: Any) -> _Constraint:
    absent = None if isinstance(value, ox.Literal) else False
    return lambda _, __, values: True if value in values else absent


def _class(value: Any) -> _Constraint:
    def check(run: _Run, _: Any, values: Sequence[Any]) -> _Answer:
        classes = run.data.subclasses(value)
        return all(not classes.isdisjoint(run.data.objects(node, RDF_TYPE)) for node in values)

    return check


def _node_kind(value: Any) -> _Constraint:
    kind = {"IRI": ox.NamedNode, "Literal": ox.Literal}.get(value.value.removeprefix(SH))
    return _each(lambda node: isinstance(node, kind)) if kind else _undecided


def _datatype(value: Any) -> _Constraint:
    def test(node: Any) -> _Answer:
        if not isinstance(node, ox.Literal) or node.datatype != value:
            return False
        if value.value in (_STRING, _TEXT):
            return True
        if value.value == f"{_XSD}boolean":
            return True if node.value in ("true", "false") else None
        if value.value == f"{_XSD}integer":
            return True if _INTEGER.fullmatch(node.value) else None
        form = _DATES.get(value.value)
        if form is None or not form.fullmatch(node.value):
            return None
        return True if value.value != f"{_XSD}date" or _is_day(node.value) else None

    return _each(test)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _pattern(value: Any) -> _Constraint:
    pattern = re.compile(value.value)

    def test(node: Any) -> _Answer:
        plain = isinstance(node, ox.Literal | ox.NamedNode)
        return True if plain and pattern.search(node.value) else None

    return _each(test)


def _min_inclusive(value: Any) -> _Constraint:
    if not _INTEGER.fullmatch(value.value):
        return _undecided
    lowest = int(value.value)

    def test(node: Any) -> _Answer:
        number = (
            isinstance(node, ox.Literal)
            and node.datatype.value == f"{_XSD}integer"
            and _INTEGER.fullmatch(node.value)
        )
        return True if number and int(node.value) >= lowest else None

    return _each(test)


def _unique_lang(_: Any) -> _Constraint:
    def check(_: _Run, __: Any, values: Sequence[Any]) -> _Answer:
        tags = [node.language.lower() for node in values if getattr(node, "language", None)]
        return True if len({*tags}) == len(tags) else None

    return check


_MAKERS: Final[Mapping[str, Callable[[Any], _Constraint]]] = {
    "minCount": _min_count,
    "maxCount": _max_count,
    "hasValue": _has_value,
    "class": _class,
    "nodeKind": _node_kind,
    "datatype": _datatype,
    "pattern": _pattern,
    "minInclusive": _min_inclusive,
    "uniqueLang": _unique_lang,
}


_OF_VALUES: Final = frozenset(
    {"and", "or", "not", "node", "property", "maxCount", "class", "nodeKind", "datatype"}
    | {"pattern", "minInclusive", "uniqueLang"}
)
"""The constraints that hold where there is no value."""
_WHOLE: Final = ("SelectQuery", "Project", "Distinct", "Reduced", "Filter", "Extend")
"""The parts of a query of which no solution lacks what stands in them."""


def _required(part: Any) -> Iterator[tuple[Any, Any, Any]]:
    """The triple patterns that every solution of a query meets, or fewer of them."""
    match part.name:
        case "BGP":
            yield from part.triples
        case "Join":
            yield from _required(part.p1)
            yield from _required(part.p2)
        case "LeftJoin" | "Minus":
            yield from _required(part.p1)
        case name if name in _WHOLE:
            yield from _required(part.p)


def _conditions(part: Any) -> Iterator[Any]:
    """The conditions that every solution of a query meets, or fewer of them."""
    if part.name == "Filter":
        conditions = [part.expr]
        while conditions:
            condition = conditions.pop()
            if getattr(condition, "name", None) == "ConditionalAndExpression":
                conditions += [condition.expr, *condition.other]
            else:
                yield condition
    if part.name in _WHOLE:
        yield from _conditions(part.p)


def _allowed(conditions: Iterable[Any]) -> Iterator[tuple[str, frozenset[Any]]]:
    """Variables that have to be one of some IRIs."""
    for condition in conditions:
        if getattr(condition, "name", None) == "RelationalExpression":
            values = {"=": [condition.other], "IN": condition.other}.get(condition.op, ())
            if isinstance(condition.expr, Variable) and values:
                terms = frozenset(map(_pattern_term, values))
                if all(isinstance(term, ox.NamedNode) for term in terms):
                    yield str(condition.expr), terms


def _denied(conditions: Iterable[Any]) -> Iterator[_Pattern]:
    """What must not be said of the focus node: FILTER NOT EXISTS with one pattern."""
    for condition in conditions:
        if getattr(condition, "name", None) == "Builtin_NOTEXISTS":
            triples = [*_required(condition.graph)]
            if len(triples) == 1 and _is_plain(condition.graph):
                pattern = tuple(map(_pattern_term, triples[0]))
                if pattern[0] == "this" and None not in pattern:
                    yield pattern


def _is_plain(part: Any) -> bool:
    """Whether a pattern is nothing but its triple patterns."""
    return part.name == "BGP" or (part.name == "Join" and _is_plain(part.p1) and _is_plain(part.p2))


def _pattern_term(term: Any) -> Any:
    if isinstance(term, Variable):
        return str(term)
    return ox.NamedNode(str(term)) if isinstance(term, URIRef) else None


def _fits(
    data: Graph,
    patterns: Sequence[_Pattern],
    bound: Mapping[str, Any],
    allowed: Mapping[str, frozenset[Any]],
) -> bool:
    """Whether some statements fit the patterns all at once."""
    for place, pattern in enumerate(patterns):
        subject, predicate, value = (
            bound.get(part) if isinstance(part, str) else part for part in pattern
        )
        if predicate is None or (subject is None and value is None):
            continue
        rest = [*patterns[:place], *patterns[place + 1 :]]
        if subject is not None and value is not None:
            return value in data.objects(subject, predicate) and _fits(data, rest, bound, allowed)
        if subject is not None:
            found, name = data.objects(subject, predicate), pattern[2]
        else:
            found, name = data.subjects(predicate, value), pattern[0]
        if name in allowed:
            found = [node for node in found if node in allowed[name]]
        return any(
            _fits(data, rest, bound if name is None else {**bound, name: node}, allowed)
            for node in found
        )
    return True
