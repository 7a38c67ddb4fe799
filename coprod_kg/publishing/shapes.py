"""The SHACL shapes as frozen values for their pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from coprod_kg.model.advice import filled
from coprod_kg.model.files import files, read
from coprod_kg.model.graph import Graph, Node, text_of
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import expand, prefixes, shorten
from coprod_kg.publishing.demands import demands, listed, query_of
from coprod_kg.publishing.wording import Phrase, Word, name_of, path_phrase, plain

__all__ = ["Rulebook", "ShapeRule", "ShapeSubject", "rulebooks", "shape_files"]

_SHAPES: Final = prefixes()["cps"]
_BOOKS: Final = ("submission", "stages", "house")


@dataclass(frozen=True, slots=True)
class ShapeRule:
    """One demand: a property shape.

    Attributes:
        iri: its name.
        name: the last part of it.
        label: what it is about, in words.
        description: why it is there.
        message: what is told to the sender of data that breaks it.
        advice: what to do about it, where the examples do not say it.
        examples: what may be written instead, in Turtle.
        severity: Violation, Warning or Info.
        path: the property, or the way along several.
        demands: what must hold, each in words.
        query: the SPARQL of the demand, where it is one.
        sources: where the demand comes from.
        remarks: what the editors say of the choice.
        more: other annotations: title → values.
    """

    iri: str
    name: str
    label: str
    description: str
    message: str
    advice: str
    examples: tuple[str, ...]
    severity: str
    path: Phrase
    demands: tuple[Phrase, ...]
    query: str
    sources: tuple[str, ...]
    remarks: tuple[str, ...]
    more: tuple[tuple[str, Phrase], ...]


@dataclass(frozen=True, slots=True)
class ShapeSubject:
    """What the rules of one node shape are about.

    Attributes:
        iri: the name of the node shape.
        name: the last part of it.
        label: what it is about, in words.
        description: why it is there.
        message: what is told, where the shape itself says so.
        targets: which things it looks at.
        rules: its rules, in their order.
        sources: where its demands come from.
        more: other annotations: title → values.
    """

    iri: str
    name: str
    label: str
    description: str
    message: str
    targets: tuple[Phrase, ...]
    rules: tuple[ShapeRule, ...]
    sources: tuple[str, ...]
    more: tuple[tuple[str, Phrase], ...]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The shapes of one folder: what data must have, what a stage demands, what the model keeps.

    Attributes:
        name: the folder.
        subjects: what its rules are about, in the order of the stages or of the files.
        shared: the rules that carry the name of none of them.
    """

    name: str
    subjects: tuple[ShapeSubject, ...]
    shared: tuple[ShapeRule, ...]


def shape_files() -> tuple[Path, ...]:
    """Every file of shapes, book by book."""
    folder = files("shapes")
    names = sorted({path.parent.name for path in folder.glob("*/*.ttl")}, key=_place)
    return tuple(path for name in names for path in sorted((folder / name).glob("*.ttl")))


@cache
def rulebooks() -> tuple[Rulebook, ...]:
    """Every book of rules of this installation.

    Raises:
        ModelError: one of its files is not Turtle.
    """
    paths = shape_files()
    return tuple(
        _book(name, [path for path in paths if path.parent.name == name])
        for name in dict.fromkeys(path.parent.name for path in paths)
    )


def _book(name: str, paths: list[Path]) -> Rulebook:
    triples = read(*paths)
    said, words = Graph(triples), Graph(triples, Model.installed().graph)
    subjects = tuple(sorted(_subjects(words, said), key=lambda subject: _rank(words, subject)))
    shared = (
        rule
        for subject in subjects
        for rule in subject.rules
        if rule.name.partition("-")[0] != subject.name
    )
    return Rulebook(name, subjects, tuple(dict.fromkeys(shared)))


def _rank(words: Graph, subject: ShapeSubject) -> int:
    """Where the stage stands whose demands these are; all the same where there is no stage."""
    ranks = (
        text_of(words.value(stage, "cp:rank"))
        for rule in subject.rules
        if rule.name.startswith(f"{subject.name}-")
        for stage in words.objects(ox.NamedNode(rule.iri), "cp:criterionOf")
    )
    return max((int(rank) for rank in ranks if rank), default=0)


def _place(name: str) -> tuple[int, str]:
    return (_BOOKS.index(name) if name in _BOOKS else len(_BOOKS), name)


def _subjects(words: Graph, said: Graph) -> Iterator[ShapeSubject]:
    for node in said.instances("sh:NodeShape"):
        shapes = (*said.objects(node, "sh:property"), *_dates(said, node))
        rules = (_rule(words, shape) for shape in shapes if isinstance(shape, ox.NamedNode))
        yield ShapeSubject(
            node.value,
            _local(node),
            said.text(node, "sh:name") or said.text(node, "rdfs:label") or _local(node),
            said.text(node, "sh:description") or said.text(node, "rdfs:comment"),
            said.text(node, "sh:message"),
            tuple(_targets(words, node)),
            tuple(sorted(rules, key=lambda rule: _order(said, rule.iri))),
            _sources(said, node),
            tuple(_more(words, node)),
        )


def _dates(said: Graph, node: ox.NamedNode) -> Iterator[ox.NamedNode]:
    """The dates that may not lie ahead; no shape of SHACL holds them, so the name says whose."""
    for rule in said.instances("cps:NotAhead"):
        if rule.value.startswith(f"{node.value}-"):
            yield rule


def _order(said: Graph, iri: str) -> float:
    text = text_of(said.value(ox.NamedNode(iri), "sh:order"))
    return float(text) if text else float("inf")


def _targets(said: Graph, node: Node) -> Iterator[Phrase]:
    for target in said.objects(node, "sh:targetClass"):
        yield (Word("every"), name_of(said, target))
    for target in said.objects(node, "sh:targetSubjectsOf"):
        yield (Word("whatever has"), name_of(said, target))
    for target in said.objects(node, "sh:targetObjectsOf"):
        yield (Word("every value of"), name_of(said, target))
    for target in said.objects(node, "sh:targetNode"):
        yield (name_of(said, target),)


def _rule(said: Graph, node: ox.NamedNode) -> ShapeRule:
    path = said.value(node, "sh:path")
    severity = shorten(text_of(said.value(node, "sh:severity")) or expand("sh:Violation"))
    return ShapeRule(
        node.value,
        _local(node),
        said.text(node, "sh:name") or _local(node),
        said.text(node, "sh:description") or said.text(node, "rdfs:comment"),
        said.text(node, "sh:message"),
        filled(said.text(node, "cps:advice"), str),
        said.all_texts(node, "cps:example"),
        severity.rpartition(":")[2],
        path_phrase(said, path) if path is not None else (),
        tuple(demands(said, node)),
        query_of(said, node),
        _sources(said, node),
        said.all_texts(node, "skos:editorialNote"),
        tuple(_more(said, node)),
    )


def _sources(said: Graph, node: Node) -> tuple[str, ...]:
    return tuple(text_of(source) for source in said.objects(node, "dcterms:source"))


def _more(said: Graph, node: Node) -> Iterator[tuple[str, Phrase]]:
    """What properties of our own say of a shape: the kind of evidence that would do, say."""
    for predicate in said.properties(node):
        if predicate.value.startswith(prefixes()["cp"]):
            title = plain((name_of(said, predicate),))
            values = (name_of(said, value) for value in said.objects(node, predicate))
            words = sorted(values, key=lambda word: word.text)
            yield title, listed(None, [(word,) for word in words], "·")


def _local(node: ox.NamedNode) -> str:
    return node.value.removeprefix(_SHAPES)
