"""Parameter of a saved query: its type, its permitted values and their conversion to terms."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final

from pyoxigraph import Literal, NamedNode

from coprod_kg.errors import WrongUsage
from coprod_kg.model.namespaces import SLUG
from coprod_kg.model.schemes import Scheme
from coprod_kg.model.terms import Term, literal, parse_iri
from coprod_kg.queries.labels import text_in

__all__ = ["KINDS", "RESERVED", "TYPES", "Parameter", "did_you_mean"]

TYPES: Final = ("concept", "iri", "integer", "date", "string", "boolean")
"""The types of parameters; the first two are followed by a scheme or a kind of thing."""

RESERVED: Final = ("format", "lang", "lineage", "limit", "offset", "timeout", "version")
"""Request parameters with a meaning of their own: no parameter of a query has such a name."""

KINDS: Final = (
    "initiative",
    "organisation",
    "agent",
    "public-service",
    "stage-assessment",
    "barrier-report",
    "enabler-report",
    "participation",
    "knowledge-flow",
    "condition-claim",
    "evidence",
    "thing",
)
"""The kinds of things that have an IRI below ``<base>id/``; ``thing`` is any of them."""

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+", re.DOTALL)
_LARGEST: Final = 2**63 - 1
_LISTED: Final = 100
"""How many permitted values the error for another value lists."""
_COMPARED: Final = 1000
"""How many permitted values an unknown one is compared with, to suggest the nearest."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, as the header declares it.

    Attributes:
        name: the variable, without its question mark.
        type: one of `TYPES`.
        scope: the scheme of a concept, the kind of an IRI, else empty.
        default: what is bound when nothing is given, as a person writes it; None is nothing.
        description: what it does, for people.
        single: whether it takes one value at most.
        required: whether it takes one value at least.
        values_from: ``QUERY.COLUMN``, the saved query whose column has all permitted values;
            empty where none has.
        today: whether today (in UTC) is taken where no value is given. The permanent address of
            the answer then names that day, so that it gives the same answer on later days.
        allowed: the values that this query found, as a person writes them, each with its label;
            None where it was not asked yet, or `values_from` is empty.
    """

    name: str
    type: str
    scope: str
    default: str | None
    description: str
    single: bool = False
    required: bool = False
    values_from: str = ""
    today: bool = False
    allowed: tuple[tuple[str, str], ...] | None = None

    @property
    def source(self) -> tuple[str, str]:
        """The saved query and the column that have all permitted values; empty if there is none."""
        query, _, column = self.values_from.partition(".")
        return query, column

    def bound_texts(self, texts: Iterable[str]) -> list[str]:
        """The values that are bound: those given that are not empty, or today's date."""
        values = [text for text in texts if text]
        return values or ([datetime.now(UTC).date().isoformat()] if self.today else [])

    @property
    def takes(self) -> str:
        """The values that it takes, in a few words."""
        return self.takes_in("")

    def takes_in(self, language: str) -> str:
        """The same in the reader's language; empty for English."""
        values = self._takes(language)
        if not self.values_from:
            return values
        found = text_in("{values}, one that the question {question} finds", language)
        return found.format(values=values, question=self.source[0])

    def _takes(self, language: str) -> str:
        if self.scope == "thing":
            example = "initiative/ryhov-self-care"
            return text_in(
                "the IRI of a thing, or its kind and slug such as {example}", language
            ).format(example=example)
        scope = (
            text_in(self.scope.replace("-", " "), language) if self.type == "iri" else self.scope
        )
        return {
            "concept": text_in("a concept of the scheme {scope}", language),
            "iri": text_in("the slug or the IRI of one {scope}", language),
            "integer": text_in("a whole number such as 12", language),
            "date": text_in("a day such as 2021-03-01", language),
            "string": text_in("text", language),
            "boolean": text_in("true or false", language),
        }[self.type].format(scope=scope)

    def permitted(self, vocabulary: Mapping[str, Scheme]) -> tuple[str, ...]:
        """Every value there is, where they can be listed."""
        if self.allowed is not None:
            return tuple(value for value, _ in self.allowed)
        if self.type == "concept":
            return tuple(vocabulary[self.scope].concepts) if self.scope in vocabulary else ()
        return ("true", "false") if self.type == "boolean" else ()

    def text_of_term(
        self, term: Term, base_iri: str, vocabulary: Mapping[str, Scheme]
    ) -> str | None:
        """How a person writes a term, or None where this parameter cannot take it.

        >>> about = Parameter("run", "iri", "organisation", None, "By whom.")
        >>> about.text_of_term(NamedNode("urn:base/id/organisation/city"), "urn:base/", {})
        'city'
        """
        value = term.value if isinstance(term, NamedNode | Literal) else ""
        if self.type == "concept":
            concept = vocabulary[self.scope].find(value)
            return concept.slug if concept and isinstance(term, NamedNode) else None
        if self.type == "iri":
            kind, _, slug = value.removeprefix(f"{base_iri}id/").partition("/")
            if not isinstance(term, NamedNode):
                return None
            if not value.startswith(f"{base_iri}id/"):
                return value
            return (
                f"{kind}/{slug}" if self.scope == "thing" else slug if kind == self.scope else None
            )
        if not isinstance(term, Literal) or not value:
            return None
        is_integer = self.type == "integer" and re.fullmatch("[+-]?[0-9]{1,19}", value)
        return str(int(value)) if is_integer else value

    def term(self, text: str, base_iri: str, vocabulary: Mapping[str, Scheme]) -> Term:
        """The term that a person's text stands for.

        Raises:
            WrongUsage: it is none that this parameter takes; says what is.
        """
        term = self._term(text, base_iri, vocabulary)
        if self.allowed is None:
            return term
        allowed = dict(self.allowed)
        if self.text_of_term(term, base_iri, vocabulary) not in allowed:
            raise WrongUsage(
                f"{_shortened(text)!r} is none of the values that there are"
                + did_you_mean(text, dict(self.allowed[:_COMPARED])),
                fix=f"Permitted: {self._permitted_list()}",
            )
        return term

    def _permitted_list(self) -> str:
        values = self.permitted({})
        unlisted = len(values) - _LISTED
        listing = ", ".join(values[:_LISTED]) or "none at all"
        return listing + (
            f" and {unlisted} more, of the question {self.source[0]}" if unlisted > 0 else ""
        )

    def _term(self, text: str, base_iri: str, vocabulary: Mapping[str, Scheme]) -> Term:
        if self.type == "concept":
            return self._concept(text, vocabulary)
        if self.type == "iri":
            return self._thing_iri(text, base_iri)
        if self.type == "string":
            return literal(text)
        if self.type == "boolean" and text not in ("true", "false"):
            raise WrongUsage(f"{text!r} is not {self.takes}")
        term = literal(text, self.type)
        if self.type == "integer" and not _fits(text):
            raise WrongUsage(f"{_shortened(text)} is larger than a number can be here")
        return term

    def written_default(self) -> str:
        """How the default stands between the braces of the parameter's line."""
        if self.default is None:
            return "UNDEF"
        return {
            "concept": f"{self.scope}:{self.default}",
            "iri": f"<{self.default}>",
            "date": f'"{self.default}"^^xsd:date',
            "string": str(literal(self.default)) if self.type == "string" else "",
        }.get(self.type, self.default)

    def _concept(self, text: str, vocabulary: Mapping[str, Scheme]) -> NamedNode:
        scheme = vocabulary[self.scope]
        concept = scheme.find(text)
        if concept is None:
            slug = text.removeprefix(f"{scheme.name}:").rsplit("/", 1)[-1]
            raise WrongUsage(
                f"{text!r} is no concept of the scheme {scheme.name}"
                + did_you_mean(slug, scheme.concepts),
                fix="Permitted: " + ", ".join(scheme.concepts),
            )
        return NamedNode(concept.iri)

    def _thing_iri(self, text: str, base_iri: str) -> NamedNode:
        things = f"{base_iri}id/"
        kind, _, slug = (text if self.scope == "thing" else f"{self.scope}/{text}").partition("/")
        if kind in KINDS and SLUG.fullmatch(slug):
            return parse_iri(f"<{things}{kind}/{slug}>", base_iri="")
        iri_text = text[1:-1] if text.startswith("<") and text.endswith(">") else text
        if not _ABSOLUTE.fullmatch(iri_text):
            hint = "A slug is written in small letters, digits and hyphens."
            raise WrongUsage(f"{text!r} is not {self.takes}", fix=hint)
        iri = parse_iri(f"<{iri_text}>", base_iri="")
        kind_of_iri, _, _ = iri.value.removeprefix(things).partition("/")
        if iri.value.startswith(things) and self.scope not in ("thing", kind_of_iri):
            raise WrongUsage(f"{text!r} names a thing of the kind {kind_of_iri}, not {self.scope}")
        return iri


def _fits(digits: str) -> bool:
    """Whether a whole number has 64 bits; a long text of digits is never made a number."""
    significant_digits = digits.lstrip("+-").lstrip("0")
    largest = _LARGEST + digits.startswith("-")  # there is one more below nought than above
    return (
        len(significant_digits) <= len(str(largest)) and int(significant_digits or "0") <= largest
    )


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


def did_you_mean(text: str, names: Mapping[str, object]) -> str:
    """` (did you mean x or y?)` for the nearest names, or nothing."""
    nearest = list(_nearest(text, names))
    return f" (did you mean {' or '.join(nearest)}?)" if nearest else ""


def _nearest(text: str, names: Mapping[str, object]) -> Iterator[str]:
    normalised = text.lower().replace("_", "-").replace(" ", "-")
    containing = [name for name in names if normalised and normalised in name]
    yield from dict.fromkeys([*containing[:3], *get_close_matches(normalised, names, n=2)])
