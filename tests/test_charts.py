"""The charts beside the saved queries: whose they are, what they show, and that they are drawn."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from coprod_kg.errors import ModelError, NotFound
from coprod_kg.formats.table import Cell, Table
from coprod_kg.queries.caveat import CAVEAT
from coprod_kg.queries.charts import chart
from coprod_kg.queries.library import SavedQuery, load

QUESTIONS = Path(__file__).parents[1] / "queries" / "questions"
CHARTS = sorted(path.name.removesuffix(".vl.json") for path in QUESTIONS.glob("*.vl.json"))
XSD = "http://www.w3.org/2001/XMLSchema#"
COUNT = f"{XSD}integer"


@pytest.fixture(scope="module")
def saved() -> Mapping[str, SavedQuery]:
    return load()


def number(value: int) -> Cell:
    return Cell("literal", str(value), None, COUNT)


def stages(*counted: tuple[str, int, int]) -> Table:
    rows = tuple(
        {"stageLabel": Cell("literal", name), "rank": number(rank), "initiatives": number(count)}
        for name, rank, count in counted
    )
    return Table(("stageLabel", "rank", "initiatives"), rows)


def sides(count: int) -> Table:
    row = {"side": Cell("literal", "both"), "subjects": number(count), "evidenced": number(1)}
    return Table(tuple(row), (row,))


def derived(spec: Any) -> set[str]:
    """The names that a chart's own transforms give."""
    found: set[str] = set()
    for step in spec.get("transform", ()):
        given = step.get("as", [])
        found |= {given} if isinstance(given, str) else set(given)
    return found


def keys(spec: Any) -> set[str]:
    if isinstance(spec, dict):
        return set(spec).union(*(keys(one) for one in spec.values()))
    return set().union(*(keys(one) for one in spec)) if isinstance(spec, list) else set()


def test_twelve_questions_or_more_have_a_chart() -> None:
    assert len(CHARTS) >= 12


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_belongs_to_a_query_and_uses_only_its_columns(
    name: str, saved: Mapping[str, SavedQuery]
) -> None:
    spec = chart.template(name)
    known = {column.name for column in saved[name].columns} | derived(spec)
    used = {bound["field"] for _, bound in chart.encodings(spec) if "field" in bound}
    assert used <= known
    assert "url" not in keys(spec)
    assert spec["data"] == {"name": "rows"}


@pytest.mark.parametrize("name", CHARTS)
def test_lengths_begin_at_zero_and_stages_keep_their_order(name: str) -> None:
    for channel, bound in chart.encodings(chart.template(name)):
        if "field" in bound and channel not in ("x2", "y2"):
            assert "type" in bound, f"{bound['field']} has no type"
        if channel in ("x", "y") and bound.get("type") == "quantitative" and "scale" in bound:
            scale = bound["scale"]
            assert scale.get("zero") is True or scale.get("domain", [1])[0] == 0
        if bound.get("field") == "stageLabel" and channel in ("x", "y", "row"):
            assert bound["sort"] == {"field": "rank", "op": "min"}


DRAWER = """
import json, sys, vl_convert
from coprod_kg.formats.chart_worker import VERSION
specs = json.load(sys.stdin)
json.dump([vl_convert.vegalite_to_svg(spec, vl_version=VERSION) for spec in specs], sys.stdout)
"""


def of_one_row(query: SavedQuery) -> Table:
    texts = ("side", "kind")
    row = {
        one: Cell("literal", f"a {one}")
        if one.endswith("Label") or one in texts
        else Cell("literal", "true", None, f"{XSD}boolean")
        if one == "required"
        else number(3)
        for one in (column.name for column in query.columns)
    }
    return Table(tuple(row), (row,))


@pytest.fixture(scope="module")
def drawn_of_one_row(saved: Mapping[str, SavedQuery]) -> dict[str, str]:
    """Each chart of one row, drawn by one child: loading the engine takes longer than drawing."""
    specs = [chart.specification(saved[name], of_one_row(saved[name])) for name in CHARTS]
    ran = subprocess.run(
        [sys.executable, "-c", DRAWER],
        input=json.dumps(specs),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(CHARTS, json.loads(ran.stdout), strict=True))


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_drawn_of_one_row_and_of_none(
    name: str, saved: Mapping[str, SavedQuery], drawn_of_one_row: dict[str, str]
) -> None:
    drawn = drawn_of_one_row[name]
    assert drawn.startswith("<svg")
    assert "NaN" not in drawn
    assert "undefined" not in drawn
    assert "No data" not in drawn
    columns = tuple(column.name for column in saved[name].columns)
    empty = chart.specification(saved[name], Table(columns, ()))
    assert "No data" in empty["encoding"]["text"]["value"]


def test_of_no_row_it_is_drawn_that_there_are_no_data() -> None:
    empty = chart.svg(chart.specification("initiatives-by-stage", stages()))
    assert empty.count(b"No data") > 1


def test_a_picture_is_a_png_and_the_svg_says_what_it_shows() -> None:
    spec = chart.specification("initiatives-by-stage", stages(("Project <3", 3, 4)))
    assert chart.png(spec).startswith(b"\x89PNG")
    drawn = chart.svg(spec)
    assert b'role="img" aria-label="Chart. How many initiatives sit at each stage now?' in drawn
    assert b"Project &lt;3" in drawn


def test_a_number_stays_one_and_the_title_is_the_question() -> None:
    spec = chart.specification("initiatives-by-stage", stages(("Project", 3, 4)))
    assert spec["data"]["values"] == [{"stageLabel": "Project", "rank": 3, "initiatives": 4}]
    assert spec["title"]["text"] == ["How many initiatives sit at each stage now?"]


def test_a_chart_with_too_many_categories_says_how_many_it_leaves_out() -> None:
    many = stages(*((f"Stage {place}", place, 1) for place in range(chart.MOST_CATEGORIES + 5)))
    spec = chart.specification("initiatives-by-stage", many)
    assert len(spec["data"]["values"]) == chart.MOST_CATEGORIES
    assert "Only the first 60 of 65" in " ".join(spec["title"]["subtitle"])


def test_a_chart_of_few_says_so() -> None:
    few = chart.specification("value-by-side", sides(4))
    assert few["title"]["subtitle"][-1] == "Few data: no count in the table is larger than 4."
    assert "Few data" not in str(chart.specification("value-by-side", sides(5))["title"])


def test_a_duration_is_no_count_of_few(saved: Mapping[str, SavedQuery]) -> None:
    row = {"initiatives": number(1), "mean": number(48)}
    spec = chart.specification("step-durations-by-step", Table(tuple(row), (row,)))
    assert spec["title"]["subtitle"][-1] == "Few data: no count in the table is larger than 1."


@pytest.mark.parametrize(
    ("coded", "said"),
    [
        ((6, 5), f"{CAVEAT}: the column “By secondary coding” says of how much this holds."),
        ((6, 0), f"{CAVEAT}: the column “By secondary coding” says of how much this holds."),
        ((0, 0), ""),
    ],
)
def test_a_chart_says_whether_it_rests_on_secondary_coding(
    coded: tuple[int, int], said: str
) -> None:
    rows = tuple(
        {"initiatives": number(count), "secondary": number(of_these)}
        for count, of_these in zip((6, 5), coded, strict=True)
    )
    table = Table(("initiatives", "secondary"), rows)
    spec = chart.specification("initiatives-by-stage", table)
    assert " ".join(spec["title"].get("subtitle", [])) == said
    assert said in spec["description"]


def test_the_description_says_what_each_number_counts(saved: Mapping[str, SavedQuery]) -> None:
    row = {
        "fromStageLabel": Cell("literal", "Project"),
        "initiatives": number(9),
        "mean": number(48),
    }
    table = Table(tuple(row), (row,))
    told = chart.described(saved["step-durations-by-step"], table)
    assert told == chart.specification("step-durations-by-step", table)["description"]
    assert told.endswith("next? Project, initiatives 9, mean duration 48 months.")


@pytest.mark.parametrize("name", CHARTS)
def test_what_is_not_known_is_grey(name: str, saved: Mapping[str, SavedQuery]) -> None:
    columns = saved[name].columns
    if not any("99 where none is claimed now" in column.description for column in columns):
        return
    shades = [
        bound for channel, bound in chart.encodings(chart.template(name)) if channel == "color"
    ]
    assert len(shades) == 1
    assert shades[0]["condition"]["test"].startswith("datum.rank == 99")


def test_a_query_without_a_chart_is_told_so() -> None:
    with pytest.raises(NotFound, match="has no chart"):
        chart.specification("connectors", Table((), ()))


def test_a_chart_fetches_nothing() -> None:
    spec = chart.specification("initiatives-by-stage", stages(("Project", 3, 4)))
    spec["data"] = {"url": "https://example.org/rows.json"}
    with pytest.raises(ModelError, match="not allowed"):
        chart.svg(spec)


def test_what_is_no_chart_is_named_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.rq").write_text("", encoding="utf-8")
    assert not chart.has_chart("mine", tmp_path)
    (tmp_path / "bad.rq").write_text("", encoding="utf-8")
    (tmp_path / "bad.vl.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"bad\.vl\.json"):
        chart.template("bad", tmp_path)


def test_a_persons_own_query_does_not_take_the_models_chart(tmp_path: Path) -> None:
    (tmp_path / "initiatives-by-stage.rq").write_text("", encoding="utf-8")
    assert not chart.has_chart("initiatives-by-stage", tmp_path)
    own = {"data": {"name": "rows"}, "mark": "bar"}
    (tmp_path / "other.rq").write_text("", encoding="utf-8")
    (tmp_path / "other.vl.json").write_text(json.dumps(own), encoding="utf-8")
    assert chart.template("other", tmp_path) == own
