"""The saved query: its header's values, its text, and the text with parameters bound as terms."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from coprod_kg.errors import WrongUsage
from coprod_kg.model.schemes import Scheme, schemes
from coprod_kg.model.terms import serialise
from coprod_kg.queries.header import AnswerColumn
from coprod_kg.queries.parameters import Parameter, did_you_mean
from coprod_kg.queries.suppression import Part, SmallCounts
from coprod_kg.sparql.tokens import Token, significant

__all__ = ["ParameterSlot", "SavedQuery", "Submitted", "filled", "part_of", "slots_of"]


@dataclass(frozen=True, slots=True)
class ParameterSlot:
    """Where a parameter's values stand: the text between two offsets gives way to them."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Submitted:
    """The origin of a saved query that was submitted, not read from a file.

    Attributes:
        by: who sent it: the name of a token.
        at: when, as ISO 8601 says it.
        chart: the text of its chart, or None where it has none.
    """

    by: str
    at: str
    chart: str | None = None

    def described(self) -> dict[str, str]:
        """Who and when, ready for JSON."""
        return {"by": self.by, "at": self.at}


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
        key: the columns that identify a row, also in another version; empty where the file does
            not say.
        small_counts: which cells of an answer are withheld, where the file says so.
        parts: how an answer is put together from those over parts of the data: ``union``, ``sum``
            or, where it cannot be, empty.
        text: the file's whole text, SPARQL that runs as it stands.
        form: SELECT, ASK, CONSTRUCT or DESCRIBE.
        slots: where in the text the parameters' values stand.
        submitted: who sent it, where it is in no file.
        summaries: each other language with the question in it.
        descriptions: each other language with the description in it.
    """

    name: str
    summary: str
    description: str
    tags: tuple[str, ...]
    answers: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    columns: tuple[AnswerColumn, ...]
    text: str
    form: str
    slots: tuple[ParameterSlot, ...]
    key: tuple[str, ...] = ()
    small_counts: SmallCounts | None = None
    parts: str = ""
    submitted: Submitted | None = None
    summaries: tuple[tuple[str, str], ...] = ()
    descriptions: tuple[tuple[str, str], ...] = ()

    def asked_in(self, language: str) -> tuple[str, str]:
        """The question in a language, else in English, and the language that it is in."""
        summary = dict(self.summaries).get(language)
        return (summary, language) if summary else (self.summary, "en")

    def described_in(self, language: str) -> tuple[str, str]:
        """The description in a language, else in English, and the language that it is in."""
        description = dict(self.descriptions).get(language)
        return (description, language) if description else (self.description, "en")

    @property
    def is_graph(self) -> bool:
        """Whether its answer is a graph; else rows or a truth value."""
        return self.form in ("CONSTRUCT", "DESCRIBE")

    @property
    def media_types(self) -> tuple[str, ...]:
        """The default media types: SPARQL JSON results, or Turtle."""
        return ("text/turtle",) if self.is_graph else ("application/sparql-results+json",)

    def described(self) -> dict[str, object]:
        """The entry of a list of the saved queries, ready for JSON."""
        return {
            "name": self.name,
            "summary": self.summary,
            "description": self.description,
            "tags": self.tags,
            "answers": self.answers,
            "form": self.form,
            "parameters": [
                {
                    "name": parameter.name,
                    "type": parameter.type,
                    "scope": parameter.scope or None,
                    "default": parameter.default,
                    "single": parameter.single,
                    "required": parameter.required,
                    "values_from": parameter.values_from,
                    "description": parameter.description,
                }
                for parameter in self.parameters
            ],
            "columns": [
                {
                    "name": column.name,
                    "label": column.heading,
                    "unit": column.unit or None,
                    "description": column.description,
                }
                for column in self.columns
            ],
            "key": self.key,
            "small_counts": self.small_counts.rule if self.small_counts else None,
            "submitted": self.submitted.described() if self.submitted else None,
        }

    def bound_terms(
        self,
        values: Mapping[str, Sequence[str]],
        base_iri: str,
        vocabulary: Mapping[str, Scheme] | None = None,
    ) -> dict[str, str]:
        """Parameter → the terms of its values, written for SPARQL; only those that have any.

        Args:
            values: parameter → one or several values as a person writes them.
            base_iri: what slugs of things are resolved against.
            vocabulary: the concept schemes; the model's own by default.

        Raises:
            WrongUsage: lists every bad parameter with what is permitted.
        """
        by_name = {parameter.name: parameter for parameter in self.parameters}
        problems = [_unknown_parameter(name, by_name) for name in values if name not in by_name]
        vocabulary = schemes() if vocabulary is None else vocabulary
        terms_by_name: dict[str, str] = {}
        for parameter in self.parameters:
            texts = parameter.bound_texts(values.get(parameter.name, ()))
            terms, mistakes = _terms(parameter, texts, base_iri, vocabulary)
            problems += mistakes or _count_mistakes(parameter, len(texts))
            if terms:
                terms_by_name[parameter.name] = " ".join(terms)
        if problems:
            raise _refusal(self.name, problems)
        return terms_by_name

    def bind(
        self,
        values: Mapping[str, Sequence[str]],
        base_iri: str,
        vocabulary: Mapping[str, Scheme] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> str:
        """The text with the values in, as terms; a parameter without a value keeps its default.

        Args:
            values: as for `bound_terms`, which says what is raised.
            base_iri: as for `bound_terms`.
            vocabulary: as for `bound_terms`.
            limit: the most rows; all by default.
            offset: the number of rows that are left out before them.
        """
        terms = self.bound_terms(values, base_iri, vocabulary)
        return filled(self.text, self.slots, terms) + part_of((limit, offset))


def part_of(part: Part) -> str:
    """The end of a text that asks for a part of the rows."""
    words = zip(("LIMIT", "OFFSET"), part, strict=True)
    return "".join(f"\n{word} {number:d}" for word, number in words if number is not None)


def slots_of(text: str, tokens: Sequence[Token] | None = None) -> tuple[ParameterSlot, ...]:
    """Every ``VALUES ?x { … }`` of one variable, with the text between its braces.

    Args:
        text: a query.
        tokens: its significant tokens, where they are known.
    """
    return tuple(_slots(text, list(significant(text)) if tokens is None else tokens))


def _slots(text: str, tokens: Sequence[Token]) -> Iterator[ParameterSlot]:
    for index, token in enumerate(tokens[:-3]):
        variable, brace = tokens[index + 1], tokens[index + 2]
        if not token.is_word("VALUES") or variable.kind != "variable" or brace.text != "{":
            continue
        close = next((token for token in tokens[index + 3 :] if token.text == "}"), None)
        if close is not None:
            inner = text[brace.end : close.start]
            start = brace.end + len(inner) - len(inner.lstrip())
            yield ParameterSlot(variable.text[1:], start, start + len(inner.strip()))


def filled(text: str, slots: Iterable[ParameterSlot], terms: Mapping[str, str]) -> str:
    """The text of a query with terms in its slots."""
    for slot in sorted(slots, key=lambda slot: slot.start, reverse=True):
        if slot.name in terms:
            text = f"{text[: slot.start]}{terms[slot.name]}{text[slot.end :]}"
    return text


def _terms(
    parameter: Parameter, texts: Iterable[str], base_iri: str, vocabulary: Mapping[str, Scheme]
) -> tuple[list[str], list[str]]:
    terms: list[str] = []
    problems: list[str] = []
    for text in texts:
        try:
            terms.append(serialise(parameter.term(text, base_iri, vocabulary)))
        except WrongUsage as error:
            # Some say the same twice: what it is not, and to write that.
            fix_repeats_what = (error.fix or "").removeprefix("Write ").rstrip(".") in error.what
            fix = "" if fix_repeats_what else f". {error.fix}"
            problems.append(f"{parameter.name}: {error.what}{fix}")
    return list(dict.fromkeys(terms)), problems


def _count_mistakes(parameter: Parameter, count: int) -> list[str]:
    if parameter.single and count > 1:
        return [f"{parameter.name}: takes one value, found {count}"]
    if parameter.required and not count:
        return [f"{parameter.name}: has no value. Give {parameter.takes}"]
    return []


def _unknown_parameter(name: str, parameters: Mapping[str, Parameter]) -> str:
    permitted = ", ".join(parameters) or "none at all"
    suggestion = did_you_mean(name, parameters)
    return f"{name}: there is no such parameter{suggestion}. Permitted: {permitted}"


def _refusal(name: str, problems: Sequence[str]) -> WrongUsage:
    count = "1 parameter does" if len(problems) == 1 else f"{len(problems)} parameters do"
    return WrongUsage(f"{count} not fit\n" + "\n".join(problems), where=f"query {name}")
