"""Conclusions by SPARQL updates run to a fixpoint; what was said and what follows never mix.

The rules are the files ``queries/rules/NN-name.ru``, run in the order of their names. Each
reads and writes the default graph; most read the axioms they apply from the ontology itself.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError

__all__ = ["Rules"]

_MOST_ROUNDS: Final = 50


class Rules:
    """The rules, with the ontology and schemes in their background.

    Args:
        rules: files of SPARQL updates.
        background: the statements of the ontology and its schemes.

    Raises:
        ModelError: a rule is not a SPARQL update.
    """

    def __init__(self, rules: Sequence[Path], background: Iterable[ox.Triple]) -> None:
        self._rules = [(path, path.read_text(encoding="utf-8")) for path in sorted(rules)]
        self._store = ox.Store()
        self._store.extend(ox.Quad(*one) for one in background)
        self._to_fixpoint()
        self._known = set(self._store)

    def infer(self, triples: Iterable[ox.Triple]) -> list[ox.Triple]:
        """What follows from these statements and is not among them, sorted."""
        said = {ox.Quad(*one) for one in triples} - self._known
        self._store.extend(said)
        try:
            self._to_fixpoint()
            concluded = set(self._store) - self._known - said
        finally:
            for one in set(self._store) - self._known:
                self._store.remove(one)
        return sorted((one.triple for one in concluded), key=str)

    def _to_fixpoint(self) -> None:
        size = -1
        for _ in range(_MOST_ROUNDS):
            if size == (size := len(self._store)):
                return
            for path, text in self._rules:
                self._apply(path, text)
        raise ModelError(f"the rules have no end after {_MOST_ROUNDS} rounds")

    def _apply(self, path: Path, text: str) -> None:
        try:
            self._store.update(text)
        except SyntaxError as error:
            raise ModelError(f"this is no SPARQL update: {error}", where=str(path)) from None
