"""Whether the query of a SHACL constraint can have a solution in some data, without pySHACL.

The triple patterns that every solution meets are tried first. Where the data meets them, Oxigraph
is asked the query itself over the statements that it can read: it takes a fifth of the time that
pySHACL does. Where neither is certain the query may have a solution.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import pyoxigraph as ox
from rdflib.plugins.sparql.algebra import translateQuery, traverse
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.term import URIRef, Variable

from coprod_kg.model.graph import Graph
from coprod_kg.model.namespaces import prefixes, prologue
from coprod_kg.sparql.tokens import Edit, edited, significant
from coprod_kg.validation.decided import Run, is_plain

__all__ = ["ConstraintQuery"]

_Pattern = tuple[Any, ...]
"""Subject, predicate and object: a variable is a text, a term that may be anything is None."""


class ConstraintQuery:
    """The query of a SHACL constraint, and what a solution needs of the data around a focus node.

    Args:
        text: the query, without prefixes.
    """

    def __init__(self, text: str) -> None:
        query = translateQuery(parseQuery(_without_bindings(text)), None, dict(prefixes())).algebra
        conditions = [*_conditions(query)]
        self._required = [tuple(map(_pattern_term, triple)) for triple in _required(query)]
        self._allowed = dict(_allowed(conditions))
        tokens = (token for token in significant(text) if token.kind == "variable")
        self._denied = [*_denied(conditions, Counter(token.text[1:] for token in tokens))]
        self._text = prologue() + text
        self._predicates = _predicates(query) if _oxigraph_parses(self._text) else None

    def may_have_solution(self, run: Run, focus: Any) -> bool:
        """Whether the query may have a solution with this node for ``$this``."""
        this = {"this": focus}
        return (
            not any(_may_match(run.data, [pattern], this, {}) for pattern in self._denied)
            and _may_match(run.data, self._required, this, self._allowed)
            and self._may_be_answered(run, focus)
        )

    def _may_be_answered(self, run: Run, focus: Any) -> bool:
        """Whether Oxigraph finds a solution, or is not certain that there is none."""
        if self._predicates is None:
            return True
        if self._predicates not in run.stores:
            run.stores[self._predicates] = _store(run.data, self._predicates)
        store = run.stores[self._predicates]
        if store is None:  # for a literal that it may read otherwise than rdflib does
            return True
        rows = store.query(self._text, substitutions={_THIS: focus})
        return not isinstance(rows, ox.QuerySolutions) or any(True for _ in rows)


_THIS: Final = ox.Variable("this")


def _without_bindings(text: str) -> str:
    """A query without each BIND that holds no pattern.

    What is read of a query is its patterns and filters, and rdflib takes as long for the
    expressions of its BINDs as for all the rest.

    >>> _without_bindings("ASK { $this a ?kind BIND (STR(?kind) AS ?name) }")
    'ASK { $this a ?kind  }'
    """
    edits, start, depth, has_pattern = list[Edit](), -1, 0, False
    for token in significant(text):
        if start < 0:
            if token.is_word("BIND"):
                start, depth, has_pattern = token.start, 0, False
            continue
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        has_pattern |= token.text == "{"
        if not depth:
            if not has_pattern:
                edits.append((start, token.end, ""))
            start = -1
    return edited(text, edits)


def _oxigraph_parses(text: str) -> bool:
    """Whether Oxigraph takes a text for a query; rdflib takes some more."""
    try:
        ox.Store().query(text)
    except SyntaxError:
        return False
    return True


def _store(data: Graph, predicates: Iterable[ox.NamedNode]) -> ox.Store | None:
    """The statements with some properties; nothing where one may be read in different ways."""
    triples = [
        ox.Quad(subject, predicate, value)
        for predicate in predicates
        for layer in data.layers()
        for subject, value in layer.pairs(predicate)
    ]
    if not all(is_plain(triple.object) for triple in triples):
        return None
    store = ox.Store()
    store.extend(triples)
    return store


def _predicates(query: Any) -> frozenset[ox.NamedNode] | None:
    """The properties of all triple patterns; nothing where one is a variable or a path."""
    found: list[Any] = []

    def visit(part: Any) -> None:
        match getattr(part, "name", None):
            case "BGP":
                found.extend(predicate for _, predicate, _ in part.triples)
            case "TriplesBlock":  # rdflib has not translated it
                found.append(None)

    traverse(query, visitPre=visit)
    if not all(isinstance(predicate, URIRef) for predicate in found):
        return None
    return frozenset(ox.NamedNode(str(predicate)) for predicate in found)


_KEEPING_PARTS: Final = ("SelectQuery", "Project", "Distinct", "Reduced", "Filter", "Extend")
"""The operators each of whose solutions is also one of the pattern inside."""


def _required(part: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Triple patterns that every solution of a query meets; some of them may be missing."""
    match part.name:
        case "BGP":
            yield from part.triples
        case "Join":
            yield from _required(part.p1)
            yield from _required(part.p2)
        case "LeftJoin" | "Minus":
            yield from _required(part.p1)
        case name if name in _KEEPING_PARTS:
            yield from _required(part.p)


def _conditions(part: Any) -> Iterator[Any]:
    """Conditions that every solution of a query meets; some of them may be missing."""
    if part.name == "Filter":
        conditions = [part.expr]
        while conditions:
            condition = conditions.pop()
            if getattr(condition, "name", None) == "ConditionalAndExpression":
                conditions += [condition.expr, *condition.other]
            else:
                yield condition
    if part.name in _KEEPING_PARTS:
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


def _denied(conditions: Iterable[Any], uses: Mapping[str, int]) -> Iterator[_Pattern]:
    """Patterns that the focus node must not match: FILTER NOT EXISTS with one pattern.

    Only those of which `_may_match` is certain: a guess would hide a finding here.

    Args:
        conditions: what every solution meets.
        uses: how often each variable stands in the query; elsewhere it may be bound.
    """
    for condition in conditions:
        if getattr(condition, "name", None) == "Builtin_NOTEXISTS":
            triples = [*_required(condition.graph)]
            if len(triples) == 1 and _is_plain(condition.graph):
                subject, predicate, value = map(_pattern_term, triples[0])
                is_free = isinstance(value, str) and uses[value] == 1
                is_known = isinstance(predicate, ox.NamedNode) and (
                    is_free or value == "this" or isinstance(value, ox.NamedNode)
                )
                if subject == "this" and is_known:
                    yield subject, predicate, value


def _is_plain(part: Any) -> bool:
    """Whether a pattern is nothing but its triple patterns."""
    return part.name == "BGP" or (part.name == "Join" and _is_plain(part.p1) and _is_plain(part.p2))


def _pattern_term(term: Any) -> Any:
    if isinstance(term, Variable):
        return str(term)
    return ox.NamedNode(str(term)) if isinstance(term, URIRef) else None


def _may_match(
    data: Graph,
    patterns: Sequence[_Pattern],
    bindings: Mapping[str, Any],
    allowed: Mapping[str, frozenset[Any]],
) -> bool:
    """Whether some statements may fit the patterns all at once.

    A pattern whose predicate is unknown, or both of whose ends are, counts as met.
    """
    for index, pattern in enumerate(patterns):
        subject, predicate, value = (
            bindings.get(part) if isinstance(part, str) else part for part in pattern
        )
        if predicate is None or (subject is None and value is None):
            continue
        rest = [*patterns[:index], *patterns[index + 1 :]]
        if subject is not None and value is not None:
            return value in data.objects(subject, predicate) and _may_match(
                data, rest, bindings, allowed
            )
        if subject is not None:
            nodes, name = data.objects(subject, predicate), pattern[2]
        else:
            nodes, name = data.subjects(predicate, value), pattern[0]
        if name in allowed:
            nodes = [node for node in nodes if node in allowed[name]]
        return any(
            _may_match(data, rest, bindings if name is None else {**bindings, name: node}, allowed)
            for node in nodes
        )
    return True
