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

    @property
    def background(self) -> list[ox.Triple]:
        """The background with what follows from it."""
        return [one.triple for one in self._known]

    def infer(self, triples: Iterable[ox.Triple]) -> list[ox.Triple]:
        """What follows from these statements and is not among them, sorted."""
        said = {ox.Quad(*one) for one in triples} - self._known
        self._store.extend(said)
        added: set[ox.Quad] = said
        try:
            self._to_fixpoint()
            added = self._added(said)
        finally:
            for one in added:
                self._store.remove(one)
            if len(self._store) != len(self._known):
                self._store = ox.Store()
                self._store.extend(self._known)
        return sorted((one.triple for one in added - said), key=str)

    def _added(self, said: set[ox.Quad]) -> set[ox.Quad]:
        """Everything that is in the store and not in the background.

        A rule concludes something about what was spoken of, so it is enough to look there; the
        count says whether a rule did otherwise, and then the whole store is gone through.
        """
        nodes = {one.subject for one in said} | {
            one.object for one in said if isinstance(one.object, ox.NamedNode)
        }
        found = {
            quad
            for node in nodes
            for quad in self._store.quads_for_pattern(node, None, None)
            if quad not in self._known
        }
        if len(self._known) + len(found) == len(self._store):
            return found
        return set(self._store) - self._known

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
