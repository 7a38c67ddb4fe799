"""Materialisation to a fixpoint, by Horn rules (semi-naive forward chaining) and by SPARQL updates.

Most rules are compiled from the axioms of the ontology. What OWL cannot say (the newest of several
dated claims, for one) stands in ``queries/rules/NN-name.ru``: updates that read and write the
default graph, run in the order of their names, by turns with the compiled rules.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.namespaces import expand
from coprod_kg.reasoning.axioms import Axioms, Rule
from coprod_kg.reasoning.expressions import Atom

__all__ = [
    "Fact",
    "Rules",
]


_MOST_ROUNDS: Final = 50

Fact = tuple[str, str, str]
"""Subject, predicate and object as in N-Triples."""
TYPE: Final = f"<{expand('rdf:type')}>"
"""``rdf:type`` as in N-Triples."""

_Key = tuple[str, str]
"""A property, and of ``rdf:type`` the class: what a statement must have to fit a pattern."""
_Bindings = dict[str, str]
"""Variable → term."""
_Trigger = Callable[[str, str], Iterable[Fact]]
_Index = dict[str, dict[str, dict[str, None]]]


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


class Facts:
    """A closed set of statements: what follows from them by the rules is among them.

    Args:
        rules: what follows from what.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._known: set[Fact] = set()
        self._objects: _Index = {}
        self._subjects: _Index = {}
        self._triggers: dict[_Key, list[_Trigger]] = {}
        self._joined: set[str] = set()
        """The properties in bodies of several patterns: only these are indexed."""
        self._mentioned: set[str] = set()
        """The properties in any pattern."""
        for rule in rules:
            self._mentioned.update(atom[1] for atom in (*rule.body, rule.head))
            self._joined.update(atom[1] for atom in rule.body if len(rule.body) > 1)
            for place, atom in enumerate(rule.body):
                trigger = self._alone(rule) if len(rule.body) == 1 else self._among(rule, place)
                self._triggers.setdefault(_key(atom), []).append(trigger)

    def concerns(self, predicate: str) -> bool:
        """Whether any rule mentions the property; other statements need not be added."""
        return predicate in self._mentioned

    def add(self, facts: Iterable[Fact]) -> list[Fact]:
        """Add statements and what follows; all that is new, in the order it was concluded."""
        added: list[Fact] = []
        self._take(facts, added)
        for subject, predicate, obj in added:  # it grows on the way
            kind = obj if predicate == TYPE else ""
            for trigger in self._triggers.get((predicate, kind), ()):
                self._take(trigger(subject, obj), added)
        return added

    def remove(self, facts: Iterable[Fact]) -> None:
        """Take out statements that `add` gave, all of one call or of several."""
        for fact in facts:
            self._known.discard(fact)
            subject, predicate, obj = fact
            if predicate in self._joined:
                _forget(self._objects[predicate], subject, obj)
                _forget(self._subjects[predicate], obj, subject)

    def _take(self, facts: Iterable[Fact], added: list[Fact]) -> None:
        known, joined = self._known, self._joined
        for fact in facts:
            subject, predicate, obj = fact
            if fact in known or subject[0] == '"':  # RDF has no literal as a subject
                continue
            known.add(fact)
            added.append(fact)
            if predicate in joined:
                self._objects.setdefault(predicate, {}).setdefault(subject, {})[obj] = None
                self._subjects.setdefault(predicate, {}).setdefault(obj, {})[subject] = None

    def _alone(self, rule: Rule) -> _Trigger:
        """The trigger of a rule with one pattern."""
        (first, _, last), (subject, predicate, obj) = rule.body[0], rule.head

        def fire(start: str, end: str) -> Iterable[Fact]:
            if (last[0] != "?" and last != end) or (first[0] != "?" and first != start):
                return ()
            names = {first: start, last: end}
            return ((names.get(subject, subject), predicate, names.get(obj, obj)),)

        return fire

    def _among(self, rule: Rule, place: int) -> _Trigger:
        """The trigger of a rule with several patterns, one of which a new fact has met."""
        met = rule.body[place]
        rest = _ordered(met, [atom for at, atom in enumerate(rule.body) if at != place])
        subject, predicate, obj = rule.head

        def fire(start: str, end: str) -> Iterator[Fact]:
            bindings = _bound(met, start, end, {})
            for binding in self._join(rest, bindings) if bindings is not None else ():
                if not rule.differ or binding[rule.differ[0]] != binding[rule.differ[1]]:
                    yield binding.get(subject, subject), predicate, binding.get(obj, obj)

        return fire

    def _join(self, atoms: Sequence[Atom], bindings: _Bindings) -> Iterator[_Bindings]:
        """Every way to bind the patterns to known statements, one pattern after another.

        `_ordered` has put them so that of each an end is bound when its turn comes.
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


def _bound(atom: Atom, start: str, end: str, bindings: _Bindings) -> _Bindings | None:
    """The bindings by which a pattern is this statement, or None where it cannot be."""
    for term, value in ((atom[0], start), (atom[2], end)):
        if term[0] == "?":
            if bindings.setdefault(term, value) != value:
                return None
        elif term != value:
            return None
    return bindings


def _ordered(met: Atom, atoms: list[Atom]) -> tuple[Atom, ...]:
    """The patterns in an order in which each shares a variable with those before it."""
    names, ordered = {met[0], met[2]}, []
    while atoms:
        ready = [atom for atom in atoms if {atom[0], atom[2]} & names or atom[2][0] != "?"]
        following = min(ready, key=lambda atom: len({atom[0], atom[2]} - names))
        atoms.remove(following)
        ordered.append(following)
        names |= {following[0], following[2]}
    return tuple(ordered)


def _forget(index: dict[str, dict[str, None]], key: str, value: str) -> None:
    kept = index[key]
    kept.pop(value, None)
    if not kept:
        del index[key]
