"""Class expressions and property paths in words, after the Manchester syntax.

A phrase is a row of words; a word that names a term carries its IRI, so that a page can link it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import pyoxigraph as ox

from coprod_kg.model.graph import Graph, Node, text_of
from coprod_kg.model.namespaces import expand, shorten

__all__ = [
    "Phrase",
    "Word",
    "class_phrase",
    "conjuncts",
    "name_of",
    "path_phrase",
    "plain",
    "translations",
]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a phrase.

    Attributes:
        text: what is read.
        iri: what it names, where it is a term, a concept or a datatype.
    """

    text: str
    iri: str = ""


Phrase = tuple[Word, ...]

_SOME: Final = Word("some")
_QUANTITIES: Final = (
    ("owl:minQualifiedCardinality", "at least"),
    ("owl:maxQualifiedCardinality", "at most"),
    ("owl:qualifiedCardinality", "exactly"),
    ("owl:minCardinality", "at least"),
    ("owl:maxCardinality", "at most"),
    ("owl:cardinality", "exactly"),
)


def name_of(said: Graph, node: Node) -> Word:
    """The label of a term or a concept, else its short name."""
    if not isinstance(node, ox.NamedNode):
        return Word(text_of(node))
    label = said.text(node, "skos:prefLabel") or said.text(node, "rdfs:label")
    return Word(label or shorten(node.value), node.value)


def translations(said: Graph, node: Node) -> Mapping[str, tuple[str, ...]]:
    """The definition and the scope notes of a term or a concept in languages beside English."""
    found: dict[str, list[str]] = {}
    for predicate in ("skos:definition", "skos:scopeNote"):
        for value in said.objects(node, predicate):
            if isinstance(value, ox.Literal) and value.language not in ("en", None):
                found.setdefault(value.language, []).append(value.value)
    return MappingProxyType({language: tuple(found[language]) for language in sorted(found)})


def plain(phrase: Iterable[Word]) -> str:
    """A phrase as text."""
    return " ".join(word.text for word in phrase).replace(" :", ":")


def conjuncts(said: Graph, node: Node) -> tuple[Phrase, ...]:
    """The conjuncts of a class expression, each as a phrase of its own."""
    parts = tuple(said.members(said.value(node, "owl:intersectionOf")))
    return tuple(class_phrase(said, part) for part in parts or (node,))


def class_phrase(said: Graph, node: Node) -> Phrase:
    """A class, or an expression that says which things it takes."""
    if isinstance(node, ox.NamedNode):
        return (name_of(said, node),)
    for name, joint in (("owl:intersectionOf", "and"), ("owl:unionOf", "or")):
        members = tuple(said.members(said.value(node, name)))
        if members:
            return _joined((_grouped(said, member) for member in members), joint)
    members = tuple(said.members(said.value(node, "owl:oneOf")))
    if members:
        return (Word("one of"), *_joined(((name_of(said, member),) for member in members), "·"))
    negated = said.value(node, "owl:complementOf")
    if negated is not None:
        return (Word("not"), *_grouped(said, negated))
    return _restriction(said, node)


def _restriction(said: Graph, node: Node) -> Phrase:
    on = said.value(node, "owl:onProperty")
    start = path_phrase(said, on) if on is not None else ()
    for name, joint in (("owl:someValuesFrom", "some"), ("owl:allValuesFrom", "only")):
        value = said.value(node, name)
        if value is not None:
            return (*start, Word(joint), *_grouped(said, value))
    value = said.value(node, "owl:hasValue")
    if value is not None:
        return (*start, Word("is"), name_of(said, value))
    for name, joint in _QUANTITIES:
        count = said.value(node, name)
        if count is not None:
            filler = said.value(node, "owl:onClass")
            tail = _grouped(said, filler) if filler is not None else ()
            return (*start, Word(f"{joint} {text_of(count)}"), *tail)
    return (*start, _SOME, Word("value"))


def _grouped(said: Graph, node: Node) -> Phrase:
    phrase = class_phrase(said, node)
    composed = any(said.value(node, operator) for operator in ("owl:intersectionOf", "owl:unionOf"))
    return (Word("("), *phrase, Word(")")) if composed else phrase


def _joined(phrases: Iterable[Phrase], joint: str) -> Phrase:
    found: list[Word] = []
    for phrase in phrases:
        found += [Word(joint), *phrase] if found else phrase
    return tuple(found)


_MARKS: Final = (
    ("sh:zeroOrMorePath", "(at any depth, or none)"),
    ("sh:oneOrMorePath", "(at any depth)"),
    ("sh:zeroOrOnePath", "(if any)"),
)


_ITSELF: Final = ox.NamedNode(f"{expand('cps:')}itself")
"""No property: where it may be left out, the path ends where it begins."""


def path_phrase(said: Graph, node: Node) -> Phrase:
    """A property, or the way along several, in OWL or in SHACL."""
    if isinstance(node, ox.NamedNode):
        return (name_of(said, node),)
    inverse = said.value(node, "owl:inverseOf") or said.value(node, "sh:inversePath")
    if inverse is not None:
        named = said.subjects("owl:inverseOf", inverse) or said.objects(inverse, "owl:inverseOf")
        for step in named:
            if isinstance(step, ox.NamedNode):
                return (name_of(said, step),)
        return (Word("inverse of"), *path_phrase(said, inverse))
    others = tuple(said.members(said.value(node, "sh:alternativePath")))
    if others:
        return _along(said, others, "or")
    for name, words in _MARKS:
        inner = said.value(node, name)
        if inner == _ITSELF:
            return (Word("itself"),)
        if inner is not None:
            return (*path_phrase(said, inner), Word(words))
    return _along(said, tuple(said.members(node)), "→")


def _along(said: Graph, nodes: tuple[Node, ...], joint: str) -> Phrase:
    return _joined((path_phrase(said, node) for node in nodes), joint)
