"""Sheets and columns of the workbook as values; `coprod_kg.workbook.sheets` makes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from coprod_kg.model.namespaces import expand
from coprod_kg.workbook.concepts import Choices, plain

__all__ = [
    "EXAMPLE",
    "EXPLANATIONS",
    "IDENTIFIER",
    "LABEL",
    "LANGUAGE",
    "LISTS",
    "MENDING",
    "README",
    "TEXT_LANGUAGE",
    "ColumnKind",
    "Sheet",
    "SheetColumn",
    "Sheets",
    "is_called",
]

_FILE: Final = re.compile(r"\.(?:[ct]sv|txt)$", re.IGNORECASE)
README: Final = "Read me"
LISTS: Final = "Lists"
EXPLANATIONS: Final = "Explanations"
MENDING: Final = "To mend"
"""The sheets that hold no data."""
EXAMPLE: Final = "EXAMPLE"
"""What stands in the first cell of the example row."""
TEXT_LANGUAGE: Final = "Language of your texts"
"""What stands on the read-me sheet before the language of the workbook."""
IDENTIFIER: Final = "Identifier"
LANGUAGE: Final = "Language"
LABEL: Final = expand("rdfs:label")


def is_called(name: str, title: str) -> bool:
    """Whether a sheet or file is called by a title, as the programs name files of single sheets.

    Google Sheets writes ``Book - Sheet.csv``, LibreOffice ``Book-Sheet.csv`` and Numbers
    ``Sheet-Table 1.csv``, in the language of the program.

    >>> is_called("My - Evidence.CSV", "Evidence"), is_called("Evidence-Tabelle 1.csv", "Evidence")
    (True, True)
    >>> is_called("Our Evidence", "Evidence"), is_called("To mend_", "To mend")
    (False, True)
    """
    stem, key = _FILE.sub("", name), plain(title)
    file_key = plain(stem)
    if file_key == key or stem == name:
        return file_key == key
    return file_key.endswith(f" {key}") or bool(
        re.fullmatch(rf"{re.escape(key)} \w+ \d+", file_key)
    )


class ColumnKind(StrEnum):
    """The kind of values in a column."""

    IDENTIFIER = "identifier"
    TEXT = "text"
    CHOICE = "choice"
    THING = "thing"
    LINK = "link"
    DATE = "date"
    NUMBER = "number"
    YES_OR_NO = "yes or no"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """One column of a sheet.

    Attributes:
        header: its header.
        path: IRI of the property, or None for the identifier and the language.
        holds: the kind of values in its cells.
        note: its meaning, in plain words.
        required: whether a row is refused without it.
        many: whether a cell may hold several values.
        choices: the concepts that may stand in it.
        kinds: the kinds of thing that may stand in it.
        datatype: IRI of the datatype of a number, or of a text that is in no language.
        other_headers: headers that are accepted for it, too.
    """

    header: str
    path: str | None
    holds: ColumnKind
    note: str = ""
    required: bool = False
    many: bool = False
    choices: Choices | None = None
    kinds: tuple[str, ...] = ()
    datatype: str | None = None
    other_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet.

    Attributes:
        title: its name.
        singular: what a row is about, in the singular.
        kind: the kind in the IRIs of its things.
        types: the classes of its things.
        purpose: what belongs in it.
        columns: its columns, in order.
        named: whether its things have names of their own, by which other sheets refer to them.
        open: whether a name that stands elsewhere need not stand here.
        key: properties from whose values an identifier is made where none is given.
        also: property → a further class of each thing with that property.
        example: property → the value in the example row.
    """

    title: str
    singular: str
    kind: str
    types: tuple[str, ...]
    purpose: str
    columns: tuple[SheetColumn, ...]
    named: bool
    open: bool
    key: tuple[str, ...]
    also: Mapping[str, str]
    example: Mapping[str, str]

    @property
    def file_name(self) -> str:
        """The name of its CSV file."""
        return f"{self.title.lower().replace(' ', '-')}.csv"


@dataclass(frozen=True)
class Sheets:
    """The whole workbook.

    Attributes:
        members: its sheets, in order.
        choices: the lists that its columns choose from, by name.
    """

    members: tuple[Sheet, ...]
    choices: Mapping[str, Choices]

    def find(self, name: str) -> Sheet | None:
        """The sheet of a name, whatever its capitals, spaces or what a program adds to it."""
        return next(
            (
                member
                for member in self.members
                if is_called(name, member.title) or is_called(name, member.kind)
            ),
            None,
        )

    def of_kind(self, kind: str) -> Sheet:
        """The sheet of a kind of thing."""
        return next(member for member in self.members if member.kind == kind)
