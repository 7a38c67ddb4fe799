"""The ontology as frozen values for its page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

import pyoxigraph as ox

from coprod_kg.model.graph import Graph, Node, text_of
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import expand, shorten, terms
from coprod_kg.publishing.wording import (
    Phrase,
    Word,
    class_phrase,
    conjuncts,
    name_of,
    translations,
)
from coprod_kg.publishing.wording import path_phrase as path

__all__ = ["Fact", "Ontology", "Term", "ontology"]

_KINDS: Final = (
    ("owl:Class", "class"),
    ("owl:ObjectProperty", "object property"),
    ("owl:DatatypeProperty", "data property"),
)
_BEHAVIOUR: Final = (
    ("owl:TransitiveProperty", "carries on along a chain (transitive)"),
    ("owl:FunctionalProperty", "has one value at most (functional)"),
    ("owl:InverseFunctionalProperty", "has one subject at most (inverse functional)"),
    ("owl:SymmetricProperty", "holds both ways (symmetric)"),
    ("owl:AsymmetricProperty", "never holds both ways (asymmetric)"),
    ("owl:IrreflexiveProperty", "never leads to itself (irreflexive)"),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the axioms say of a term.

    Attributes:
        title: how it is introduced.
        phrases: what is said, one phrase each.
        together: whether the phrases must all hold.
    """

    title: str
    phrases: tuple[Phrase, ...]
    together: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """A class or a property.

    Attributes:
        iri: its name.
        name: the last part of it, or the short name of a term from elsewhere.
        kind: class, object property or data property.
        labels: language → label.
        definition: one sentence.
        examples: what it takes, and what it does not.
        notes: how it differs from its neighbours.
        translations: other language → definition and notes in it.
        remarks: what the editors say of the choice.
        sources: where the idea comes from.
        facts: what the axioms say.
        scheme: whose concepts are of this class, or are the values of this property.
        defined: whether a class is told from other statements.
        replaced_by: of a deprecated term, what to use instead.
    """

    iri: str
    name: str
    kind: str
    labels: Mapping[str, str]
    definition: str
    examples: tuple[str, ...]
    notes: tuple[str, ...]
    translations: Mapping[str, tuple[str, ...]]
    remarks: tuple[str, ...]
    sources: tuple[str, ...]
    facts: tuple[Fact, ...]
    scheme: str = ""
    defined: bool = False
    replaced_by: str = ""

    @property
    def label(self) -> str:
        """The English label."""
        return self.labels.get("en") or self.name


@dataclass(frozen=True, slots=True)
class Ontology:
    """The ontology: what its header says, and its terms.

    Attributes:
        iri: its name.
        header: what its header says, by the short name of the property.
        terms: local name → term, classes first, each kind by label.
        outside: terms of other vocabularies that it uses.
    """

    iri: str
    header: Mapping[str, str]
    terms: Mapping[str, Term]
    outside: tuple[Term, ...]


@cache
def ontology() -> Ontology:
    """The ontology of this installation.

    Raises:
        ModelError: one of its files is not Turtle.
    """
    said = Model.installed().graph
    kinds = [(node, kind) for name, kind in _KINDS for node in said.instances(name)]
    schemes = dict(_schemes(said))
    ours = [_term(said, node, kind, schemes) for node, kind in kinds if node.value in terms()]
    order = {kind: place for place, (_, kind) in enumerate(_KINDS)}
    ours.sort(key=lambda term: (order[term.kind], term.label.lower()))
    outside = [
        _term(said, node, kind, schemes) for node, kind in kinds if node.value not in terms()
    ]
    iri = said.instances("owl:Ontology")[0]
    header = {shorten(name.value): text_of(said.value(iri, name)) for name in said.properties(iri)}
    return Ontology(
        iri.value,
        MappingProxyType(header),
        MappingProxyType({term.name: term for term in ours}),
        tuple(sorted((term for term in outside if term.facts), key=lambda term: term.name)),
    )


def _schemes(said: Graph) -> Iterator[tuple[Node, str]]:
    """Class of concepts → the scheme whose concepts are of it."""
    for scheme in said.instances("skos:ConceptScheme"):
        for concept in said.subjects("skos:inScheme", scheme):
            for kind in said.objects(concept, "rdf:type"):
                if text_of(kind) in terms():
                    yield kind, scheme.value.rpartition("/")[2]


def _term(said: Graph, node: ox.NamedNode, kind: str, schemes: Mapping[Node, str]) -> Term:
    facts = _of_class(said, node) if kind == "class" else _of_property(said, node)
    local = node.value.rpartition("#")[2]
    return Term(
        iri=node.value,
        name=local if node.value in terms() else shorten(node.value),
        kind=kind,
        labels=MappingProxyType(said.texts(node, "skos:prefLabel")),
        definition=said.text(node, "skos:definition"),
        examples=said.all_texts(node, "skos:example"),
        notes=said.all_texts(node, "skos:scopeNote"),
        translations=translations(said, node),
        remarks=said.all_texts(node, "skos:editorialNote"),
        sources=tuple(text_of(source) for source in said.objects(node, "dcterms:source")),
        facts=tuple(fact for fact in facts if fact.phrases),
        scheme=next((schemes[taker] for taker in _takers(said, node) if taker in schemes), ""),
        defined=bool(said.objects(node, "owl:equivalentClass")),
        replaced_by=text_of(said.value(node, "dcterms:isReplacedBy")),
    )


def _of_class(said: Graph, node: ox.NamedNode) -> Iterator[Fact]:
    yield Fact("Kind of", _classes(said, said.objects(node, "rdfs:subClassOf")))
    for expression in said.objects(node, "owl:equivalentClass"):
        phrases = conjuncts(said, expression)
        yield Fact("Exactly what is", phrases, together=len(phrases) > 1)
    yield Fact("Kinds of it", _names(said, (*said.subjects("rdfs:subClassOf", node),)))
    yield Fact("Told from it", _names(said, _narrowed(said, node)))
    yield Fact("Said of it", _names(said, _by_class(said, "rdfs:domain", node)))
    yield from _inherited(said, node)
    yield Fact("Leads to it", _names(said, _by_class(said, "rdfs:range", node)))
    yield Fact("Never also", _names(said, _disjoint(said, node)))


def _of_property(said: Graph, node: ox.NamedNode) -> Iterator[Fact]:
    yield Fact("Said of", _classes(said, said.objects(node, "rdfs:domain")))
    yield Fact("Its value", _classes(said, said.objects(node, "rdfs:range")))
    yield Fact("Kind of", _paths(said, said.objects(node, "rdfs:subPropertyOf")))
    yield Fact("Kinds of it", _names(said, said.subjects("rdfs:subPropertyOf", node)))
    inverse = (*said.objects(node, "owl:inverseOf"), *said.subjects("owl:inverseOf", node))
    yield Fact("The other way round", _names(said, inverse))
    yield Fact("Follows from", _paths(said, said.objects(node, "owl:propertyChainAxiom")))
    behaviour = [words for name, words in _BEHAVIOUR if said.is_a(node, name)]
    yield Fact("Behaviour", tuple((Word(word),) for word in behaviour))
    apart = "owl:propertyDisjointWith"
    yield Fact("Never together with", _names(said, _both_ways(said, apart, node)))


def _takers(said: Graph, node: Node) -> tuple[Node, ...]:
    """The class, or the classes of a property's values."""
    return (node, *said.objects(node, "rdfs:range"))


def _inherited(said: Graph, node: Node) -> Iterator[Fact]:
    """The facts that a class has because its wider classes have them."""
    for wide in said.objects(node, "rdfs:subClassOf"):
        if text_of(wide) in terms():
            title = f"Also, as {name_of(said, wide).text}"
            yield Fact(title, _names(said, _by_class(said, "rdfs:domain", wide)))
            yield from _inherited(said, wide)


def _narrowed(said: Graph, node: Node) -> Iterator[Node]:
    """The classes that are defined as this one with a restriction."""
    for class_node in said.instances("owl:Class"):
        for meaning in said.objects(class_node, "owl:equivalentClass"):
            if node in said.members(said.value(meaning, "owl:intersectionOf")):
                yield class_node


def _by_class(said: Graph, name: str, node: Node) -> Iterator[Node]:
    """The properties whose domain or range a class is, alone or with others."""
    yield from said.subjects(name, node)
    for head in said.subjects("rdf:first", node):
        for union in said.subjects("owl:unionOf", head):
            yield from said.subjects(name, union)
        for before in said.subjects("rdf:rest", head):
            for union in said.subjects("owl:unionOf", before):
                yield from said.subjects(name, union)


def _disjoint(said: Graph, node: Node) -> Iterator[Node]:
    yield from _both_ways(said, "owl:disjointWith", node)
    for axiom in said.subjects("rdf:type", ox.NamedNode(expand("owl:AllDisjointClasses"))):
        members = tuple(said.members(said.value(axiom, "owl:members")))
        yield from (member for member in members if node in members and member != node)


def _both_ways(said: Graph, name: str, node: Node) -> tuple[Node, ...]:
    return (*said.objects(node, name), *said.subjects(name, node))


def _names(said: Graph, nodes: Iterable[Node]) -> tuple[Phrase, ...]:
    """Each named term once, by label; blank nodes are left out."""
    found = {(name_of(said, node),) for node in nodes if isinstance(node, ox.NamedNode)}
    return tuple(sorted(found, key=lambda phrase: phrase[0].text.lower()))


def _classes(said: Graph, nodes: Iterable[Node]) -> tuple[Phrase, ...]:
    return tuple(class_phrase(said, node) for node in nodes)


def _paths(said: Graph, nodes: Iterable[Node]) -> tuple[Phrase, ...]:
    return tuple(path(said, node) for node in nodes)
