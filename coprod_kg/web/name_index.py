"""Index of names that finds them in spite of accents, other spellings and typing errors."""

import re
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

__all__ = ["NAME", "Entry", "Indexes", "Match", "SearchIndex", "folded", "plain"]

_LETTERS: Final = str.maketrans(
    {"ø": "o", "æ": "a", "ß": "ss", "ð": "d", "þ": "th", "ł": "l", "đ": "d", "\u0131": "i"}
)
_PAIRS: Final = (("oe", "o"), ("ae", "a"), ("aa", "a"), ("ue", "u"))
"""How accents are written out: koege is Køge, Muenchen is München."""
_WORD: Final = re.compile(r"\w+")
_LIKE: Final = 0.45
"""How much of two words' trigrams has to be the same for one to be a typing error of the other."""
_SHORT: Final = 2
"""Words of so few letters (of, på, in) do not have to match beside longer ones."""
_ENDINGS: Final = ("s", "e", "n", "r", "es", "en", "er")
"""What joins the words of a Danish or German compound, or stands at the end of either alone."""
_JOINED: Final = 3
"""A part of a compound has so many letters at least."""
_AT_THE_END: Final = 5
"""And so many where it is looked for at the end of names that nothing else says are compounds."""
_PART: Final = 0.3
"""The least that words may fit on average: one of two, with a typing error."""
NAME: Final = 0.6
"""Entries that weigh more are names, the others definitions."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name that can be found.

    Attributes:
        iri: of what it names.
        kind: what that is, in one word.
        text: the name.
        language: of the name, or None.
        weight: how much a match counts: 1 for a chief name, less for others and definitions.
    """

    iri: str
    kind: str
    text: str
    language: str | None
    weight: float


@dataclass(frozen=True, slots=True)
class Match:
    """How a text fits what a thing is called.

    Attributes:
        entry: the name or definition that fits best.
        words: how well the words fit, from 0 to 1: 1 is equal, 0.9 begins like that, 0.85 are
            the parts of a compound, less ends like that or is a typing error.
        surplus: how many words that name has more than the text.
        whole: whether one of the names of the thing is this very text, but for case and signs.
    """

    entry: Entry
    words: float
    surplus: int
    whole: bool = False

    @property
    def score(self) -> float:
        """From 0 to 1: of names that match alike the shorter comes first, 2 % off for each word."""
        return self.words * self.entry.weight / (1 + 0.02 * self.surplus)


class SearchIndex:
    """Finds entries by their words; words of one or two letters count where there are no others.

    A word that is asked for matches a word of a name that is equal to it, begins or ends with it
    or, by the share of their trigrams, is nearly it; a compound also matches a name that has both
    of its parts, as Danish "tidsmangel" does "mangel på tid". Every word has to match.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Fold every name and note its words."""
        self._entries = tuple(entries)
        self._words: dict[str, list[int]] = {}
        for number, entry in enumerate(self._entries):
            for word in set(folded(entry.text)):
                self._words.setdefault(word, []).append(number)
        self._trigrams: dict[str, list[str]] = {}
        for word in self._words:
            for part in _trigrams(word):
                self._trigrams.setdefault(part, []).append(word)

    def find(self, text: str, *, partly: bool = False) -> list[Match]:
        """The best match of each thing that a text finds, the best first.

        Args:
            text: the words of a name.
            partly: whether some of the words are enough; those that are missing count nothing.
        """
        words = folded(text)[:12]
        wanted = [word for word in words if len(word) > _SHORT] or words
        if not wanted:
            return []
        scores: dict[int, float] = {}
        for position, word in enumerate(wanted):
            here = self._with_parts(word)
            for near, score in self._near(word).items():
                for number in self._words[near]:
                    here[number] = max(here.get(number, 0.0), score)
            both = here if partly or position == 0 else here.keys() & scores.keys()
            rest = scores if partly else {}
            scores = {**rest, **{number: scores.get(number, 0.0) + here[number] for number in both}}
        if partly:
            scores = {n: score for n, score in scores.items() if score >= _PART * len(wanted)}
        best: dict[str, Match] = {}
        same, whole = plain(text), set[str]()
        for number, score in scores.items():
            entry = self._entries[number]
            surplus = max(len(folded(entry.text)) - len(words), 0)
            match = Match(entry, score / len(wanted), surplus)
            if entry.iri not in best or match.score > best[entry.iri].score:
                best[entry.iri] = match
            if entry.weight > NAME and plain(entry.text) == same:
                whole.add(entry.iri)
        ranked = sorted(best.values(), key=lambda match: (-match.score, match.entry.text))
        return [
            replace(match, whole=True) if match.entry.iri in whole else match for match in ranked
        ]

    def _with_parts(self, word: str) -> dict[int, float]:
        """The entries that have both parts of a compound → how well that fits."""
        found: dict[int, float] = {}
        for end in range(_JOINED, len(word) - _JOINED + 1):
            last = self._spelt(word[end:])
            first = self._spelt(word[:end]) if last else set()
            for number in first & last:
                found[number] = 0.85
        return found

    def _spelt(self, part: str) -> set[int]:
        """The entries that have a part of a compound as a word, with another ending or none."""
        forms = {part, *(part + ending for ending in _ENDINGS)}
        for ending in _ENDINGS:
            if part.endswith(ending) and len(part) - len(ending) >= _JOINED:
                forms.add(part.removesuffix(ending))
        return {number for form in forms for number in self._words.get(form, ())}

    def _near(self, word: str) -> dict[str, float]:
        """Every word of the index that a word may stand for → how well it fits.

        1 if it is equal, 0.9 if it is the beginning, 0.8 if it is the end, else from 0.58 to 0.8 by
        the trigrams that both have (Dice coefficient): a typing error counts less than a word typed
        in part.
        """
        mine = _trigrams(word)
        shared: dict[str, int] = {}
        for part in mine:
            for other in self._trigrams.get(part, ()):
                shared[other] = shared.get(other, 0) + 1
        found = {}
        for other, number in shared.items():
            if other == word:
                found[other] = 1.0
            elif other.startswith(word):
                found[other] = 0.9
            elif len(word) >= _AT_THE_END and other[_JOINED:].endswith(word):
                found[other] = 0.8
            elif len(word) > 3 and 2 * number / (len(mine) + len(_trigrams(other))) >= _LIKE:
                found[other] = 0.4 + 0.4 * 2 * number / (len(mine) + len(_trigrams(other)))
        return found


def folded(text: str) -> list[str]:
    """The words of a text without case and accents, other spellings of a letter made one.

    >>> folded("Køge Kommune"), folded("koege kommune"), folded("Århus & Aarhus")
    (['koge', 'kommune'], ['koge', 'kommune'], ['arhus', 'arhus'])
    """
    small = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    plain = "".join(letter for letter in small if not unicodedata.combining(letter))
    for pair, letter in _PAIRS:
        plain = plain.replace(pair, letter)
    return _WORD.findall(plain)


def plain(text: str) -> tuple[str, ...]:
    """The words of a text without case and signs; an accent makes another word.

    >>> plain("Køge  kommune (DK)"), plain("Koge Kommune, DK")
    (('køge', 'kommune', 'dk'), ('koge', 'kommune', 'dk'))
    """
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


class Indexes:
    """Cache of two search indexes, the least recently used evicted first.

    A key holds the version and what is hidden from the client, so that clients without a token
    share one. While one is made other searches wait: of 100,000 initiatives it takes seconds of a
    processor.
    """

    def __init__(self) -> None:
        """Nothing is made before the first search."""
        self._kept: OrderedDict[Hashable, SearchIndex] = OrderedDict()
        self._making = threading.Lock()

    def get(self, key: Hashable, entries: Callable[[], Iterable[Entry]]) -> SearchIndex:
        """The index under a key, made of the entries where it is not there."""
        kept = self._kept.get(key)
        if kept is not None:
            with suppress(KeyError):  # another request has evicted it
                self._kept.move_to_end(key)
            return kept
        with self._making:
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = SearchIndex(entries())
                while len(self._kept) > 2:
                    self._kept.popitem(last=False)
            return kept


def _trigrams(word: str) -> set[str]:
    padded = f"  {word} "
    return {padded[start : start + 3] for start in range(len(padded) - 2)}
