"""Register of the resources in a workbook, which rows refer to by identifier or name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from coprod_kg.model.namespaces import SLUG
from coprod_kg.validation.report import Severity
from coprod_kg.workbook.cells import other_separator, text_and_language
from coprod_kg.workbook.columns import SheetColumn, Sheets
from coprod_kg.workbook.concepts import near, plain
from coprod_kg.workbook.findings import CellProblem
from coprod_kg.workbook.identifiers import scoped, slug
from coprod_kg.workbook.sentences import Slot
from coprod_kg.workbook.words import is_placeholder

__all__ = ["Register", "Thing"]

_PATH: Final = re.compile(r"<?(?:id/)?([a-z-]+)/([a-z0-9-]+)>?")
_MOST_SEARCHES: Final = 300
"""The most texts for which near names are suggested: each is compared with all names."""


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
    _written_names: dict[str, dict[str, str]] = field(default_factory=dict)
    """Kind → folded name → the name as it was written, for suggestions."""
    _first_names: dict[Thing, str] = field(default_factory=dict)
    _searches: int = 0
    _resolved_texts: dict[tuple[str, tuple[str, ...]], tuple[Thing | None, CellProblem | None]] = (
        field(default_factory=dict)
    )
    """Cache of `resolve` by text and kinds of the column; cleared when a thing is added."""

    def add(self, thing: Thing, names: Iterable[str]) -> None:
        """Register a thing under its identifier and its names."""
        self._resolved_texts.clear()
        self._identifiers.setdefault(thing.kind, {})[plain(thing.slug)] = thing
        for name in names:
            key = plain(text_and_language(name, "")[0])
            things = self._names.setdefault(thing.kind, {}).setdefault(key, [])
            if key and thing not in things:
                things.append(thing)
                self._first_names.setdefault(thing, text_and_language(name, "")[0])
                self._written_names.setdefault(thing.kind, {})[key] = name.strip()

    def iri(self, thing: Thing) -> str:
        """The IRI of a thing."""
        return f"{self.base_iri}id/{thing.kind}/{thing.slug}"

    def name_of(self, thing: Thing) -> str | None:
        """The first name of a thing here, or None."""
        return self._first_names.get(thing)

    def finds(self, text: str, kinds: tuple[str, ...]) -> bool:
        """Whether a text as a whole names something here."""
        return bool(self._find(text, kinds))

    def resolve(self, text: str, column: SheetColumn) -> tuple[Thing | None, CellProblem | None]:
        """The thing that a text in a column means, or the problem with it; both for a near miss."""
        key = text, column.kinds
        if key not in self._resolved_texts:
            self._resolved_texts[key] = self._resolve_anew(text, column)
        return self._resolved_texts[key]

    def _resolve_anew(
        self, text: str, column: SheetColumn
    ) -> tuple[Thing | None, CellProblem | None]:
        things = self._find(text, column.kinds)
        if len(things) == 1:
            return things[0], None
        if things:
            names = tuple(f"{thing.kind}/{thing.slug}" for thing in things)
            slots: dict[str, Slot] = {"value": text[:60], "identifiers": names}
            return None, CellProblem("ambiguous-name.reference", slots, permitted=names)
        by_iri = self._thing_by_iri(text)
        if by_iri and by_iri.kind in column.kinds:
            return by_iri, None
        if is_placeholder(text):
            return None, CellProblem("placeholder.name", {"value": text[:60]})
        problem = other_separator(text, lambda part: self.finds(part, column.kinds), column)
        if problem:
            return None, problem
        return self._new_thing(text, column, self._close_names(text, column.kinds))

    def _close_names(self, text: str, kinds: Iterable[str]) -> list[str]:
        """The names and identifiers most like a text; of the first few hundred texts only."""
        if self._searches >= _MOST_SEARCHES:
            return []
        self._searches += 1
        names: dict[str, str] = {}
        for kind in kinds:
            names |= {key: thing.slug for key, thing in self._identifiers.get(kind, {}).items()}
            names |= self._written_names.get(kind, {})
        return [names[name] for name in near(plain(text), names)]

    def _longer_names(self, text: str, kinds: Iterable[str]) -> list[str]:
        """The names that begin with a text: "Sampleby" for "Sampleby Municipality"."""
        start = f"{plain(text)} "
        keys_and_names = (
            item for kind in kinds for item in self._written_names.get(kind, {}).items()
        )
        return sorted({name for key, name in keys_and_names if key.startswith(start)})[:3]

    def _new_thing(
        self, text: str, column: SheetColumn, close: list[str]
    ) -> tuple[Thing | None, CellProblem | None]:
        """A new resource, where its kind needs no row of its own; else the problem."""
        kind = next(
            (open_kind for open_kind in column.kinds if self.sheets.of_kind(open_kind).open), None
        )
        if kind is None or self._thing_by_iri(text):
            return None, self._unknown(text, column, close)
        problem = None
        if close:
            slots: dict[str, Slot] = {"value": text[:60], "names": tuple(close), "meant": close[0]}
            problem = CellProblem("near-name", slots, severity=Severity.WARNING)
        return Thing(kind, scoped(self.scope, slug(text_and_language(text, "")[0]))), problem

    def _unknown(self, text: str, column: SheetColumn, close: list[str]) -> CellProblem:
        close = close or self._longer_names(text, column.kinds)
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

    def _find(self, text: str, kinds: Iterable[str]) -> list[Thing]:
        """The things of the workbook that a text names: by identifier, else by name, else IRI."""
        key = plain(text_and_language(text, "")[0])
        by_identifier = [
            self._identifiers[kind][key] for kind in kinds if key in self._identifiers.get(kind, {})
        ]
        if by_identifier:
            return by_identifier
        by_name = [thing for kind in kinds for thing in self._names.get(kind, {}).get(key, [])]
        if by_name:
            return by_name
        by_iri = self._thing_by_iri(text)
        registered = by_iri and self._identifiers.get(by_iri.kind, {}).get(plain(by_iri.slug))
        return [registered] if registered and registered.kind in kinds else []

    def _thing_by_iri(self, text: str) -> Thing | None:
        """The thing that an IRI or ``kind/slug`` names, which no row need describe; else None."""
        match = _PATH.fullmatch(text.strip().replace(self.base_iri, ""))
        kinds = {member.kind for member in self.sheets.members}
        if match and match[1] in kinds and SLUG.fullmatch(match[2]):
            return Thing(match[1], match[2])
        return None
