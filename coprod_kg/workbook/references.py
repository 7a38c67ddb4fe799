"""Register of the resources in a workbook, which rows refer to by identifier or name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from coprod_kg.validation.report import Severity
from coprod_kg.workbook.cells import other_separator, text_and_language
from coprod_kg.workbook.columns import SheetColumn, Sheets
from coprod_kg.workbook.concepts import near, plain
from coprod_kg.workbook.findings import CellProblem
from coprod_kg.workbook.identifiers import SLUG, scoped, slug
from coprod_kg.workbook.sentences import Slot
from coprod_kg.workbook.words import is_placeholder

__all__ = ["Register", "Thing"]

_PATH: Final = re.compile(r"<?(?:id/)?([a-z-]+)/([a-z0-9-]+)>?")
_MOST_SEARCHES: Final = 300
"""So many texts are compared with all names for suggestions: that is slow in a large workbook."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing by its kind and the last part of its IRI."""

    kind: str
    slug: str


@dataclass
class Register:
    """The things of one workbook.

    Attributes:
        sheets: the sheets of the template.
        base_iri: where data lives.
        scope: the organisation whose workbook it is.
    """

    sheets: Sheets
    base_iri: str
    scope: str = ""
    _identifiers: dict[str, dict[str, Thing]] = field(default_factory=dict)
    """Kind → folded identifier → the thing; folded is what `concepts.plain` makes of a text."""
    _names: dict[str, dict[str, list[Thing]]] = field(default_factory=dict)
    """Kind → folded name → the things of that name: two make it ambiguous."""
    _shown: dict[str, dict[str, str]] = field(default_factory=dict)
    """Kind → folded name → the name as it was written, for suggestions."""
    _first: dict[Thing, str] = field(default_factory=dict)
    _searches: int = 0
    _remembered: dict[tuple[str, tuple[str, ...]], tuple[Thing | None, CellProblem | None]] = field(
        default_factory=dict
    )
    """What `resolve` gave for a text and the kinds of its column; forgotten when a thing comes."""

    def add(self, thing: Thing, names: Iterable[str]) -> None:
        """Register a thing under its identifier and its names."""
        self._remembered.clear()
        self._identifiers.setdefault(thing.kind, {})[plain(thing.slug)] = thing
        for name in names:
            key = plain(text_and_language(name, "")[0])
            known = self._names.setdefault(thing.kind, {}).setdefault(key, [])
            if key and thing not in known:
                known.append(thing)
                self._first.setdefault(thing, text_and_language(name, "")[0])
                self._shown.setdefault(thing.kind, {})[key] = name.strip()

    def iri(self, thing: Thing) -> str:
        """The IRI of a thing."""
        return f"{self.base_iri}id/{thing.kind}/{thing.slug}"

    def name_of(self, thing: Thing) -> str | None:
        """The first name of a thing here, or None."""
        return self._first.get(thing)

    def finds(self, text: str, kinds: tuple[str, ...]) -> bool:
        """Whether a text as a whole names something here."""
        return bool(self._found(text, kinds))

    def resolve(self, text: str, column: SheetColumn) -> tuple[Thing | None, CellProblem | None]:
        """The thing that a text in a column means, and what is to be said of it."""
        key = text, column.kinds
        if key not in self._remembered:
            self._remembered[key] = self._resolved(text, column)
        return self._remembered[key]

    def _resolved(self, text: str, column: SheetColumn) -> tuple[Thing | None, CellProblem | None]:
        found = self._found(text, column.kinds)
        if len(found) == 1:
            return found[0], None
        if found:
            names = tuple(f"{thing.kind}/{thing.slug}" for thing in found)
            slots: dict[str, Slot] = {"value": text[:60], "identifiers": names}
            return None, CellProblem("ambiguous-name.reference", slots, permitted=names)
        outside = self._outside(text)
        if outside and outside.kind in column.kinds:
            return outside, None
        if is_placeholder(text):
            return None, CellProblem("placeholder.name", {"value": text[:60]})
        several = other_separator(text, lambda part: self.finds(part, column.kinds), column)
        if several:
            return None, several
        return self._taken_up(text, column, self._close(text, column.kinds))

    def _close(self, text: str, kinds: Iterable[str]) -> list[str]:
        """The names and identifiers most like a text; of the first few hundred texts only."""
        if self._searches >= _MOST_SEARCHES:
            return []
        self._searches += 1
        shown: dict[str, str] = {}
        for kind in kinds:
            shown |= {key: thing.slug for key, thing in self._identifiers.get(kind, {}).items()}
            shown |= self._shown.get(kind, {})
        return [shown[name] for name in near(plain(text), shown)]

    def _longer(self, text: str, kinds: Iterable[str]) -> list[str]:
        """The names that begin with a text: "Sampleby" for "Sampleby Municipality"."""
        start = f"{plain(text)} "
        shown = (item for kind in kinds for item in self._shown.get(kind, {}).items())
        return sorted({name for key, name in shown if key.startswith(start)})[:3]

    def _taken_up(
        self, text: str, column: SheetColumn, close: list[str]
    ) -> tuple[Thing | None, CellProblem | None]:
        """A new resource, where its kind needs no row of its own; else what is wrong."""
        kind = next(
            (open_kind for open_kind in column.kinds if self.sheets.of_kind(open_kind).open), None
        )
        if kind is None or self._outside(text):
            return None, self._unknown(text, column, close)
        told = None
        if close:
            slots: dict[str, Slot] = {"value": text[:60], "names": tuple(close), "meant": close[0]}
            told = CellProblem("near-name", slots, severity=Severity.WARNING)
        return Thing(kind, scoped(self.scope, slug(text_and_language(text, "")[0]))), told

    def _unknown(self, text: str, column: SheetColumn, close: list[str]) -> CellProblem:
        close = close or self._longer(text, column.kinds)
        return CellProblem(
            "unknown-name",
            {
                "value": text[:60],
                "sheets": tuple(self.sheets.of_kind(kind).title for kind in column.kinds),
                "kind": column.kinds[0],
                "meant": tuple(close),
            },
            "meant" if close else "",
        )

    def _found(self, text: str, kinds: Iterable[str]) -> list[Thing]:
        """The things of the workbook that a text names: by identifier, else by name, else IRI."""
        key = plain(text_and_language(text, "")[0])
        exact = [
            self._identifiers[kind][key] for kind in kinds if key in self._identifiers.get(kind, {})
        ]
        if exact:
            return exact
        named = [thing for kind in kinds for thing in self._names.get(kind, {}).get(key, [])]
        if named:
            return named
        outside = self._outside(text)
        here = outside and self._identifiers.get(outside.kind, {}).get(plain(outside.slug))
        return [here] if here and here.kind in kinds else []

    def _outside(self, text: str) -> Thing | None:
        """The thing that an IRI or ``kind/slug`` names, which no row need describe; else None."""
        found = _PATH.fullmatch(text.strip().replace(self.base_iri, ""))
        kinds = {member.kind for member in self.sheets.members}
        if found and found[1] in kinds and SLUG.fullmatch(found[2]):
            return Thing(found[1], found[2])
        return None
