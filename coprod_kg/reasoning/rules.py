"""Materialisation to a fixpoint, by rules compiled from axioms and by SPARQL updates.

Most rules are compiled from the axioms of the ontology. What OWL cannot say (the newest of several
dated claims, for one) stands in ``queries/rules/NN-name.ru``: updates that read and write the
default graph, run in the order of their names, by turns with the compiled rules.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.reasoning.axioms import Axioms
from coprod_kg.reasoning.facts import TYPE, Fact, Facts

__all__ = ["Rules"]

_MOST_ROUNDS: Final = 50


class Rules:
    """The rules, with the ontology and schemes in their background.

    Args:
        rules: files of SPARQL updates. They see data and what follows from it, no scheme.
        background: the statements of the ontology and its schemes.

    Raises:
        ModelError: a rule is not a SPARQL update, or an axiom has a form for which there is none.
    """

    def __init__(self, rules: Sequence[Path], background: Iterable[ox.Triple]) -> None:
        self._files = [(path, path.read_text(encoding="utf-8")) for path in sorted(rules)]
        given = list(background)
        axioms = Axioms(given)
        self._facts = Facts(axioms.rules)
        self._terms: dict[str, Any] = {}
        followed = self._triples(self._facts.add(self._mentioned(given)))
        self._background = list(dict.fromkeys([*given, *axioms.subclasses, *followed]))
        self._described = {triple.subject for triple in given}
        self._updated(ox.Store(), {})  # of nothing, so that a syntax error shows at once

    @property
    def background(self) -> list[ox.Triple]:
        """The background with what follows from it."""
        return self._background

    def infer(self, triples: Iterable[ox.Triple]) -> list[ox.Triple]:
        """The triples that follow from these statements and are not among them, sorted.

        Nothing about the terms of the ontology and the concepts of the schemes is among it.
        """
        stated = dict.fromkeys(triples)
        known = dict(stated)
        facts: list[Fact] = []
        # The facts of the background stay from call to call; those of the data are taken out again.
        try:
            self._to_fixpoint(known, facts)
        finally:
            self._facts.remove(facts)
            self._terms.clear()
        inferred = (
            triple
            for triple in known
            if triple not in stated and triple.subject not in self._described
        )
        return sorted(inferred, key=str)

    def _to_fixpoint(self, known: dict[ox.Triple, None], facts: list[Fact]) -> None:
        """Take the two kinds of rules by turns.

        Args:
            known: the statements; gets all that follows.
            facts: gets those that the compiled rules mention.
        """
        store = ox.Store()
        fresh = list(known)
        store.extend(ox.Quad(*triple) for triple in fresh)
        for _ in range(_MOST_ROUNDS):
            added = self._facts.add(self._mentioned(fresh))
            facts.extend(added)
            followed = [triple for triple in self._triples(added) if triple not in known]
            known.update(dict.fromkeys(followed))
            store.extend(ox.Quad(*triple) for triple in followed)
            fresh = self._updated(store, known)
            if not fresh:
                return
            known.update(dict.fromkeys(fresh))
        raise ModelError(f"the rules have no end after {_MOST_ROUNDS} rounds")

    def _updated(self, store: ox.Store, known: Container[ox.Triple]) -> list[ox.Triple]:
        """The triples that the files of rules add to the store."""
        for path, text in self._files:
            try:
                store.update(text)
            except SyntaxError as error:
                message = f"this is no SPARQL update: {error}"
                raise ModelError(message, where=str(path)) from None
        return [triple for quad in store if (triple := quad.triple) not in known]

    def _mentioned(self, triples: Iterable[ox.Triple]) -> Iterator[Fact]:
        """The statements that any compiled rule mentions, as facts."""
        for subject, predicate, obj in triples:
            name = str(predicate)
            if self._facts.concerns(name):
                first, last = str(subject), str(obj)
                self._terms[first], self._terms[name], self._terms[last] = subject, predicate, obj
                yield first, name, last

    def _triples(self, facts: Iterable[Fact]) -> Iterator[ox.Triple]:
        """The conclusions of the compiled rules as triples, without their auxiliary facts."""
        for subject, predicate, obj in facts:
            if predicate != TYPE or obj[0] == "<":  # an auxiliary class is no IRI
                yield ox.Triple(self._term(subject), self._term(predicate), self._term(obj))

    def _term(self, text: str) -> Any:
        if text not in self._terms:
            self._terms[text] = ox.NamedNode(text[1:-1])  # of a rule; all others have been seen
        return self._terms[text]
