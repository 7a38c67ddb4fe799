"""What a submission adds, changes, renames and removes, resource by resource."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self, TypeAlias

import pyoxigraph as ox

from coprod_kg.model.namespaces import expand

__all__ = [
    "Changes",
    "ResourceChange",
    "Statements",
    "changes",
    "normalised",
    "replaced",
    "statements_by_thing",
]

Statements: TypeAlias = frozenset[tuple[str, Any]]
"""The statements about a thing: pairs of property and value."""

_LABEL: Final = expand("rdfs:label")
_XSD: Final = expand("xsd:")
_INTEGER_TYPES: Final = frozenset(
    (
        *("byte", "short", "int", "long"),
        *("unsignedByte", "unsignedShort", "unsignedInt", "unsignedLong"),
    )
)
_FIRST_KINDS: Final = ("organisation", "initiative")
"""The kinds of things that are named first."""


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """A resource that a submission adds, changes, renames or removes.

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
        changed: things whose statements differ.
        removed: things that the new data no longer describes.
        renamed: things that keep their kind and name, and get another identifier.
        kept: things that stay although the file does not have them.
    """

    added: tuple[ResourceChange, ...] = ()
    changed: tuple[ResourceChange, ...] = ()
    removed: tuple[ResourceChange, ...] = ()
    renamed: tuple[ResourceChange, ...] = ()
    kept: tuple[ResourceChange, ...] = ()

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
            **{
                kind: tuple(ResourceChange(**change) for change in entries)
                for kind, entries in table.items()
            }
        )

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(*((*getattr(self, kind), *getattr(other, kind)) for kind in self.__slots__))


def changes(
    before: bytes, after: Mapping[str, Statements], described: Iterable[str], base_iri: str
) -> Changes:
    """The difference that a submission makes to an organisation's data.

    Args:
        before: the present graph, as N-Triples.
        after: each thing → its statements afterwards.
        described: the IRIs of the things that the file describes.
        base_iri: where data lives.
    """
    old, new = _things(statements_by_thing(before), base_iri), _things(after, base_iri)
    removed = {thing: statements for thing, statements in old.items() if thing not in new}
    added = {thing: statements for thing, statements in new.items() if thing not in old}
    described_things = {*described}
    undescribed = {
        thing: statements for thing, statements in old.items() if thing not in described_things
    }
    renamed = _find_renamed(undescribed, added, base_iri)
    replaced = {*renamed.values()}
    staying = [
        thing
        for thing in old
        if thing in new and thing not in described_things and thing not in replaced
    ]
    names = {thing: _name(thing, statements) for thing, statements in [*old.items(), *new.items()]}
    return Changes(
        added=_changes_of((thing for thing in added if thing not in renamed), names, base_iri),
        changed=_changes_of(
            (thing for thing in new if thing in old and new[thing] != old[thing]), names, base_iri
        ),
        removed=_changes_of((thing for thing in removed if thing not in replaced), names, base_iri),
        renamed=tuple(
            ResourceChange(thing, names[thing], old_iri) for thing, old_iri in renamed.items()
        ),
        kept=_changes_of(staying, names, base_iri),
    )


def statements_by_thing(content: bytes) -> dict[str, Statements]:
    """Every thing in some N-Triples → properties and values, in the order of the things."""
    by_node: dict[Any, set[tuple[str, Any]]] = {}
    for quad in ox.parse(content, ox.RdfFormat.N_TRIPLES):
        pair = (quad.predicate.value, normalised(quad.object))
        by_node.setdefault(quad.subject, set()).add(pair)
    by_thing = {str(node)[1:-1]: frozenset(pairs) for node, pairs in by_node.items()}
    return dict(sorted(by_thing.items()))


def replaced(
    stored: Mapping[str, Mapping[str, Statements]],
    entering: Mapping[str, Mapping[str, Statements]],
) -> dict[str, dict[str, Statements]]:
    """Thing → graph → statements, once some graphs are replaced.

    Args:
        stored: thing → graph → what it says of the thing now.
        entering: each graph that is replaced → thing → what it says then.
    """
    by_thing = {
        thing: {graph: graphs[graph] for graph in graphs.keys() - entering.keys()}
        for thing, graphs in stored.items()
    }
    for graph, statements_by_thing in entering.items():
        for thing, statements in statements_by_thing.items():
            by_thing.setdefault(thing, {})[graph] = statements
    return by_thing


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
        if kind == "decimal" or "nteger" in kind or kind in _INTEGER_TYPES:
            return ox.Literal(str(Decimal(term.value).normalize()))
    except (ArithmeticError, ValueError):
        return term
    return term


def _things(by_thing: Mapping[str, Statements], base_iri: str) -> dict[str, Statements]:
    """The things whose IRI is one of this installation's, under ``<base>id/``."""
    stem = f"{base_iri}id/"
    return {thing: pairs for thing, pairs in by_thing.items() if thing.startswith(stem)}


def _find_renamed(
    undescribed: Mapping[str, Statements],
    added: Mapping[str, Statements],
    base_iri: str,
) -> dict[str, str]:
    """New thing → the old one of the same kind and label, where exactly one has them."""
    things_by_name: dict[tuple[str, frozenset[Any]], list[str]] = {}
    for thing, statements in undescribed.items():
        things_by_name.setdefault((_kind(thing, base_iri), _labels(statements)), []).append(thing)
    renamed = {}
    for thing, statements in sorted(added.items()):
        labels = _labels(statements)
        matches = things_by_name.get((_kind(thing, base_iri), labels), [])
        if labels and len(matches) == 1:
            renamed[thing] = matches[0]
    return renamed


def _labels(statements: Iterable[tuple[str, Any]]) -> frozenset[Any]:
    return frozenset(value for path, value in statements if path == _LABEL)


def _name(thing: str, statements: Iterable[tuple[str, Any]]) -> str:
    names = sorted(_labels(statements), key=lambda label: (label.language != "en", str(label)))
    return names[0].value if names else thing.rpartition("/")[2]


def _kind(thing: str, base_iri: str) -> str:
    return thing.removeprefix(f"{base_iri}id/").partition("/")[0]


def _changes_of(
    things: Iterable[str], names: Mapping[str, str], base_iri: str
) -> tuple[ResourceChange, ...]:
    def sort_key(thing: str) -> tuple[int, str, str]:
        kind = _kind(thing, base_iri)
        first = _FIRST_KINDS.index(kind) if kind in _FIRST_KINDS else len(_FIRST_KINDS)
        return first, kind, names[thing]

    return tuple(ResourceChange(thing, names[thing]) for thing in sorted(things, key=sort_key))
