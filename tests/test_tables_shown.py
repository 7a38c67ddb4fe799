"""Claims about tables on a terminal of any width."""

import shutil
from unicodedata import east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprod_kg.cli.output import Output
from coprod_kg.formats.table import Cell, Table
from coprod_kg.formats.text_columns import aligned
from coprod_kg.formats.text_table import Look, legend, readable

BASE = "https://w3id.org/coprod/"
INTEGER = "http://www.w3.org/2001/XMLSchema#integer"
LONG = "Commissioning and procurement rules of several public bodies that do not fit together"


def number(value: int) -> Cell:
    return Cell("literal", str(value), datatype=INTEGER)


def row(place: int) -> dict[str, Cell]:
    return {
        "barrier": Cell("uri", f"{BASE}vocab/barrier/lack-{place}"),
        "barrierLabel": Cell("literal", f"{place} {LONG}"),
        "basisLabel": Cell("literal", "Secondary coding"),
        "initiatives": number(place * 1_000_000),
        "secondary": number(place),
    }


TABLE = Table(
    ("barrier", "barrierLabel", "basisLabel", "initiatives", "secondary"), (row(1), row(2))
)
HEADINGS = {
    "barrier": "Barrier",
    "barrierLabel": "Barrier (name)",
    "basisLabel": "Basis",
    "secondary": "By secondary coding (initiatives)",
}
UNITS = {"secondary": "initiatives"}


def shown(width: int | None, table: Table = TABLE, every: bool = False) -> list[str]:
    return list(readable(table, Look(BASE, HEADINGS, UNITS, width, every)))


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 200])
def test_no_line_is_longer_than_the_terminal_and_no_number_is_cut(width: int) -> None:
    lines = shown(width)
    rows = [one for one in lines if not one.startswith("In ")]
    assert all(len(one) <= width for one in rows)
    assert sum("2000000" in one for one in rows) == 1


def test_a_table_that_fits_stands_under_headings_with_units_numbers_at_the_right() -> None:
    lines = shown(200)
    assert lines[0].split("  ")[0] == "Barrier"
    assert lines[0].endswith("Basis             initiatives  By secondary coding (initiatives)")
    assert lines[2].endswith("Secondary coding      1000000" + " " * 34 + "1")
    assert len(lines) == 4


def test_where_there_is_no_room_units_and_what_is_the_same_are_said_below() -> None:
    lines = shown(80)
    assert lines[-2:] == [
        "In every row, Basis: Secondary coding",
        "In initiatives: By secondary coding.",
    ]
    assert not any("Secondary coding" in one for one in lines[:-2])


def test_a_long_text_is_folded_and_cut_only_after_three_lines() -> None:
    narrow = "\n".join(shown(55))
    assert "1 Commissioning and" in narrow
    assert "…" in narrow
    assert "…" not in "\n".join(shown(80))


def test_a_code_is_left_out_beside_its_label_unless_all_is_wanted() -> None:
    assert "barrier:lack-1" not in "\n".join(shown(200))
    assert "barrier:lack-1" in "\n".join(shown(200, every=True))
    lone = Table(("barrier",), (row(1),))
    assert "barrier:lack-1" in "\n".join(shown(200, lone))


def test_a_thing_without_a_label_is_shown_by_its_name() -> None:
    nameless = {name: cell for name, cell in row(1).items() if name != "barrierLabel"}
    table = Table(TABLE.columns, (nameless,))
    assert "barrier:lack-1" in "\n".join(shown(200, table))


def test_nothing_looks_like_a_zero_that_is_none() -> None:
    unbound = {name: cell for name, cell in row(1).items() if name != "secondary"}
    table = Table(TABLE.columns, (row(2), unbound))
    assert shown(200, table)[-1].endswith("1000000")
    assert legend(table) == "An empty cell has no value; it is not a zero."
    assert legend(TABLE) == ""


def test_where_not_even_three_words_have_room_each_cell_has_its_line() -> None:
    lines = shown(30)
    assert lines[:2] == ["row 1", "  Barrier     1 Commissioning"]
    assert lines[2] == "              and procurement"
    assert "row 2" in shown(30)


def test_a_pipe_and_a_file_get_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: pytest.fail("there is no terminal"))
    text = "\n".join(Output("table", None, BASE).lines(TABLE))
    assert LONG in text
    assert "barrier:lack-1" in text


def test_wide_characters_keep_the_columns_straight() -> None:
    _, _, one, other = aligned(["name", "n"], [["共同生产", "1"], ["co", "22"]], [1])
    assert sum(2 if east_asian_width(character) in "WF" else 1 for character in one) == len(other)


@given(
    st.lists(st.lists(st.text(max_size=60), min_size=3, max_size=3), max_size=4),
    st.integers(1, 120),
)
def test_no_text_breaks_a_table_of_any_width(rows: list[list[str]], width: int) -> None:
    lines = list(aligned(["one", "two words", "three"], rows, [2], width))
    assert all(character.isprintable() for line in lines for character in line)
