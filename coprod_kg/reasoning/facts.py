"""Semi-naive forward chaining: a set of statements closed under Horn rules.

Each new statement is taken up once and meets only the rules that speak of its property or class,
so that what is known already is never concluded again. A rule has a trigger for each pattern of its
body: given the subject and object of a statement that fits the pattern, it joins the other patterns
to what is known and gives the conclusions.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from coprod_kg.model.namespaces import expand
from coprod_kg.reasoning.axioms import Rule
from coprod_kg.reasoning.expressions import Atom

__all__ = ["TYPE", "Fact", "Facts"]

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
