"""What Prometheus reads, and the alerts that are handed to operators with it."""

import http.client
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml  # type: ignore[import-untyped]  # it has no types
from prometheus_client.parser import text_string_to_metric_families

from coprod_kg import __version__
from coprod_kg.settings import Settings
from coprod_kg.store.base import Cancellation
from coprod_kg.web.client_slots import Limits, client, slots
from coprod_kg.web.gauges import _parents, _processes
from tests.web.service import Running, running
from tests.working import happens

ALERTS = Path(__file__).parents[2] / "deploy" / "prometheus-alerts.yml"
NAME = re.compile(r"\bcoprod_[a-z_]+")
ENDLESS = (
    "SELECT (COUNT(*) AS ?n) { ?a <urn:p> ?x . ?b <urn:p> ?y . ?c <urn:p> ?z . ?d <urn:p> ?q }"
)
SETTINGS = Settings(
    web_workers=2, workers=1, long_queries=1, queue_seconds=0.5, query_seconds=120, checks=1
)

Numbers = dict[str, dict[tuple[tuple[str, str], ...], float]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("numbers") / "data"


@pytest.fixture(scope="module")
def service(data: Path) -> Iterator[Running]:
    with running(data, SETTINGS) as found:
        yield found


def get(service: Running, target: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
    connection.request("GET", target)
    response = connection.getresponse()
    found = response.status, response.read()
    connection.close()
    return found


def numbers(service: Running) -> Numbers:
    """Each sample by its name and labels."""
    status, body = get(service, "/metrics")
    assert status == 200
    found: Numbers = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {}), "each number is told once"
            found[sample.name][labels] = sample.value
    return found


def value(service: Running, name: str, **labels: str) -> float:
    return numbers(service).get(name, {}).get(tuple(sorted(labels.items())), 0.0)


def test_the_build_is_told(service: Running) -> None:
    (labels,) = numbers(service)["coprod_build_info"]
    assert dict(labels)["version"] == __version__


def test_a_query_under_way_is_seen_at_work(service: Running) -> None:
    def busy() -> float:
        return value(service, "coprod_query_workers", state="busy")

    assert happens(lambda: busy() == 0)
    target = f"/sparql?query={quote(ENDLESS)}"
    with service.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"):
        assert happens(lambda: busy() == 1)
        assert value(service, "coprod_running", work="queries", place="open") == 1
    assert happens(lambda: busy() == 0)
    assert value(service, "coprod_running", work="queries", place="open") == 0
    assert value(service, "coprod_places", work="queries", place="open") == 2
    assert value(service, "coprod_places", work="queries", place="token") == 1


def test_what_waits_and_what_is_refused_is_seen_with_the_reason(service: Running) -> None:
    table = slots(service.store._run, replace(Limits.queries(SETTINGS), client=3))
    before = value(service, "coprod_refusals_total", reason="client-queries")
    mine = client("127.0.0.1")
    held = [table.take(mine, Cancellation()) for _ in range(3)]
    try:
        with service.send(
            f"GET /sparql?query={quote('ASK { ?x ?y 1 }')} HTTP/1.1\r\nHost: x\r\n\r\n"
        ):
            assert happens(lambda: value(service, "coprod_waiting", work="queries") >= 1)
        assert get(service, f"/sparql?query={quote('ASK { ?x ?y 2 }')}")[0] == 429
    finally:
        for slot in held:
            slot.give_back()
    assert value(service, "coprod_refusals_total", reason="client-queries") > before


def test_disk_and_memory_are_told(service: Running) -> None:
    workers = SETTINGS.workers + SETTINGS.long_queries + SETTINGS.token_queries + 1
    # Here `serve` is the process of the tests, which may hold another test's workers, too.
    assert value(service, "coprod_processes", process="query") >= workers
    found = numbers(service)
    assert 0 < found["coprod_disk_free_bytes"][()] < found["coprod_disk_size_bytes"][()]
    kinds = {dict(labels)["process"]: size for labels, size in found["coprod_memory_bytes"].items()}
    lasting = {"serve", "writer", "query", "web"}
    assert lasting <= set(kinds)
    # A helper process that has just started holds only a few pages.
    assert all(size > (1 << 20 if kind in lasting else 0) for kind, size in kinds.items())


def test_a_process_that_has_ended_is_not_counted() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    try:
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # ended, and not yet asked for
        assert child in dict(_parents())
        assert not list(_processes(child))
        assert list(_processes(os.getpid()))
    finally:
        os.waitpid(child, 0)


def stamp(data: Path) -> None:
    """What is left in the data directory by a copy."""
    told = {"time": "2026-11-28T16:00:00+00:00", "version": 1}
    (data / "last-backup.json").write_text(json.dumps(told), encoding="utf-8")


def test_the_time_of_the_last_copy_is_told(service: Running, data: Path) -> None:
    name = "coprod_last_backup_timestamp_seconds"
    assert name not in numbers(service)
    stamp(data)
    assert value(service, name) == 1_795_881_600


def test_every_alert_is_about_numbers_that_there_are(service: Running, data: Path) -> None:
    get(service, f"/sparql?query={quote('ASK {}')}&format=json")
    stamp(data)
    get(service, "/submissions/none/rollback")
    found = numbers(service)
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    for rule in rules:
        assert {"alert", "expr"} <= rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s"))
        assert [rule["expr"].count(sign) for sign in "([{"] == [
            rule["expr"].count(sign) for sign in ")]}"
        ]
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        names = NAME.findall(rule["expr"])
        assert names
        for name in names:
            assert name in found, f"{rule['alert']} asks for {name}"
            for labels in re.findall(rf"{name}{{(.*?)}}", rule["expr"]):
                asked = set(re.findall(r"(\w+)[!=]~?\"", labels))
                there = {label for sample in found[name] for label, _ in sample}
                assert asked <= there, f"{rule['alert']} asks {name} for {asked - there}"


def test_the_page_for_operations_lists_every_number(service: Running) -> None:
    page = (ALERTS.parents[1] / "docs" / "operations.md").read_text("utf-8")
    told = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in numbers(service)}
    listed = set(re.findall(r"^\| `(coprod_[a-z_]+)` \|", page, re.MULTILINE))
    assert {name for name in told if name.startswith("coprod_")} - listed == set()


def test_a_client_is_never_named_by_a_number(service: Running) -> None:
    assert "127.0.0.1" not in json.dumps(list(map(str, numbers(service).values())))
