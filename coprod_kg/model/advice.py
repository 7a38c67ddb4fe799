"""What a shape says to people: the fault, the advice and examples, in the languages it has.

A text may name properties in braces, ``{cp:endDate}``: a reader of RDF sees the property, one of a
workbook the header of its column (`filled`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.graph import Graph
from coprod_kg.model.namespaces import prologue

__all__ = ["LANGUAGES", "Example", "ShapeWords", "filled", "shape_words"]

LANGUAGES: Final = ("en", "da", "de")
"""The languages of the schemes, the shapes and the template."""
_BASE: Final = "https://w3id.org/coprod/"
"""What an example such as ``cp:about <id/initiative/my-initiative>`` is read against."""
_SLOT: Final = re.compile(r"\{([\w-]+(?::[\w-]+)?)\}")


@dataclass(frozen=True, slots=True)
class Example:
    """One property and value to copy.

    Attributes:
        text: both as Turtle writes them.
        path: IRI of the property.
        value: the value.
        language: that of its text, or an empty text.
    """

    text: str
    path: str
    value: ox.NamedNode | ox.Literal
    language: str


@dataclass(frozen=True, slots=True)
class ShapeWords:
    """The words of one shape.

    Attributes:
        fault: language → what is wrong.
        advice: language → what to do, where there is more to say than the examples.
        examples: what may be written instead.
    """

    fault: Mapping[str, str]
    advice: Mapping[str, str]
    examples: tuple[Example, ...] = ()

    def examples_in(self, language: str) -> tuple[Example, ...]:
        """The examples for a reader of a language."""
        return tuple(example for example in self.examples if example.language in ("", language))


def filled(text: str, value: Callable[[str], str]) -> str:
    """A text with a value for each name in braces.

    >>> filled("Mend {cp:endDate}.", {"cp:endDate": "End"}.__getitem__)
    'Mend End.'
    """
    return _SLOT.sub(lambda match: value(match[1]), text)


def shape_words(shapes: Graph) -> Mapping[str, ShapeWords]:
    """Shape IRI → its words.

    Raises:
        ModelError: an example is not one property and one value in Turtle.
    """
    examples: dict[str, list[Example]] = {}
    for shape, example in _examples(shapes):
        examples.setdefault(shape, []).append(example)
    return MappingProxyType(
        {
            shape.value: ShapeWords(
                shapes.texts(shape, "sh:message"),
                shapes.texts(shape, "cps:advice"),
                tuple(examples.get(shape.value, ())),
            )
            for shape, _ in shapes.pairs("sh:message")
            if isinstance(shape, ox.NamedNode)
        }
    )


def _examples(shapes: Graph) -> Iterator[tuple[str, Example]]:
    """Each ``cps:example`` with its shape: a literal such as ``cp:endDate "2026"``, parsed.

    All in one document, one statement about a blank node each, which is far quicker than one by
    one; so the parser's statements come in the order of the examples.
    """
    pairs = shapes.pairs("cps:example")
    text = prologue() + "".join(f"[] {example.value} .\n" for _, example in pairs)
    try:
        parsed: list[Any] = list(ox.parse(text, format=ox.RdfFormat.TURTLE, base_iri=_BASE))
    except SyntaxError as error:
        raise ModelError(f"a cps:example is not Turtle: {error.msg}", where="shapes/") from None
    if len(parsed) != len(pairs):
        raise ModelError("a cps:example is not one property and one value", where="shapes/")
    for (shape, example), quad in zip(pairs, parsed, strict=True):
        yield (
            shape.value,
            Example(example.value, quad.predicate.value, quad.object, example.language or ""),
        )
