"""Triple patterns that every solution of a SHACL query meets, and whether some data can meet them.

Where none of the data does, the query surely finds nothing and need not be asked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import pyoxigraph as ox
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.term import URIRef, Variable

from coprod_kg.model.graph import Graph
from coprod_kg.model.namespaces import prefixes

__all__ = ["Patterns"]

_Pattern = tuple[Any, ...]
"""Subject, predicate and object: a variable is a text, a term that may be anything is None."""


class Patterns:
    """What a query that SHACL asks about a focus node demands of the data, or less.

    Args:
        text: the query, without prefixes.
    """

    def __init__(self, text: str) -> None:
        query = translateQuery(parseQuery(text), None, dict(prefixes())).algebra
        conditions = [*_conditions(query)]
        self._required = [tuple(map(_pattern_term, triple)) for triple in _required(query)]
        self._allowed = dict(_allowed(conditions))
        self._denied = [*_denied(conditions)]

    def may_find(self, data: Graph, focus: Any) -> bool:
        """Whether the query may have a solution with this node for ``$this``."""
        this = {"this": focus}
        return not any(_fits(data, [pattern], this, {}) for pattern in self._denied) and _fits(
            data, self._required, this, self._allowed
        )


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
