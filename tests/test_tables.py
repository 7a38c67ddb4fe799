"""CSV files and single cells: any encoding and separator people have, and nothing ever breaks."""

from contextlib import suppress
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprod_kg.errors import DataError, RequestError
from coprod_kg.model.namespaces import SLUG
from coprod_kg.workbook.cells import convert
from coprod_kg.workbook.columns import ColumnKind, SheetColumn
from coprod_kg.workbook.delimited import pack, read_csv
from coprod_kg.workbook.findings import CellProblem
from coprod_kg.workbook.grid import CellKind, GridCell, visible
from coprod_kg.workbook.identifiers import scoped, slug
from coprod_kg.workbook.sheets import sheets
from coprod_kg.workbook.template.examples import neutral
from tests.workbooks.building import (
    BASE,
    CP,
    csv_file,
    csv_files,
    read,
    small,
    told,
    values,
    zipped,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=40)
COLUMNS = [column for sheet in sheets().members for column in sheet.columns if column.path]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_any_separator_and_encoding_reads_the_same(separator: str, encoding: str) -> None:
    plain = read(zipped(csv_files(small())), "a.zip")
    made = read(zipped(csv_files(small(), separator, encoding)), "a.zip")
    assert told(made) == []
    assert made.triples == plain.triples


def test_windows_1252_is_read_and_told() -> None:
    made = read(zipped(csv_files(small(), ";", "cp1252")), "a.zip")
    assert ("encoding", "initiatives.csv", None) in told(made)
    assert list(values(made, "initiative/cafe", "http://www.w3.org/2000/01/rdf-schema#label")) == [
        '"Memory café"@en'
    ]


def test_a_separator_that_the_file_states_is_taken() -> None:
    content = b"sep=|\r\nName|Country\r\nSampleby|Denmark\r\n"
    made = read(content, "organisations.csv")
    assert told(made) == []
    assert made.positions.place(f"{BASE}id/organisation/sampleby") is not None
    assert made.positions.rows[f"{BASE}id/organisation/sampleby"][1] == 3


def test_a_workbook_and_its_csv_files_say_the_same() -> None:
    assert set(read(small()).triples) == set(read(zipped(csv_files(small())), "a.zip").triples)


def test_rows_are_counted_as_a_spreadsheet_does_where_a_cell_has_two_lines() -> None:
    content = csv_file([["Name", "Country"], ["Two\nlines", "Denmark"], ["Other", "Danmrak"]])
    assert told(read(content, "organisations.csv")) == [
        ("unknown-value", "organisations.csv", "B3")
    ]


def test_a_formula_in_a_csv_file_is_told_and_a_neutralised_one_is_text() -> None:
    content = csv_file([["Name"], ["=1+1"], [neutral("=1+1 as text")], [neutral("-x")]])
    made = read(content, "organisations.csv")
    assert told(made) == [("formula", "organisations.csv", "A2")]
    names = {one.object.value for one in made.triples if isinstance(one.object, ox.Literal)}
    assert names == {"=1+1 as text", "-x"}


def number(text: str, datatype: str = "decimal") -> str:
    column = SheetColumn(
        "n", "x:n", ColumnKind.NUMBER, datatype=f"http://www.w3.org/2001/XMLSchema#{datatype}"
    )
    made, wrong = convert(GridCell(CellKind.TEXT, text), column, "en")
    return made[0].value if made else wrong[0].fix


def test_a_decimal_comma_is_a_decimal_point() -> None:
    assert number("1,5") == "1.5"
    assert number("-0,25") == "-0.25"
    assert number("12", "integer") == "12"


def test_what_may_be_a_thousand_or_a_thousandth_is_asked_back() -> None:
    assert number("1,234") == "Write 1234 or 1.234, whichever you mean."
    assert number("1.5", "integer") == "Write a whole number such as 12."
    assert number("many") == "Write a number such as 1.5 or 1,5."


def test_labels_of_every_language_codes_and_iris_mean_the_same() -> None:
    column = next(one for one in COLUMNS if one.path == f"{CP}sector")
    for text in ("health", "HEALTH", " Health ", "sector:health", f"{BASE}vocab/sector/health"):
        made, wrong = convert(GridCell(CellKind.TEXT, text), column, "en")
        assert (made, wrong) == ([ox.NamedNode(f"{BASE}vocab/sector/health")], [])


def test_every_label_and_code_of_every_list_is_understood() -> None:
    for choices in sheets().choices.values():
        for one in choices.members:
            for name in (one.slug, one.iri, *one.labels.values()):
                assert choices.find(name) == (one,), (choices.name, name)


def test_a_folder_is_packed_the_same_each_time(tmp_path: Path) -> None:
    for name, content in csv_files(small()).items():
        (tmp_path / name).write_bytes(content)
    packed = pack(tmp_path, 2**20)
    assert packed == pack(tmp_path, 2**20)
    assert set(read(packed, "folder.zip").triples) == set(read(small()).triples)


# Identifiers


def test_an_identifier_does_not_depend_on_the_order_of_rows() -> None:
    made = small()
    for title in ("Organisations", "Initiatives"):
        made[title][1][0] = None
    made["Initiatives"].append([None, "Second", "Sampleby", "Health", "2020", None])
    backwards = {title: [table[0], *reversed(table[1:])] for title, table in made.items()}
    assert set(read(made).triples) == set(read(backwards).triples)


def test_the_rule_for_identifiers_is_the_documented_one() -> None:
    made = small()
    for title in ("Organisations", "Initiatives"):
        made[title][1][0] = None
    assert {one.removeprefix(f"{BASE}id/") for one in read(made).positions.rows} == {
        "organisation/sampleby",
        "initiative/sampleby-memory-cafe",
        "stage-assessment/sampleby-memory-cafe-pilot-project-2019-home-care-team",
        "barrier-report/sampleby-memory-cafe-lack-of-time-home-care-team",
        "evidence/sampleby-evaluation",
        "agent/sampleby-home-care-team",
    }


def test_claims_that_would_share_an_identifier_get_two() -> None:
    made = small()
    made["Barrier reports"][0].append("Comment")
    made["Barrier reports"][1].append("In the first year")
    made["Barrier reports"].append([*made["Barrier reports"][1][:-1], "In the second year"])
    result = read(made)
    stem = f"{BASE}id/barrier-report/cafe-lack-of-time-home-care-team-"
    assert sum(one.startswith(stem) for one in result.positions.rows) == 2
    assert told(result) == []


def test_a_minted_identifier_never_takes_a_chosen_one() -> None:
    made = small()
    made["Organisations"].append(["sampleby-region", "Other name", None, None])
    made["Organisations"].append([None, "Sampleby Region", None, None])
    slugs = [one for one in read(made).positions.rows if "organisation/sampleby-region" in one]
    assert len(slugs) == 2


@given(TEXTS)
def test_every_name_gives_an_identifier(text: str) -> None:
    assert SLUG.fullmatch(slug(text))
    assert len(slug(text)) <= 80
    assert SLUG.fullmatch(scoped("sampleby", slug(text)))


# Properties


@given(st.lists(st.lists(TEXTS, min_size=1, max_size=4), min_size=1, max_size=6))
def test_whatever_is_written_as_csv_is_read_back(table: list[list[str]]) -> None:
    grid = read_csv(
        csv_file([["Name"], *table]),
        "x.csv",
        lambda fields: "Name" in fields,
    )
    cells = {
        (row.number, column): cell.text for row in grid.rows for column, cell in row.cells.items()
    }
    expected = {
        (number, column): visible(text)
        for number, fields in enumerate([["Name"], *table], 1)
        for column, text in enumerate(fields, 1)
        if visible(text).strip()
    }
    assert cells == expected


@given(st.binary(max_size=300))
def test_no_bytes_make_reading_break(content: bytes) -> None:
    with suppress(DataError, RequestError):
        assert read(b"Name,Country\n" + content, "organisations.csv").rows


@given(st.sampled_from(COLUMNS), st.sampled_from(list(CellKind)), TEXTS)
def test_every_cell_gives_terms_or_says_what_is_wrong(
    column: SheetColumn, kind: CellKind, text: str
) -> None:
    if (
        column.holds in (ColumnKind.THING, ColumnKind.IDENTIFIER, ColumnKind.LANGUAGE)
        or not text.strip()
    ):
        return
    if kind is CellKind.DATE:
        text = "2021-03-01"
    made, wrong = convert(GridCell(kind, text), column, "en")
    assert all(isinstance(one, ox.NamedNode | ox.Literal) for one in made)
    assert all(isinstance(one, CellProblem) and one.message and one.fix for one in wrong)
    if column.holds is not ColumnKind.TEXT and column.holds is not ColumnKind.LINK:
        assert made or wrong


def test_marks_between_no_values_are_told_and_not_passed_over() -> None:
    column = next(one for one in COLUMNS if one.holds is ColumnKind.CHOICE and one.many)
    for text in (";", " ; ;", "\n;"):
        made, wrong = convert(GridCell(CellKind.TEXT, text), column, "en")
        assert (made, len(wrong)) == ([], 1), text


@given(TEXTS)
def test_a_neutralised_text_is_read_as_it_was(text: str) -> None:
    column = next(one for one in COLUMNS if one.holds is ColumnKind.TEXT)
    for start in "=+-@":
        made, wrong = convert(GridCell(CellKind.TEXT, neutral(f"{start}x{text}y")), column, "en")
        plain, _ = convert(GridCell(CellKind.TEXT, f"x{text}y"), column, "en")
        assert [one.value for one in made] == [start + one.value for one in plain]
        assert bool(wrong) is not bool(made)
