"""Whatever is broken in a file is told at its cell or line, on both roads, and nothing enters.

Each case is sent to ``POST /submissions`` and to the command, and must be told at the same place.
"""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from coprod_kg.cli.submit import validate as validate_command
from coprod_kg.ingest.history import differences, roll_back
from coprod_kg.ingest.journal import Journal
from coprod_kg.ingest.outcome import Sender
from coprod_kg.ingest.report.marks import XLSX
from coprod_kg.ingest.report.text import as_text
from coprod_kg.ingest.reported import as_table, from_table, reported
from coprod_kg.ingest.submit import SubmitOptions, SubmittedFile, submit, validate
from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore
from tests.test_submitting import PREFIXES, initiative, organisation, town
from tests.workbooks.building import Tables, changed, csv_files, small, xlsx, zipped

BASE = "https://w3id.org/coprod/"
CPS = "https://w3id.org/coprod/shapes#"
TOP = PREFIXES.count("\n")


def turtle(*lines: str) -> bytes:
    """Turtle whose first line after the prefixes is the first one given."""
    return (PREFIXES + "\n".join(lines) + "\n").encode()


TOWN = '<id/organisation/town> a org:Organization ; rdfs:label "Town"@en .'
PANEL = '<id/initiative/panel> a cp:Initiative ; rdfs:label "Panel"@en ;'
RUN = "  cp:runBy <id/organisation/town> ; dcterms:source <https://example.org/> ;"

# What is broken: its lines, the line (from the first after the prefixes) and the shape that tells.
LINES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "a sector that is none": ((TOWN, PANEL, RUN, "  cp:sector 1 ."), 4, "Initiative-sector"),
    "the second of two sectors": (
        (TOWN, PANEL, RUN, "  cp:sector sector:health ,", "    stage:project ."),
        5,
        "Initiative-sector",
    ),
    "a date that is none": (
        (TOWN, PANEL, RUN, "  cp:sector sector:health ;", '  cp:startDate "soon" .'),
        5,
        "Initiative-startDate",
    ),
    "an end before the start": (
        (
            *(TOWN, PANEL, RUN, "  cp:sector sector:health ;"),
            '  cp:startDate "2020"^^<http://www.w3.org/2001/XMLSchema#gYear> ;',
            '  cp:endDate "2019"^^<http://www.w3.org/2001/XMLSchema#gYear> .',
        ),
        6,
        "InitiativeDates-order",
    ),
    "a term that is none": (
        (TOWN, PANEL, RUN, "  cp:sector sector:health ;", "  cp:startDat 2021 ."),
        5,
        "KnownTerm",
    ),
    "a reference to nothing": (
        (TOWN, PANEL, RUN, "  cp:sector sector:health ;", "  cp:succeeds <id/initiative/x> ."),
        5,
        "KnownReference",
    ),
    "a thing without a name": (
        (TOWN, "", "<id/initiative/x> a cp:Initiative ;", RUN, "  cp:sector sector:health ."),
        3,
        "Thing-label",
    ),
    "a subject that is not ours": ((TOWN, "<https://elsewhere.example/x> a org:Organization ;",
        '  rdfs:label "X"@en .'), 2, "OwnSubject"),
    "a conclusion": (
        (TOWN, PANEL, RUN, "  cp:sector sector:health ;", "  cp:currentStage stage:project ."),
        5,
        "Conclusion-currentStage",
    ),
    "behind a text of several lines": (
        (
            *(TOWN, PANEL, '  dcterms:description """One', "<id/initiative/panel> cp:sector 1 ."),
            *('# <id/initiative/panel> """@en ;', RUN, "  cp:sector 1 ."),
        ),
        7,
        "Initiative-sector",
    ),
}  # fmt: skip
ORGS, INIT, STAGE, BARR = "Organisations", "Initiatives", "Stage assessments", "Barrier reports"
# What is broken: the sheet, the cell, what stands there, and the rule that tells.
CELLS: dict[str, tuple[str, str, object, str]] = {
    "a word that is not in its list": (INIT, "D2", "Helth", "Table-unknown-value"),
    "a country that is none": (ORGS, "C2", "Danmrak", "Table-unknown-value"),
    "a date that is none": (INIT, "E2", "1.3.2021", "Table-bad-date"),
    "a name of nothing": (INIT, "C2", "Nowhere", "Table-unknown-name"),
    "a formula": (INIT, "E2", "=TODAY()", "Table-formula"),
    "a bad identifier": (INIT, "A2", "Memory Café!", "Table-bad-identifier"),
    "no name": (INIT, "B2", None, "Table-missing-name"),
    "a link that is none": (ORGS, "D2", "www.example.org", "Table-bad-link"),
    "neither yes nor no": (BARR, "E2", "perhaps", "Table-bad-yes-or-no"),
    "two stages": (STAGE, "C2", "Pilot project; Project", "Table-too-many-values"),
    "no basis": (STAGE, "E2", None, "Claim-basis"),
    "no claimant": (BARR, "C2", None, "Claim-claimedBy"),
    "nothing that it is about": (STAGE, "B2", None, "Claim-about"),
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"data": tmp_path / "data"}, {})


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    return create_app(MemoryStore(), settings).test_client()


def both_roads(content: bytes, name: str, client: FlaskClient, folder: Path) -> dict[str, object]:
    """What both say, which must be the same."""
    kind = XLSX if name.endswith("xlsx") else "text/turtle"
    answer = client.post(
        f"/submissions?dry_run=1&name={name}", data=content, headers={"Content-Type": kind}
    )
    assert answer.status_code == 422
    path = folder / name
    path.write_bytes(content)
    told = CliRunner().invoke(validate_command, [str(path), "--json"])
    assert told.exit_code == 1
    sent, checked = json.loads(answer.text), json.loads(told.output)
    assert sent["files"][0]["findings"] == checked["files"][0]["findings"]
    table: dict[str, object] = sent["files"][0]
    return table


def told_at(table: dict[str, object], rule: str) -> list[object]:
    findings: list[dict[str, object]] = table["findings"]  # type: ignore[assignment]  # it is JSON
    return [one["spot"] for one in findings if one["shape"] == f"{CPS}{rule}"]


@pytest.mark.parametrize("case", LINES)
def test_what_is_broken_in_rdf_is_told_at_its_line(
    case: str, client: FlaskClient, tmp_path: Path
) -> None:
    lines, number, rule = LINES[case]
    table = both_roads(turtle(*lines), "town.ttl", client, tmp_path)
    nowhere = dict.fromkeys(("sheet", "row", "column", "cell", "source"))
    assert {**nowhere, "line": TOP + number} in told_at(table, rule)


@pytest.mark.parametrize("case", CELLS)
def test_what_is_broken_in_a_workbook_is_told_at_its_cell(
    case: str, client: FlaskClient, tmp_path: Path
) -> None:
    sheet, cell, value, rule = CELLS[case]
    table = both_roads(xlsx(changed(sheet, cell, value)), "my.xlsx", client, tmp_path)
    [spot] = told_at(table, rule)
    assert (spot["sheet"], spot["cell"]) == (sheet, cell)  # type: ignore[index]  # it is a dict


def several() -> Tables:
    """A workbook of two organisations that share a piece of evidence."""
    made = small()
    made[ORGS].append(["otherby", "Otherby", "Sweden", "https://example.org/o"])
    made[INIT].append(["walks", "Walks", "Otherby", "Health", "2020", None])
    made[STAGE].append([None, "Walks", "Project", "Walkers", "Self-claim", 2021])
    for row, more in zip(made[STAGE], ("Evidence", "Evaluation", "Evaluation"), strict=True):
        row.append(more)
    return made


def test_a_workbook_of_two_organisations_fills_two_graphs_in_one_commit(
    settings: Settings,
) -> None:
    store = MemoryStore()
    outcomes = submit([SubmittedFile("both.xlsx", xlsx(several()))], store, settings)
    assert [(one.organisation, one.version) for one in outcomes] == [
        ("otherby", 1),
        ("sampleby", 1),
    ]
    [record] = Journal(settings.data).records()
    assert record.organisations == ("otherby", "sampleby")
    graphs = {one.organisation: Journal(settings.data).graph(one.after) for one in record.members}
    evidence = f"<{BASE}id/evidence/".encode()
    assert all(evidence in one for one in graphs.values())
    assert f"<{BASE}id/initiative/walks> ".encode() not in graphs["sampleby"]


def test_a_workbook_of_two_organisations_enters_whole_or_not_at_all(settings: Settings) -> None:
    tables = several()
    tables[INIT][2][3] = "Helth"
    store = MemoryStore()
    outcomes = submit([SubmittedFile("both.xlsx", xlsx(tables))], store, settings)
    assert [one.accepted for one in outcomes] == [False, False]
    assert store.version() == 0
    [file] = reported(outcomes)
    [finding] = [one for one in file.report.findings if one.severity == "Violation"]
    assert str(finding.spot) == "Initiatives D3"


def test_a_folder_of_csv_files_is_told_by_file_and_cell(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, content in csv_files(changed(INIT, "D2", "Helth")).items():
        (folder / name).write_bytes(content)
    told = CliRunner().invoke(validate_command, [str(folder)])
    assert "initiatives.csv D2" in told.output
    archive = zipped(csv_files(changed(INIT, "D2", "Helth")))
    [outcome] = validate([SubmittedFile("mine.zip", archive)], Settings.load({}, {}))
    assert str(outcome.report.findings[0].spot) == "initiatives.csv D2"


def test_a_patch_replaces_what_it_describes_and_leaves_the_rest(settings: Settings) -> None:
    store = MemoryStore()
    first = turtle(organisation("town"), initiative("a", "town"), initiative("b", "town"))
    submit([SubmittedFile("town.ttl", first)], store, settings)
    more = turtle(initiative("b", "town", more='; cp:place "Here"@en'))
    sent = SubmittedFile("more.ttl", more, organisation="town")
    [outcome] = submit([sent], store, settings, options=SubmitOptions(patch=True))
    assert (outcome.accepted, outcome.version) == (True, 2)
    newest, oldest = Journal(settings.data).records()
    [change] = differences(newest, store, settings)
    assert (change.thing, change.kind, change.removed) == ("b", "changed", ())
    assert [value for _, value in change.added] == ["Here"]
    assert {one.thing for one in differences(oldest, store, settings)} == {"town", "a", "b"}
    [again] = submit([sent], store, settings, options=SubmitOptions(patch=True))
    assert again.unchanged


def test_taking_a_submission_back_is_a_new_version_and_can_be_taken_back(
    settings: Settings,
) -> None:
    store = MemoryStore()
    submit([town()], store, settings)
    submit([town('; cp:place "Here"@en')], store, settings)
    newest, first = Journal(settings.data).records()
    undone = roll_back(newest.id, store, settings, Sender())
    assert (undone.version, undone.members[0].after) == (3, first.members[0].after)
    redone = roll_back(undone.id, store, settings, Sender())
    assert (redone.version, redone.members[0].after) == (4, newest.members[0].after)
    gone = roll_back(first.id, store, settings, Sender())
    assert (gone.version, gone.members[0].after) == (5, None)


DATES: Tables = small()
DATES[INIT] += [
    [f"i-{n}", f"I {n}", "Sampleby", "Health", f"{n}.{n}.20x1", None] for n in range(1, 31)
]
GOLDEN: dict[str, tuple[str, bytes]] = {
    "workbook": ("my.xlsx", xlsx(changed(INIT, "D2", "Helth"))),
    "many-bad-dates": ("my.xlsx", xlsx(DATES)),
    "turtle": ("town.ttl", turtle(TOWN, PANEL, RUN, "  cp:sector 1 ;", "  cp:startDat 2021 .")),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_a_report_reads_as_it_should(case: str) -> None:
    name, content = GOLDEN[case]
    text = (
        as_text(reported(validate([SubmittedFile(name, content)], Settings.load({}, {}))), BASE)
        + "\n"
    )
    golden = Path(__file__).parent / "errors" / f"report-{case}.txt"
    if os.environ.get("COPROD_REFRESH") == "1":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_a_report_survives_being_kept(settings: Settings) -> None:
    outcomes = validate([SubmittedFile("my.xlsx", xlsx(changed(INIT, "D2", "Helth")))], settings)
    table = json.loads(json.dumps(as_table(outcomes)))
    assert from_table(table) == reported(outcomes)
