"""Files that are hostile, odd or not what their name says are refused with a clear word."""

import os
import resource
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprod_kg.errors import (
    CoprodError,
    DataError,
    RequestError,
    TooLarge,
    Unreadable,
    UnsupportedMedia,
)
from tests.workbooks.building import (
    book,
    csv_file,
    csv_files,
    read,
    saved,
    small,
    told,
    with_parts,
    xlsx,
    zipped,
)

WHOLE = xlsx(small())
BOMB = b"0" * (64 * 2**20)
ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    b"<w>&b;</w>"
)


def in_part(wanted: str, content: bytes) -> bytes:
    return with_parts(xlsx(small()), lambda name, part: content if name == wanted else part)


def zip_bomb() -> bytes:
    return with_parts(xlsx(small()), more={"xl/media/big.bin": BOMB})


def many_files() -> bytes:
    return zipped({f"{number}.csv": b"" for number in range(3000)})


def entity_bomb() -> bytes:
    return with_parts(xlsx(small()), more={"xl/sharedStrings.xml": ENTITIES})


def entity_bomb_in_sheet() -> bytes:
    return in_part("xl/worksheets/sheet1.xml", ENTITIES)


def entity_bomb_in_workbook() -> bytes:
    return in_part("xl/workbook.xml", ENTITIES)


def broken_xml() -> bytes:
    return in_part("xl/worksheets/sheet2.xml", b"<worksheet><sheetData><row>")


def part_missing() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(BytesIO(xlsx(small()))) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            if name != "xl/worksheets/sheet1.xml":
                target.writestr(name, source.read(name))
    return buffer.getvalue()


def macros() -> bytes:
    return with_parts(xlsx(small()), more={"xl/vbaProject.bin": b"\0"})


def protected() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def cut_off() -> bytes:
    return xlsx(small())[:2000]


def word_document() -> bytes:
    return zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"})


def open_document() -> bytes:
    return zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"})


def traversal() -> bytes:
    return zipped({"../organisations.csv": b"Name\nx\n"})


def absolute() -> bytes:
    return zipped({"/etc/organisations.csv": b"Name\nx\n"})


def nested() -> bytes:
    return zipped({"inner.zip": zipped({"organisations.csv": b"Name\nx\n"})})


def damaged_member() -> bytes:
    content = bytearray(zipped({"organisations.csv": csv_file([["Name"], ["x" * 500]] * 50)}))
    content[60:90] = bytes(30)
    return bytes(content)


def html() -> bytes:
    return b"<html><table><tr><td>Name</td></tr></table></html>"


def pdf() -> bytes:
    return b"%PDF-1.7 ..."


def csv_text() -> bytes:
    return csv_file([["Name"], ["x"]])


def nul_bytes() -> bytes:
    return b"Name,Country\nA\0B,Denmark\n"


def two_encodings() -> bytes:
    return "Name,Country\nKøge,Denmark\n".encode() + "Århus,Denmark\n".encode("cp1252")


def undefined_byte() -> bytes:
    return b"Name,Country\n\x81\x8d,Denmark\n"


def unclosed_quote() -> bytes:
    return b'Name,Country\nA,Denmark\n"B,Denmark\nC,Denmark\n'


def half_quoted() -> bytes:
    return b'Name,Country\n"A"x,Denmark\n'


def empty() -> bytes:
    return b"  \n"


def only_headers() -> bytes:
    return xlsx({title: table[:1] for title, table in small().items()})


def no_known_sheet() -> bytes:
    return xlsx({"Sheet1": [["a"], ["b"]]})


Build = Callable[[], bytes]
FILES: list[tuple[Build, str, type[CoprodError], str]] = [
    (zip_bomb, "a.xlsx", TooLarge, "before it is inflated"),
    (many_files, "a.zip", TooLarge, "3000 files"),
    (entity_bomb, "a.xlsx", Unreadable, "DOCTYPE"),
    (entity_bomb_in_sheet, "a.xlsx", Unreadable, "DOCTYPE"),
    (entity_bomb_in_workbook, "a.xlsx", Unreadable, "DOCTYPE"),
    (broken_xml, "a.xlsx", Unreadable, "not XML"),
    (part_missing, "a.xlsx", Unreadable, "is not in the file"),
    (macros, "a.xlsx", UnsupportedMedia, "macros"),
    (macros, "a.xlsm", UnsupportedMedia, "macros"),
    (protected, "a.xlsx", UnsupportedMedia, "password"),
    (cut_off, "a.xlsx", Unreadable, "damaged"),
    (word_document, "a.xlsx", UnsupportedMedia, "Word document"),
    (open_document, "a.ods", UnsupportedMedia, "OpenDocument"),
    (open_document, "a.xlsx", UnsupportedMedia, "OpenDocument"),
    (traversal, "a.zip", Unreadable, "leads out of the archive"),
    (absolute, "a.zip", Unreadable, "leads out of the archive"),
    (nested, "a.zip", Unreadable, "holds another one"),
    (damaged_member, "a.zip", Unreadable, "damaged"),
    (html, "a.xlsx", Unreadable, "web page"),
    (html, "organisations.csv", Unreadable, "web page"),
    (pdf, "a.xlsx", Unreadable, "PDF"),
    (csv_text, "a.xlsx", Unreadable, "ends with .xlsx"),
    (csv_text, "a.zip", Unreadable, "ends with .zip"),
    (csv_text, "strange.csv", Unreadable, "none of the template's sheets"),
    (nul_bytes, "organisations.csv", Unreadable, "NUL byte"),
    (two_encodings, "organisations.csv", Unreadable, "two encodings"),
    (undefined_byte, "organisations.csv", Unreadable, "neither UTF-8 nor Windows-1252"),
    (unclosed_quote, "organisations.csv", Unreadable, "never closed"),
    (half_quoted, "organisations.csv", Unreadable, "no CSV"),
    (empty, "organisations.csv", Unreadable, "empty"),
    (only_headers, "a.xlsx", Unreadable, "not one row of data"),
    (no_known_sheet, "a.xlsx", Unreadable, "none of the template's sheets"),
]


@pytest.mark.parametrize(
    ("build", "name", "error", "words"), FILES, ids=[f"{one[0].__name__}-{one[1]}" for one in FILES]
)
def test_a_file_that_cannot_be_taken_is_refused_with_a_reason_and_a_way_out(
    build: Build, name: str, error: type[CoprodError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        read(build(), name)
    assert caught.value.fix
    assert caught.value.where


def test_the_line_of_a_quotation_mark_that_is_never_closed_is_told() -> None:
    with pytest.raises(Unreadable) as caught:
        read(unclosed_quote(), "organisations.csv")
    assert caught.value.where == "organisations.csv, line 3 (row 3)"


def test_the_line_of_a_second_encoding_is_told() -> None:
    with pytest.raises(Unreadable) as caught:
        read(two_encodings(), "organisations.csv")
    assert caught.value.where == "organisations.csv, line 3"


def test_a_table_of_contents_that_lies_about_a_size_is_found_out() -> None:
    content = bytearray(zipped({"organisations.csv": b"Name\n" + b"x\n" * 5000}))
    size = (10005).to_bytes(4, "little")
    assert content.count(size) == 2
    with pytest.raises((TooLarge, Unreadable)):
        read(bytes(content.replace(size, (10).to_bytes(4, "little"))), "a.zip")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to see the memory used")
def test_a_million_formatted_rows_take_little_memory() -> None:
    row = '<row r="{0}" spans="1:3"><c r="A{0}" s="1"/><c r="B{0}" s="1"/><c r="C{0}" s="1"/></row>'
    rows = "".join(row.format(number) for number in range(3, 1_048_577)).encode()

    def fill(name: str, part: bytes) -> bytes:
        return part.replace(b"</sheetData>", rows + b"</sheetData>") if "sheet2" in name else part

    script = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from tests.workbooks.building import read\n"
        "made = read(sys.stdin.buffer.read())\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())\n"
        "print(len(made.findings), made.rows, int(peak[1]) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=with_parts(xlsx(small()), fill),
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    findings, filled, megabytes = map(int, done.stdout.split())
    assert (findings, filled) == (0, 5)
    assert megabytes < 200


def test_reading_opens_no_file_and_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    made = book(small())
    made["Evidence"]["C2"].hyperlink = "https://localhost:9/never"
    content = saved(made)
    read(small())  # whatever is read once is read now
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_inblock
    opened, reader = list[str](), threading.get_ident()

    def note(event: str, _: object) -> None:
        # what threads of other tests open meanwhile is not opened by what is read here
        if event in ("open", "socket.connect") and threading.get_ident() == reader:
            opened.append(event)

    sys.addaudithook(note)
    assert told(read(content)) == []
    assert opened == []
    assert resource.getrusage(resource.RUSAGE_THREAD).ru_inblock == before


def test_csv_files_with_litter_beside_them_are_read() -> None:
    files = csv_files(small()) | {
        "__MACOSX/._x.csv": b"\0",
        ".DS_Store": b"\0",
        "read-me.txt": b"x",
        "explanations.csv": b"List\n",
        "logo.png": b"\x89PNG",
    }
    made = read(zipped(files), "a.zip")
    assert told(made) == [("file-not-read", "logo.png", None)]
    assert not made.refused


ODD = [
    b'<c r="A2" t="s"><v>99999</v></c>',
    b'<c r="A2" t="d"><v>0000-99-99</v></c>',
    b'<c r="E2" s="1"><v>1e999</v></c>',
    b'<row r="99999999999999999999"/>',
    b'<c r="XFD9" t="str"><v>_xD800_</v></c>',
    b'<c s="\xc2\xb2"><v>2</v></c>',
    b"9" * 5000,
    b"<!DOCTYPE x>",
]


@given(st.sampled_from(ODD), st.integers(0, 4000), st.integers(1, 5), st.integers(0, 30))
def test_no_damage_to_a_sheet_makes_reading_break(
    odd: bytes, at: int, sheet: int, cut: int
) -> None:
    def damage(name: str, part: bytes) -> bytes:
        return part[:at] + odd + part[at + cut :] if f"sheet{sheet}." in name else part

    with suppress(DataError, RequestError):
        assert read(with_parts(WHOLE, damage)).rows


@given(st.integers(0, 6000), st.binary(min_size=1, max_size=8))
def test_no_damage_to_an_archive_breaks_reading(at: int, odd: bytes) -> None:
    with suppress(DataError, RequestError):
        assert read(WHOLE[:at] + odd + WHOLE[at + len(odd) :]).rows
