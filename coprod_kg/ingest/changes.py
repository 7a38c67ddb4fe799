"""What a submission adds, changes, renames and removes, resource by resource."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self, TypeAlias

import pyoxigraph as ox

from coprod_kg.model.namespaces import expand

__all__ = ["Change", "Changes", "Statements", "changes", "normalised", "statements_by_thing"]

Statements: TypeAlias = frozenset[tuple[str, Any]]
"""The statements about a thing: pairs of property and value."""

_LABEL: Final = expand("rdfs:label")
_XSD: Final = expand("xsd:")
_WHOLE: Final = frozenset(
    (
        *("byte", "short", "int", "long"),
        *("unsignedByte", "unsignedShort", "unsignedInt", "unsignedLong"),
    )
)
_FIRST: Final = ("organisation", "initiative")
"""The kinds of things that are named first."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing.

    Attributes:
        iri: its IRI.
        name: its label.
        before: the IRI that it had until now, where that changes; else an empty text.
    """

    iri: str
    name: str
    before: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes to the resources of one organisation.

    Attributes:
        added: things that are new.
        changed: things of which something else is said.
        removed: things that were there and are no longer.
        renamed: things that keep their kind and name, and get another identifier.
        kept: things that stay although the file does not have them.
    """

    added: tuple[Change, ...] = ()
    changed: tuple[Change, ...] = ()
    removed: tuple[Change, ...] = ()
    renamed: tuple[Change, ...] = ()
    kept: tuple[Change, ...] = ()

    def as_dict(self) -> dict[str, list[dict[str, str]]]:
        """The changes as JSON can hold them."""
        return {
            kind: [
                {
                    "iri": change.iri,
                    "name": change.name,
                    **({"before": change.before} if change.before else {}),
                }
                for change in getattr(self, kind)
            ]
            for kind in self.__slots__
        }

    @classmethod
    def of(cls, table: Mapping[str, Iterable[Mapping[str, str]]]) -> Self:
        """The changes that `as_dict` gave."""
        return cls(
            **{kind: tuple(Change(**change) for change in found) for kind, found in table.items()}
        )

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(*((*getattr(self, kind), *getattr(other, kind)) for kind in self.__slots__))


def changes(
    before: bytes, after: Mapping[str, Statements], described: Iterable[str], base_iri: str
) -> Changes:
    """The difference that a submission makes to an organisation's data.

    Args:
        before: what its graph holds, as N-Triples.
        after: what it would say of each thing.
        described: the IRIs of the things that the file describes.
        base_iri: where data lives.
    """
    old, new = _things(statements_by_thing(before), base_iri), _things(after, base_iri)
    gone = {thing: said for thing, said in old.items() if thing not in new}
    fresh = {thing: said for thing, said in new.items() if thing not in old}
    own = {*described}
    left = {thing: said for thing, said in old.items() if thing not in own}
    renamed = _renamed(left, fresh, base_iri)
    instead = {*renamed.values()}
    stays = [thing for thing in old if thing in new and thing not in own and thing not in instead]
    names = {thing: _name(thing, said) for thing, said in [*old.items(), *new.items()]}
    return Changes(
        added=_named((thing for thing in fresh if thing not in renamed), names, base_iri),
        changed=_named(
            (thing for thing in new if thing in old and new[thing] != old[thing]), names, base_iri
        ),
        removed=_named((thing for thing in gone if thing not in instead), names, base_iri),
        renamed=tuple(Change(thing, names[thing], was) for thing, was in renamed.items()),
        kept=_named(stays, names, base_iri),
    )


def statements_by_thing(content: bytes) -> dict[str, Statements]:
    """Every thing in some N-Triples → properties and values, in the order of the things."""
    found: dict[str, set[tuple[str, Any]]] = {}
    for quad in ox.parse(content, ox.RdfFormat.N_TRIPLES):
        pair = (quad.predicate.value, normalised(quad.object))
        found.setdefault(str(quad.subject)[1:-1], set()).add(pair)
    return {thing: frozenset(found[thing]) for thing in sorted(found)}


def normalised(term: Any) -> Any:
    """The term in one spelling for equal values, since the store normalises numbers."""
    if not isinstance(term, ox.Literal) or not term.datatype.value.startswith(_XSD):
        return term
    kind = term.datatype.value.removeprefix(_XSD)
    if kind == "boolean":
        return ox.Literal({"1": "true", "0": "false"}.get(term.value, term.value))
    try:
        if kind in ("double", "float"):
            return ox.Literal(str(float(term.value)))
        if kind == "decimal" or "nteger" in kind or kind in _WHOLE:
            return ox.Literal(str(Decimal(term.value).normalize()))
    except (ArithmeticError, ValueError):
        return term
    return term


def _things(said: Mapping[str, Statements], base_iri: str) -> dict[str, Statements]:
    """The things that have a name."""
    stem = f"{base_iri}id/"
    return {thing: pairs for thing, pairs in said.items() if thing.startswith(stem)}


def _renamed(
    left: Mapping[str, Statements],
    fresh: Mapping[str, Statements],
    base_iri: str,
) -> dict[str, str]:
    """New thing → the one of the same kind and name that it likely is, where only one is so."""
    known: dict[tuple[str, frozenset[Any]], list[str]] = {}
    for thing, said in left.items():
        known.setdefault((_kind(thing, base_iri), _labels(said)), []).append(thing)
    found = {}
    for thing, said in sorted(fresh.items()):
        labels = _labels(said)
        alike = known.get((_kind(thing, base_iri), labels), [])
        if labels and len(alike) == 1:
            found[thing] = alike[0]
    return found


def _labels(said: Iterable[tuple[str, Any]]) -> frozenset[Any]:
    return frozenset(value for path, value in said if path == _LABEL)


def _name(thing: str, said: Iterable[tuple[str, Any]]) -> str:
    names = sorted(_labels(said), key=lambda label: (label.language != "en", str(label)))
    return names[0].value if names else thing.rpartition("/")[2]


def _kind(thing: str, base_iri: str) -> str:
    return thing.removeprefix(f"{base_iri}id/").partition("/")[0]


def _named(things: Iterable[str], names: Mapping[str, str], base_iri: str) -> tuple[Change, ...]:
    def place(thing: str) -> tuple[int, str, str]:
        kind = _kind(thing, base_iri)
        first = _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
        return first, kind, names[thing]

    return tuple(Change(thing, names[thing]) for thing in sorted(things, key=place))
