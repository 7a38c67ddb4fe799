"""The shapes as frozen values that a page can show; it never validates anything."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from coprod_kg.documenting.ontology import model_statements
from coprod_kg.documenting.statements import Node, Statements, read, text_of
from coprod_kg.documenting.wording import Phrase, Word, name_of, path_phrase, plain
from coprod_kg.files import files
from coprod_kg.namespaces import expand, prefixes, shorten

__all__ = ["Rule", "Rulebook", "Subject", "rulebooks", "shape_files"]

_SHAPES: Final = prefixes()["cps"]
_WRITE: Final = re.compile(r"\bWrite (?:for example )?(.+?)\.?$", re.DOTALL)
_BOOKS: Final = ("submission", "stages", "house")
_COUNTS: Final = {(1, 1): "exactly one", (1, None): "at least one", (None, 1): "at most one"}
_NODE_KINDS: Final = {
    "IRI": "named by an IRI",
    "Literal": "text or a number",
    "BlankNodeOrIRI": "a thing, not text",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand: a property shape.

    Attributes:
        iri: its name.
        name: the last part of it.
        label: what it is about, in words.
        description: why it is there.
        message: what is told to who breaks it.
        example: what the message says to write, or nothing.
        severity: Violation, Warning or Info.
        path: the property, or the way along several.
        demands: what must hold, each in words.
        query: the SPARQL of the demand, where it is one.
        sources: where the demand comes from.
        more: other annotations: title → values.
    """

    iri: str
    name: str
    label: str
    description: str
    message: str
    example: str
    severity: str
    path: Phrase
    demands: tuple[Phrase, ...]
    query: str
    sources: tuple[str, ...]
    more: tuple[tuple[str, Phrase], ...]


@dataclass(frozen=True, slots=True)
class Subject:
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
    rules: tuple[Rule, ...]
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
    subjects: tuple[Subject, ...]
    shared: tuple[Rule, ...]


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
    model, paths = model_statements(), shape_files()
    return tuple(
        _book(name, [path for path in paths if path.parent.name == name], model)
        for name in dict.fromkeys(path.parent.name for path in paths)
    )


def _book(name: str, paths: list[Path], model: Statements) -> Rulebook:
    said = read(paths)
    words = model.beside(said)
    subjects = tuple(sorted(_subjects(words, said), key=lambda one: _rank(words, one)))
    shared = (
        rule for one in subjects for rule in one.rules if rule.name.partition("-")[0] != one.name
    )
    return Rulebook(name, subjects, tuple(dict.fromkeys(shared)))


def _rank(words: Statements, subject: Subject) -> int:
    """Where the stage stands whose demands these are; all the same where there is no stage."""
    ranks = (
        text_of(words.one(stage, "cp:rank"))
        for rule in subject.rules
        if rule.name.startswith(f"{subject.name}-")
        for stage in words.objects(ox.NamedNode(rule.iri), "cp:criterionOf")
    )
    return max((int(rank) for rank in ranks if rank), default=0)


def _place(name: str) -> tuple[int, str]:
    return (_BOOKS.index(name) if name in _BOOKS else len(_BOOKS), name)


def _subjects(words: Statements, said: Statements) -> Iterator[Subject]:
    for node in said.typed("sh:NodeShape"):
        rules = (
            _rule(words, one)
            for one in said.objects(node, "sh:property")
            if isinstance(one, ox.NamedNode)
        )
        yield Subject(
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


def _order(said: Statements, iri: str) -> float:
    text = text_of(said.one(ox.NamedNode(iri), "sh:order"))
    return float(text) if text else float("inf")


def _targets(said: Statements, node: Node) -> Iterator[Phrase]:
    for one in said.objects(node, "sh:targetClass"):
        yield (Word("every"), name_of(said, one))
    for one in said.objects(node, "sh:targetSubjectsOf"):
        yield (Word("whatever has"), name_of(said, one))
    for one in said.objects(node, "sh:targetObjectsOf"):
        yield (Word("every value of"), name_of(said, one))
    for one in said.objects(node, "sh:targetNode"):
        yield (name_of(said, one),)


def _rule(said: Statements, node: ox.NamedNode) -> Rule:
    message = said.text(node, "sh:message")
    example = _WRITE.search(message)
    path = said.one(node, "sh:path")
    severity = shorten(text_of(said.one(node, "sh:severity")) or expand("sh:Violation"))
    return Rule(
        node.value,
        _local(node),
        said.text(node, "sh:name") or _local(node),
        said.text(node, "sh:description") or said.text(node, "rdfs:comment"),
        message,
        example[1] if example else "",
        severity.rpartition(":")[2],
        path_phrase(said, path) if path is not None else (),
        tuple(_demands(said, node)),
        _query(said, node),
        _sources(said, node),
        tuple(_more(said, node)),
    )


def _demands(said: Statements, node: Node) -> Iterator[Phrase]:
    yield from _counts(said, node)
    for one in said.objects(node, "sh:not"):
        yield (Word("not"), *_listed(None, list(_demands(said, one)), "and"))
    for one in said.objects(node, "sh:path"):
        if isinstance(node, ox.BlankNode):
            yield path_phrase(said, one)
    for one in said.objects(node, "sh:class"):
        yield (Word("of the class"), name_of(said, one))
    for one in said.objects(node, "sh:datatype"):
        yield (Word("written as"), Word(shorten(text_of(one))))
    for one in said.objects(node, "sh:nodeKind"):
        kind = shorten(text_of(one)).rpartition(":")[2]
        yield (Word(_NODE_KINDS.get(kind, kind)),)
    for one in said.objects(node, "sh:hasValue"):
        yield (Word("the value"), name_of(said, one))
    for one in said.objects(node, "sh:in"):
        yield _listed(Word("one of"), [(name_of(said, value),) for value in said.items(one)], "·")
    for one in said.objects(node, "sh:or"):
        branches = [tuple(_demands(said, member)) for member in said.items(one)]
        # A branch of no demand lets a file name what another file describes.
        either = [_listed(None, parts, "and") for parts in branches if parts]
        if either:
            yield _listed(None, either, "or")
    for one in said.objects(node, "sh:qualifiedValueShape"):
        least = text_of(said.one(node, "sh:qualifiedMinCount"))
        inner = _listed(None, list(_demands(said, one)), "and")
        yield (
            Word(f"at least {least} that are" if least > "1" else "one at least that is"),
            *inner,
        )
    if text_of(said.one(node, "sh:uniqueLang")) == "true":
        yield (Word("one for each language"),)
    for one in said.objects(node, "sh:pattern"):
        yield (Word(f"of the form {text_of(one)}"),)
    for name, words in (("sh:minInclusive", "not below"), ("sh:maxInclusive", "not above")):
        for one in said.objects(node, name):
            yield (Word(f"{words} {text_of(one)}"),)
    for one in said.objects(node, "sh:lessThanOrEquals"):
        yield (Word("not after"), name_of(said, one))


def _counts(said: Statements, node: Node) -> Iterator[Phrase]:
    least, most = (text_of(said.one(node, one)) for one in ("sh:minCount", "sh:maxCount"))
    if most == "0":
        yield (Word("never given"),)
    elif least or most:
        pair = (int(least) if least else None, int(most) if most else None)
        words = _COUNTS.get(pair) or " and ".join(
            [*([f"at least {least}"] if least else []), *([f"at most {most}"] if most else [])]
        )
        yield (Word(words),)


def _listed(first: Word | None, parts: Iterable[Phrase], joint: str) -> Phrase:
    found: list[Word] = [first] if first else []
    for place, phrase in enumerate(parts):
        found += [Word(joint), *phrase] if place else phrase
    return tuple(found)


def _query(said: Statements, node: Node) -> str:
    constraint = said.one(node, "sh:sparql")
    text = text_of(said.one(constraint, "sh:select")) if constraint is not None else ""
    lines = [line.rstrip() for line in text.strip("\n").rstrip().splitlines()]
    margin = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    return "\n".join(line[margin:] for line in lines)


def _sources(said: Statements, node: Node) -> tuple[str, ...]:
    return tuple(text_of(one) for one in said.objects(node, "dcterms:source"))


def _more(said: Statements, node: Node) -> Iterator[tuple[str, Phrase]]:
    """What properties of our own say of a shape: the kind of evidence that would do, say."""
    for predicate, values in said.said.get(node, _NOTHING).items():
        if predicate.startswith(prefixes()["cp"]):
            title = plain((name_of(said, ox.NamedNode(predicate)),))
            words = sorted((name_of(said, one) for one in values), key=lambda word: word.text)
            yield title, _listed(None, [(word,) for word in words], "·")


_NOTHING: Final[Mapping[str, tuple[Node, ...]]] = {}


def _local(node: ox.NamedNode) -> str:
    return node.value.removeprefix(_SHAPES)
