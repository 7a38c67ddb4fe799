"""A release is the whole public data of a named version, and the same bytes each time."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from coprod_kg.cli.__main__ import coprod_kg
from coprod_kg.errors import NotFound

SECOND = """
@prefix barrier: <https://w3id.org/coprod/vocab/barrier/> .
@prefix basis: <https://w3id.org/coprod/vocab/basis/> .
@prefix cp: <https://w3id.org/coprod/ontology#> .
@prefix org: <http://www.w3.org/ns/org#> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix stage: <https://w3id.org/coprod/vocab/stage/> .
<id/organisation/second> a org:Organization ; rdfs:label "Second reader"@en .
<id/agent/second> a prov:Agent ; rdfs:label "Second reader"@en .
<id/stage-assessment/second> a cp:StageAssessment ; rdfs:label "Stage"@en ;
  cp:about <id/initiative/wigan-deal> ; cp:stage stage:programme ;
  cp:claimedBy <id/agent/second> ; cp:basis basis:secondary-coding .
<id/barrier-report/second> a cp:BarrierReport ; rdfs:label "Barrier"@en ;
  cp:about <id/initiative/wigan-deal> ; cp:barrier barrier:lack-of-time ;
  cp:claimedBy <id/agent/second> ; cp:basis basis:secondary-coding .
"""
"""Another reader's claims about the same initiative."""
CASE = Path(__file__).parents[1] / "examples" / "cases" / "wigan-council.ttl"


def run(*arguments: str | Path) -> str:
    ended = CliRunner().invoke(coprod_kg, [str(one) for one in arguments], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_a_named_version_is_released_whole_and_the_same_each_time(tmp_path: Path) -> None:
    data, first, second = tmp_path / "data", tmp_path / "first.zip", tmp_path / "second.zip"
    other = tmp_path / "second.ttl"
    other.write_text(SECOND, encoding="utf-8")
    run("submit", CASE, other, "--data", data)
    run("tag", "2", "spring", "--data", data)
    run("release", "spring", "--output", first, "--data", data)
    run("release", "spring", "--output", second, "--data", data)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        held = {
            name.partition("/")[2]: archive.read(name)
            for name in archive.namelist()
            if name.startswith("coprod-spring/")
        }
        assert len(held) == len(archive.namelist())
    sums = dict(line.split("  ")[::-1] for line in held.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: sha256(content).hexdigest() for name, content in held.items()}
    dumped = run("dump", "--version", "2", "--data", data)
    assert held["data.nq"].decode().splitlines() == sorted(dumped.splitlines())
    rows = list(csv.DictReader(io.StringIO(held["tables/BarrierReport.csv"].decode())))
    assert len(rows) == held["data.nq"].decode().count(
        "#BarrierReport> <https://w3id.org/coprod/graph/organisation/"
    )
    assert {row["about"] for row in rows} == {"https://w3id.org/coprod/id/initiative/wigan-deal"}
    columns = list(csv.DictReader(io.StringIO(held["tables/columns.csv"].decode())))
    assert {row["column"] for row in columns if row["table"] == "BarrierReport"} == {*rows[0]} - {
        "iri"
    }
    for name in ("stages", "the-scale", "barriers"):
        agreement = list(csv.DictReader(io.StringIO(held[f"agreement/{name}.csv"].decode())))
        assert {row["subjects"] for row in agreement} == {"1"}
        assert {"Second reader"} == {
            label
            for row in agreement
            for label in (row["oneLabel"], row["otherLabel"])
            if not label.startswith("coprod-kg")
        }
    assert json.loads(held["datacite.json"])["version"] == "2"
    assert {
        "codebook.md",
        "sampling-frame.md",
        "CITATION.cff",
        "ontology/coprod.ttl",
    } <= held.keys()


OWN = """#+ summary: What is an initiative called?
#+ description: One row for each name.
#+ tags: names
#+ column name: The name.
PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT ?name WHERE { ?initiative a cp:Initiative ; rdfs:label ?name } ORDER BY ?name
"""


def test_the_numbers_can_be_made_again_from_the_archive_alone_as_its_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, path, own = tmp_path / "data", tmp_path / "first.zip", tmp_path / "own"
    own.mkdir()
    (own / "names.rq").write_text(OWN, encoding="utf-8")
    monkeypatch.setenv("COPROD_QUERIES", str(own))
    run("submit", CASE, "--data", data)
    run("tag", "2", "spring", "--data", data)
    run("release", "spring", "--output", path, "--data", data)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "coprod-spring"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    script = readme.partition("```python\n")[2].partition("```")[0]
    for name in ("initiatives-by-stage", "barriers-overall", "names"):
        changed = script.replace("initiatives-by-stage", name)
        made = subprocess.run(
            [sys.executable, "-c", changed], cwd=folder, capture_output=True, text=True, check=True
        )
        answered = run("query", name, "--format", "csv", "--data", data)
        assert len(answered.splitlines()) > 1
        assert sorted(made.stdout.split()) == sorted(answered.split())


def test_a_name_that_no_version_has_is_told(tmp_path: Path) -> None:
    run("submit", CASE, "--data", tmp_path)
    with pytest.raises(NotFound, match="no version of the data is called 'winter'"):
        CliRunner().invoke(
            coprod_kg, ["release", "winter", "--data", str(tmp_path)], catch_exceptions=False
        )
