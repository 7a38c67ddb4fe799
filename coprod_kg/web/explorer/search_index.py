"""Index of names that finds them in spite of accents, other spellings and typing errors."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["Entry", "SearchIndex", "folded"]

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


class SearchIndex:
    """Finds entries by the words of their names; the shortest words count only among their like.

    A word that is asked for matches a word of a name that is equal to it, begins with it or, by
    the share of their trigrams, is nearly it. Every word has to match.
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

    def find(self, text: str) -> list[Entry]:
        """The best entry of each thing that a text finds, the best first."""
        words = folded(text)[:12]
        wanted = [word for word in words if len(word) > _SHORT] or words
        if not wanted:
            return []
        scores: dict[int, float] = {}
        for position, word in enumerate(wanted):
            here: dict[int, float] = {}
            for near, score in self._near(word).items():
                for number in self._words[near]:
                    here[number] = max(here.get(number, 0.0), score)
            scores = {
                number: scores.get(number, 0.0) + score
                for number, score in here.items()
                if position == 0 or number in scores
            }
        best: dict[str, tuple[float, Entry]] = {}
        for number, score in scores.items():
            entry = self._entries[number]
            # Of names that match alike the shorter comes first: 2 % off for each word too many.
            surplus = len(folded(entry.text)) - len(wanted)
            score = score / len(wanted) * entry.weight / (1 + 0.02 * max(surplus, 0))
            if entry.iri not in best or score > best[entry.iri][0]:
                best[entry.iri] = (score, entry)
        ranked = sorted(best.values(), key=lambda found: (-found[0], found[1].text))
        return [entry for _, entry in ranked]

    def _near(self, word: str) -> dict[str, float]:
        """Every word of the index that a word may stand for → how well it fits.

        1 if it is equal, 0.9 if it is the beginning, else from 0.58 to 0.8 by the trigrams that
        both have (Dice coefficient): a typing error counts less than a word typed in part.
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


def _trigrams(word: str) -> set[str]:
    padded = f"  {word} "
    return {padded[start : start + 3] for start in range(len(padded) - 2)}
