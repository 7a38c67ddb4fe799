"""Two web machines over one Fuseki lose nothing acknowledged when writers are killed under load.

Each is a service of its own, started as operators do, with a folder of its own. What happened and
when is logged (``--log-cli-level=INFO``); docs/engines.md shows one run.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from coprod_kg.access import Role, Tokens
from tests.engine_servers import NEEDS, Server, running
from tests.test_remote import differences, settings_of, wait_for
from tests.web.server import START_SECONDS, free_port

LOG = logging.getLogger(__name__)
KILLS = 2
NUMBERS = "SELECT ?n { GRAPH <urn:g:log> { <urn:n> <urn:number> ?n } }"


@dataclass(eq=False)
class Machine:
    """A service in a process of its own, and the clients that it has."""

    name: str
    port: int
    token: str
    process: "subprocess.Popen[bytes]"
    acknowledged: list[int] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    answered: int = 0
    faults: list[str] = field(default_factory=list)

    def send(self, text: str, *, update: bool = False) -> tuple[int, int, bytes]:
        """The status, the version and the body of a reply; status 0 where there is none."""
        headers = {"Accept": "text/csv", "Content-Type": "application/sparql-query"}
        if update:
            headers["Content-Type"] = "application/sparql-update"
            headers["Authorization"] = f"Bearer {self.token}"
        url = f"http://127.0.0.1:{self.port}/sparql"
        request = urllib.request.Request(url, text.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                version = int(answer.headers.get("Dataset-Version") or 0)
                return answer.status, version, answer.read()
        except urllib.error.HTTPError as error:
            error.read()
            return error.code, 0, b""
        except OSError:
            return 0, 0, b""

    def numbers(self) -> tuple[int, set[int]]:
        """The version of an answer, and the numbers that stand in it."""
        status, version, body = self.send(NUMBERS)
        assert status == 200, f"{self.name}: a reader was answered {status}"
        return version, {int(line) for line in body.split()[1:]}

    def write(self, first: int, stopping: threading.Event) -> None:
        """Put every second number in, each until it is acknowledged."""
        number = first
        while not stopping.is_set():
            text = f"INSERT DATA {{ GRAPH <urn:g:log> {{ <urn:n> <urn:number> {number} }} }}"
            status = self.send(text, update=True)[0]
            if status == 204:
                self.acknowledged.append(number)
                number += 2
            else:
                self.refused[status] += 1
                time.sleep(0.1)

    def read(self, stopping: threading.Event) -> None:
        """Ask again and again: an answer has all that was acknowledged here, and is no older."""
        before = 0
        while not stopping.is_set():
            wanted = set(self.acknowledged)
            try:
                version, found = self.numbers()
            except AssertionError as error:
                self.faults.append(str(error))
                continue
            if version < before or not wanted <= found:
                self.faults.append(
                    f"{self.name}: version {version} after {before}: {wanted - found}"
                )
            before = version
            self.answered += 1
            time.sleep(0.02)

    def writer(self) -> int | None:
        """The process number of its writer, if it runs."""
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, IndexError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                words = (entry / "cmdline").read_bytes()
                if parent == self.process.pid and b"coprod_kg.publishing.writer" in words:
                    return int(entry.name)
        return None


@contextmanager
def machine(server: Server, folder: Path) -> Iterator[Machine]:
    folder.mkdir()
    token, port = Tokens(folder / "data").create("curator", Role.CURATOR), free_port()
    command = [sys.executable, "-m", "coprod_kg.cli", "serve", "--no-example", "--data", "data"]
    command += ["--port", str(port), "--store", server.url, "--store-engine", server.kind]
    command += ["--workers", "1", "--web-workers", "1", "--freshness", "off"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        started = Machine(folder.name, port, token, process)
        end = time.monotonic() + START_SECONDS
        while started.send("ASK {}")[0] != 200:
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail((folder / "log").read_text())
            time.sleep(0.1)
        yield started
    finally:
        process.terminate()
        process.wait(60)


def kill_writer(one: Machine, other: Machine) -> None:
    """Kill the writer of a machine once both commit, and wait until both commit again."""
    for each in (one, other):
        wait_for_commit(each, 2)
    wait_for(lambda: one.writer() is not None)
    pid, began = one.writer(), time.monotonic()
    assert pid is not None
    before = {each: len(each.acknowledged) for each in (one, other)}
    os.kill(pid, signal.SIGKILL)
    seconds = dict[str, float]()

    def committed(each: Machine) -> None:
        wait_for(lambda: len(each.acknowledged) > before[each], 300)
        seconds[each.name] = round(time.monotonic() - began, 1)

    threads = [threading.Thread(target=committed, args=(each,)) for each in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seconds) == len(threads), "no commit came"
    LOG.info("the writer of %s was killed; commits again after seconds: %s", one.name, seconds)


def wait_for_commit(one: Machine, commits: int = 1) -> None:
    wanted = len(one.acknowledged) + commits
    wait_for(lambda: len(one.acknowledged) >= wanted, 300)


@pytest.mark.whole
def test_killing_the_writer_of_one_of_two_machines_loses_nothing(
    tmp_path: Path, require: Callable[[str], None]
) -> None:
    require(NEEDS["fuseki"])
    stopping = threading.Event()
    with (
        running("fuseki", tmp_path) as server,
        machine(server, tmp_path / "a") as first,
        machine(server, tmp_path / "b") as second,
    ):
        machines = (first, second)
        threads = [
            threading.Thread(target=target, args=arguments)
            for number, one in enumerate(machines)
            for target, arguments in (
                (one.write, (number, stopping)),
                (one.read, (stopping,)),
                (one.read, (stopping,)),
            )
        ]
        for thread in threads:
            thread.start()
        try:
            for kill in range(KILLS):
                kill_writer(machines[kill % 2], machines[1 - kill % 2])
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
        made = {number for one in machines for number in one.acknowledged}
        wait_for(lambda: first.numbers() == second.numbers())
        version, held = first.numbers()
        for one in machines:
            LOG.info(
                "%s: %d commits acknowledged, refused %s, %d answers to readers; version %d",
                one.name,
                len(one.acknowledged),
                json.dumps(one.refused),
                one.answered,
                version,
            )
            assert one.faults == []
            assert one.answered > KILLS
        assert made <= held
        for one in machines:
            assert differences(settings_of(server, tmp_path / one.name / "data")) == []
