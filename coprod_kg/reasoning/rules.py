"""Materialisation to a fixpoint, by Horn rules (semi-naive forward chaining) and by SPARQL updates.

Most rules are compiled from the axioms of the ontology. Those that OWL cannot express (the newest
of several dated claims, for one) are SPARQL updates in ``queries/rules/NN-name.ru``, which read and
write the default graph. They run in the order of their names, by turns with the compiled rules. An
update names each property and class that it reads, and is run again only where something new was
concluded of one of them.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.namespaces import expand
from coprod_kg.reasoning.axioms import Axioms, Rule
from coprod_kg.reasoning.expressions import Atom
from coprod_kg.sparql.dataset import prologue_length
from coprod_kg.sparql.tokens import named_iris, significant
from coprod_kg.sparql.update_operations import split_operations

__all__ = [
    "Fact",
    "Rules",
]


_MOST_ROUNDS: Final = 50

Fact = tuple[str, str, str]
"""Subject, predicate and object as in N-Triples."""
_TYPE_IRI: Final = expand("rdf:type")
TYPE: Final = f"<{_TYPE_IRI}>"
"""``rdf:type`` as in N-Triples."""

_Key = tuple[str, str]
"""The property of a pattern, and for ``rdf:type`` also its class."""
_Bindings = dict[str, str]
"""Variable → term."""
_Trigger = Callable[[str, str], Iterable[Fact]]
_Index = dict[str, dict[str, dict[str, None]]]


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
        store.extend(ox.Quad(*triple) for triple in new_triples)
        for _ in range(_MOST_ROUNDS):
            added = self._facts.add(self._relevant(new_triples))
            facts.extend(added)
            conclusions = [triple for triple in self._triples(added) if triple not in closure]
            closure.update(dict.fromkeys(conclusions))
            store.extend(ox.Quad(*triple) for triple in conclusions)
            new_triples = self._apply_updates(store, closure, (*new_triples, *conclusions))
            if not new_triples:
                return
            closure.update(dict.fromkeys(new_triples))
        raise ModelError(f"the rules have no end after {_MOST_ROUNDS} rounds")

    def _apply_updates(
        self, store: ox.Store, closure: Container[ox.Triple], new_triples: Iterable[ox.Triple]
    ) -> list[ox.Triple]:
        """The triples that the updates add to the store.

        Args:
            store: the statements and conclusions so far.
            closure: the same.
            new_triples: those that came since this was called before.
        """
        names = {
            triple.object if triple.predicate.value == _TYPE_IRI else triple.predicate
            for triple in new_triples
        }
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


class Facts:
    """A set of facts that is closed under some rules.

    Args:
        rules: the rules.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._known: set[Fact] = set()
        self._objects: _Index = {}
        self._subjects: _Index = {}
        self._triggers: dict[_Key, list[_Trigger]] = {}
        self._indexed: set[str] = set()
        """The properties in bodies of several patterns: only these are indexed."""
        self._relevant: set[str] = set()
        """The properties in any pattern."""
        for rule in rules:
            self._relevant.update(atom[1] for atom in (*rule.body, rule.head))
            self._indexed.update(atom[1] for atom in rule.body if len(rule.body) > 1)
            for position, atom in enumerate(rule.body):
                trigger = (
                    self._single_trigger(rule)
                    if len(rule.body) == 1
                    else self._join_trigger(rule, position)
                )
                self._triggers.setdefault(_key(atom), []).append(trigger)

    def concerns(self, predicate: str) -> bool:
        """Whether any rule mentions the property; other statements need not be added."""
        return predicate in self._relevant

    def add(self, facts: Iterable[Fact]) -> list[Fact]:
        """Add facts and their conclusions; returns the new ones in the order of their addition."""
        added: list[Fact] = []
        self._add_new(facts, added)
        for subject, predicate, obj in added:  # the loop also reaches the facts it adds
            kind = obj if predicate == TYPE else ""
            for trigger in self._triggers.get((predicate, kind), ()):
                self._add_new(trigger(subject, obj), added)
        return added

    def remove(self, facts: Iterable[Fact]) -> None:
        """Remove facts that `add` returned: all of one call, or of several."""
        for fact in facts:
            self._known.discard(fact)
            subject, predicate, obj = fact
            if predicate in self._indexed:
                _remove(self._objects[predicate], subject, obj)
                _remove(self._subjects[predicate], obj, subject)

    def _add_new(self, facts: Iterable[Fact], added: list[Fact]) -> None:
        known, joined = self._known, self._indexed
        for fact in facts:
            subject, predicate, obj = fact
            if fact in known or subject[0] == '"':  # RDF has no literal as a subject
                continue
            known.add(fact)
            added.append(fact)
            if predicate in joined:
                self._objects.setdefault(predicate, {}).setdefault(subject, {})[obj] = None
                self._subjects.setdefault(predicate, {}).setdefault(obj, {})[subject] = None

    def _single_trigger(self, rule: Rule) -> _Trigger:
        """The trigger of a rule with one pattern."""
        (first, _, last), (subject, predicate, obj) = rule.body[0], rule.head

        def fire(start: str, end: str) -> Iterable[Fact]:
            if (last[0] != "?" and last != end) or (first[0] != "?" and first != start):
                return ()
            names = {first: start, last: end}
            return ((names.get(subject, subject), predicate, names.get(obj, obj)),)

        return fire

    def _join_trigger(self, rule: Rule, position: int) -> _Trigger:
        """The trigger of a rule with several patterns, for a new fact that matches one of them."""
        matched_atom = rule.body[position]
        rest = _join_order(
            matched_atom, [atom for index, atom in enumerate(rule.body) if index != position]
        )
        subject, predicate, obj = rule.head

        def fire(start: str, end: str) -> Iterator[Fact]:
            bindings = _bind(matched_atom, start, end, {})
            for binding in self._join(rest, bindings) if bindings is not None else ():
                if not rule.differ or binding[rule.differ[0]] != binding[rule.differ[1]]:
                    yield binding.get(subject, subject), predicate, binding.get(obj, obj)

        return fire

    def _join(self, atoms: Sequence[Atom], bindings: _Bindings) -> Iterator[_Bindings]:
        """All bindings of the patterns to known facts, one pattern after another.

        `_join_order` sorted them so that subject or object of each is bound when it is reached.
        """
        if not atoms:
            yield bindings
            return
        subject, predicate, obj = atoms[0]
        start, end = bindings.get(subject, subject), bindings.get(obj, obj)
        rest = atoms[1:]
        if start[0] != "?" and end[0] != "?":
            if (start, predicate, end) in self._known:
                yield from self._join(rest, bindings)
        elif start[0] != "?":
            for value in tuple(self._objects.get(predicate, {}).get(start, ())):
                yield from self._join(rest, {**bindings, obj: value})
        elif end[0] != "?":
            for value in tuple(self._subjects.get(predicate, {}).get(end, ())):
                yield from self._join(rest, {**bindings, subject: value})


def _key(atom: Atom) -> _Key:
    _, predicate, obj = atom
    return predicate, obj if predicate == TYPE else ""


def _bind(atom: Atom, start: str, end: str, bindings: _Bindings) -> _Bindings | None:
    """The bindings extended so that the pattern matches this fact, or None where it cannot."""
    for term, value in ((atom[0], start), (atom[2], end)):
        if term[0] == "?":
            if bindings.setdefault(term, value) != value:
                return None
        elif term != value:
            return None
    return bindings


def _join_order(matched_atom: Atom, atoms: list[Atom]) -> tuple[Atom, ...]:
    """The patterns in an order in which each shares a variable with those before it."""
    names, ordered = {matched_atom[0], matched_atom[2]}, []
    while atoms:
        candidates = [atom for atom in atoms if {atom[0], atom[2]} & names or atom[2][0] != "?"]
        following = min(candidates, key=lambda atom: len({atom[0], atom[2]} - names))
        atoms.remove(following)
        ordered.append(following)
        names |= {following[0], following[2]}
    return tuple(ordered)


def _remove(index: dict[str, dict[str, None]], key: str, value: str) -> None:
    values = index[key]
    values.pop(value, None)
    if not values:
        del index[key]
