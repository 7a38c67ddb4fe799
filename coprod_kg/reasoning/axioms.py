"""Compiler of OWL axioms to Horn rules.

A rule is a body of patterns and the statement that follows where all of them hold. Terms are
written as in N-Triples, variables begin with a question mark. An axiom of a form for which there
is no rule raises a `ModelError`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.graph import Graph
from coprod_kg.model.namespaces import expand, shorten
from coprod_kg.reasoning.expressions import Atom, Expressions, instance

__all__ = ["Axioms", "Rule"]

_HANDLED_TERMS: Final = frozenset(
    expand(f"owl:{name}")
    for name in (
        *("AllDifferent", "AllDisjointClasses", "AllDisjointProperties", "AnnotationProperty"),
        *("AsymmetricProperty", "Class", "DatatypeProperty", "FunctionalProperty"),
        *("IrreflexiveProperty", "NamedIndividual", "ObjectProperty", "Ontology", "Restriction"),
        *("SymmetricProperty", "TransitiveProperty"),
        *("deprecated", "differentFrom", "disjointWith", "distinctMembers", "members", "onClass"),
        *("onProperty", "propertyDisjointWith", "versionIRI", "versionInfo", "hasValue", "oneOf"),
        *("intersectionOf", "minCardinality", "minQualifiedCardinality", "someValuesFrom"),
        *("unionOf", "priorVersion", "backwardCompatibleWith", "incompatibleWith"),
        *("equivalentClass", "equivalentProperty", "inverseOf", "propertyChainAxiom"),
    )
)
"""The terms of OWL that rules are made of, or that only forbid something, which HermiT checks."""
_OWL: Final = expand("owl:")


@dataclass(frozen=True, slots=True)
class Rule:
    """A Horn rule.

    Attributes:
        body: the patterns that must hold together.
        head: the statement that follows.
        differ: two variables that must be bound to different terms.
    """

    body: tuple[Atom, ...]
    head: Atom
    differ: tuple[str, str] | None = None


class Axioms:
    """The axioms among some statements.

    Args:
        triples: the statements of an ontology; other statements among them are ignored.

    Raises:
        ModelError: an axiom has a form that is not known here.
    """

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        graph = Graph(triples)
        _refuse_unknown(graph)
        expressions = Expressions(graph)
        all_rules = [rule for make in _MAKERS for rule in make(graph, expressions)]
        distinct = dict.fromkeys(rule for rule in all_rules if rule.head not in rule.body)
        self.rules: tuple[Rule, ...] = tuple(distinct)
        self._subclasses = expressions.subclasses

    @property
    def subclasses(self) -> list[ox.Triple]:
        """The direct subclass relation between named classes."""
        wider = ox.NamedNode(expand("rdfs:subClassOf"))
        pairs = ((ox.NamedNode(a[1:-1]), ox.NamedNode(b[1:-1])) for a, b in self._subclasses)
        return [ox.Triple(narrow, wider, wide) for narrow, wide in pairs]


def _refuse_unknown(graph: Graph) -> None:
    kind = expand("rdf:type")
    for subject, predicate, obj in graph.triples():
        word = obj.value if predicate.value == kind and isinstance(obj, ox.NamedNode) else None
        for name in (predicate.value, word):
            if name and name.startswith(_OWL) and name not in _HANDLED_TERMS:
                raise ModelError(
                    f"no rule is known for {shorten(name)}",
                    where=shorten(subject.value),
                    fix="Say it with axioms of the forms in queries/rules/README.md.",
                )


def _subclasses(graph: Graph, expressions: Expressions) -> Iterator[Rule]:
    for narrow, wide in expressions.inclusions():
        yield from _implied(expressions, expressions.bodies(narrow, "?x"), wide, "?x")
    for wide, member, others in expressions.leftovers():
        excluded = tuple(instance("?x", expressions.complement(kind)) for kind in others)
        yield Rule((instance("?x", wide), *excluded), instance("?x", member))
    for wide, member, other in expressions.exclusions():
        body = (instance("?x", wide), instance("?x", member))
        yield Rule(body, instance("?x", expressions.complement(other)))


def _implied(
    expressions: Expressions, bodies: Iterable[tuple[Atom, ...]], wide: Any, variable: str
) -> Iterator[Rule]:
    for body in bodies:
        for head in expressions.heads(wide, variable):
            yield Rule(body, head, expressions.differing(body))


def _domains_and_ranges(graph: Graph, expressions: Expressions) -> Iterator[Rule]:
    for name, variable in (("rdfs:domain", "?x"), ("rdfs:range", "?y")):
        for prop, wide in graph.pairs(name):
            if not _is_datatype(wide):
                body = ("?x", str(prop), "?y")
                yield from _implied(expressions, [(body,)], wide, variable)


def _is_datatype(node: Any) -> bool:
    return isinstance(node, ox.NamedNode) and (
        node.value.startswith(expand("xsd:")) or shorten(node.value) == "rdfs:Literal"
    )


def _properties(graph: Graph, _: Expressions) -> Iterator[Rule]:
    both_ways: Callable[[Any, Any], tuple[tuple[Any, Any], ...]] = lambda a, b: ((a, b), (b, a))  # noqa: E731  # too small for a name of its own
    for narrow, wide in graph.pairs("rdfs:subPropertyOf"):
        yield _inclusion(narrow, wide)
    for pair in graph.pairs("owl:equivalentProperty"):
        yield from (_inclusion(*ends) for ends in both_ways(*pair))
    for pair in graph.pairs("owl:inverseOf"):
        yield from (_inclusion(*ends, inverted=True) for ends in both_ways(*pair))
    for prop in graph.instances("owl:SymmetricProperty"):
        yield _inclusion(prop, prop, inverted=True)
    for prop in graph.instances("owl:TransitiveProperty"):
        yield _chain((prop, prop), prop)
    for prop, head in graph.pairs("owl:propertyChainAxiom"):
        yield _chain(graph.members(head), prop)


def _inclusion(narrow: Any, wide: Any, *, inverted: bool = False) -> Rule:
    ends = ("?y", "?x") if inverted else ("?x", "?y")
    return Rule((("?x", _property_name(narrow), "?y"),), (ends[0], _property_name(wide), ends[1]))


def _chain(links: Iterable[Any], superproperty: Any) -> Rule:
    names = [_property_name(link) for link in links]
    body = tuple((f"?{index}", name, f"?{index + 1}") for index, name in enumerate(names))
    return Rule(body, ("?0", _property_name(superproperty), f"?{len(names)}"))


def _property_name(prop: Any) -> str:
    if not isinstance(prop, ox.NamedNode):
        raise ModelError(
            "no rule is known for a property without a name",
            fix="Give the inverse property a name, and use that.",
        )
    return str(prop)


_MAKERS: Final = (_subclasses, _domains_and_ranges, _properties)
