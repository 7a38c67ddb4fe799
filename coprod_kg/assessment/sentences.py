"""Sentences of an assessment in the reader's language, from ``sentences.toml`` and the schemes."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from coprod_kg.model.advice import filled
from coprod_kg.model.installed import Model

__all__ = ["Sentences"]

_Texts = dict[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences of one language.

    Attributes:
        language: of the reader; English stands in for what it lacks.
    """

    language: str = "en"

    def say(self, key: str, number: int | None = None, **slots: str | int) -> str:
        """A sentence with its slots filled in.

        Args:
            key: its name in the catalogue.
            number: how many of what it counts, where it differs for one and for several, or for
                none too.
            slots: other values to fill in.
        """
        texts = _catalogue()[key]
        text = texts.get(self.language) or texts["en"]
        if isinstance(text, list):
            text = text[-1] if number is None else text[_form(number, len(text))]
        values = {"number": number} | slots
        return filled(text, lambda name: str(values[name]))

    def listed(self, words: Iterable[str], last: str = "and") -> str:
        """Words as people list them."""
        items = list(words)
        if len(items) < 2:
            return "".join(items)
        return self.say(last, first=", ".join(items[:-1]), last=items[-1])

    def quoted(self, text: str) -> str:
        """A text in the quotation marks of the language."""
        return self.say("quoted", text=text)

    def when(self, since: str | None, until: str | None, *, still: bool = True) -> str:
        """From when until when something holds, or that neither is known.

        Args:
            since: its beginning.
            until: its end.
            still: whether it holds now, if nothing says that it ended.
        """
        if since and until:
            return self.say("from-until", since=since, until=until)
        if until:
            return self.say("until", until=until)
        if since:
            return self.say("since" if still else "from-only", since=since)
        return self.say("no-date")

    def concept(self, iri: str | None) -> str | None:
        """The label of a concept; None for None, and for a concept that is not installed."""
        concept = Model.installed().concepts.get(iri) if iri else None
        return concept.label(self.language) if concept else None

    def step(self, iri: str | None) -> str | None:
        """A step as it stands within a sentence: its label begins with no noun in any language."""
        label = self.concept(iri)
        return label and label[:1].lower() + label[1:]

    def inside(self, label: str) -> str:
        """A label as it stands within a sentence: German nouns keep their capital."""
        keeps = self.language == "de" or label[1:2].isupper()
        return label if keeps else label[:1].lower() + label[1:]


def _form(number: int, forms: int) -> int:
    """Which form of a sentence fits a number: of three, the first is for none."""
    return min(number, 2) if forms == 3 else int(number != 1)


@cache
def _catalogue() -> dict[str, _Texts]:
    path = Path(__file__).with_name("sentences.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))
