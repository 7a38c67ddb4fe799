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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from coprod_kg.catalogue.body import Slot, inspect
from coprod_kg.catalogue.header import Column, Mistake, read_header
from coprod_kg.catalogue.parameters import Parameter, did_you_mean
from coprod_kg.catalogue.schemes import Scheme, schemes
from coprod_kg.errors import ModelError, WrongUsage
from coprod_kg.files import files
from coprod_kg.terms import serialise

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
        vocabulary = schemes() if vocabulary is None else vocabulary
        known = {parameter.name: parameter for parameter in self.parameters}
        problems = [_unknown(name, known) for name in values if name not in known]
        bound: dict[str, str] = {}
        for name, parameter in known.items():
            given = [text for text in values.get(name, ()) if text]
            terms, wrong = _terms(parameter, given, base_iri, vocabulary)
            problems += wrong or _count_mistakes(parameter, len(given))
            if terms:
                bound[name] = " ".join(terms)
        if problems:
            raise _refusal(self.name, problems)
        part = [("LIMIT", limit), ("OFFSET", offset)]
        tail = "".join(f"\n{word} {number:d}" for word, number in part if number is not None)
        return _filled(self.text, self.slots, bound) + tail


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


def _terms(
    parameter: Parameter, given: Iterable[str], base_iri: str, vocabulary: Mapping[str, Scheme]
) -> tuple[list[str], list[str]]:
    terms: list[str] = []
    problems: list[str] = []
    for text in given:
        try:
            terms.append(serialise(parameter.term(text, base_iri, vocabulary)))
        except WrongUsage as error:
            fix = f". {error.fix}" if error.fix else ""
            problems.append(f"{parameter.name}: {error.what}{fix}")
    return list(dict.fromkeys(terms)), problems


def _count_mistakes(parameter: Parameter, count: int) -> list[str]:
    if parameter.single and count > 1:
        return [f"{parameter.name}: takes one value, found {count}"]
    if parameter.required and not count:
        return [f"{parameter.name}: has no value. Give {parameter.takes}"]
    return []


def _unknown(name: str, known: Mapping[str, Parameter]) -> str:
    permitted = ", ".join(known) or "none at all"
    return f"{name}: there is no such parameter{did_you_mean(name, known)}. Permitted: {permitted}"


def _refusal(name: str, problems: Sequence[str]) -> WrongUsage:
    count = "1 parameter does" if len(problems) == 1 else f"{len(problems)} parameters do"
    return WrongUsage(f"{count} not fit\n" + "\n".join(problems), where=f"query {name}")


def _filled(text: str, slots: Iterable[Slot], bound: Mapping[str, str]) -> str:
    for slot in sorted(slots, key=lambda one: one.start, reverse=True):
        if slot.name in bound:
            text = f"{text[: slot.start]}{bound[slot.name]}{text[slot.end :]}"
    return text
