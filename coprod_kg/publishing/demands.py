"""The constraints of a shape, in words such as "at least one" and "not after today".

Throughout, ``said`` is the graph of the shapes, and a node in it is a shape or a value of one of
its constraints. A phrase is a tuple of words (`wording`); an empty one is left out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import pyoxigraph as ox

from coprod_kg.model.graph import Graph, Node, text_of
from coprod_kg.model.namespaces import expand, prefixes, shorten
from coprod_kg.publishing.ontology import ontology
from coprod_kg.publishing.wording import Phrase, Word, name_of, path_phrase

__all__ = ["CONSTRAINTS", "demands", "listed", "query_of"]

_VOCABULARY: Final = prefixes()["stage"].removesuffix("stage/")
_COUNTS: Final = {(1, 1): "exactly one", (1, None): "at least one", (None, 1): "at most one"}
_ONE_OF: Final = Word("one of")
_WITH: Final = Word("with")
_NODE_KINDS: Final = {
    "IRI": "named by an IRI",
    "Literal": "text or a number",
    "BlankNodeOrIRI": "a thing, not text",
}


def demands(said: Graph, node: Node) -> Iterator[Phrase]:
    """The constraints of a shape on a value, one phrase each, in the order of `CONSTRAINTS`."""
    yield from _counts(said, node)
    for name, phrase in CONSTRAINTS.items():
        for value in said.objects(node, name):
            found = phrase(said, value)
            if found:
                yield found
    yield from _qualified(said, node)
    yield from _not_ahead(said, node)


def listed(first: Word | None, parts: Iterable[Phrase], joint: str) -> Phrase:
    """Phrases as one, with a word between them."""
    found: list[Word] = [first] if first else []
    for place, phrase in enumerate(parts):
        found += [Word(joint), *phrase] if place else phrase
    return tuple(found)


def query_of(said: Graph, node: Node) -> str:
    """The query that finds what breaks the shape, where it has one, without its margin."""
    constraint = said.value(node, "sh:sparql")
    text = text_of(said.value(constraint, "sh:select")) if constraint is not None else ""
    lines = [line.rstrip() for line in text.strip("\n").rstrip().splitlines()]
    margin = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    return "\n".join(line[margin:] for line in lines)


def _counts(said: Graph, node: Node) -> Iterator[Phrase]:
    counted = _count(said, node, "sh:minCount", "sh:maxCount")
    if counted:
        yield (Word("never given" if counted == "none" else counted),)


def _count(said: Graph, node: Node, least: str, most: str) -> str:
    """How many there must be, in words; nothing where it does not matter."""
    low, high = text_of(said.value(node, least)), text_of(said.value(node, most))
    if high == "0":
        return "none"
    pair = (int(low) if low else None, int(high) if high else None)
    parts = [*([f"at least {low}"] if low else []), *([f"at most {high}"] if high else [])]
    return _COUNTS.get(pair) or " and ".join(parts)


def _qualified(said: Graph, node: Node) -> Iterator[Phrase]:
    for shape in said.objects(node, "sh:qualifiedValueShape"):
        count = _count(said, node, "sh:qualifiedMinCount", "sh:qualifiedMaxCount")
        inner = _together(said, shape)
        if inner[:1] == (_ONE_OF,):
            yield (Word(f"{count} of"), *inner[1:])
        elif inner[:1] == (_WITH,):
            yield (Word(count), *inner)
        else:
            yield (Word(f"{count} that is"), *inner)


def _not_ahead(said: Graph, node: Node) -> Iterator[Phrase]:
    if said.is_a(node, "cps:NotAhead"):
        excuses = (_with(said, excuse)[1:] for excuse in said.objects(node, "cps:unless"))
        yield listed(None, [(Word("not after today"),), *excuses], "unless")


def _together(said: Graph, node: Node) -> Phrase:
    return listed(None, demands(said, node), "and")


def _either(said: Graph, node: Node) -> Phrase:
    """A branch of no demand, which lets a file name what another file describes, is left out."""
    branches = (_together(said, branch) for branch in said.members(node))
    return listed(None, [branch for branch in branches if branch], "or")


def _of_class(said: Graph, node: Node) -> Phrase:
    for term in ontology().terms.values():
        if term.iri == text_of(node) and term.scheme:
            return (
                Word("a concept of the scheme"),
                Word(term.scheme, f"{_VOCABULARY}{term.scheme}"),
            )
    return (Word("of the class"), name_of(said, node))


def _of_kind(said: Graph, node: Node) -> Phrase:
    kind = shorten(text_of(node)).rpartition(":")[2]
    return (Word(_NODE_KINDS.get(kind, kind)),)


def _with(said: Graph, node: Node) -> Phrase:
    """A demand on something further on, as of the property shape within a property shape.

    Nothing for one with a name, which has a row of its own on the page, and for the demand that a
    thing has no type: by that a shape lets a file name what another file describes.
    """
    path = said.value(node, "sh:path")
    untyped = path == ox.NamedNode(expand("rdf:type")) and said.value(node, "sh:maxCount")
    if isinstance(node, ox.NamedNode) or path is None or untyped:
        return ()
    return (_WITH, *path_phrase(said, path), Word(":"), *_together(said, node))


def _as_in(said: Graph, node: Node) -> Phrase:
    if isinstance(node, ox.NamedNode):
        return (Word("as told in"), Word(shorten(node.value), node.value))
    return _together(said, node)


def _values(said: Graph, node: Node) -> list[Phrase]:
    return [(name_of(said, value),) for value in said.members(node)]


CONSTRAINTS: Final[Mapping[str, Callable[[Graph, Node], Phrase]]] = {
    "sh:class": _of_class,
    "sh:datatype": lambda said, value: (Word("written as"), Word(shorten(text_of(value)))),
    "sh:nodeKind": _of_kind,
    "sh:hasValue": lambda said, value: (Word("the value"), name_of(said, value)),
    "sh:in": lambda said, value: listed(_ONE_OF, _values(said, value), "·"),
    "sh:languageIn": lambda said, value: listed(Word("in"), _values(said, value), "·"),
    "sh:uniqueLang": lambda said, value: (Word("one for each language"),),
    "sh:equals": lambda said, value: (Word("the same as"), name_of(said, value)),
    "sh:lessThanOrEquals": lambda said, value: (Word("not after"), name_of(said, value)),
    "sh:minInclusive": lambda said, value: (Word(f"not below {text_of(value)}"),),
    "sh:maxInclusive": lambda said, value: (Word(f"not above {text_of(value)}"),),
    "sh:pattern": lambda said, value: (Word(f"of the form {text_of(value)}"),),
    "sh:node": _as_in,
    "sh:not": lambda said, value: (Word("not"), *_together(said, value)),
    "sh:or": _either,
    "sh:and": lambda said, value: listed(
        None, (_together(said, part) for part in said.members(value)), "and"
    ),
    "sh:property": _with,
}
"""Each constraint of SHACL that the shapes use, and how it is said."""
