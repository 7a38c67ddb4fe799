"""The concept schemes as frozen values for their pages."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pyoxigraph as ox

from coprod_kg.model.files import files
from coprod_kg.model.graph import Graph, Node, text_of
from coprod_kg.model.installed import Model
from coprod_kg.publishing.wording import Phrase, name_of, translations

__all__ = ["Vocabulary", "VocabularyEntry", "vocabularies", "vocabulary_files"]

_RELATIONS = ("skos:related", "skos:exactMatch", "skos:closeMatch", "skos:broadMatch")


@dataclass(frozen=True, slots=True)
class VocabularyEntry:
    """A concept, or a statement of a collection, in its place in the tree.

    Attributes:
        iri: its name.
        slug: the last part of it.
        labels: language → preferred label.
        others: language → other words for it.
        definition: one sentence.
        notes: how it differs from its neighbours.
        translations: other language → definition and notes in it.
        sources: where it was met.
        facts: what properties of the model say of it: title → values.
        narrower: the concepts below it.
    """

    iri: str
    slug: str
    labels: Mapping[str, str]
    others: Mapping[str, tuple[str, ...]]
    definition: str
    notes: tuple[str, ...]
    translations: Mapping[str, tuple[str, ...]]
    sources: tuple[str, ...]
    facts: tuple[tuple[str, tuple[Phrase, ...]], ...]
    narrower: tuple["VocabularyEntry", ...]

    @property
    def label(self) -> str:
        """The English label."""
        return self.labels.get("en") or self.slug

    def all(self) -> Iterator["VocabularyEntry"]:
        """This entry and all entries below it."""
        yield self
        for entry in self.narrower:
            yield from entry.all()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A scheme or a collection.

    Attributes:
        iri: its name.
        name: the last part of it.
        titles: language → title.
        description: what it is for.
        version: its number.
        kind: the class of its concepts, as a phrase, or nothing.
        entries: its top concepts in their order.
    """

    iri: str
    name: str
    titles: Mapping[str, str]
    description: str
    version: str
    kind: Phrase
    entries: tuple[VocabularyEntry, ...]

    @property
    def title(self) -> str:
        """The English title."""
        return self.titles.get("en") or self.titles.get("") or self.name.capitalize()

    def all(self) -> tuple[VocabularyEntry, ...]:
        """Every concept, each before those below it."""
        return tuple(entry for top in self.entries for entry in top.all())


def vocabulary_files() -> Mapping[str, Path]:
    """Name → the file that holds the scheme."""
    return {path.stem: path for path in sorted((files("ontology") / "vocab").glob("*.ttl"))}


@cache
def vocabularies() -> Mapping[str, Vocabulary]:
    """Every scheme and collection, by name."""
    said = Model.installed().graph
    found = [
        _vocabulary(said, node) for node in said.instances("skos:ConceptScheme", "skos:Collection")
    ]
    return MappingProxyType(
        {vocabulary.name: vocabulary for vocabulary in sorted(found, key=lambda made: made.name)}
    )


def _vocabulary(said: Graph, node: ox.NamedNode) -> Vocabulary:
    tops = said.subjects("skos:topConceptOf", node) or said.objects(node, "skos:member")
    entries = tuple(_entry(said, top) for top in _sorted(said, tops))
    kinds = {kind for top in tops for kind in said.objects(top, "rdf:type")}
    ours = [kind for kind in kinds if text_of(kind).rpartition("#")[0].endswith("/ontology")]
    return Vocabulary(
        node.value,
        node.value.rpartition("/")[2],
        MappingProxyType(said.texts(node, "dcterms:title") or said.texts(node, "skos:prefLabel")),
        said.text(node, "dcterms:description"),
        text_of(said.value(node, "owl:versionInfo")),
        (name_of(said, ours[0]),) if ours else (),
        entries,
    )


def _sorted(said: Graph, nodes: Iterable[Node]) -> list[ox.NamedNode]:
    def place(node: Node) -> tuple[int, str]:
        number = said.value(node, "cp:rank") or said.value(node, "cp:order")
        return (int(text_of(number)) if number else 0, text_of(node))

    return sorted((node for node in nodes if isinstance(node, ox.NamedNode)), key=place)


def _entry(said: Graph, node: ox.NamedNode) -> VocabularyEntry:
    others: dict[str, list[str]] = {}
    for label in said.objects(node, "skos:altLabel"):
        if isinstance(label, ox.Literal):
            others.setdefault(label.language or "", []).append(label.value)
    labels = said.texts(node, "skos:prefLabel") or said.texts(node, "rdfs:label")
    return VocabularyEntry(
        node.value,
        node.value.rpartition("/")[2],
        MappingProxyType(labels),
        MappingProxyType({language: tuple(words) for language, words in others.items()}),
        said.text(node, "skos:definition"),
        said.all_texts(node, "skos:scopeNote"),
        translations(said, node),
        tuple(text_of(source) for source in said.objects(node, "dcterms:source")),
        tuple(_facts(said, node)),
        tuple(_entry(said, child) for child in _sorted(said, said.subjects("skos:broader", node))),
    )


def _facts(said: Graph, node: Node) -> Iterator[tuple[str, tuple[Phrase, ...]]]:
    for predicate in said.properties(node):
        ours = predicate.value.rpartition("#")[0].endswith("/ontology")
        name = predicate.value.rpartition("#")[2]
        if (ours and name not in ("rank", "order")) or any(
            name == relation.partition(":")[2] for relation in _RELATIONS
        ):
            words = {(name_of(said, value),) for value in said.objects(node, predicate)}
            title = name_of(said, predicate).text
            yield title, tuple(sorted(words, key=lambda phrase: phrase[0].text))
