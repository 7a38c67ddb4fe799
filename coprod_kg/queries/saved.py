"""The saved query: its header's values, its text, and the text with parameters bound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coprod_kg.model.schemes import Scheme, schemes
from coprod_kg.queries.binding import bound_terms, filled
from coprod_kg.queries.body import ParameterSlot
from coprod_kg.queries.header import AnswerColumn
from coprod_kg.queries.parameters import Parameter
from coprod_kg.queries.small_counts import SmallCounts

__all__ = ["SavedQuery", "Submitted"]


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
    columns: tuple[AnswerColumn, ...]
    text: str
    form: str
    slots: tuple[ParameterSlot, ...]
    key: tuple[str, ...] = ()
    small_counts: SmallCounts | None = None
    submitted: Submitted | None = None

    @property
    def media_types(self) -> tuple[str, ...]:
        """The default media types: SPARQL JSON results, or Turtle."""
        graph = self.form in ("CONSTRUCT", "DESCRIBE")
        return ("text/turtle",) if graph else ("application/sparql-results+json",)

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
