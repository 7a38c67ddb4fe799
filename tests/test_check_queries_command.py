"""The command check-queries names every mistake of every file, with its line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from coprod_kg.cli.check_queries import check_queries
from coprod_kg.errors import CoprodError, QueryMemory, QueryTimeout
from coprod_kg.queries.charts.checks import chart_mistakes
from coprod_kg.queries.library import examine
from coprod_kg.queries.lint import hints, query_mistakes
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query
from tests.memory_store import MemoryStore

BROKEN = Path(__file__).parent / "broken_queries"
SOUND = (BROKEN / "sound.rq").read_text(encoding="utf-8")
CHART = (BROKEN / "sound.vl.json").read_text(encoding="utf-8")


def checked(*arguments: str) -> Result:
    return CliRunner().invoke(check_queries, arguments)


def test_every_mistake_of_a_folder_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)
    told = checked(".")
    assert told.exit_code == 1
    assert told.output == (BROKEN / "expected.txt").read_text(encoding="utf-8")


def test_the_questions_and_views_of_this_software_have_no_mistake() -> None:
    told = checked()
    assert told.exit_code == 0, told.output
    assert told.output.endswith(" charts, no mistakes.\n")


def test_files_can_be_named_one_by_one_and_told_as_json() -> None:
    told = checked(str(BROKEN / "sound.rq"), str(BROKEN / "undeclared.rq"), "--json")
    assert told.exit_code == 1
    (row,) = json.loads(told.output)
    assert (Path(row["file"]).name, row["line"]) == ("undeclared.rq", 6)
    assert "the prefix cp: is not declared" in row["what"]


def test_a_persons_own_folder_is_looked_at_without_being_named(tmp_path: Path) -> None:
    (tmp_path / "mine.rq").write_text(SOUND.replace("#+ tags: stage\n", ""))
    told = checked("--queries", str(tmp_path))
    assert told.exit_code == 1
    assert f"{tmp_path / 'mine.rq'}:1: the header has no 'tags'" in told.output


@pytest.mark.parametrize("path", ["nowhere", __file__])
def test_what_is_no_query_is_refused_by_its_name(path: str) -> None:
    told = checked(path)
    assert told.exit_code != 0
    assert f"{path} is no saved query" in str(told.exception)


def test_a_query_nested_too_deeply_is_a_mistake_and_not_the_end(tmp_path: Path) -> None:
    deep = "{" * 100_000 + "}" * 100_000
    (tmp_path / "deep.rq").write_text(SOUND.replace("{ ?s ?p ?o }", f"{{ ?s ?p ?o {deep} }}"))
    (tmp_path / "sound.rq").write_text(SOUND)
    told = checked(str(tmp_path))
    assert told.exit_code == 1
    assert "deep.rq:1: the query is nested deeper than the engine can follow" in told.output
    assert told.output.endswith("2 queries, no charts, 1 mistake.\n")


@pytest.mark.parametrize("stopped", [QueryTimeout("stopped"), QueryMemory("stopped")])
def test_a_query_that_meets_a_limit_over_no_data_is_a_mistake(stopped: CoprodError) -> None:
    class Stopping(MemoryStore):
        def query(self, query: Query) -> Answer:
            assert query.default_graphs
            raise stopped

    query, mistakes = examine("sound", SOUND)
    assert mistakes == []
    found = list(query_mistakes(query, Stopping(), Settings()))
    assert found == [(1, "it is too much even over no data: stopped")]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("[" * 100_000, 1, "nested too deeply"),
        ('{"a":' * 100 + "1" + "}" * 100, 1, "nested too deeply"),
        ('{"data": {"name": "rows"}}', 1, "it has none of mark, layer"),
        (CHART.replace('"rows"', '"others"'), 1, "the rows are the query's"),
        (CHART.replace('"bar"', '{"type": "bar", "href": "https://example.org"}'), 1, "lead out"),
        (CHART.replace('"nominal"', '"nominal", "sort": {"field": "rank"}'), 2, "no column 'rank'"),
        (CHART.replace('"nominal"', "NaN"), 1, "NaN is no number"),
        (CHART.replace('"nominal"', '"nominal", "title": {"expr": "datum[\'n\']"}'), 2, "'n'"),
    ],
)
def test_a_mistake_in_a_chart_is_named_with_its_line(text: str, line: int, what: str) -> None:
    found = chart_mistakes(text, ["s"])
    assert any(at == line and what in told for at, told in found), found


def test_a_chart_may_name_what_it_makes_itself() -> None:
    made = CHART.replace(
        '"mark"',
        '"transform": [{"fold": ["s"]}, {"calculate": "datum.s + datum.value", "as": "t"}], "mark"',
    )
    assert chart_mistakes(made.replace('"field": "s"', '"field": "t"'), ["s"]) == []
    assert chart_mistakes(CHART, ["s"]) == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5) | st.just("rows"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "field", "as", "name", "mark"]), inner)
        ),
        max_leaves=20,
    )
)
def test_whatever_json_a_chart_is_it_is_judged(value: object) -> None:
    for line, what in chart_mistakes(json.dumps(value), ["s"]):
        assert line == 1
        assert what


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        (
            "?thing cp:reportedBarier ?b",
            "the ontology defines no term cp:reportedBarier; did you mean cp:reportedBarrier?",
        ),
        (
            "?thing a cp:Initiatve",
            "the ontology defines no term cp:Initiatve; did you mean cp:Initiative?",
        ),
        (
            "?thing <https://w3id.org/coprod/ontology#abuot> ?b",
            "the ontology defines no term cp:abuot; did you mean cp:about?",
        ),
        (
            "?thing ?p stage:projekt",
            "there is no concept stage:projekt; did you mean stage:project?",
        ),
        ("?thing cp:xyzzy ?b", "the ontology defines no term cp:xyzzy"),
    ],
)
def test_a_term_that_the_model_has_not_is_a_mistake(
    tmp_path: Path, pattern: str, what: str
) -> None:
    prefixes = (
        "PREFIX cp: <https://w3id.org/coprod/ontology#>\n"
        "PREFIX stage: <https://w3id.org/coprod/vocab/stage/>\n"
    )
    (tmp_path / "mine.rq").write_text(f"{prefixes}SELECT ?thing {{ {pattern} }}")
    told = checked(str(tmp_path))
    assert told.exit_code == 1
    assert f"mine.rq:3: {what}\n" in told.output


def test_terms_that_the_model_has_and_names_of_others_are_none(tmp_path: Path) -> None:
    text = "PREFIX c: <https://w3id.org/coprod/ontology#>\nPREFIX x: <urn:cp:>\n"
    text += "ASK { ?a a c:Initiative ; x:Barier 'c:Nothing' ; <urn:c:Nothing> c: } # c:Nothing"
    (tmp_path / "mine.rq").write_text(text)
    assert "defines no term" not in checked(str(tmp_path)).output


@pytest.mark.parametrize(
    ("select", "lines"),
    [
        ("SELECT ?s (COUNT(*) AS ?n) { ?s ?p ?o }\nGROUP BY ?s\nHAVING(?n > 1)", [3]),
        ("SELECT ?s (COUNT(*) AS ?n) { ?s ?p ?o }\nGROUP BY ?s HAVING(COUNT(*) > 1)", []),
        ("SELECT ?s (SUM(?o) AS ?o2) { ?s ?p ?o }\nGROUP BY ?s HAVING(SUM(?o2) > 1)", []),
        ("SELECT ?k (1 AS ?n) { ?s ?p ?o }\nGROUP BY (STR(?s) AS ?k) HAVING(?k > 'a')", []),
        ("ASK { {\nSELECT (MAX(?o) AS ?n) { ?s ?p ?o } GROUP BY ?s\nHAVING(?n > 1) } }", [3]),
    ],
)
def test_a_name_that_having_does_not_see_is_a_hint_and_no_mistake(
    tmp_path: Path, select: str, lines: list[int]
) -> None:
    path = tmp_path / "mine.rq"
    path.write_text(select)
    assert [one.line for one in hints([path])] == lines
    assert ("hint: HAVING does not see ?n" in checked(str(path)).output) == bool(lines)


def test_a_hint_alone_is_no_failure(tmp_path: Path) -> None:
    path = tmp_path / "sound.rq"
    path.write_text(SOUND.replace("ORDER BY", "HAVING(?initiatives > 1) ORDER BY", 1))
    found = hints([path])
    told = checked(str(path))
    assert (told.exit_code == 0) == ("no mistakes" in told.output)
    assert len(found) == told.output.count("hint: ")
