"""Materialisation to a fixpoint, by Horn rules (semi-naive forward chaining) and by SPARQL updates.

Most rules are compiled from the axioms of the ontology. Those that OWL cannot express (the newest
of several dated claims, for one) are SPARQL updates in ``queries/rules/NN-name.ru``, which read and
write the default graph. They run in the order of their names, by turns with the compiled rules. An
update names each property and class that it reads, and is run again only where something new was
concluded of one of them.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.graph import RDF_TYPE
from coprod_kg.reasoning.axioms import Axioms
from coprod_kg.reasoning.facts import TYPE, Fact, Facts
from coprod_kg.sparql.dataset import prologue_length
from coprod_kg.sparql.tokens import named_iris, significant
from coprod_kg.sparql.update_operations import split_operations

__all__ = ["Rules"]

_MOST_ROUNDS: Final = 50


@dataclass(frozen=True, slots=True)
class Update:
    """A rule that is one operation of a SPARQL update.

    Attributes:
        path: its file.
        text: what it says.
        reads: the IRIs in its pattern, among them the properties and classes that it reads.
    """

    path: Path
    text: str
    reads: frozenset[ox.NamedNode]

    @classmethod
    def all_in(cls, path: Path) -> Iterator[Self]:
        """The updates in a file, in their order."""
        text = path.read_text(encoding="utf-8")
        prologue = ""
        for tokens in split_operations([*significant(text)]):
            length = prologue_length(tokens)
            prologue += "".join(f"{token.text} " for token in tokens[:length])
            if len(tokens) == length:  # after the last semicolon
                continue
            operation = prologue + text[tokens[length].start : tokens[-1].end]
            wheres = (token.start for token in significant(operation) if token.is_word("WHERE"))
            pattern = next(wheres, 0)
            names = (iri for token, iri in named_iris(operation) if token.start > pattern)
            reads = (ox.NamedNode(iri) for iri in names)
            yield cls(path, operation, frozenset(reads))

    def apply(self, store: ox.Store) -> None:
        """Add what follows to a store.

        Raises:
            ModelError: the text is no SPARQL update.
        """
        try:
            store.update(self.text)
        except SyntaxError as error:
            message = f"this is no SPARQL update: {error}"
            raise ModelError(message, where=str(self.path)) from None


class Rules:
    """The rules, with the ontology and schemes in their background.

    Args:
        rules: files of SPARQL updates. They see data and its conclusions, but no scheme.
        background: the statements of the ontology and its schemes.

    Raises:
        ModelError: a rule is not a SPARQL update, or an axiom has a form for which there is none.
    """

    def __init__(self, rules: Sequence[Path], background: Iterable[ox.Triple]) -> None:
        self._updates = [update for path in sorted(rules) for update in Update.all_in(path)]
        self._read = frozenset[ox.NamedNode]().union(*(update.reads for update in self._updates))
        statements = list(background)
        axioms = Axioms(statements)
        self._facts = Facts(axioms.rules)
        self._terms: dict[str, Any] = {}
        conclusions = self._triples(self._facts.add(self._relevant(statements)))
        self._background = list(dict.fromkeys([*statements, *axioms.subclasses, *conclusions]))
        self._described = {triple.subject for triple in statements}
        for update in self._updates:
            update.apply(ox.Store())  # on an empty store: a syntax error shows at once

    @property
    def background(self) -> list[ox.Triple]:
        """The background with its conclusions."""
        return self._background

    def infer(self, triples: Iterable[ox.Triple]) -> list[ox.Triple]:
        """The triples that follow from these statements and are not among them, sorted.

        Conclusions about the terms of the ontology and the concepts of the schemes are left out.
        """
        stated = dict.fromkeys(triples)
        closure = dict(stated)
        facts: list[Fact] = []
        # The facts of the background stay from call to call; those of the data are taken out again.
        try:
            self._to_fixpoint(closure, facts)
        finally:
            self._facts.remove(facts)
            self._terms.clear()
        inferred = (
            triple
            for triple in closure
            if triple not in stated and triple.subject not in self._described
        )
        return sorted(inferred, key=str)

    def _to_fixpoint(self, closure: dict[ox.Triple, None], facts: list[Fact]) -> None:
        """Apply the two kinds of rules by turns until nothing new follows.

        Args:
            closure: the statements; all conclusions are added.
            facts: the facts of the compiled rules are added.
        """
        store = ox.Store()
        new_triples = list(closure)
        for _ in range(_MOST_ROUNDS):
            stated = list(self._relevant(new_triples))
            added = self._facts.add(stated)
            facts.extend(added)
            followed = dict.fromkeys(added)
            for fact in stated:
                followed.pop(fact, None)
            conclusions = [triple for triple in self._triples(followed) if triple not in closure]
            closure.update(dict.fromkeys(conclusions))
            new_triples = self._apply_updates(store, closure, (*new_triples, *conclusions))
            if not new_triples:
                return
            closure.update(dict.fromkeys(new_triples))
        raise ModelError(f"the rules have no end after {_MOST_ROUNDS} rounds")

    def _apply_updates(
        self, store: ox.Store, closure: Container[ox.Triple], new_triples: Iterable[ox.Triple]
    ) -> list[ox.Triple]:
        """The triples that the updates conclude.

        Args:
            store: what they read of the statements and conclusions so far; the new ones are added.
            closure: all statements and conclusions so far.
            new_triples: those that came since this was called before.
        """
        names, quads = set[Any](), list[ox.Quad]()
        for subject, predicate, obj in new_triples:
            name = obj if predicate == RDF_TYPE else predicate
            if name in self._read:
                names.add(name)
                quads.append(ox.Quad(subject, predicate, obj))
        store.extend(quads)
        due = [update for update in self._updates if not update.reads.isdisjoint(names)]
        for update in due:
            update.apply(store)
        return [triple for quad in store if (triple := quad.triple) not in closure] if due else []

    def _relevant(self, triples: Iterable[ox.Triple]) -> Iterator[Fact]:
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
