"""Reader of .xlsx workbooks: XML to grids, without evaluating formulas or following links.

It is no general reader: values, formulas (which are told, their cached values never looked at),
what is hidden and what is merged is all that a submission needs. Memory follows the cells that
hold something, not the rows that are formatted.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from coprod_kg.errors import Unreadable, UnsupportedMedia
from coprod_kg.workbook.grid import CellKind, Grid, GridCell, visible
from coprod_kg.workbook.markup import Handlers, parse, unescaped, whole
from coprod_kg.workbook.package import Package, Relation, content_types, main_part, relations
from coprod_kg.workbook.sheet_xml import Formats, NumberDisplay, SheetReader, shown_by

__all__ = ["Book", "is_workbook", "read_book"]

_MACROS: Final = "application/vnd.ms-office.vbaproject"
_STRINGS_MOST: Final = 128 * 2**20
_PART_MOST: Final = 16 * 2**20
_MOST_SHEETS: Final = 255
_LONGEST_ROW: Final = 2**22
# Taken out before the parser sees them: a million formatted empty rows would cost it minutes.
_EMPTY: Final = re.compile(
    rb'<c r="[A-Z]{1,3}\d+"(?: [a-zA-Z]+="[^"<>]*")*\s*/>'
    rb'|<row r="\d+"(?: [a-zA-Z0-9:]+="[^"<>]*")*\s*(?:/>|>\s*</row>)'
)


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook as it stands in its file.

    Attributes:
        grids: its sheets, in order.
        links: whether it links to other workbooks.
    """

    grids: tuple[Grid, ...]
    links: bool = False


def is_workbook(package: Package) -> bool:
    """Whether an archive is a workbook that is read here."""
    part = main_part(package)
    kind = content_types(package, [part])[part] if part else ""
    return "spreadsheetml" in kind or part == "xl/workbook.xml"


def read_book(package: Package, skip: frozenset[str] = frozenset()) -> Book:
    """Read every sheet.

    Args:
        package: the archive.
        skip: names of sheets that are not read, in small letters.

    Raises:
        Unreadable: a part is missing or no XML.
        UnsupportedMedia: it holds macros.
    """
    _refuse_macros(package)
    workbook = main_part(package) or ""
    described = _Described()
    _parse(package, workbook, described.handlers())
    targets = relations(package, workbook)
    if len(described.sheets) > _MOST_SHEETS:
        raise _not_whole(package, "it has more than 255 sheets")
    parts = {relation.kind: relation.path for relation in targets.values()}
    folder = posixpath.dirname(workbook)
    formats = Formats(
        _strings(package, parts.get("sharedStrings", f"{folder}/sharedStrings.xml")),
        _shown(package, parts.get("styles", f"{folder}/styles.xml")),
        described.since_1904,
    )
    grids = []
    for name, state, identifier in described.sheets:
        part = targets.get(identifier, Relation("", ""))
        if name.strip().lower() in skip or part.kind in ("chartsheet", "dialogsheet"):
            continue
        if part.path not in package.members:
            raise _not_whole(package, f"the sheet {name!r} is not in the file")
        grids.append(_grid(package, part.path, SheetReader(name, state != "visible", formats)))
    linked = "externalLink" in parts or any(
        "externalLinks/" in member for member in package.members
    )
    return Book(tuple(grids), linked)


def _grid(package: Package, path: str, reader: SheetReader) -> Grid:
    parse(_without_empty(package.chunks(path)), reader.handlers(), f"{package.name}, {path}")
    return reader.grid()


def _without_empty(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The XML without cells and rows that are formatted and empty, which may be millions."""
    kept = b""
    for chunk in chunks:
        kept += chunk
        cut = kept.rfind(b"<row ")
        if cut <= 0 and len(kept) > _LONGEST_ROW:
            yield kept
            kept = b""
        elif cut > 0:
            yield _EMPTY.sub(b"", _EMPTY.sub(b"", kept[:cut]))
            kept = kept[cut:]
    yield kept


class _Described:
    """The content of ``workbook.xml``: the sheets, and the day that dates are counted from."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, str]] = []
        self.since_1904 = False

    def handlers(self) -> Handlers:
        return self._start, _nothing, _nothing

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            relation = next((v for k, v in attributes.items() if k.endswith(":id")), "")
            state = attributes.get("state", "visible")
            self.sheets.append((attributes.get("name", ""), state, relation))
        elif name == "workbookPr":
            self.since_1904 = attributes.get("date1904") in ("1", "true", "on")


def _strings(package: Package, path: str) -> list[GridCell]:
    """The shared strings, each as the one cell that every use of it shares."""
    cells: list[GridCell] = []
    parts: list[str] = []
    inside = {"t": False, "rPh": False}

    def start(name: str, _: dict[str, str]) -> None:
        if name in inside:
            inside[name] = True

    def end(name: str) -> None:
        if name in inside:
            inside[name] = False
        elif name == "si":
            cells.append(GridCell(CellKind.TEXT, visible(unescaped("".join(parts)))))
            parts.clear()

    def text(data: str) -> None:
        if inside["t"] and not inside["rPh"]:
            parts.append(data)

    if path in package.members:
        if package.members[path].file_size > _STRINGS_MOST:
            raise _not_whole(package, "its texts have more than 128 MB")
        parse(package.chunks(path), (start, end, text), f"{package.name}, {path}")
    return cells


def _shown(package: Package, path: str) -> list[NumberDisplay]:
    """Style → how it shows a number."""
    codes: dict[int, str] = {}
    numbers: list[int] = []
    inside = {"cellXfs": False}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            codes[whole(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            inside[name] = True
        elif name == "xf" and inside["cellXfs"]:
            numbers.append(whole(attributes.get("numFmtId")))

    def end(name: str) -> None:
        if name == "cellXfs":
            inside[name] = False

    if path in package.members:
        _parse(package, path, (start, end, _nothing))
    return [shown_by(number, codes.get(number)) for number in numbers]


def _parse(package: Package, path: str, handlers: Handlers) -> None:
    if path not in package.members:
        raise _not_whole(package, f"this is no whole workbook: {path} is not in it")
    parse([package.read(path, _PART_MOST)], handlers, f"{package.name}, {path}")


def _not_whole(package: Package, what: str) -> Unreadable:
    return Unreadable(
        what,
        where=package.name,
        fix="Start from the template, or save the file again as .xlsx.",
    )


def _refuse_macros(package: Package) -> None:
    """Refuse what holds a program, by the types of the parts that are there.

    A type that is declared for an ending that no part has says nothing: SheetJS always does so.
    """
    kinds = content_types(package, package.members)
    if any("macroenabled" in kind or kind == _MACROS for kind in kinds.values()) or any(
        "vbaproject" in path.lower() for path in package.members
    ):
        raise UnsupportedMedia(
            "the workbook holds macros (programs), and none is taken or run here",
            where=package.name,
            fix="Save it as an Excel workbook without macros (.xlsx).",
        )


def _nothing(*_: object) -> None:
    """Take no notice."""
