"""The benchmarks run, on very little; nothing here asserts how long something takes."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pyoxigraph as ox
import pytest

from benchmarks import pages, portal, questions, report, scaling, servers, service, soak
from benchmarks.multiply import fill, multiply
from benchmarks.watching import DISPOSABLE, Watch
from coprod_kg.queries.library import load

FEW = ["--initiatives", "8"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of eight initiatives, made once."""
    folder = tmp_path_factory.mktemp("benchmark")
    service.prepare(folder, 8)
    return folder


def test_the_mix_is_of_saved_questions_that_need_no_parameter() -> None:
    saved = load()
    assert all(saved[name].bind({}, service.BASE) for name in service.MIX)


@pytest.mark.whole  # two minutes, for the most part waiting for deadlines
def test_the_comparison_reports_our_service_beside_another(
    work: Path, tmp_path: Path, require: Callable[[str], None]
) -> None:
    require("wrk")
    require("oxigraph")
    flags = ["--work", str(work), "--reports", str(tmp_path), "--seconds", "1", "--rounds", "1"]
    service.main([*FEW, *flags, "--neighbours", "oxigraph"])
    [written] = tmp_path.glob("service-8-*.json")
    told = json.loads(written.read_text(encoding="utf-8"))
    for what in ("lookups", "lookups, asked before", "documents"):
        for figures in (told["figures"][name] for name in ("coprod-kg", "oxigraph")):
            clients = 16 if "before" in what else 1
            assert figures[f"{what}, {clients} clients: refused"] == 0
    asked = told["questions"]
    assert {*asked["rows"]} == {*questions.KINDS}
    assert not any(why for of in asked["not answered"].values() for why in of.values())
    assert asked["differences"] == []
    page = written.with_suffix(".md").read_text("utf-8")
    assert "| lookups, 1 clients: per_second |" in page
    assert "processor seconds to Virtuoso's | at most 0.1 |  | not measured |" in page
    assert written.with_suffix(".svg").read_text("utf-8").startswith("<svg")


def test_a_goal_is_told_with_how_far_it_was_missed() -> None:
    assert report.Goal("memory", 400, 500).told == "reached"
    assert report.Goal("memory", 1000, 500).told == "missed by a factor of 2"
    assert report.Goal("lookups", 0.125, 0.5, least=True).told == "missed by a factor of 4"
    assert report.Goal("lookups", 0.5, 0.5, least=True).told == "reached"
    assert report.Goal("nothing", None, 1).told == "not measured"


def test_growth_is_the_exponent_of_the_size() -> None:
    assert report.growth([(1e3, 3.0), (1e4, 30.0), (1e5, 300.0)]) == pytest.approx(1)
    assert report.growth([(1e3, 7.0), (1e4, 7.0)]) == pytest.approx(0)
    assert report.growth([(1e3, 7.0)]) is None
    assert report.growth([]) is None


def rows(*cells: dict[str, str]) -> Counter[str]:
    told = {"head": {}, "results": {"bindings": [{"x": cell} for cell in cells]}}
    return questions._rows(json.dumps(told).encode())


def test_rows_of_two_engines_are_the_same_whatever_their_spelling() -> None:
    whole = {"type": "literal", "value": "2"}
    typed = {"type": "typed-literal", "value": "2.0", "datatype": "http://example.org/decimal"}
    assert rows(whole) == rows(typed) != rows(whole, typed)
    assert rows({"type": "bnode", "value": "a"}) == rows({"type": "bnode", "value": "b"})
    for other in (
        {"type": "uri", "value": "2"},
        {"type": "literal", "value": "2", "xml:lang": "en"},
        {"type": "literal", "value": "2x"},
    ):
        assert rows(whole) != rows(other)
    assert questions._rows(b'{"boolean": true}') != questions._rows(b'{"boolean": false}')
    told = questions._difference(rows(whole, whole), rows(typed))
    assert told == "2 rows of ours, 1 of theirs; 1 only ours, such as `x=2@`"


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_processor_time_of_children_that_have_ended_counts() -> None:
    before = servers.processor_seconds(os.getpid())
    burnt = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    subprocess.run([sys.executable, "-c", burnt], check=True)
    assert servers.processor_seconds(os.getpid()) - before > 0.25


def test_a_file_with_two_names_counts_once_on_disk(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(bytes(range(256)) * 4096)
    alone = servers.disk_mb(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "two").hardlink_to(tmp_path / "one")
    assert servers.disk_mb(tmp_path) == alone >= 1


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_a_short_soak_finds_no_wrong_answer(work: Path, tmp_path: Path) -> None:
    flags = ["--work", str(work), "--reports", str(tmp_path), "--minutes", "0.05", "--every", "1"]
    flags += ["--killing", "0.1"]
    with pytest.raises(SystemExit):
        soak.main([*FEW, *flags])
    [written] = tmp_path.glob("soak-*.md")
    text = written.read_text(encoding="utf-8")
    assert "other rows than expected" not in text
    assert "was answered with" not in text
    assert "write (" in text
    faults = [line for line in text.splitlines() if line.startswith("- FAULT")]
    for words in ("holds ", "broke off ", "could not be looked at ", "slow reader "):
        assert not [fault for fault in faults if words in fault]


def test_growth_is_a_fault_and_noise_is_not(tmp_path: Path) -> None:
    watch = Watch(1, tmp_path, 20)
    watch.kept = [1] * 16
    noise = [50.0, 52.0, 49.0, 51.0] * 4
    watch.seen = {
        "level": {"memory, MiB": noise},
        "leaking": {"memory, MiB": [50.0 + 4 * number for number in range(16)]},
    }
    assert watch.faults() == ["leaking: memory, MiB grew from 72 to 104"]


@pytest.mark.parametrize("name", DISPOSABLE)
def test_processes_that_end_by_themselves_are_known_by_modules_that_are_there(name: str) -> None:
    assert find_spec(f"coprod_kg.{name}") is not None


def test_a_process_that_ended_meanwhile_is_a_fault(tmp_path: Path) -> None:
    watch = Watch(1, tmp_path, 20)
    watch.kept = [1] * 4
    watch.seen = {"writer": {"memory, MiB": [50.0, 50.0]}}
    assert watch.faults() == ["writer lived for 2 of 4 looks"]


def test_copies_of_made_up_organisations_have_names_of_their_own(tmp_path: Path) -> None:
    graph = "<https://example.org/graph/organisation/made-up-1>"
    other = "<urn:s> <urn:p> <urn:made-up-1> <https://example.org/graph/provenance> .\n"
    source, target = tmp_path / "one.nq", tmp_path / "many.nq"
    source.write_text(f'<urn:made-up-1-0> <urn:p> "made-up-1" {graph} .\n{other}', "utf-8")
    multiply(source, target, copies=3, organisations=2)
    lines = target.read_text("utf-8").splitlines(keepends=True)
    assert lines[3:] == [other]
    assert [line.count(f"made-up-{n}") for line, n in zip(lines, (1, 3, 5), strict=False)] == [
        3
    ] * 3
    fill(tmp_path / "data", target)
    assert len(ox.Store.read_only(str(tmp_path / "data" / "store"))) == 4


def test_pages_are_measured_with_what_was_aimed_at(work: Path, tmp_path: Path) -> None:
    pages.main([*FEW, "--work", str(work), "--reports", str(tmp_path), "--rounds", "1"])
    [written] = tmp_path.glob("pages-8-*.json")
    told = json.loads(written.read_text(encoding="utf-8"))["pages"]
    assert {row["kind"] for row in told} == {"thing", "catalogue", "explorer"}
    answered = [row["page"] for row in told if row["status"] == 200]
    assert {"/catalogue (text/html)", "/pathways (text/html)"} <= set(answered)
    assert "| page | status |" in written.with_suffix(".md").read_text("utf-8")


def test_a_portals_requests_are_measured_over_copies_that_the_catalogue_lists(
    tmp_path: Path,
) -> None:
    size = (
        "--initiatives",
        "16",
        "--submitted",
        "8",
        "--rounds",
        "1",
        "--different",
        "2",
        "--conclusions",
    )
    portal.main([*size, "--work", str(tmp_path / "work"), "--reports", str(tmp_path)])
    [written] = tmp_path.glob("portal-16-*.json")
    told = json.loads(written.read_text(encoding="utf-8"))
    assert {row["status"] for row in told["answers"]} == {200}
    assert any("organisation-made-up-1`" in row["target"] for row in told["answers"])
    assert told["commit"]["processor ms"] > told["commit"]["of it for the description"] > 0
    assert {"server.listen", "publishing.writer", "store.workers"} <= told["memory"].keys()
    assert "| asked for | status |" in written.with_suffix(".md").read_text("utf-8")


def test_more_machines_refuse_less_in_the_simulation_of_readers() -> None:
    few, many = (
        scaling.simulate(scaling.Load(200, machines, addresses=1000), seconds=20)
        for machines in (1, 8)
    )
    assert few == scaling.simulate(scaling.Load(200, 1, addresses=1000), seconds=20)
    assert few.unanswered > many.unanswered
    assert few.busy > many.busy
    assert scaling.simulate(scaling.Load(200, cached=False), seconds=5).hits == 0
