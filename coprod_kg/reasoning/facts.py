"""Facts closed under Horn rules: semi-naive forward chaining over texts, each rule a function.

A rule is tried when a fact comes that fits one of its patterns. Its other patterns are tried in an
order that is settled beforehand, so that the place of each term in a row of terms is known before
any fact comes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from coprod_kg.model.namespaces import expand
from coprod_kg.reasoning.axioms import Rule
from coprod_kg.reasoning.expressions import Atom

__all__ = ["TYPE", "Fact", "Facts"]

TYPE: Final = f"<{expand('rdf:type')}>"
"""``rdf:type`` as in N-Triples."""

Fact = tuple[str, str, str]
"""Subject, predicate and object as in N-Triples."""
_Key = tuple[str, str]
"""The property of a pattern, and for ``rdf:type`` also its class."""
_Row = tuple[str, ...]
"""The constants of a rule, subject and object of the new fact, and the terms found since."""
_Conclude = Callable[[str, str], Sequence[Fact]]
"""The conclusions from a new fact, of which subject and object are given."""
_Index = dict[str, dict[str, dict[str, None]]]
"""Property → subject → objects, or property → object → subjects."""


class _Step(NamedTuple):
    """A pattern that is looked up.

    Attributes:
        subject: the place of its subject in the row; None where that is found here.
        predicate: its property.
        obj: the place of its object, likewise.
    """

    subject: int | None
    predicate: str
    obj: int | None


class _Trigger(NamedTuple):
    """A rule as it is tried for a new fact.

    Nine times in ten it ends at the first fact that must be known too, such as the other class of
    an intersection: so that one is looked up before any function is called.

    Attributes:
        of_object: whether that fact is about the object of the new one, and not its subject.
        predicate: its property; empty where there is no such fact.
        value: its object.
        conclude: the rest of the rule.
    """

    of_object: bool
    predicate: str
    value: str
    conclude: _Conclude


class Facts:
    """A set of facts that is closed under some rules.

    Args:
        rules: the rules.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._known: set[Fact] = set()
        self._objects: _Index = {}
        self._subjects: _Index = {}
        self._classes: dict[_Key, list[tuple[bool, str]]] = {}
        """Pattern → the classes of its subject (False) or its object (True): domains, superclasses
        and the like, which are two thirds of all that is concluded."""
        self._triggers: dict[_Key, list[_Trigger]] = {}
        self._indexed: set[str] = set()
        """The properties in bodies of several patterns: only these are indexed."""
        self._relevant: set[str] = set()
        """The properties in any pattern."""
        for rule in rules:
            self._relevant.update(atom[1] for atom in (*rule.body, rule.head))
            self._indexed.update(atom[1] for atom in rule.body if len(rule.body) > 1)
            if (classes := _as_classes(rule)) is not None:
                self._classes.setdefault(_key(rule.body[0]), []).append(classes)
                continue
            for position, atom in enumerate(rule.body):
                self._triggers.setdefault(_key(atom), []).append(self._trigger(rule, position))

    def concerns(self, predicate: str) -> bool:
        """Whether any rule mentions the property; other statements need not be added."""
        return predicate in self._relevant

    def add(self, facts: Iterable[Fact]) -> list[Fact]:
        """Add facts and their conclusions; returns the new ones in the order of their addition."""
        added: list[Fact] = []
        known = self._known
        self._add_new(facts, added)
        for subject, predicate, obj in added:  # the loop also reaches the facts it adds
            key = predicate, obj if predicate == TYPE else ""
            for of_object, kind in self._classes.get(key, ()):
                fact = obj if of_object else subject, TYPE, kind
                if fact not in known:
                    self._add_new((fact,), added)
            for of_object, name, value, conclude in self._triggers.get(key, ()):
                if name and (obj if of_object else subject, name, value) not in known:
                    continue
                if conclusions := conclude(subject, obj):
                    self._add_new(conclusions, added)
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

    def _trigger(self, rule: Rule, position: int) -> _Trigger:
        """The function of a rule for a new fact that matches one of its patterns."""
        first, _, last = matched = rule.body[position]
        rest = _join_order(matched, [*rule.body[:position], *rule.body[position + 1 :]])
        of_object, predicate, value = False, "", ""
        if rest and rest[0][0] in (first, last) and rest[0][2][0] != "?":
            subject, predicate, value = rest.pop(0)
            of_object = subject != first
        conclude = self._conclude(matched, rest, rule)
        return _Trigger(of_object, predicate, value, conclude)

    def _conclude(self, matched: Atom, rest: Sequence[Atom], rule: Rule) -> _Conclude:
        """The function that looks up patterns of a rule for a fact that matches another one."""
        first, _, last = matched
        terms = (term for atom in (*rest, rule.head) for term in (atom[0], atom[2]))
        constants = tuple(dict.fromkeys(term for term in terms if term[0] != "?"))
        places = {term: place for place, term in enumerate((*constants, first, last))}
        steps = [*_steps(rest, places, len(constants) + 2)]
        subject, predicate, obj = places[rule.head[0]], rule.head[1], places[rule.head[2]]
        differ = rule.differ and (places[rule.differ[0]], places[rule.differ[1]])
        fits_all = first != last and first[0] == "?" == last[0]

        def conclude(start: str, end: str) -> Sequence[Fact]:
            if not fits_all and not _fits(matched, start, end):
                return ()
            rows = [(*constants, start, end)]
            for step in steps:
                rows = self._extended(rows, step)
                if not rows:
                    return ()
            return [
                (row[subject], predicate, row[obj])
                for row in rows
                if differ is None or row[differ[0]] != row[differ[1]]
            ]

        return conclude

    def _extended(self, rows: Sequence[_Row], step: _Step) -> list[_Row]:
        """The rows that fit one more pattern, with the term that was found for it."""
        place, name, other = step
        if place is not None and other is not None:
            return [row for row in rows if (row[place], name, row[other]) in self._known]
        if place is not None:
            objects = self._objects.get(name, {})
            return [(*row, value) for row in rows for value in objects.get(row[place], ())]
        if other is not None:
            subjects = self._subjects.get(name, {})
            return [(*row, value) for row in rows for value in subjects.get(row[other], ())]
        return []


def _key(atom: Atom) -> _Key:
    _, predicate, obj = atom
    return predicate, obj if predicate == TYPE else ""


def _as_classes(rule: Rule) -> tuple[bool, str] | None:
    """Of a rule that gives whatever matches one pattern a class: whether its object, and which."""
    (first, predicate, last), *others = rule.body
    subject, name, kind = rule.head
    matches_all = first[0] == "?" and first != last and (last[0] == "?" or predicate == TYPE)
    if others or name != TYPE or kind[0] == "?" or not matches_all or subject not in (first, last):
        return None
    return subject != first, kind


def _fits(atom: Atom, start: str, end: str) -> bool:
    """Whether a fact with this subject and object matches a pattern of its property."""
    first, _, last = atom
    if first == last:
        return start == end
    return (first[0] == "?" or first == start) and (last[0] == "?" or last == end)


def _steps(atoms: Iterable[Atom], places: dict[str, int], width: int) -> Iterator[_Step]:
    """The patterns as look-ups, one after another; the variables that they bind get a place.

    Args:
        atoms: the patterns in the order of `_join_order`.
        places: term → its place in a row.
        width: the length of a row before the first of them.
    """
    for subject, predicate, obj in atoms:
        yield _Step(places.get(subject), predicate, places.get(obj))
        for term in (subject, obj):
            if term not in places:
                places[term] = width
                width += 1


def _join_order(matched_atom: Atom, atoms: list[Atom]) -> list[Atom]:
    """The patterns in an order in which each shares a variable with those before it."""
    names, ordered = {matched_atom[0], matched_atom[2]}, list[Atom]()
    while atoms:
        candidates = [atom for atom in atoms if {atom[0], atom[2]} & names or atom[2][0] != "?"]
        following = min(candidates, key=lambda atom: len({atom[0], atom[2]} - names))
        atoms.remove(following)
        ordered.append(following)
        names |= {following[0], following[2]}
    return ordered


def _remove(index: dict[str, dict[str, None]], key: str, value: str) -> None:
    values = index[key]
    values.pop(value, None)
    if not values:
        del index[key]
