"""Reader of .xlsx workbooks: XML to grids, without evaluating formulas or following links.

It reads what a submission needs: values, formulas (as text, without their cached values), and which
cells are hidden or merged. Memory grows with the cells that have content, not with formatted rows.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from coprod_kg.errors import Unreadable, UnsupportedMedia
from coprod_kg.workbook.grid import CellKind, Grid, GridCell, visible
from coprod_kg.workbook.markup import Handlers, parse, unescaped, whole_number
from coprod_kg.workbook.package import Package, Relation, content_types, main_part, relations
from coprod_kg.workbook.sheet_xml import Formats, NumberDisplay, SheetReader, display_of

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
    contents = _WorkbookXml()
    _parse(package, workbook, contents.handlers())
    targets = relations(package, workbook)
    if len(contents.sheets) > _MOST_SHEETS:
        raise _incomplete(package, "it has more than 255 sheets")
    parts = {relation.kind: relation.path for relation in targets.values()}
    folder = posixpath.dirname(workbook)
    formats = Formats(
        _strings(package, parts.get("sharedStrings", f"{folder}/sharedStrings.xml")),
        _displays(package, parts.get("styles", f"{folder}/styles.xml")),
        contents.since_1904,
    )
    grids = []
    for name, state, identifier in contents.sheets:
        part = targets.get(identifier, Relation("", ""))
        if name.strip().lower() in skip or part.kind in ("chartsheet", "dialogsheet"):
            continue
        if part.path not in package.members:
            raise _incomplete(package, f"the sheet {name!r} is not in the file")
        grids.append(_grid(package, part.path, SheetReader(name, state != "visible", formats)))
    has_links = "externalLink" in parts or any(
        "externalLinks/" in member for member in package.members
    )
    return Book(tuple(grids), has_links)


def _grid(package: Package, path: str, reader: SheetReader) -> Grid:
    parse(_without_empty(package.chunks(path)), reader.handlers(), f"{package.name}, {path}")
    return reader.grid()


def _without_empty(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The XML without cells and rows that are formatted and empty, which may be millions."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        cut = buffer.rfind(b"<row ")
        if cut <= 0 and len(buffer) > _LONGEST_ROW:
            yield buffer
            buffer = b""
        elif cut > 0:
            yield _EMPTY.sub(b"", _EMPTY.sub(b"", buffer[:cut]))
            buffer = buffer[cut:]
    yield buffer


class _WorkbookXml:
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
            raise _incomplete(package, "its texts have more than 128 MB")
        parse(package.chunks(path), (start, end, text), f"{package.name}, {path}")
    return cells


def _displays(package: Package, path: str) -> list[NumberDisplay]:
    """Style → how it shows a number."""
    codes: dict[int, str] = {}
    numbers: list[int] = []
    inside = {"cellXfs": False}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            codes[whole_number(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            inside[name] = True
        elif name == "xf" and inside["cellXfs"]:
            numbers.append(whole_number(attributes.get("numFmtId")))

    def end(name: str) -> None:
        if name == "cellXfs":
            inside[name] = False

    if path in package.members:
        _parse(package, path, (start, end, _nothing))
    return [display_of(number, codes.get(number)) for number in numbers]


def _parse(package: Package, path: str, handlers: Handlers) -> None:
    if path not in package.members:
        raise _incomplete(package, f"this is no whole workbook: {path} is not in it")
    parse([package.read(path, _PART_MOST)], handlers, f"{package.name}, {path}")


def _incomplete(package: Package, reason: str) -> Unreadable:
    return Unreadable(
        reason,
        where=package.name,
        fix="Start from the template, or save the file again as .xlsx.",
    )


def _refuse_macros(package: Package) -> None:
    """Refuse what holds a program, by the types of the parts that are there.

    SheetJS always declares the type of macros for an ending that no part has; that is no macro.
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
