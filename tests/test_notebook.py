"""Claims about ``coprod_kg.connect``: a folder and a service, asked from Python."""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import coprod_kg
from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.notebook import Connection, Result
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from coprod_kg.store.local import connect as opened
from tests.test_serve_command import Serving, served


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with served(tmp_path_factory.mktemp("notebook"), "--workers", "1") as running:
        yield running


@pytest.fixture(scope="module")
def kg(service: Serving) -> Iterator[Connection]:
    with coprod_kg.connect(service.data) as connection:
        yield connection


@pytest.fixture(scope="module")
def remote(service: Serving) -> Iterator[Connection]:
    with coprod_kg.connect(service.url) as connection:
        yield connection


def test_importing_the_package_imports_no_engine() -> None:
    program = "import sys, coprod_kg; sys.exit('pyoxigraph' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_folder_and_a_service_give_equal_frames(kg: Connection, remote: Connection) -> None:
    for name in ("initiatives_by_stage", "initiatives_at_stage", "barriers_by_stage"):
        here: Result = getattr(kg, name)()
        there: Result = getattr(remote, name)()
        assert len(here) > 0
        assert here.version == there.version
        pd.testing.assert_frame_equal(here.to_pandas(), there.to_pandas())
        assert here.to_polars().equals(there.to_polars())


def test_a_list_binds_several_values(kg: Connection, remote: Connection) -> None:
    stages = ["project", "pilot-project"]
    for one in (kg, remote):
        apart = [len(one.initiatives_at_stage(stage=stage)) for stage in stages]
        assert all(apart)
        assert len(one.initiatives_at_stage(stage=stages)) == sum(apart)


def test_a_query_tells_its_parameters_and_columns(kg: Connection, remote: Connection) -> None:
    for one in (kg, remote):
        question = one.initiatives_at_stage
        assert list(inspect.signature(question).parameters) == ["stage"]
        told = inspect.getdoc(question) or ""
        assert "stage (concept stage): Only initiatives that sit at this stage now." in told
        assert "basisLabel: What the claim rests on, in words." in told
        assert "initiatives_at_stage" in dir(one)
        assert "initiatives-at-stage" in one.queries
        assert "<td>initiatives_at_stage</td>" in one.queries._repr_html_()


def test_a_wrong_name_is_told_with_the_one_that_was_meant(kg: Connection) -> None:
    with pytest.raises(AttributeError, match="initiatives_at_stage"):
        kg.initiatives_at_stag  # noqa: B018  # the look-up is what fails
    with pytest.raises(WrongUsage, match="did you mean stage"):
        kg.initiatives_at_stage(stag="project")


def test_a_wrong_value_is_told_with_the_one_that_was_meant(
    kg: Connection, remote: Connection
) -> None:
    for one in (kg, remote):
        with pytest.raises(WrongUsage, match="pilot-project"):
            one.initiatives_at_stage(stage="pilot-projct")


def test_values_are_those_of_python(kg: Connection) -> None:
    row = kg.sparql("""
        PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
        SELECT (7 AS ?n) (1.5 AS ?part) ("2021-03-01"^^xsd:date AS ?day) (1/0 AS ?none)
          ("<b>" AS ?text) ("2021-02-30"^^xsd:date AS ?noDay) {}""").rows[0]
    assert (row["n"], str(row["part"]), row["day"]) == (7, "1.5", date(2021, 3, 1))
    assert (row["none"], row["text"], row["noDay"]) == (None, "<b>", "2021-02-30")


def test_a_table_in_a_notebook_is_escaped_and_short(kg: Connection) -> None:
    shown = kg.sparql('SELECT ("<script>" AS ?x) {}')._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    many = kg.sparql("SELECT ?s { ?s ?p ?o } LIMIT 80")._repr_html_()
    assert many.count("<tr>") == 51
    assert "80 rows, the first 50 of them shown" in many


def test_yes_or_no_and_a_graph_are_answers_too(kg: Connection, remote: Connection) -> None:
    for one in (kg, remote):
        assert one.sparql("ASK { ?s ?p ?o }").truth is True
        assert "<urn:a>" in one.sparql("CONSTRUCT { <urn:a> <urn:b> 1 } WHERE {}").text


def test_a_chart_is_drawn_where_the_query_has_one(kg: Connection, remote: Connection) -> None:
    for one in (kg, remote):
        assert one.initiatives_by_stage().chart().svg.startswith("<svg")
    with pytest.raises(NotFound, match="chart"):
        kg.initiatives_at_stage().chart()


def test_a_citation_names_version_query_and_parameters(kg: Connection) -> None:
    answer = kg.initiatives_at_stage(stage="project")
    expected = f"version {answer.version}, query initiatives-at-stage with stage = project"
    assert expected in answer.citation.text
    assert answer.citation.bibtex.startswith("@misc{")


def test_an_answer_is_written_as_csv(kg: Connection, tmp_path: Path) -> None:
    answer = kg.initiatives_by_stage()
    answer.to_csv(tmp_path / "stages.csv")
    lines = (tmp_path / "stages.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(answer.columns)
    assert len(lines) == len(answer) + 1


def test_a_pinned_version_gives_what_was_known_then(tmp_path: Path) -> None:
    settings = Settings.load({"data": tmp_path})
    count = "SELECT (COUNT(*) AS ?n) { GRAPH <urn:g> { ?s ?p ?o } }"
    with opened(settings) as store:
        first = store.commit(Change(replace={"urn:g": b"<urn:a> <urn:b> <urn:c> .\n"})).version
        store.commit(Change(replace={"urn:g": b""}))
    with coprod_kg.connect(tmp_path, version=first) as then, coprod_kg.connect(tmp_path) as now:
        assert then.sparql(count).rows == [{"n": 1}]
        assert then.sparql(count).version == first
        assert now.sparql(count).rows == [{"n": 0}]


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="there is no folder"):
        coprod_kg.connect(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
