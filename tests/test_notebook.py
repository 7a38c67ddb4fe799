"""Claims about ``coprod_kg.connect``: a folder and a service, asked from Python."""

import inspect
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import coprod_kg
from coprod_kg.cli.query import query
from coprod_kg.client import Connection, Result
from coprod_kg.errors import CoprodError, NotFound, WrongUsage
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from coprod_kg.store.local import connect as opened
from tests.prepared import Prepared
from tests.test_serve_command import Serving, examples, served
from tests.web.test_query_differences import QUERY
from tests.web.test_query_differences import data as counts

PEOPLE = QUERY.replace("SELECT", "#+ unit count: people\n#+ small-counts: count below 5\nSELECT", 1)


@pytest.fixture(scope="module")
def service(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with served(
        examples(prepared, tmp_path_factory.mktemp("notebook")), "--workers", "1"
    ) as running:
        yield running


@pytest.fixture(scope="module")
def kg(service: Serving) -> Iterator[Connection]:
    with coprod_kg.connect(service.data) as connection:
        yield connection


@pytest.fixture(scope="module")
def remote(service: Serving) -> Iterator[Connection]:
    with coprod_kg.connect(service.url) as connection:
        yield connection


def test_importing_the_package_imports_no_engine_and_looks_no_version_up() -> None:
    program = (
        "import sys, coprod_kg\nassert not {'pyoxigraph', 'importlib.metadata'} & {*sys.modules}"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_folder_and_a_service_give_equal_frames(kg: Connection, remote: Connection) -> None:
    for name in ("initiatives_by_stage", "initiatives_at_stage", "barriers_by_stage"):
        here: Result = getattr(kg, name)()
        there: Result = getattr(remote, name)()
        assert len(here) > 0
        assert here.version == there.version
        pd.testing.assert_frame_equal(here.to_pandas(), there.to_pandas())
        assert here.to_polars().equals(there.to_polars())


def test_a_folder_and_a_service_assess_alike(kg: Connection, remote: Connection) -> None:
    here, there = (one.assess("ryhov-self-care", language="da") for one in (kg, remote))
    assert here == there
    assert here["language"] == "da"
    assert here["profiles"]
    with pytest.raises(NotFound):
        kg.assess("nobody")
    with pytest.raises(NotFound):
        remote.assess("nobody")


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


def test_a_connection_says_what_it_asks(
    kg: Connection, remote: Connection, service: Serving
) -> None:
    assert repr(kg).startswith(f"<{service.data}: {len(kg.queries)} saved queries")
    assert repr(remote).startswith(f"<{service.url}: {len(kg.queries)} saved queries")


def test_a_value_without_the_name_of_its_parameter_is_told_how_it_is_written(
    kg: Connection,
) -> None:
    with pytest.raises(WrongUsage, match="needs the name of its parameter") as told:
        kg.initiatives_at_stage("project")
    assert "initiatives_at_stage(stage='project')" in str(told.value)
    with pytest.raises(WrongUsage, match="Permitted: none at all"):
        kg.initiatives_by_stage("project")


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
    with pytest.raises(NotFound, match="initiatives-at-stage has no"):
        kg.initiatives_at_stage().chart()


def test_a_citation_is_the_one_that_the_service_gives(
    kg: Connection, remote: Connection, service: Serving
) -> None:
    here, there = (one.initiatives_at_stage(stage="project") for one in (kg, remote))
    where = f"{service.url}/queries/initiatives-at-stage"
    asked = f"stage=project&version={there.version}"
    with urllib.request.urlopen(f"{where}/cite.txt?{asked}") as response:
        assert there.citation.text == response.read().decode().strip()
    with urllib.request.urlopen(f"{where}/cite.bib?{asked}") as response:
        assert there.citation.bibtex == response.read().decode().strip()
    with urllib.request.urlopen(f"{where}.csv?{asked}") as response:
        assert here.sha256 == there.sha256 == response.headers["Content-SHA256"]
    (item,), (other,) = here.citation.csl, there.citation.csl
    assert item["custom"] == other["custom"]
    assert item["custom"]["content-sha256"] == here.sha256
    assert item["URL"].partition("/queries/")[2] == other["URL"].partition("/queries/")[2]
    assert str(here.citation) == here.citation.text
    assert here.sha256 in here.citation.bibtex


def test_an_answer_of_any_sparql_is_cited_by_its_hash(kg: Connection, remote: Connection) -> None:
    for text in ("SELECT (1 AS ?n) {}", "ASK {}", "CONSTRUCT { <urn:a> <urn:b> 1 } WHERE {}"):
        here, there = kg.sparql(text), remote.sparql(text)
        assert here.sha256 == there.sha256
        assert here.sha256 in here.citation.text
        assert here.citation.bibtex.startswith("@misc{")
        assert here.citation.csl[0]["version"] == str(here.version)


def test_an_answer_goes_to_a_file_in_every_format(
    kg: Connection, remote: Connection, tmp_path: Path
) -> None:
    starts = {"csv": b"stage,", "tsv": b"?stage", "json": b"{", "xml": b"<?xml", "xlsx": b"PK"}
    starts |= {"svg": b"<svg", "png": b"\x89PNG", "vega": b"{", "zip": b"PK"}
    for one in (kg, remote):
        answer = one.initiatives_by_stage()
        for ending, start in starts.items():
            answer.save(tmp_path / f"stages.{ending}")
            assert (tmp_path / f"stages.{ending}").read_bytes().startswith(start)
        answer.crate(tmp_path / "crate")
        assert (tmp_path / "crate").read_bytes() == (tmp_path / "stages.zip").read_bytes()
        graph = one.sparql("CONSTRUCT { <urn:a> <urn:b> 1 } WHERE {}")
        graph.save(tmp_path / "graph.ttl")
        assert b"<urn:a>" in (tmp_path / "graph.ttl").read_bytes()


def test_a_file_of_no_format_is_not_written(kg: Connection, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="Take json"):
        kg.initiatives_by_stage().save(tmp_path / "stages.doc")
    with pytest.raises(NotFound, match="has no svg"):
        kg.initiatives_at_stage().save(tmp_path / "stages.svg")
    with pytest.raises(WrongUsage, match="no format of this answer"):
        kg.sparql("SELECT (1 AS ?n) {}").save(tmp_path / "number.png")
    with pytest.raises(WrongUsage, match="saved query"):
        kg.sparql("SELECT (1 AS ?n) {}").crate(tmp_path / "crate.zip")
    assert not list(tmp_path.iterdir())


def test_an_answer_shows_itself_as_a_table_and_its_chart(kg: Connection) -> None:
    answer = kg.initiatives_by_stage()
    shown = answer._repr_html_()
    assert '<img alt="" src="data:image/svg+xml;base64,' in shown
    assert "<th>Stage</th><th>Order</th>" in shown
    assert "vocab/stage/" not in shown
    assert '<td>Pilot project</td><td style="text-align: right">2</td>' in shown
    lines = repr(answer).splitlines()
    assert lines[0].split()[:2] == ["Stage", "Order"]
    assert lines[-1] == f"({len(answer)} rows; version {answer.version})"
    assert repr(kg.sparql("ASK {}")) == "true"
    own = kg.sparql('SELECT (<urn:x> AS ?thing) ("X" AS ?thingLabel) {}')
    assert "<th>thing</th><th>thingLabel</th>" in own._repr_html_()
    assert repr(own).splitlines()[0].split() == ["thing", "thingLabel"]


MIXED = {
    "numbers and texts": "1 'a' 2.5 UNDEF",
    "numbers of several kinds": "1 2.5 1e0 UNDEF",
    "whole numbers and decimals": "1 2.5",
    "more digits than a column holds": "123456789012345678901 1",
    "truth values and numbers": "true 1",
    "days and texts": "'2020-01-01'^^<http://www.w3.org/2001/XMLSchema#date> 'nope'",
    "days and moments": "'2020-01-01'^^<http://www.w3.org/2001/XMLSchema#date> "
    "'2020-01-01T10:00:00Z'^^<http://www.w3.org/2001/XMLSchema#dateTime>",
    "moments in several zones": (
        "'2020-01-01T10:00:00'^^<http://www.w3.org/2001/XMLSchema#dateTime> "
    )
    + "'2020-01-01T10:00:00+02:00'^^<http://www.w3.org/2001/XMLSchema#dateTime> "
    "'2020-01-01T10:00:00Z'^^<http://www.w3.org/2001/XMLSchema#dateTime>",
    "nothing": "UNDEF",
    "no rows": "",
}


@pytest.mark.parametrize("values", MIXED.values(), ids=list(MIXED))
def test_a_frame_of_polars_comes_wherever_one_of_pandas_does(kg: Connection, values: str) -> None:
    answer = kg.sparql(f"SELECT ?x {{ VALUES ?x {{ {values} }} }}")
    assert answer.to_polars().shape == answer.to_pandas().shape == (len(answer), 1)
    assert answer.to_polars().columns == ["x"]
    missing = [row["x"] is None for row in answer.rows]
    assert answer.to_polars()["x"].is_null().to_list() == missing


def test_numbers_of_one_column_stay_numbers_in_polars(kg: Connection) -> None:
    frame = kg.sparql("SELECT ?x { VALUES ?x { 1 2.5 } }").to_polars()
    assert float(frame["x"].sum()) == 3.5


def test_an_answer_can_be_gone_through_row_by_row(kg: Connection) -> None:
    answer = kg.initiatives_by_stage()
    assert [row["stage"] for row in answer] == [row["stage"] for row in answer.rows]
    assert list(answer) == answer.rows


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_library_that_is_missing_is_named_with_what_brings_it(
    library: str, kg: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = kg.initiatives_by_stage()
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(WrongUsage, match=f"{library} is not installed") as told:
        getattr(answer, f"to_{library}")()
    assert told.value.fix == f"pip install 'coprod-kg[{library}]'"


@pytest.mark.parametrize("address", ["http://", "http://127.0.0.1:9", "https:///x"])
def test_an_address_that_is_wrong_is_told_in_words_of_a_notebook(address: str) -> None:
    with pytest.raises(CoprodError) as told:
        coprod_kg.connect(address)
    assert "--url" not in str(told.value)


def test_small_counts_are_withheld_in_a_notebook_and_at_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "people.rq").write_text(PEOPLE)
    monkeypatch.setenv("COPROD_QUERIES", str(tmp_path / "own"))
    folder = tmp_path / "data"
    with opened(Settings.load({"data": folder}), create=True) as store:
        store.commit(Change(replace={"urn:g": counts(a=2, b=30, c=7)}))
    with coprod_kg.connect(folder) as connection:
        answer = connection.people()
    assert [row["count"] for row in answer.rows] == ["[c]", 30, "[c]"]
    assert "withheld" in answer._repr_html_()
    assert list(answer.to_pandas()["count"]) == ["[c]", 30, "[c]"]
    assert len(answer.to_polars()) == 3
    for form in ("csv", "table", "json"):
        ended = CliRunner().invoke(query, ["people", "--data", str(folder), "-f", form])
        assert ended.exit_code == 0, ended.output
        assert ended.stdout.count("[c]") == 2
    assert (
        "withheld"
        in CliRunner().invoke(query, ["people", "--data", str(folder), "-f", "table"]).stderr
    )


def test_an_answer_is_written_as_csv(kg: Connection, tmp_path: Path) -> None:
    answer = kg.initiatives_by_stage()
    answer.to_csv(tmp_path / "stages.csv")
    lines = (tmp_path / "stages.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(answer.columns)
    assert len(lines) == len(answer) + 1


def test_a_pinned_version_gives_what_was_known_then(tmp_path: Path) -> None:
    settings = Settings.load({"data": tmp_path})
    count = "SELECT (COUNT(*) AS ?n) { GRAPH <urn:g> { ?s ?p ?o } }"
    with opened(settings, create=True) as store:
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
