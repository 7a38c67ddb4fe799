"""The commands submit and validate tell a person plainly what became of each file."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coprod_kg.cli.submit import submit as submit_command
from coprod_kg.cli.submit import validate as validate_command
from coprod_kg.errors import CoprodError
from coprod_kg.ingest.submit import SubmittedFile
from tests.test_submitting import BROKEN, initiative, organisation, sent, town


def run(command: str, *arguments: object) -> Result:
    commands = {"submit": submit_command, "validate": validate_command}
    return CliRunner().invoke(commands[command], [str(one) for one in arguments])


def written(folder: Path, file: SubmittedFile) -> Path:
    path = folder / file.name
    path.write_bytes(file.content)
    return path


def test_the_command_submits_and_tells_the_version(tmp_path: Path) -> None:
    path, data = written(tmp_path, town()), tmp_path / "data"
    first = run("submit", path, "--data", data)
    assert first.exit_code == 0, first.output
    assert "1 of 1 accepted, 0 refused. Version " in first.output
    again = run("submit", path, "--data", data, "--json")
    assert json.loads(again.output)["files"][0]["unchanged"] is True


def test_the_command_says_plainly_that_nothing_was_changed(tmp_path: Path) -> None:
    result = run("validate", written(tmp_path, BROKEN))
    assert result.exit_code == 1
    golden = Path(__file__).parent / "errors" / "report.txt"
    if os.environ.get("COPROD_REFRESH") == "1":
        golden.write_text(result.output, encoding="utf-8")
    assert result.output == golden.read_text(encoding="utf-8")


def test_findings_of_one_cause_are_one_line_and_a_count(tmp_path: Path) -> None:
    many = [initiative(f"pond-{n}", "lake", more="; cp:sector 1") for n in range(50)]
    path = written(tmp_path, sent("lake.ttl", organisation("lake"), *many))
    result = run("validate", path)
    assert "To be mended (50): " in result.output
    assert "and 46 more" in result.output
    assert len(result.output.splitlines()) < 15


def test_the_places_of_a_cause_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    table, count = tmp_path / "csv", 24
    table.mkdir()
    (table / "Organisations.csv").write_text("Name,Country\nLake,Denmark\n", encoding="utf-8")
    rows = "".join(f"Pond {number},Lake\n" for number in range(count))
    (table / "Initiatives.csv").write_text(f"Name,Run by\n{rows}", encoding="utf-8")
    described = [initiative(f"pond-{9 - n}", "lake", more="; cp:sector 1") for n in range(9)]
    text = written(tmp_path, sent("lake.ttl", organisation("lake"), *described))
    for path, key in ((table, "row"), (text, "line")):
        told = json.loads(run("validate", path, "--format", "json").stdout)
        places: dict[str, list[int]] = {}
        for finding in told["files"][0]["findings"]:
            places.setdefault(finding["shape"], []).append(finding["spot"][key])
        assert max(map(len, places.values())) > 8
        assert all(found == sorted(found) for found in places.values()), places


def test_the_report_can_be_had_as_shacl(tmp_path: Path) -> None:
    result = run("validate", written(tmp_path, BROKEN), "--format", "turtle")
    assert "sh:conforms false" in result.output
    assert "sh:resultPath cp:sector" in result.output


def test_wrong_usage_ends_with_two(tmp_path: Path) -> None:
    one, two = written(tmp_path, town()), written(tmp_path, BROKEN)
    result = run("validate", one, two, "--organisation", "town")
    assert isinstance(result.exception, CoprodError)
    assert result.exception.exit_code == 2
    assert run("validate", one, "--organisation", "twon").exit_code == 2
    assert run("validate").exit_code == 2


@pytest.mark.parametrize("stated", ["Lake Town", "<lake>", "Søby"])
def test_an_organisation_stated_by_its_name_is_told_its_identifier(
    tmp_path: Path, stated: str
) -> None:
    table = tmp_path / "csv"
    table.mkdir()
    (table / "Organisations.csv").write_text("Name,Country\nLake Town,Denmark\n", encoding="utf-8")
    for path, identifier in ((written(tmp_path, town()), "town"), (table, "lake-town")):
        result = run("validate", path, "--organisation", stated)
        assert "fault of this program" not in result.output
        assert f"State one that it describes ({identifier})" in result.output, result.output


def test_a_stated_format_wins_over_the_name(tmp_path: Path) -> None:
    path = tmp_path / "town.txt"
    path.write_bytes(town().content)
    assert run("validate", path).exit_code == 1
    assert run("validate", path, "--media-type", "text/turtle").exit_code == 0


def test_nothing_in_a_file_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    evil = '; cp:sector "\x1b[2J\x07" , "' + "long " * 1000 + '"'
    path = written(
        tmp_path, sent("lake.ttl", organisation("lake"), initiative("x", "lake", more=evil))
    )
    output = run("validate", path).output
    assert "To be mended (2)" in output
    assert not [one for one in output if not one.isprintable() and one != "\n"]
    assert len(output) < 2000
    broken = tmp_path / "broken.ttl"
    broken.write_bytes(b"<urn:s> <urn:p> \x1b[2J .")
    assert "\x1b" not in run("validate", broken).output
