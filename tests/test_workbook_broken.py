"""Whatever is wrong in a workbook is told at its cell, and a sound one is not accused."""

from collections.abc import Callable
from datetime import date, datetime

import pytest

from coprod_kg.validation.report import Severity
from coprod_kg.workbook.findings import Fault
from tests.workbooks.building import (
    Tables,
    book,
    changed,
    read,
    saved,
    small,
    told,
    with_parts,
    with_shared_strings,
    xlsx,
)

ORGS = "Organisations"
INIT = "Initiatives"
STAGE = "Stage assessments"
BARR = "Barrier reports"
EVID = "Evidence"

# What is broken, the cell where it stands, what stands there, and words of the advice.
CELLS: list[tuple[str, str, object, Fault, str]] = [
    # lists
    (INIT, "D2", "Helth", Fault.UNKNOWN_VALUE, "Did you mean Health?"),
    (INIT, "D2", "Sundhedd", Fault.UNKNOWN_VALUE, "Did you mean sundhed"),
    (INIT, "D2", "zzz", Fault.UNKNOWN_VALUE, "Write one of: Defence"),
    (STAGE, "C2", "pilotproject", Fault.UNKNOWN_VALUE, "Did you mean"),
    (STAGE, "C2", "Pilot project; Project", Fault.TOO_MANY_VALUES, "a row of its own"),
    (STAGE, "E2", "hearsay", Fault.UNKNOWN_VALUE, "Self-claim"),
    (BARR, "B2", "lack of tiem", Fault.UNKNOWN_VALUE, "Did you mean Lack of time"),
    (ORGS, "C2", "Danmrak", Fault.UNKNOWN_VALUE, "Did you mean Danmark"),
    # dates
    (INIT, "E2", "1.3.2021", Fault.BAD_DATE, "Write 2021-03-01 if you mean 1 March 2021."),
    (
        INIT,
        "E2",
        "3/1/2021",
        Fault.BAD_DATE,
        "2021-01-03 if you mean 3 January 2021, or 2021-03-01",
    ),
    (INIT, "E2", "1. marts 2021", Fault.BAD_DATE, "Write 2021-03-01"),
    (INIT, "E2", "1. März 2021", Fault.BAD_DATE, "Write 2021-03-01"),
    (INIT, "E2", "maj 2021", Fault.BAD_DATE, "Write 2021-05."),
    (INIT, "E2", "05/2021", Fault.BAD_DATE, "Write 2021-05."),
    (INIT, "E2", "01.03.21", Fault.BAD_DATE, "Write 2021-03-01"),
    (INIT, "E2", "2021-02-30", Fault.BAD_DATE, "Write a day as 2021-03-01"),
    (INIT, "E2", "2021-13", Fault.BAD_DATE, "Write a day as 2021-03-01"),
    (INIT, "E2", "about 2021", Fault.BAD_DATE, "Write 2021 if no more than the year is known"),
    (INIT, "E2", 44256, Fault.BAD_DATE, "Write 2021-03-01"),
    (INIT, "E2", 2021.5, Fault.BAD_DATE, "Write 2021 if no more than the year is known"),
    (INIT, "E2", date(1905, 7, 13), Fault.BAD_DATE, "If you typed the year 2021"),
    # links
    (ORGS, "D2", "www.example.org", Fault.BAD_LINK, "Write https://www.example.org"),
    (ORGS, "D2", "our home page", Fault.BAD_LINK, "Write the whole address"),
    (EVID, "C2", "doi:10.1000/182", Fault.BAD_LINK, "Write https://doi.org/10.1000/182"),
    (EVID, "C2", "https://example.org/<x>", Fault.BAD_LINK, "Write the whole address"),
    (EVID, "C2", "file:///etc/passwd", Fault.BAD_LINK, "Write the whole address"),
    # other rows
    (INIT, "C2", "Sampelby", Fault.UNKNOWN_NAME, "Did you mean Sampleby?"),
    (INIT, "C2", "Nowhere", Fault.UNKNOWN_NAME, "Add it to the sheet Organisations"),
    (STAGE, "B2", "Memory caff", Fault.UNKNOWN_NAME, "Did you mean Memory café"),
    (STAGE, "B2", "evidence/evaluation", Fault.UNKNOWN_NAME, "Add it to the sheet"),
    # identifiers and names
    (INIT, "A2", "Memory Café!", Fault.BAD_IDENTIFIER, "Write memory-cafe"),
    (INIT, "A2", "https://example.org/x", Fault.BAD_IDENTIFIER, "small letters"),
    (INIT, "B2", None, Fault.MISSING_NAME, "Write one."),
    # yes or no, texts
    (BARR, "E2", "perhaps", Fault.BAD_YES_OR_NO, "Write yes or no"),
    (BARR, "E2", 3, Fault.BAD_YES_OR_NO, "Write yes or no"),
    # what a program made of it
    (INIT, "B2", "=A1", Fault.FORMULA, "paste it as a value"),
    (INIT, "E2", "=TODAY()", Fault.FORMULA, "paste it as a value"),
    (INIT, "C2", '=HYPERLINK("https://example.org","Sampleby")', Fault.FORMULA, "paste"),
    (INIT, "A2", "=1+1", Fault.FORMULA, "paste it as a value"),
    (INIT, "D2", "#REF!", Fault.ERROR_VALUE, "Write the value itself"),
]


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "fault", "advice"),
    CELLS,
    ids=[f"{sheet}-{cell}-{value}" for sheet, cell, value, _, _ in CELLS],
)
def test_a_broken_cell_is_told_with_its_place_and_what_to_do(
    sheet: str, cell: str, value: object, fault: Fault, advice: str
) -> None:
    made = read(changed(sheet, cell, value))
    found = [one for one in made.findings if one.place.sheet == sheet and one.place.cell == cell]
    assert [one.fault for one in found] == [fault]
    text = f"{found[0].message} {found[0].fix}"
    assert advice in text
    assert found[0].severity is Severity.VIOLATION
    assert made.refused


def test_a_sound_workbook_has_no_finding() -> None:
    assert told(read(small())) == []


def test_a_workbook_as_excel_writes_its_texts_reads_the_same() -> None:
    shared = with_shared_strings(xlsx(small()))
    assert b"inlineStr" not in shared
    made = read(shared)
    assert told(made) == []
    assert made.triples == read(small()).triples


def header(sheet: str, cell: str, text: str | None) -> Tables:
    return changed(sheet, cell, text)


SHEETS: list[tuple[str, Tables, list[tuple[str, str, str | None]]]] = [
    ("a header with a slip", header(INIT, "D1", "Sectro"), [("unknown-column", INIT, "D1")]),
    ("a column of one's own", header(INIT, "G1", "Our notes"), [("unknown-column", INIT, "G1")]),
    (
        "a needed column is not there",
        header(INIT, "C1", "Our notes"),
        [("unknown-column", INIT, "C1"), ("missing-column", INIT, None)],
    ),
    ("a column twice", header(INIT, "F1", "Sector"), [("repeated-column", INIT, "F1")]),
    ("a value below no header", changed(INIT, "H2", "x"), [("value-without-header", INIT, "H2")]),
    (
        "an identifier twice",
        changed(INIT, "A3", "cafe") | {},
        [("repeated-identifier", INIT, "A3"), ("missing-name", INIT, "B3")],
    ),
    ("a sheet of one's own", small() | {"Budget": [["x"]]}, [("unknown-sheet", "Budget", None)]),
    (
        "a sheet with a slip in its name",
        small() | {"Evidense": [["Name"], ["x"]]},
        [("unknown-sheet", "Evidense", None)],
    ),
]


@pytest.mark.parametrize(
    ("content", "expected"), [case[1:] for case in SHEETS], ids=[case[0] for case in SHEETS]
)
def test_what_is_wrong_with_a_sheet_is_told_once(
    content: Tables, expected: list[tuple[str, str, str | None]]
) -> None:
    assert sorted(told(read(content)), key=str) == sorted(expected, key=str)


def rows(*more: list[object]) -> Tables:
    made = small()
    made[INIT] += more
    return made


def test_two_rows_of_one_name_are_told_and_a_reference_to_it_too() -> None:
    made = small()
    made[INIT][1][0] = None
    made[INIT].append([None, "Memory café", "Sampleby", "Education", "2020", None])
    assert told(read(made)) == [
        ("ambiguous-name", INIT, "B3"),
        ("ambiguous-name", STAGE, "B2"),
        ("ambiguous-name", BARR, "A2"),
    ]


def test_a_row_said_twice_is_one_thing_and_told() -> None:
    made = small()
    made[EVID].append(list(made[EVID][1]))
    result = read(made)
    assert told(result) == [("repeated-row", EVID, "A3")]
    assert not result.refused


def test_the_example_row_is_not_read() -> None:
    made = rows(["EXAMPLE", "Memory café", "Sampleby Municipality", "Nonsense", "x"])
    assert told(read(made)) == []


def test_an_example_row_with_somebodys_own_words_is_told() -> None:
    made = rows(["Example", "Our own initiative", "Sampleby", "Health", "2020"])
    assert told(read(made)) == [("example-changed", INIT, "B3")]


def test_empty_rows_are_passed_over() -> None:
    made = small()
    made[INIT][1:1] = [[None] * 6, ["", " ", None, "", None, ""]]
    result = read(made)
    assert told(result) == []
    assert result.positions.place("https://w3id.org/coprod/id/initiative/cafe") is not None


def test_more_columns_than_anybody_reads_are_told_in_a_few_lines() -> None:
    made = small()
    made[INIT][0] += [f"Extra {number}" for number in range(200)]
    made[INIT][1] += ["x"] * 200
    found = told(read(made))
    assert {fault for fault, _, _ in found} == {"unknown-column"}
    assert len(found) == 11


def test_a_value_beyond_column_256_is_told() -> None:
    made = book(small())
    made[INIT].cell(2, 300).value = "lost"
    assert told(read(saved(made))) == [("too-many-columns", INIT, "KN2")]


Change = Callable[[], bytes]


def merged() -> bytes:
    made = small()
    made[INIT].append(["other", "Other", None, "Health", None, None])
    filled = book(made)
    filled[INIT].merge_cells("C2:C3")
    return saved(filled)


def hidden_sheet() -> bytes:
    filled = book(small())
    filled[EVID].sheet_state = "veryHidden"
    return saved(filled)


def hidden_rows() -> bytes:
    made = small()
    made[INIT] += [[f"i{n}", f"I {n}", "Sampleby", "Health", None, None] for n in range(4)]
    filled = book(made)
    for row in (3, 4, 6):
        filled[INIT].row_dimensions[row].hidden = True
    return saved(filled)


def hidden_column() -> bytes:
    filled = book(small())
    filled[INIT].column_dimensions["D"].hidden = True
    return saved(filled)


def linked() -> bytes:
    return with_parts(xlsx(small()), more={"xl/externalLinks/externalLink1.xml": b"<x/>"})


LOOKS: list[tuple[Change, list[tuple[str, str, str | None]]]] = [
    (merged, [("merged-cells", INIT, "C2:C3")]),
    (hidden_sheet, [("hidden", EVID, None)]),
    (hidden_rows, [("hidden", INIT, "3:4"), ("hidden", INIT, "6:6")]),
    (hidden_column, [("hidden", INIT, "D:D")]),
    (linked, [("external-links", "data.xlsx", None)]),
]


@pytest.mark.parametrize(("build", "expected"), LOOKS, ids=[build.__name__ for build, _ in LOOKS])
def test_what_nobody_sees_is_told(
    build: Change, expected: list[tuple[str, str, str | None]]
) -> None:
    assert told(read(build())) == expected


def test_the_value_that_a_formula_had_is_never_taken() -> None:
    def cache(name: str, part: bytes) -> bytes:
        return part.replace(b"<v />", b"<v>42</v>").replace(b"<v></v>", b"<v>42</v>")

    made = read(with_parts(xlsx(changed(INIT, "B2", "=6*7")), cache))
    assert told(made)[0] == ("formula", INIT, "B2")
    assert not any("42" in str(one) for one in made.triples)


def test_a_shape_finding_that_repeats_a_cell_finding_is_known() -> None:
    made = read(changed(STAGE, "C2", "nonsense"))
    subject = made.findings[0].subject
    assert subject is not None
    assert made.positions.is_reported(subject, "https://w3id.org/coprod/ontology#stage")
    assert not made.positions.is_reported(subject, "https://w3id.org/coprod/ontology#basis")


def test_days_that_a_program_knows_are_read_as_days() -> None:
    for value in (date(2021, 3, 1), datetime(2021, 3, 1, 12, 30), "2021-03-01T00:00:00"):
        made = read(changed(INIT, "E2", value))
        assert told(made) == []
        assert any('"2021-03-01"' in str(one.object) for one in made.triples)
