"""The saved queries: loaded, checked, and bound to values as terms; it never runs one.

A file is plain SPARQL with a flat header, and runs as it stands in any engine:

    #+ summary: Which initiatives sit at a stage now?
    #+ description: One row for each claimant's newest judgement.
    #+ tags: stage, overview
    #+ answers: CQ-01
    #+ param stage: concept stage | Only initiatives at this stage.
    #+ column initiative: The initiative.

Each parameter is one line of the body, ``VALUES ?stage { UNDEF }``, whose ``UNDEF`` (or default)
gives way to serialised terms. No other text of the query ever changes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from coprod_kg.catalogue.binding import bound_terms, filled
from coprod_kg.catalogue.body import Slot, inspect
from coprod_kg.catalogue.header import Column, Mistake, read_header
from coprod_kg.catalogue.parameters import Parameter
from coprod_kg.catalogue.schemes import Scheme, schemes
from coprod_kg.catalogue.small_counts import SmallCounts
from coprod_kg.errors import ModelError
from coprod_kg.files import files

__all__ = ["SavedQuery", "Submitted", "examine", "is_slug", "load", "load_all", "read"]

_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What no XML can hold, and so neither the catalogue in RDF/XML nor an answer."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """Where a saved query comes from that is in no file.

    Attributes:
        by: who sent it: the name of a token.
        at: when, as ISO 8601 says it.
        chart: the text of its chart, or None where it has none.
    """

    by: str
    at: str
    chart: str | None = None


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """One saved query.

    Attributes:
        name: its slug: the file's name, the last part of its address.
        summary: the question in one sentence.
        description: what the answer means, and what it leaves out.
        tags: words to find it by.
        answers: the competency questions it answers, such as ``CQ-01``.
        parameters: what it can be bound to, in the order of the header.
        columns: what its columns mean, in their order.
        key: the columns that tell one row from another, also in another version; empty where the
            file does not say.
        small_counts: which cells of an answer are withheld, where the file says so.
        text: the file's whole text, SPARQL that runs as it stands.
        form: SELECT, ASK, CONSTRUCT or DESCRIBE.
        slots: where in the text the parameters' values stand.
        submitted: who sent it, where it is in no file.
    """

    name: str
    summary: str
    description: str
    tags: tuple[str, ...]
    answers: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    text: str
    form: str
    slots: tuple[Slot, ...]
    key: tuple[str, ...] = ()
    small_counts: SmallCounts | None = None
    submitted: Submitted | None = None

    @property
    def media_types(self) -> tuple[str, ...]:
        """What to ask for where nobody says: JSON of results, or Turtle."""
        graph = self.form in ("CONSTRUCT", "DESCRIBE")
        return ("text/turtle",) if graph else ("application/sparql-results+json",)

    def described(self) -> dict[str, object]:
        """What a list of the saved queries says of it, ready for JSON."""
        return {
            "name": self.name,
            "summary": self.summary,
            "description": self.description,
            "tags": self.tags,
            "answers": self.answers,
            "form": self.form,
            "parameters": [
                {
                    "name": one.name,
                    "type": one.type,
                    "scope": one.scope or None,
                    "default": one.default,
                    "single": one.single,
                    "required": one.required,
                    "description": one.description,
                }
                for one in self.parameters
            ],
            "columns": [
                {
                    "name": one.name,
                    "label": one.heading,
                    "unit": one.unit or None,
                    "description": one.description,
                }
                for one in self.columns
            ],
            "key": self.key,
            "smallCounts": self.small_counts.rule if self.small_counts else None,
        }

    def bind(
        self,
        values: Mapping[str, Sequence[str]],
        base_iri: str,
        vocabulary: Mapping[str, Scheme] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> str:
        """The text with the values in, as terms.

        Args:
            values: parameter → one or several values as a person writes them; a parameter
                without a value that is not empty keeps its default.
            base_iri: what slugs of things are resolved against.
            vocabulary: the concept schemes; the model's own by default.
            limit: at most so many rows; all by default.
            offset: after so many others.

        Raises:
            WrongUsage: lists every bad parameter with what is permitted.
        """
        place = (base_iri, schemes() if vocabulary is None else vocabulary)
        bound = bound_terms(self.name, self.parameters, values, place)
        part = [("LIMIT", limit), ("OFFSET", offset)]
        tail = "".join(f"\n{word} {number:d}" for word, number in part if number is not None)
        return filled(self.text, self.slots, bound) + tail


def load(
    folder: Path | None = None, vocabulary: Mapping[str, Scheme] | None = None
) -> Mapping[str, SavedQuery]:
    """Every saved query of a folder, by name.

    Args:
        folder: where the ``.rq`` files are; the model's own questions by default.
        vocabulary: the concept schemes; the model's own by default.

    Raises:
        ModelError: names file and line of every mistake in every file.
    """
    folder = folder or files("queries") / "questions"
    vocabulary = schemes() if vocabulary is None else vocabulary
    found: dict[str, SavedQuery] = {}
    mistakes: list[str] = []
    for path in sorted(folder.glob("*.rq")):
        try:
            found[path.stem] = read(path, vocabulary)
        except ModelError as error:
            mistakes.append(error.what)
    if mistakes:
        raise ModelError("\n".join(mistakes))
    return MappingProxyType(found)


def load_all(own: Path | None) -> Mapping[str, SavedQuery]:
    """The model's saved queries with those of a person's own folder, which win by name.

    Raises:
        ModelError: names file and line of every mistake in every file.
    """
    return MappingProxyType({**load(), **(load(own) if own else {})})


def read(path: Path, vocabulary: Mapping[str, Scheme]) -> SavedQuery:
    """One saved query from its file.

    Raises:
        ModelError: names file and line of every mistake.
    """
    query, mistakes = examine(path.stem, _text(path), vocabulary)
    if mistakes:
        raise ModelError("\n".join(f"{path}:{line}: {what}" for line, what in mistakes))
    return query


def examine(
    name: str, text: str, vocabulary: Mapping[str, Scheme] | None = None
) -> tuple[SavedQuery, list[Mistake]]:
    """A saved query as far as its text says what it is, and every mistake in it by line.

    Args:
        name: its slug.
        text: the whole text of its file.
        vocabulary: the concept schemes; the model's own by default.
    """
    header = read_header(text, schemes() if vocabulary is None else vocabulary)
    body = inspect(text, header)
    mistakes = [*header.mistakes, *body.mistakes]
    if not is_slug(name):
        mistakes.append((1, f"{name[:80]!r} is not a slug: small letters, digits and hyphens"))
    for found in _CONTROL.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        mistakes.append((line, f"the character U+{ord(found[0]):04X} has no place in a query"))
        break
    query = SavedQuery(
        name=name,
        summary=header.summary,
        description=header.description,
        tags=header.tags,
        answers=header.answers,
        parameters=header.parameters,
        columns=header.columns,
        text=text,
        form=body.form,
        slots=body.slots,
        key=header.key,
        small_counts=header.small_counts,
    )
    return query, sorted(mistakes)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}:1: this is not UTF-8: {error}") from None


def is_slug(text: str) -> bool:
    """Whether it can be the name of a saved query: small letters, digits and hyphens.

    >>> [is_slug(one) for one in ("pilots-2", "..", "A", "a--b", "")]
    [True, False, False, False, False]
    """
    return _SLUG.fullmatch(text) is not None
