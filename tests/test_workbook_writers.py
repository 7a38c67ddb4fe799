"""Whatever a program writes is read: packages, names of files, separators, signs nobody sees."""

import re
import zipfile
from collections.abc import Callable
from datetime import date
from io import BytesIO

import pytest
from openpyxl.styles import NamedStyle

from coprod_kg.errors import Unreadable, UnsupportedMedia
from coprod_kg.validation.report import Severity
from coprod_kg.workbook.sheets import sheets
from coprod_kg.workbook.tables import TableRead
from tests.workbooks.building import (
    Tables,
    book,
    changed,
    csv_file,
    csv_files,
    read,
    saved,
    small,
    told,
    values,
    with_parts,
    xlsx,
    zipped,
)

CP = "https://w3id.org/coprod/ontology#"
INIT, ORGS, STAGE = "Initiatives", "Organisations", "Stage assessments"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"


def facts(made: TableRead) -> set[str]:
    return set(map(str, made.triples))


def renamed(old: str, new: str) -> bytes:
    """The small workbook with its parts called and lying otherwise; the relationships follow."""
    buffer = BytesIO()
    with zipfile.ZipFile(BytesIO(xlsx(small()))) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            if name.endswith((".rels", "[Content_Types].xml")):
                part = re.sub(old.encode(), new.encode(), part)
            target.writestr(re.sub(old, new, name), part)
    return buffer.getvalue()


def another_workbook_name() -> bytes:
    return renamed(r"workbook\.xml", "workbook22.xml")


def sheets_elsewhere() -> bytes:
    return renamed("worksheets/", "pages/")


def another_folder() -> bytes:
    return renamed(r"\bxl/", "spreadsheet/")


def backslashes() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(BytesIO(xlsx(small()))) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            info = zipfile.ZipInfo("x")
            info.filename = name.replace("/", "\\")
            target.writestr(info, source.read(name))
    return buffer.getvalue()


def a_type_of_no_part() -> bytes:
    kind = b"application/vnd.ms-excel.sheet.binary.macroEnabled.main"
    default = b'<Default Extension="bin" ContentType="' + kind + b'"/>'

    def change(name: str, part: bytes) -> bytes:
        return part.replace(b"</Types>", default + b"</Types>") if "Types" in name else part

    return with_parts(xlsx(small()), change)


PACKAGES = [another_workbook_name, sheets_elsewhere, another_folder, backslashes, a_type_of_no_part]


@pytest.mark.parametrize("build", PACKAGES, ids=[one.__name__ for one in PACKAGES])
def test_a_package_is_read_however_its_parts_are_called(build: Callable[[], bytes]) -> None:
    made = read(build())
    assert facts(made) == facts(read(small()))
    assert told(made) == []


def test_a_program_is_found_by_the_type_of_its_part() -> None:
    kind = b'<Override PartName="/xl/a.bin" ContentType="application/vnd.ms-office.vbaProject"/>'
    content = with_parts(
        xlsx(small()),
        lambda name, part: (
            part.replace(b"</Types>", kind + b"</Types>") if "Types" in name else part
        ),
        {"xl/a.bin": b"x"},
    )
    with pytest.raises(UnsupportedMedia, match="macros"):
        read(content)


def google(title: str) -> str:
    return f"Vores indsatser - {title}.csv"


def numbers(title: str) -> str:
    return f"{title}-Tabelle 1.csv"


def libre_office(title: str) -> str:
    return f"vores-{title}.CSV"


@pytest.mark.parametrize("named", [google, numbers, libre_office], ids=lambda one: one.__name__)
def test_csv_files_are_known_by_the_names_that_programs_give_them(
    named: Callable[[str], str],
) -> None:
    files = {named(title): csv_file(table) for title, table in small().items()}
    files[named("Read me")] = csv_file([["Language of your texts", "dansk"]])
    made = read(zipped(files), "a.zip")
    assert '"Sampleby"@da' in set(values(made, "organisation/sampleby", LABEL))
    assert not made.refused
    assert made.rows == read(small()).rows


def test_a_sheet_of_another_name_is_known_by_its_headers_and_told() -> None:
    content: Tables = {
        {STAGE: "Stages", "Barrier reports": "Hindringer"}.get(k, k): v for k, v in small().items()
    }
    made = read(content)
    assert facts(made) == facts(read(small()))
    assert told(made) == [("read-as", "Stages", None), ("read-as", "Hindringer", None)]


def test_a_second_sheet_with_the_same_headers_is_refused() -> None:
    made = read({"Initiatives old": small()[INIT], **small()})
    assert told(made) == [("repeated-sheet", "Initiatives old", None)]
    assert made.refused


def test_a_sheet_of_somebody_s_own_stays_his_own() -> None:
    own: list[list[object]] = [["Name", "Telephone", "Room", "Homepage"], ["Ann", "1", "2", "3"]]
    assert told(read({**small(), "Contacts": own})) == [("unknown-sheet", "Contacts", None)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("above", [b"", b"Our initiatives, in the year 2024\n\n"])
def test_the_separator_is_read_off_the_table_not_its_title(separator: str, above: bytes) -> None:
    files = {name: above + one for name, one in csv_files(small(), separator).items()}
    made = read(zipped(files), "a.zip")
    assert facts(made) == facts(read(small()))


@pytest.mark.parametrize(("encoding", "words"), [("mac_roman", "Mac"), ("cp850", "DOS")])
def test_the_letters_of_an_older_encoding_are_told_and_not_taken(encoding: str, words: str) -> None:
    table: list[list[object]] = [["Name", "Country"], ["Other", ""], ["Køge Kommune", ""]]
    with pytest.raises(Unreadable, match=f"{words}.*Køge") as caught:
        read(csv_file(table, encoding=encoding), "organisations.csv")
    assert caught.value.where == "organisations.csv, line 3"


def test_quotes_and_dashes_of_windows_are_no_wrong_letters() -> None:
    table: list[list[object]] = [
        ["Name"],
        ["L\u2019Aquila \u2013 \u201eHaus\u201c caf\u00e9 5\u20ac"],
    ]
    made = read(csv_file(table, encoding="cp1252"), "organisations.csv")
    assert [one[0] for one in told(made)] == ["encoding"]


UNSEEN = ["\u200b", "\u00ad", "\ufeff", "\u2060", "\u200e", "\u200d"]


@pytest.mark.parametrize("sign", UNSEEN, ids=[f"{ord(one):04X}" for one in UNSEEN])
def test_signs_that_nobody_sees_make_no_difference(sign: str) -> None:
    cells = {"C2": f"Sampleby{sign}", "D2": f"{sign}Health{sign}", "E2": f"2019-09{sign}"}
    content = small()
    for cell, value in cells.items():
        content[INIT][1][ord(cell[0]) - 65] = value
    content[ORGS][1][3] = f"https://example.org/{sign}"
    assert facts(read(content)) == facts(read(small()))
    assert facts(read(zipped(csv_files(content)), "a.zip")) == facts(read(small()))


def test_a_space_that_does_not_break_is_a_space() -> None:
    made = read(changed(INIT, "B2", "Memory\u00a0house"))
    assert set(values(made, "initiative/cafe", LABEL)) == {'"Memory house"@en'}


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("mmmm yyyy", '"2019-09"^^<http://www.w3.org/2001/XMLSchema#gYearMonth>'),
        ("[$-406]mmm\\ yy;@", '"2019-09"^^<http://www.w3.org/2001/XMLSchema#gYearMonth>'),
        ("mmm-yy", '"2019-09"^^<http://www.w3.org/2001/XMLSchema#gYearMonth>'),
        ("yyyy", '"2019"^^<http://www.w3.org/2001/XMLSchema#gYear>'),
        ("d. mmmm yyyy", '"2019-09-01"^^<http://www.w3.org/2001/XMLSchema#date>'),
        ("dd/mm", '"2019-09-01"^^<http://www.w3.org/2001/XMLSchema#date>'),
    ],
)
def test_a_day_is_as_exact_as_its_cell_shows_it(shown: str, expected: str) -> None:
    made = book(changed(INIT, "E2", date(2019, 9, 1)))
    style = NamedStyle("shown", number_format=shown)
    made[INIT]["E2"].style = style
    assert set(values(read(saved(made)), "initiative/cafe", f"{CP}startDate")) == {expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-05-01Z", "2019-05-01"),
        ("2019+02:00", "2019"),
        ("2019-05-01T08:00:00.5+02:00", "2019-05-01"),
    ],
)
def test_a_zone_is_left_out_of_a_day(text: str, expected: str) -> None:
    [found] = values(read(changed(INIT, "E2", text)), "initiative/cafe", f"{CP}startDate")
    assert found.startswith(f'"{expected}"^^')


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("1/5-2019", "Write 2019-05-01 if you mean 1 May 2019."),
        ("1/5 2019", "Write 2019-05-01 if you mean 1 May 2019."),
        ("-0044", "Write a day"),
        ("12019-01", "Write a day"),
    ],
)
def test_other_ways_to_write_a_day_are_told_how(text: str, advice: str) -> None:
    [found] = read(changed(INIT, "E2", text)).findings
    assert found.fix.startswith(advice)
    assert found.severity is Severity.VIOLATION


def test_values_between_commas_are_told_how_to_be_written() -> None:
    [found] = read(changed(INIT, "D2", "Health, Education")).findings
    assert found.fix == "Write Health; Education."
    assert "semicolon" in found.message


def test_names_between_commas_make_no_new_name() -> None:
    content = small()
    content[ORGS].append(["other", "Otherby", None, None])
    content[INIT][1][2] = "Sampleby, Otherby"
    [found] = read(content).findings
    assert found.fix == "Write Sampleby; Otherby."


@pytest.mark.parametrize("between", [", ", "; ", ",", "\n", " "])
def test_two_links_are_two_links(between: str) -> None:
    content = small()
    content[INIT][0].append("Public source")
    content[INIT][1].append(f"https://a.example/x{between}https://b.example/y")
    found = set(values(read(content), "initiative/cafe", "http://purl.org/dc/terms/source"))
    assert found == {"<https://a.example/x>", "<https://b.example/y>"}


@pytest.mark.parametrize(
    "word", ["N/A", "NA", "-", "?", "n.n.", "Unbekannt", "ukendt", "k. A.", "…"]
)
def test_a_word_for_no_value_is_no_value_and_told(word: str) -> None:
    empty = changed(STAGE, "D2", None)
    made = read(changed(STAGE, "D2", word))
    assert facts(made) == facts(read(empty))
    assert told(made) == [("placeholder", STAGE, "D2")]
    assert word in made.findings[0].message
    assert told(read(changed(INIT, "E2", word))) == [("placeholder", INIT, "E2")]
    assert told(read(changed(INIT, "A2", word)))[0] == ("placeholder", INIT, "A2")


def test_a_word_for_no_value_that_the_list_has_is_a_value() -> None:
    content = changed("Barrier reports", "F2", "ukendt")
    content["Barrier reports"][0].append("Status of the barrier")
    assert told(read(content)) == []


def test_among_several_values_a_word_for_none_names_nobody() -> None:
    assert told(read(changed(STAGE, "D2", "Home care team; N/A"))) == [("placeholder", STAGE, "D2")]
    assert read(changed(STAGE, "D2", "Home care team; N/A")).refused


@pytest.mark.parametrize(
    ("text", "tag"),
    [("Danish", "da"), ("dansk", "da"), ("da-DK", "da"), ("da_DK", "da"), ("Dänisch", "da"),
     ("DA", "da"), ("English (UK)", "en"), ("Deutsch", "de"), ("pt-BR", "pt-br")],
)  # fmt: skip
def test_every_way_to_name_a_language_is_understood(text: str, tag: str) -> None:
    made = read({"Read me": [["How"], ["Language of your texts", text]], **small()})
    assert set(values(made, "organisation/sampleby", LABEL)) == {f'"Sampleby"@{tag}'}
    rows = small()
    rows[ORGS][0].append("Language")
    rows[ORGS][1].append(text)
    assert set(values(read(rows), "organisation/sampleby", LABEL)) == {f'"Sampleby"@{tag}'}


def test_a_language_that_nobody_knows_is_told() -> None:
    made = read({"Read me": [["Language of your texts", "Runes"]], **small()})
    assert told(made) == [("unknown-language", "Read me", "B1")]
    assert made.refused


@pytest.mark.parametrize(
    ("name", "code"),
    [("UK", "GBR"), ("England", "GBR"), ("Storbritannien", "GBR"), ("Großbritannien", "GBR"),
     ("Turkey", "TUR"), ("Türkei", "TUR"), ("The Netherlands", "NLD"), ("Holland", "NLD"),
     ("Nigeria", "NGA"), ("USA", "USA"), ("Czech Republic", "CZE"), ("Ivory Coast", "CIV"),
     ("Kosovo", "1A0"), ("Færøerne", "FRO"), ("Viet Nam", "VNM"), ("Namibia", "NAM")],
)  # fmt: skip
def test_a_country_is_understood_by_its_usual_names(name: str, code: str) -> None:
    made = read(changed(ORGS, "C2", name))
    found = set(values(made, "organisation/sampleby", f"{CP}country"))
    assert found == {f"<http://publications.europa.eu/resource/authority/country/{code}>"}
    assert {one.severity for one in made.findings} <= {Severity.INFO}


def test_a_name_of_two_countries_is_asked_back() -> None:
    [found] = read(changed(ORGS, "C2", "Congo")).findings
    assert len(found.permitted) == 2


def test_words_are_told_in_the_language_of_the_lists_that_were_used() -> None:
    danish = changed(ORGS, "C2", "UK")
    for sheet, column, scheme in ((INIT, 3, "sector"), (STAGE, 2, "stage"), (STAGE, 4, "basis")):
        [chosen] = sheets().choices[scheme].find(str(danish[sheet][1][column]))
        danish[sheet][1][column] = chosen.label("da")
    del danish["Barrier reports"]
    assert any("Storbritannien" in one.message for one in read(danish).findings)
    assert any("United Kingdom" in one.message for one in read(changed(ORGS, "C2", "UK")).findings)


def test_every_country_stands_in_the_list_of_the_template() -> None:
    assert len(sheets().choices["country"].members) == 250
