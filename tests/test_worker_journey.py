"""A worker's way: empty template, typical mistakes, mended twice, accepted, and the years after."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from openpyxl import Workbook, load_workbook

from coprod_kg.cli.__main__ import coprod_kg
from coprod_kg.errors import CoprodError

ORGS, INIT, STAGES = "Organisations", "Initiatives", "Stage assessments"
OWN = "sampleby-municipality"


class Worker:
    """Somebody with a folder, a spreadsheet program and the commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = ("--data", str(folder / "data"))

    def run(self, *arguments: str) -> Result:
        """A command, in this process: what checks the files is then prepared only once."""
        return CliRunner().invoke(coprod_kg, arguments)

    def send(self, name: str, *more: str) -> tuple[int, str]:
        """The exit code of ``submit`` and its report, its lines joined."""
        found = self.run("submit", str(self.folder / name), *self.store, *more)
        error = found.exception
        if isinstance(error, CoprodError):  # what `coprod_kg.cli.__main__.main` makes of it
            return error.exit_code, str(error)
        return found.exit_code, " ".join(found.output.split())

    def write(self, name: str, cells: Mapping[str, object], source: str = "") -> None:
        """Open a workbook, type into some cells ("Initiatives B3"), and save it as another."""
        book = load_workbook(self.folder / (source or name))
        for place, value in cells.items():
            sheet, _, cell = place.rpartition(" ")
            book[sheet][cell].value = value
        book.save(self.folder / name)

    def red(self, name: str) -> set[str]:
        book: Workbook = load_workbook(self.folder / name)
        return {
            f"{sheet.title} {cell.coordinate}"
            for sheet in book.worksheets
            if not sheet.title.startswith("To mend")
            for row in sheet.iter_rows()
            for cell in row
            if str(cell.fill.fgColor.rgb).endswith("FFC7CE")
        }

    def initiatives(self) -> set[str]:
        """The identifiers that the saved query answers with."""
        asked = ("initiatives-of-organisation", "-p", f"organisation={OWN}", "-f", "csv")
        found = self.run("query", *asked, *self.store)
        assert found.exit_code == 0, found.stderr
        rows = csv.DictReader(found.stdout.splitlines())
        return {row["initiative"].rpartition("/")[2] for row in rows}

    def version(self) -> int:
        found = self.run("versions", "--json", *self.store)
        return max(int(version["version"]) for version in json.loads(found.stdout))


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    return Worker(tmp_path)


def test_from_the_empty_template_to_next_years_mistake(worker: Worker) -> None:
    mine = str(worker.folder / "mine.xlsx")
    assert worker.run("template", "-o", mine).exit_code == 0

    typed = {
        f"{ORGS} B3": "Sampleby Municipality",
        f"{ORGS} C3": "Denmrk",
        f"{INIT} B3": "Youth panel",
        f"{INIT} D3": "Sampleby",
        f"{INIT} F3": "Helth",
        f"{INIT} I3": "N/A",
        f"{INIT} J3": "1.3.2021",
        f"{INIT} B4": "Garden",
        f"{INIT} D4": "Sampleby Municipality",
        f"{STAGES} B3": "Youth pannel",
        f"{STAGES} C3": "Pilot",
        f"{STAGES} E3": "Youth team",
        f"{STAGES} F3": "Self-claim",
        f"{STAGES} H3": 2021,
    }
    worker.write("mine.xlsx", typed)
    early = worker.send("mine.xlsx", "--dry-run")  # before anybody has a store
    assert early[0] == 3
    assert "coprod-kg validate needs none" in early[1]
    once = str(worker.folder / "once.xlsx")
    code, told = worker.send("mine.xlsx", "--marked", once)
    assert code == 1
    assert "Nothing was changed" in told
    for advice in ("Denmark?", "Sampleby Municipality?", "Health?", "Youth panel?", "2021-03-01"):
        assert advice in told
    wrong = {f"{ORGS} C3", f"{INIT} D3", f"{INIT} F3", f"{INIT} J3", f"{STAGES} B3"}
    assert worker.red("once.xlsx") == wrong

    mended: dict[str, object] = {
        f"{ORGS} C3": "Denmark",
        f"{INIT} D3": "Sampleby Municipality",
        f"{INIT} F3": "Health",
        f"{INIT} J3": "03/2021",
        f"{STAGES} B3": "Youth panel",
    }
    worker.write("once.xlsx", mended)
    twice = str(worker.folder / "twice.xlsx")
    assert worker.send("once.xlsx", "--marked", twice)[0] == 1
    assert worker.red("twice.xlsx") == {f"{INIT} J3"}
    worker.write("twice.xlsx", {f"{INIT} J3": "2021-03"})
    code, told = worker.send("twice.xlsx")
    assert (code, "1 of 1 accepted" in told) == (0, True), told
    assert "'Pilot' was read as Pilot project" in told
    assert worker.initiatives() == {f"{OWN}-youth-panel", f"{OWN}-garden"}

    partner = {
        f"{ORGS} B4": "Aqua Partner",
        f"{INIT} B5": "Swimming",
        f"{INIT} D5": "Aqua Partner; Sampleby Municipality",
    }
    worker.write("next-year.xlsx", partner, source="twice.xlsx")
    code, told = worker.send("next-year.xlsx", "--organisation", OWN)
    assert code == 0, told
    assert "New (2): Aqua Partner (organisation), Swimming (initiative)." in told
    assert "Gone" not in told
    whole = {f"{OWN}-youth-panel", f"{OWN}-garden", f"{OWN}-swimming"}
    assert worker.initiatives() == whole

    before = worker.version()
    half: dict[str, object] = dict.fromkeys([*partner, f"{INIT} B4", f"{INIT} D4"])
    worker.write("half.xlsx", half, source="next-year.xlsx")
    code, told = worker.send("half.xlsx", "--organisation", OWN, "--dry-run")
    assert code == 0, told
    gone = "Aqua Partner (organisation), Garden (initiative), Swimming (initiative)."
    assert f"Gone, for the file no longer has them (3): {gone}" in told
    assert "Nothing was changed (a dry run)" in told
    assert (worker.version(), worker.initiatives()) == (before, whole)


def test_a_partner_added_next_year_renames_nothing_before_the_worker_is_asked(
    worker: Worker,
) -> None:
    first = {
        f"{ORGS} B3": "Sampleby Municipality",
        f"{INIT} B3": "Youth panel",
        f"{INIT} D3": "Sampleby Municipality",
        f"{STAGES} B3": "Youth panel",
        f"{STAGES} C3": "Project",
        f"{STAGES} E3": "Youth team",
        f"{STAGES} F3": "Self-claim",
    }
    assert worker.run("template", "-o", str(worker.folder / "a.xlsx")).exit_code == 0
    worker.write("a.xlsx", first)
    assert worker.send("a.xlsx")[0] == 0
    before = worker.version()
    more = {f"{ORGS} B4": "Aqua Partner", f"{INIT} B4": "Swimming", f"{INIT} D4": "Aqua Partner"}
    worker.write("a.xlsx", more)
    code, told = worker.send("a.xlsx")
    assert code != 0
    assert "would get new identifiers: Youth team" in told
    assert f"--organisation {OWN}" in told
    assert worker.version() == before
    code, told = worker.send("a.xlsx", "--organisation", OWN)
    assert code == 0, told
    assert "Gone" not in told
