"""A date that lies ahead is told where the thing cannot lie ahead, in a workbook and in RDF."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyoxigraph as ox
import pytest
from click.testing import CliRunner

from coprod_kg.cli.submit import validate
from coprod_kg.model.installed import Model
from coprod_kg.validation.ahead import Ahead
from tests.workbooks.building import changed, xlsx

CP = "https://w3id.org/coprod/ontology#"
PREFIXES = (
    f"@prefix cp: <{CP}> . @prefix status: <https://w3id.org/coprod/vocab/status/> . "
    "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix dct: <http://purl.org/dc/terms/> . "
)


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def found(text: str, days: int = 1) -> list[str]:
    triples = [one.triple for one in ox.parse(PREFIXES + text, format=ox.RdfFormat.TURTLE)]
    return [
        f"{one.severity} {(one.path or '').rpartition('#')[2].rpartition('/')[2]}"
        for one in Ahead(Model.installed().submission, days).check(triples)
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('cp:claimedOn "9021-03-01"^^xsd:date', ["Violation claimedOn"]),
        ('cp:claimedOn "9021-03"^^xsd:gYearMonth', ["Violation claimedOn"]),
        ('cp:claimedOn "9021"^^xsd:gYear', ["Violation claimedOn"]),
        ('cp:claimedOn "12021"^^xsd:gYear', ["Violation claimedOn"]),
        ('cp:claimedOn "9021+01:00"^^xsd:gYear', ["Violation claimedOn"]),
        ('dct:issued "9021"^^xsd:gYear', ["Violation issued"]),
        ('cp:occurredOn "9021"^^xsd:gYear', ["Violation occurredOn"]),
        ('cp:validFrom "9021"^^xsd:gYear', ["Warning validFrom"]),
        ('cp:validUntil "9021"^^xsd:gYear', []),
        ('cp:startDate "9021"^^xsd:gYear', ["Warning startDate"]),
        ('cp:startDate "9021"^^xsd:gYear ; cp:lifecycleStatus status:planned', []),
        (
            'cp:startDate "9021"^^xsd:gYear ; cp:lifecycleStatus status:running',
            ["Warning startDate"],
        ),
        ('cp:claimedOn "2021"^^xsd:gYear', []),
        ('cp:claimedOn "-0044"^^xsd:gYear', []),
        (f'cp:claimedOn "{in_days(0)[:4]}"^^xsd:gYear', []),
        (f'cp:claimedOn "{in_days(0)[:7]}"^^xsd:gYearMonth', []),
    ],
)
def test_a_date_ahead_is_found_as_far_as_it_goes(said: str, expected: list[str]) -> None:
    assert found(f"<urn:a> {said} .") == expected


def test_how_far_today_reaches_is_a_setting() -> None:
    said = f'<urn:a> cp:claimedOn "{in_days(5)}"^^xsd:date .'
    assert found(said, 1) == ["Violation claimedOn"]
    assert found(said, 7) == []


def test_a_workbook_is_told_at_its_cell(tmp_path: Path) -> None:
    content = changed("Stage assessments", "G2", "9021-03")
    content["Stage assessments"][0].append("Claimed on")
    (tmp_path / "a.xlsx").write_bytes(xlsx(content))
    done = CliRunner().invoke(validate, [str(tmp_path / "a.xlsx"), "--format", "json"])
    assert done.exit_code == 1
    [one] = [
        finding
        for finding in json.loads(done.stdout)["files"][0]["findings"]
        if finding["severity"] == "Violation"
    ]
    assert one["spot"]["cell"] == "G2"
    assert one["message"] == "The day of the claim lies ahead."
