"""Reader of tables: a workbook, a CSV file or a zip of them to statements with positions.

A fault in a cell is a `CellFinding`, a fault of the whole file an error of `coprod_kg.errors`. Like
`coprod_kg.ingest.rdf`, call it only in a process that may be lost: the bytes are untrusted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import Unreadable, UnsupportedMedia
from coprod_kg.validation.report import Severity
from coprod_kg.workbook.columns import (
    EXPLANATIONS,
    LISTS,
    MENDING,
    README,
    TEXT_LANGUAGE,
    Sheets,
    is_called,
)
from coprod_kg.workbook.concepts import near, plain
from coprod_kg.workbook.delimited import read_bundle, read_csv
from coprod_kg.workbook.entries import identified
from coprod_kg.workbook.findings import CellFinding, CellProblem, Place, Positions, letters
from coprod_kg.workbook.grid import Grid, GridCell
from coprod_kg.workbook.headers import (
    HeadedGrid,
    find_headers,
    known_headers,
    sheet_by_headers,
    sheet_warnings,
)
from coprod_kg.workbook.package import Package
from coprod_kg.workbook.references import Register
from coprod_kg.workbook.rows import row_statements
from coprod_kg.workbook.words import language_name, language_of, languages, without_placeholders
from coprod_kg.workbook.xlsx import is_workbook, read_book

__all__ = ["ENDINGS", "MEDIA_TYPES", "TableRead", "is_table", "read"]

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES: Final = (_XLSX, "text/csv", "text/tab-separated-values", "application/zip")
"""What HTTP calls the tables that are read."""
ENDINGS: Final = ("xlsx", "csv", "tsv", "zip")
"""How their file names end."""
_REFUSED: Final = {
    "xlsm": "a workbook with macros (.xlsm)",
    "xlsb": "a binary workbook (.xlsb)",
    "xls": "a workbook of Excel before 2007 (.xls)",
    "ods": "an OpenDocument workbook (.ods)",
    "numbers": "a Numbers document",
}
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC: Final = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
)
_SAVE_AS: Final = "Save it as an Excel workbook (.xlsx) or as CSV UTF-8."


@dataclass(frozen=True, slots=True)
class TableRead:
    """The result of reading a table.

    Attributes:
        triples: the statements.
        findings: what is wrong in the cells and sheets.
        positions: where each statement came from.
        rows: the number of rows with data.
        organisation: the organisation whose workbook it is, as far as it can be told, or "".
    """

    triples: tuple[ox.Triple, ...]
    findings: tuple[CellFinding, ...]
    positions: Positions
    rows: int
    organisation: str

    @property
    def refused(self) -> bool:
        """Whether a finding is so grave that nothing of it may be committed."""
        return any(finding.severity is Severity.VIOLATION for finding in self.findings)


@dataclass(frozen=True, slots=True)
class _Grids:
    """The sheets of a file with data, the findings on them, and the language of its texts."""

    grids: tuple[Grid, ...]
    findings: tuple[CellFinding, ...] = ()
    language: str = "en"


def is_table(name: str, stated: str | None = None) -> bool:
    """Whether a file is to be read as a table: by what was stated, else by its ending."""
    ending = PurePath(name).suffix.removeprefix(".").lower()
    format_name = (stated or ending).partition(";")[0].strip().lower()
    return format_name in (*MEDIA_TYPES, *ENDINGS, *_REFUSED)


def read(
    content: bytes, name: str, sheets: Sheets, base_iri: str, organisation: str | None = None
) -> TableRead:
    """Read a file.

    Args:
        content: its bytes.
        name: what it is called.
        sheets: the sheets of the template, of `coprod_kg.workbook.sheets.sheets`.
        base_iri: where data lives.
        organisation: whose data it is, where that was stated: the last part of the IRI.

    Raises:
        Unreadable: it is not what it should be.
        UnsupportedMedia: it is something that is not taken here.
        TooLarge: it is larger than a submission may be.
    """
    grids = _grids(content, name, sheets)
    headed_grids, findings = _recognise_sheets(grids.grids, sheets, name)
    findings = [*grids.findings, *findings]
    register = Register(sheets, base_iri)
    entries, row_findings = identified(headed_grids, register, organisation)
    if not entries:
        raise Unreadable(
            "there is not one row of data in it",
            where=name,
            fix="Fill in at least one row below the headers; the example row does not count.",
        )
    result = row_statements(headed_grids, entries, register, grids.language)
    all_findings = sorted([*findings, *row_findings, *result.findings], key=_order(headed_grids))
    return TableRead(
        tuple(dict.fromkeys(result.triples)),
        tuple(finding.in_language(result.language) for finding in all_findings),
        result.positions(headed_grids),
        len(entries),
        register.scope,
    )


def _order(headed_grids: Sequence[HeadedGrid]) -> Callable[[CellFinding], tuple[int, int, str]]:
    """The key that sorts findings by sheet, row and column (A before AA, so by length first)."""
    places = {table.grid.name: number for number, table in enumerate(headed_grids)}
    return lambda finding: (
        places.get(finding.place.sheet, -1),
        finding.place.row or 0,
        (finding.place.cell or "").rjust(10),
    )


def _grids(content: bytes, name: str, sheets: Sheets) -> _Grids:
    """The grids of a file, whatever it is packed in."""
    headers = known_headers(sheets)

    def score(fields: list[str]) -> int:
        return sum(plain(text.strip().rstrip("*")) in headers for text in fields)

    ending = PurePath(name).suffix.removeprefix(".").lower()
    _refuse_others(content, name, ending)
    if not content.startswith(b"PK"):
        if ending in ("xlsx", "zip"):
            raise Unreadable(
                f"the name ends with .{ending}, but this is not one", where=name, fix=_SAVE_AS
            )
        return _Grids((read_csv(content, PurePath(name).name, score),))
    package = Package.opened(content, name)
    if is_workbook(package):
        return _of_book(package)
    _refuse_other_packages(package, name)
    if ending in ("csv", "tsv"):
        raise Unreadable(
            f"the name ends with .{ending}, but this is a zip archive",
            where=name,
            fix="Unpack it, or name it .zip.",
        )
    bundle = read_bundle(package, score)
    return _with_data(
        bundle.grids,
        [
            CellFinding(CellProblem("file-not-read", severity=Severity.WARNING), Place(path))
            for path in bundle.unread
            if not is_called(path, README)
        ],
    )


def _of_book(package: Package) -> _Grids:
    book = read_book(package, frozenset({LISTS.lower(), EXPLANATIONS.lower()}))
    findings = []
    if book.links:
        problem = CellProblem("external-links", severity=Severity.WARNING)
        findings.append(CellFinding(problem, Place(package.name)))
    return _with_data(book.grids, findings)


def _with_data(all_grids: Sequence[Grid], findings: list[CellFinding]) -> _Grids:
    """The grids with data, and the language that the read-me sheet names."""
    language = "en"
    grids: list[Grid] = []
    for grid in all_grids:
        if is_called(grid.name, README):
            language, language_findings = _text_language(grid)
            findings += language_findings
        elif not any(
            is_called(grid.name.rstrip("_"), title) for title in (LISTS, EXPLANATIONS, MENDING)
        ):
            grids.append(grid)
    return _Grids(tuple(grids), tuple(findings), language)


def _text_language(grid: Grid) -> tuple[str, list[CellFinding]]:
    """The language that the read-me sheet names, and a finding where it is not a tag."""
    for row in grid.rows:
        cells = [(column, cell) for column, cell in sorted(row.cells.items()) if cell.text.strip()]
        if len(cells) > 1 and plain(cells[0][1].text).startswith(plain(TEXT_LANGUAGE)):
            column, cell = cells[1]
            tag = language_of(cell.text)
            if tag == cell.text.strip().lower():
                return tag, []
            place = Place(grid.name, row.number, TEXT_LANGUAGE, f"{letters(column)}{row.number}")
            return tag or "en", [_language_finding(cell, tag, place)]
    return "en", []


def _language_finding(cell: GridCell, tag: str | None, place: Place) -> CellFinding:
    if tag:
        slots = {"language": language_name(tag), "tag": tag}
        problem = CellProblem("read-as.language", slots, severity=Severity.INFO)
    else:
        slots = {"value": cell.text.strip()[:40], "tags": ", ".join(languages()[:4])}
        problem = CellProblem("unknown-language", slots)
    return CellFinding(problem, place, cell.text[:200])


def _recognise_sheets(
    grids: Sequence[Grid], sheets: Sheets, name: str
) -> tuple[list[HeadedGrid], list[CellFinding]]:
    """The grids that are sheets of the template, and the findings on all grids."""
    headed_grids: list[HeadedGrid] = []
    findings: list[CellFinding] = []
    sheet_by_name = {grid.name: sheets.find(grid.name) for grid in grids}
    for grid in grids:
        # One under another name is known by its headers, unless a sheet has the right name.
        sheet = sheet_by_name[grid.name] or sheet_by_headers(grid, sheets)
        if sheet is None:
            findings += [_unknown_sheet(grid, sheets)] if grid.rows else []
        elif any(table.sheet is sheet for table in headed_grids) or (
            sheet in sheet_by_name.values() and sheet_by_name[grid.name] is None
        ):
            problem = CellProblem("repeated-sheet", {"sheet": sheet.title})
            findings.append(CellFinding(problem, Place(grid.name)))
        elif grid.rows:
            if sheet_by_name[grid.name] is None:
                slots = {"value": grid.name, "sheet": sheet.title}
                problem = CellProblem("read-as.sheet", slots, severity=Severity.INFO)
                findings.append(CellFinding(problem, Place(grid.name)))
            table, header_findings = find_headers(grid, sheet)
            table, placeholder_findings = without_placeholders(table)
            headed_grids.append(table)
            findings += [*header_findings, *sheet_warnings(table), *placeholder_findings]
    if not headed_grids:
        raise Unreadable(
            "it has none of the template's sheets",
            where=name,
            fix="Start from the template (coprod-kg template). Its sheets are: "
            + ", ".join(member.title for member in sheets.members)
            + ".",
        )
    return headed_grids, findings


def _unknown_sheet(grid: Grid, sheets: Sheets) -> CellFinding:
    titles = {plain(member.title): member.title for member in sheets.members}
    close = near(plain(PurePath(grid.name).stem if "." in grid.name else grid.name), titles)
    problem = CellProblem(
        "unknown-sheet",
        {"value": grid.name, "meant": titles[close[0]] if close else ""},
        "rename" if close else "",
        severity=Severity.VIOLATION if close else Severity.WARNING,
    )
    return CellFinding(problem, Place(grid.name))


def _refuse_others(content: bytes, name: str, ending: str) -> None:
    if not content.strip():
        raise Unreadable("the file is empty", where=name, fix="Send a file with data in it.")
    if content.startswith(_OLE):
        raise UnsupportedMedia(
            "this is a workbook protected by a password, or one of Excel before 2007 (.xls)",
            where=name,
            fix="Take the password off (File, Info, Protect workbook), and save it as .xlsx.",
        )
    kind = next((kind for magic, kind in _MAGIC if content.startswith(magic)), None)
    if kind:
        raise Unreadable(f"this is {kind}, not a table", where=name, fix=_SAVE_AS)
    if ending in _REFUSED:
        raise UnsupportedMedia(f"{_REFUSED[ending]} is not taken here", where=name, fix=_SAVE_AS)
    start = content[:300].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml", b"<table")):
        raise Unreadable("this is a web page or XML, not a table", where=name, fix=_SAVE_AS)


def _refuse_other_packages(package: Package, name: str) -> None:
    kinds = {"word/": "a Word document", "ppt/": "a presentation", "mimetype": _REFUSED["ods"]}
    for start, kind in kinds.items():
        if any(member.startswith(start) for member in package.members):
            raise UnsupportedMedia(f"this is {kind}, not a workbook", where=name, fix=_SAVE_AS)
    if package.members and any(member.startswith("xl/") for member in package.members):
        raise UnsupportedMedia(f"this is {_REFUSED['xlsb']}", where=name, fix=_SAVE_AS)
