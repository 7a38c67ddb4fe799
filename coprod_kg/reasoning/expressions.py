"""OWL class expressions as rule bodies (sufficient conditions) and heads (necessary conditions).

Each sufficient condition of a class is a body of its own. A restriction that only demands some
unnamed value leads to no statement between named things.
"""

from collections.abc import Iterator
from functools import cached_property
from itertools import combinations, product
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.graph import Graph
from coprod_kg.model.namespaces import expand, named, shorten

__all__ = ["Atom", "Body", "Expressions", "instance"]

Atom = tuple[str, str, str]
"""A pattern: subject, predicate and object, each a variable or a term as in N-Triples."""
Body = tuple[Atom, ...]

_TYPE: Final = f"<{expand('rdf:type')}>"
_THING: Final = f"<{expand('owl:Thing')}>"
_COMPLEMENT: Final = "outside "
_SECOND_SUFFIX: Final = "_other"
"""The ending of the second of two variables that must be bound to different things."""


def instance(variable: str, kind: str) -> Atom:
    """The pattern that something is of a class."""
    return variable, _TYPE, kind


class Expressions:
    """The class expressions of an ontology.

    Args:
        graph: its statements.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._count = 0

    def bodies(self, node: Any, x: str) -> list[Body]:
        """The ways to be an instance of the expression: each a set of patterns.

        Raises:
            ModelError: the expression has a form that is not known here.
        """
        if isinstance(node, ox.NamedNode):
            return [(instance(x, str(node)),)]
        if members := self._parts(node, "owl:intersectionOf"):
            ways = product(*(self.bodies(member, x) for member in members))
            return [tuple(atom for part in way for atom in part) for way in ways]
        if members := self._parts(node, "owl:unionOf"):
            return [way for member in members for way in self.bodies(member, x)]
        return self._restriction_bodies(node, x)

    def heads(self, node: Any, x: str) -> list[Atom]:
        """The patterns that hold of every instance, as far as they are about named things.

        Raises:
            ModelError: the expression has a form that is not known here.
        """
        if isinstance(node, ox.NamedNode):
            return [instance(x, str(node))]
        if members := self._parts(node, "owl:intersectionOf"):
            return [head for member in members for head in self.heads(member, x)]
        if members := self._parts(node, "owl:unionOf"):
            name = [] if self._equivalent(node) else [instance(x, str(node))]
            return [*name, *(instance(x, kind) for kind in sorted(self._common(members)))]
        prop, values = self._property(node), self._fillers(node)
        domains = self._domains(prop)
        if len(values) == 1:
            return [(x, prop, str(values[0])), *(instance(x, kind) for kind in domains)]
        self.bodies(node, x)  # raises on an unknown form
        return [instance(x, str(node)), *(instance(x, kind) for kind in domains)]

    def inclusions(self) -> Iterator[tuple[Any, Any]]:
        """Pairs of a class and a class that contains it."""
        yield from self._graph.pairs("rdfs:subClassOf")
        for first, second in self._graph.pairs("owl:equivalentClass"):
            yield first, second
            yield second, first

    def exclusions(self) -> list[tuple[str, str, str]]:
        """A union, a class, and a member of the union that no instance of the class is in."""
        excluded = set()
        for name, members in self._unions:
            for member, other in product(members, self._disjoint):
                if any(
                    (above, other) in self._disjoint_pairs for above in self.superclasses(member)
                ):
                    excluded.add((name, other, member))
        return sorted(excluded)

    def leftovers(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """A union, one member, the others: what is in the union but in no other is in that one."""
        for name, members in self._unions:
            for member in members:
                yield name, member, tuple(other for other in members if other != member)

    def complement(self, kind: str) -> str:
        """The name that rules give to the complement of a class; no term of the ontology."""
        return f"{_COMPLEMENT}{kind}"

    def superclasses(self, kind: str) -> frozenset[str]:
        """The class and every named class that contains it."""
        kinds, queue = {kind}, [kind]
        while queue:
            for wider in self._wider.get(queue.pop(), ()):
                if wider not in kinds:
                    kinds.add(wider)
                    queue.append(wider)
        return frozenset(kinds)

    @staticmethod
    def differing(body: Body) -> tuple[str, str] | None:
        """The two variables in a body that must not stand for one thing."""
        names = {name for atom in body for name in (atom[0], atom[2])}
        second = next((name for name in sorted(names) if name.endswith(_SECOND_SUFFIX)), None)
        return (second.removesuffix(_SECOND_SUFFIX), second) if second else None

    @cached_property
    def subclasses(self) -> frozenset[tuple[str, str]]:
        """Pairs of named classes of which the first is directly in the second."""
        return frozenset((low, high) for low, above in self._wider.items() for high in above)

    @cached_property
    def _wider(self) -> dict[str, set[str]]:
        wider: dict[str, set[str]] = {}
        for narrow, wide in self.inclusions():
            lower = self._parts(narrow, "owl:unionOf") or [narrow]
            upper = self._parts(wide, "owl:intersectionOf") or [wide]
            for low, high in product(lower, upper):
                if isinstance(low, ox.NamedNode) and isinstance(high, ox.NamedNode):
                    wider.setdefault(str(low), set()).add(str(high))
        return wider

    @cached_property
    def _unions(self) -> list[tuple[str, list[str]]]:
        """Every union of named classes, by the name of the class that it defines if any."""
        unions: list[tuple[str, list[str]]] = []
        for node, _ in self._graph.pairs("owl:unionOf"):
            members = self._parts(node, "owl:unionOf")
            if all(isinstance(member, ox.NamedNode) for member in members):
                names = [str(member) for member in members]
                unions.extend((name, names) for name in self._equivalent(node) or [str(node)])
        return unions

    def _equivalent(self, node: Any) -> list[str]:
        pairs = self._graph.pairs("owl:equivalentClass")
        return [str(first) for first, second in pairs if second == node]

    @cached_property
    def _disjoint_pairs(self) -> frozenset[tuple[str, str]]:
        pairs = [(str(a), str(b)) for a, b in self._graph.pairs("owl:disjointWith")]
        for axiom in self._graph.subjects("rdf:type", named("owl:AllDisjointClasses")):
            members = self._graph.members(self._graph.value(axiom, "owl:members"))
            pairs.extend(combinations([str(member) for member in members], 2))
        return frozenset((*pairs, *((second, first) for first, second in pairs)))

    @cached_property
    def _disjoint(self) -> frozenset[str]:
        return frozenset(kind for kind, _ in self._disjoint_pairs)

    def _common(self, members: list[Any]) -> frozenset[str]:
        """The named classes that every member of a union is in."""
        sets = []
        for member in members:
            heads = self.heads(member, "?x")
            kinds = {kind for _, predicate, kind in heads if predicate == _TYPE}
            sets.append(frozenset(above for kind in kinds for above in self.superclasses(kind)))
        return frozenset.intersection(*sets)

    def _domains(self, prop: str) -> list[str]:
        """The named domains of the property and of its superproperties."""
        properties, pairs = self._superproperties(prop), self._graph.pairs("rdfs:domain")
        return sorted(
            {str(d) for p, d in pairs if str(p) in properties and isinstance(d, ox.NamedNode)}
        )

    def _superproperties(self, prop: str) -> list[str]:
        """The property and every one above it."""
        properties = [prop]
        for narrow in properties:
            pairs = self._graph.pairs("rdfs:subPropertyOf")
            wider = [str(high) for low, high in pairs if str(low) == narrow]
            properties.extend(high for high in wider if high not in properties)
        return properties

    def _parts(self, node: Any, name: str) -> list[Any]:
        head = None if isinstance(node, ox.NamedNode) else self._graph.value(node, name)
        return [] if head is None else list(self._graph.members(head))

    def _property(self, node: Any) -> str:
        prop = self._graph.value(node, "owl:onProperty")
        if not isinstance(prop, ox.NamedNode):
            raise _unknown(node, "a class expression that is no restriction of a named property")
        return str(prop)

    def _fillers(self, node: Any) -> list[Any]:
        """The values of which the restriction demands one, where it lists them."""
        if (value := self._graph.value(node, "owl:hasValue")) is not None:
            return [value]
        return self._parts(self._graph.value(node, "owl:someValuesFrom"), "owl:oneOf")

    @cached_property
    def _unnamed_restrictions(self) -> list[Any]:
        """The restrictions that an axiom grants to its instances without naming a value."""
        queue = [wide for _, wide in self.inclusions()]
        for expression in queue:
            queue.extend(self._parts(expression, "owl:intersectionOf"))
        restricted = [
            expression
            for expression in queue
            if self._graph.value(expression, "owl:onProperty") is not None
        ]
        return [restriction for restriction in restricted if len(self._fillers(restriction)) != 1]

    def _covers(self, wide: Any, narrow: Any) -> bool:
        """Whether every thing that meets the narrow restriction meets the wide one."""
        if wide == narrow or self._property(wide) not in self._superproperties(
            self._property(narrow)
        ):
            return False
        if self._minimum(wide) > self._minimum(narrow):
            return False
        some, others = self._fillers(wide), self._fillers(narrow)
        if some or others:
            return bool(some and others) and set(others) <= set(some)
        return bool(
            self.superclasses(self._filler_class(narrow)) & {self._filler_class(wide), _THING}
        )

    def _minimum(self, node: Any) -> int:
        """The least number of values."""
        for name in ("owl:minQualifiedCardinality", "owl:minCardinality"):
            if (least := self._graph.value(node, name)) is not None:
                return int(least.value)
        return 1

    def _filler_class(self, node: Any) -> str:
        """The class of the values."""
        for name in ("owl:someValuesFrom", "owl:onClass"):
            if (filler := self._graph.value(node, name)) is not None:
                return str(filler)
        return _THING

    def _restriction_bodies(self, node: Any, x: str) -> list[Body]:
        granted = [
            (instance(x, str(o)),) for o in self._unnamed_restrictions if self._covers(node, o)
        ]
        return [*self._named_value_bodies(node, x), *granted]

    def _named_value_bodies(self, node: Any, x: str) -> list[Body]:
        """The ways to meet a restriction by values that are named."""
        prop = self._property(node)
        if values := self._fillers(node):
            return [((x, prop, str(value)),) for value in values]
        y = self._new_variable()
        filler = self._graph.value(node, "owl:someValuesFrom")
        if filler is not None:
            return [((x, prop, y), *way) for way in self._filler_bodies(filler, y)]
        kinds = ("owl:minQualifiedCardinality", "owl:minCardinality")
        if not any(self._graph.objects(node, kind) for kind in kinds) or self._minimum(
            node
        ) not in (
            1,
            2,
        ):
            raise _unknown(node, f"this restriction of {shorten(prop[1:-1])}")
        filler = self._graph.value(node, "owl:onClass")
        names = [y, f"{y}{_SECOND_SUFFIX}"][: self._minimum(node)]
        ways = product(*(self._filler_bodies(filler, name) for name in names))
        hold = tuple((x, prop, name) for name in names)
        return [(*hold, *(atom for part in way for atom in part)) for way in ways]

    def _filler_bodies(self, filler: Any, y: str) -> list[Body]:
        anything = filler is None or str(filler) == _THING
        return [()] if anything else self.bodies(filler, y)

    def _new_variable(self) -> str:
        self._count += 1
        return f"?y{self._count}"


def _unknown(node: Any, what: str) -> ModelError:
    return ModelError(
        f"no rule is known for {what}",
        where=str(node),
        fix="Say it with axioms of the forms in queries/rules/README.md.",
    )
