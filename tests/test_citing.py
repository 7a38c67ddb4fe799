"""Citations of answers, and the differences between two of them."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprod_kg.formats.table import Cell, Table
from coprod_kg.queries.citation import Citation, canonical, permalink
from coprod_kg.queries.content_hash import content_of_graph, content_of_table
from coprod_kg.queries.differences import as_csv, compare, key_of
from coprod_kg.queries.library import load

WHEN = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def citation(
    question: str = "Which initiatives sit at a stage now?", stage: str = "pilot"
) -> Citation:
    parameters = (("stage", stage),)
    return Citation(
        version=7,
        lineage="0a1b2c3d",
        dated=datetime(2026, 11, 2, tzinfo=UTC),
        query="initiatives-at-stage",
        question=question,
        query_sha256="ab" * 32,
        parameters=parameters,
        rows=3,
        sha256="cd" * 32,
        link=permalink("https://example.org/", "initiatives-at-stage", parameters, (7, "0a1b2c3d")),
        retrieved=WHEN,
    )


def test_the_text_is_one_sentence_that_names_everything() -> None:
    assert citation().text() == (
        "coprod-kg contributors (2026), Mainstreaming co-production: a knowledge graph, version 7 "
        "of 2 November 2026, lineage 0a1b2c3d, query initiatives-at-stage with stage = pilot: "
        f"Which initiatives sit at a stage now? (3 rows; SHA-256 of the answer {'cd' * 32}, "
        f"of the query {'ab' * 32}), "
        "https://example.org/queries/initiatives-at-stage?stage=pilot&version=7&lineage=0a1b2c3d "
        "(retrieved 24 November 2026; licence https://creativecommons.org/licenses/by/4.0/).\n"
    )


def test_the_bibtex_is_one_misc_entry() -> None:
    assert citation().bibtex() == (
        "@misc{coprod-kg-initiatives-at-stage-v7-cdcdcdcd,\n"
        "  author = {{coprod-kg contributors}},\n"
        "  title = {{Mainstreaming co-production: a knowledge graph: Which initiatives sit at a "
        "stage now? (stage = pilot)}},\n"
        "  year = {2026},\n"
        "  version = {7},\n"
        "  howpublished = {Dataset version 7 of 2 November 2026, lineage 0a1b2c3d},\n"
        "  url = {https://example.org/queries/initiatives-at-stage"
        "?stage=pilot&version=7&lineage=0a1b2c3d},\n"
        "  urldate = {2026-11-24},\n"
        f"  note = {{3 rows; SHA-256 of the answer {'cd' * 32}, of the query {'ab' * 32}; "
        "licence https://creativecommons.org/licenses/by/4.0/},\n"
        "}\n"
    )


def test_the_csl_item_is_a_dataset_with_its_version() -> None:
    (item,) = json.loads(citation().csl_text())
    assert item["type"] == "dataset"
    assert item["version"] == "7"
    assert item["issued"] == {"date-parts": [[2026, 11, 2]]}
    assert item["accessed"] == {"date-parts": [[2026, 11, 24]]}
    assert item["custom"]["lineage"] == "0a1b2c3d"
    assert item["custom"]["content-sha256"] == "cd" * 32


@given(st.text(), st.text())
def test_no_text_breaks_out_of_its_bibtex_field(question: str, stage: str) -> None:
    entry = citation(question, stage).bibtex()
    bare = re.sub(r"\\textbackslash\{\}|\\text\w+\{\}|\\[{}$&%#_]", "", entry)
    depth, closed = 0, 0
    for one in bare:
        depth += (one == "{") - (one == "}")
        closed += depth == 0 and one == "}"
        assert depth >= 0
    assert (depth, closed) == (0, 1)
    title = next(line for line in bare.splitlines() if line.startswith("  title"))
    assert not set('$&%#_~^\\"') & set(title)
    assert len(entry.splitlines()) == 10


def test_parameters_have_one_order() -> None:
    query = next(one for one in load().values() if len(one.parameters) > 1)
    first, second = (one.name for one in query.parameters[:2])
    given = {second: ["b", "a", "b"], first: ["z", ""]}
    assert canonical(query, given) == ((first, "z"), (second, "a"), (second, "b"))


def cell(text: str) -> Cell:
    return Cell("literal", text)


def number(value: int) -> Cell:
    return Cell("literal", str(value), None, "http://www.w3.org/2001/XMLSchema#integer")


def test_the_hash_sees_each_part_of_a_cell_and_the_order() -> None:
    tables = [
        Table(("a",), ({"a": cell("x")},)),
        Table(("b",), ({"b": cell("x")},)),
        Table(("a",), ({"a": Cell("uri", "x")},)),
        Table(("a",), ({"a": Cell("literal", "x", "en")},)),
        Table(("a",), ({"a": Cell("literal", "x", None, "urn:d")},)),
        Table(("a",), ({},)),
        Table(("a",), ({"a": cell("x")}, {"a": cell("y")})),
        Table(("a",), ({"a": cell("y")}, {"a": cell("x")})),
        Table((), (), True),
        Table((), (), False),
    ]
    assert len({content_of_table(one).sha256 for one in tables}) == len(tables)
    assert content_of_table(tables[6]).rows == 2


def test_a_graph_is_measured_whatever_the_order_of_its_lines() -> None:
    one = b"<urn:a> <urn:b> <urn:c> .\n<urn:d> <urn:e> <urn:f> .\n"
    other = b"<urn:d> <urn:e> <urn:f> .\n<urn:a> <urn:b> <urn:c> .\n"
    assert content_of_graph(one) == content_of_graph(other)
    assert content_of_graph(one).rows == 2


def test_rows_are_added_removed_and_changed_by_their_key() -> None:
    columns = ("name", "count")
    before = Table(
        columns,
        (
            {"name": cell("a"), "count": number(1)},
            {"name": cell("b"), "count": number(2)},
            {"name": cell("c")},
        ),
    )
    after = Table(
        columns,
        (
            {"name": cell("d"), "count": number(9)},
            {"name": cell("c"), "count": number(3)},
            {"name": cell("a"), "count": number(1)},
        ),
    )
    query = next(iter(load().values()))
    assert compare(before, before, ("name",)).changed == ()
    found = compare(before, after, ("name",))
    assert [row["name"].value for row in found.added] == ["d"]
    assert [row["name"].value for row in found.removed] == ["b"]
    (change,) = found.changed
    assert change.key == {"name": cell("c")}
    assert change.cells == {"count": (None, number(3))}
    assert key_of(query, before, after) == ("name",)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@sum", "'@sum"),
        ("-2", "-2"),
        ("+1.5e3", "+1.5e3"),
        ("-2+3", "'-2+3"),
        ("plain", "plain"),
    ],
)
def test_no_text_of_a_table_of_differences_is_a_formula(text: str, written: str) -> None:
    found = compare(Table(("a", "b"), ()), Table(("a", "b"), ({"a": cell(text)},)), ("a",))
    assert list(csv.reader(io.StringIO(as_csv(found))))[1] == ["added", written, "b", "", ""]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8), st.randoms())
def test_the_order_of_rows_alone_is_no_difference(
    pairs: list[tuple[int, int]], random: Random
) -> None:
    rows = [{"k": number(key), "v": number(value)} for key, value in pairs]
    mixed = list(rows)
    random.shuffle(mixed)
    found = compare(Table(("k", "v"), tuple(rows)), Table(("k", "v"), tuple(mixed)), ("k",))
    assert (found.added, found.removed, found.changed) == ((), (), ())
