"""Builds small workbooks and CSV files, whole and broken, from plain tables; it reads none."""

import csv
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO, StringIO
from types import MappingProxyType

import pyoxigraph as ox
from openpyxl import Workbook

from coprod_kg.workbook import tables
from coprod_kg.workbook.sheets import sheets
from coprod_kg.workbook.tables import TableRead

_INLINE = re.compile(r'<c (r="[A-Z0-9]+"[^>]*?) t="inlineStr"><is><t[^>]*>([^<]*)</t></is></c>')
BASE = "https://w3id.org/coprod/"
CP = "https://w3id.org/coprod/ontology#"
Table = list[list[object]]
Tables = dict[str, Table]


def small() -> Tables:
    """The smallest workbook with a bit of everything, without a fault."""
    return {
        "Organisations": [
            ["Identifier", "Name", "Country", "Homepage"],
            ["sampleby", "Sampleby", "Denmark", "https://example.org/"],
        ],
        "Initiatives": [
            ["Identifier", "Name", "Run by", "Sector", "Start", "Target stage"],
            ["cafe", "Memory café", "Sampleby", "Health", "2019-09", None],
        ],
        "Stage assessments": [
            ["Identifier", "About", "Stage", "Claimed by", "Basis of the claim", "From"],
            [None, "Memory café", "Pilot project", "Home care team", "Self-claim", 2019],
        ],
        "Barrier reports": [
            ["About", "Barrier", "Claimed by", "Basis of the claim", "Overcome without an enabler"],
            ["Memory café", "Lack of time", "Home care team", "Self-claim", "no"],
        ],
        "Evidence": [
            ["Name", "Kind of evidence", "Page", "Date of issue"],
            ["Evaluation", "evaluation-report", "https://example.org/e", "2021"],
        ],
    }


def changed(sheet: str, cell: str, value: object) -> Tables:
    """The small workbook with another value in one cell."""
    made = small()
    column, row = ord(cell[0]) - 65, int(cell[1:]) - 1
    table = made[sheet]
    while len(table) <= row:
        table.append([None] * len(table[0]))
    table[row] += [None] * (column + 1 - len(table[row]))
    table[row][column] = value
    return made


def book(content: Tables) -> Workbook:
    """The tables as a workbook of openpyxl."""
    made = Workbook()
    made.remove(made.worksheets[0])
    for title, table in content.items():
        sheet = made.create_sheet(title)
        for row in table:
            sheet.append(row)
    return made


def saved(made: Workbook) -> bytes:
    """The bytes of a workbook."""
    buffer = BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def xlsx(content: Tables) -> bytes:
    """The tables as the bytes of a workbook."""
    return saved(book(content))


def with_parts(
    content: bytes,
    change: Callable[[str, bytes], bytes] = lambda _, part: part,
    more: Mapping[str, bytes] = MappingProxyType({}),
) -> bytes:
    """A workbook with its parts changed, and parts added."""
    buffer = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(content)) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
        for name, part in more.items():
            target.writestr(name, part)
    return buffer.getvalue()


def with_shared_strings(content: bytes) -> bytes:
    """A workbook as Excel writes it: its texts in one part, some of them in several runs."""
    texts: list[str] = []

    def share(found: re.Match[str]) -> str:
        texts.append(found[2])
        return f'<c {found[1]} t="s"><v>{len(texts) - 1}</v></c>'

    def change(name: str, part: bytes) -> bytes:
        if "worksheets/" not in name:
            return part
        return _INLINE.sub(share, part.decode()).encode()

    changed = with_parts(content, change)
    items = "".join(
        f"<si><r><t>{text[:1]}</t></r><r><rPr><b/></rPr><t xml:space='preserve'>{text[1:]}</t></r>"
        "<rPh sb='0' eb='1'><t>never read</t></rPh></si>"
        for text in texts
    )
    return with_parts(changed, more={"xl/sharedStrings.xml": f"<sst>{items}</sst>".encode()})


def csv_files(content: Tables, separator: str = ",", encoding: str = "utf-8") -> dict[str, bytes]:
    """The tables as CSV files."""
    return {
        f"{title.lower().replace(' ', '-')}.csv": csv_file(table, separator, encoding)
        for title, table in content.items()
    }


def csv_file(
    table: Sequence[Sequence[object]], separator: str = ",", encoding: str = "utf-8"
) -> bytes:
    """One table as a CSV file."""
    buffer = StringIO(newline="")
    writer = csv.writer(buffer, delimiter=separator)
    writer.writerows([["" if cell is None else cell for cell in row] for row in table])
    return buffer.getvalue().encode(encoding)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files in a zip."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def read(content: bytes | Tables, name: str = "data.xlsx") -> TableRead:
    """What is read from a file, or from tables as a workbook."""
    content = xlsx(content) if isinstance(content, dict) else content
    return tables.read(content, name, sheets(), BASE)


def told(made: TableRead) -> list[tuple[str, str, str | None]]:
    """The findings as fault, sheet and cell."""
    return [(str(one.fault), one.place.sheet, one.place.cell) for one in made.findings]


def values(made: TableRead, thing: str, path: str) -> Iterator[str]:
    """What is said of a thing: texts, and IRIs without their beginning."""
    subject = ox.NamedNode(f"{BASE}id/{thing}")
    for one in made.triples:
        if one.subject == subject and one.predicate == ox.NamedNode(path):
            yield str(one.object)
