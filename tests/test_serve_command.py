"""``coprod-kg serve`` as a person meets it: one terminal, one Ctrl-C, plain words."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from benchmarks.servers import family
from coprod_kg.store.directory import DataDirectory
from tests.prepared import Prepared
from tests.test_serving import await_end
from tests.web.server import answers

CLI = [sys.executable, "-m", "coprod_kg.cli"]


@dataclass(frozen=True)
class Serving:
    """A service that was started from the command line."""

    process: "subprocess.Popen[str]"
    data: Path
    port: int
    welcome: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **parameters: str) -> tuple[int, str]:
        address = f"{self.url}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def processes(self) -> set[int]:
        """Every process of the service: those of its session leaders' whole trees."""
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
        ).stdout
        parents = {int(pid): int(ppid) for pid, ppid in map(str.split, listed.splitlines())}
        found = {self.process.pid}
        while True:
            more = {pid for pid, parent in parents.items() if parent in found} - found
            if not more:
                return found
            found |= more


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def served(
    data: Path, *flags: str, errors: IO[str] | None = None, python: str = sys.executable
) -> Iterator[Serving]:
    port = port_of(data) or free_port()
    command = [python, *CLI[1:], "serve", "--data", str(data), "--port", str(port), *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        assert lines, "the service ended before it served"
        yield Serving(process, data, port, "".join(lines))
        process.send_signal(signal.SIGINT)


def port_of(data: Path) -> int | None:
    """The port under which a directory was served before, where it is free."""
    noted = data / "port"
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", int(noted.read_text())))
        port: int = probe.getsockname()[1]
        return port
    return None


def fill_with_examples(data: Path) -> None:
    """Let the service fill a directory, and note its port: its catalogue names the address.

    It is filled by checking: no preparation in the environment is made for this limit.
    """
    flags = ("--workers", "2", "--freshness", "off", "--submission-seconds", "121")
    with tempfile.TemporaryFile("w+") as errors:
        with served(data, *flags, errors=errors) as service:
            pass
        errors.seek(0)
        (data / "said").write_text(errors.read())
    (data / "port").write_text(str(service.port))


def examples(prepared: Prepared, folder: Path) -> Path:
    """A copy of a directory that the service has filled with the example data."""
    return prepared.copy("examples", fill_with_examples, folder / "data")


@pytest.fixture(scope="module")
def service(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    data = examples(prepared, tmp_path_factory.mktemp("served"))
    with served(data, "--workers", "2") as running:
        yield running


def test_the_terminal_says_where_it_listens_which_version_and_how_many_initiatives(
    service: Serving,
) -> None:
    assert f"coprod-kg serves {service.url}\n" in service.welcome
    assert re.search(r"version \d+ of the data, \d\d+ initiatives", service.welcome)


def test_a_first_start_says_why_it_takes_longer(service: Serving) -> None:
    first_line = (service.data / "said").read_text().splitlines()[0]
    assert first_line.startswith("The store is empty: the example data are checked")


def test_every_initiative_of_the_example_data_is_marked_as_secondary_coding(
    service: Serving,
) -> None:
    query = """
        PREFIX cp: <https://w3id.org/coprod/ontology#>
        PREFIX basis: <https://w3id.org/coprod/vocab/basis/>
        SELECT (COUNT(DISTINCT ?initiative) AS ?all) (COUNT(DISTINCT ?coded) AS ?marked) WHERE {
          ?initiative a cp:Initiative .
          OPTIONAL { ?claim cp:about ?initiative ; cp:basis basis:secondary-coding .
                     BIND(?initiative AS ?coded) }
        }"""
    status, text = service.get("/sparql", query=query, format="csv")
    every, marked = text.splitlines()[1].split(",")
    assert status == 200
    assert int(every) == int(marked) >= 40


def test_no_claim_of_the_example_data_is_called_a_statement_of_the_organisation(
    service: Serving,
) -> None:
    query = """
        PREFIX cp: <https://w3id.org/coprod/ontology#>
        PREFIX basis: <https://w3id.org/coprod/vocab/basis/>
        SELECT ?claim WHERE {
          ?claim cp:about ?subject ; cp:basis ?basis .
          FILTER(?basis NOT IN (
            basis:secondary-coding, basis:adjudicated-coding, basis:computed))
        }"""
    assert service.get("/sparql", query=query, format="csv") == (200, "claim\r\n")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * WHERE {{ SERVICE <{there}> {{ ?s ?p ?o }} }}",
        "SELECT * WHERE {{ SERVICE SILENT <{there}> {{ ?s ?p ?o }} }}",
        "SELECT * WHERE {{ VALUES ?e {{ <{there}> }} SERVICE ?e {{ ?s ?p ?o }} }}",
        "PREFIX e: <{there}> SELECT * WHERE {{ sErViCe e: {{ ?s ?p ?o }} }}",
        "SELECT * FROM <{there}> WHERE {{ ?s ?p ?o }}",
        "SELECT * FROM NAMED <{there}> WHERE {{ GRAPH ?g {{ ?s ?p ?o }} }}",
        "LOAD <{there}>",
        "LOAD SILENT <{there}> INTO GRAPH <urn:g>",
    ],
)
def test_no_query_opens_a_connection(service: Serving, query: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        there = f"http://127.0.0.1:{listening.getsockname()[1]}/data.ttl"
        status, text = service.get("/sparql", query=query.format(there=there))
        assert status in (200, 400, 403), text
        listening.settimeout(0.3)
        with pytest.raises(TimeoutError):
            listening.accept()


def test_no_query_opens_a_file(service: Serving, tmp_path: Path) -> None:
    secret = tmp_path / "secret.ttl"
    secret.write_text("<urn:secret> <urn:p> <urn:o> .")
    os.utime(secret, (1, 1))
    for clause in (f"FROM <{secret.as_uri()}>", f"FROM NAMED <{secret.as_uri()}>"):
        query = f"SELECT * {clause} WHERE {{ {{ ?s ?p ?o }} UNION {{ GRAPH ?g {{ ?s ?p ?o }} }} }}"
        status, text = service.get("/sparql", query=query, format="csv")
        assert status == 200
        assert len(text.splitlines()) == 1
    assert secret.stat().st_atime == 1


def test_a_second_service_on_the_same_data_says_who_has_it(service: Serving) -> None:
    command = [*CLI, "serve", "--data", str(service.data), "--port", str(free_port())]
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 3
    assert f"in use by process {service.process.pid}, which serves {service.url}" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_port_that_is_taken_is_told_before_anything_is_started(
    service: Serving, tmp_path: Path
) -> None:
    command = [*CLI, "serve", "--data", str(tmp_path / "d"), "--port", str(service.port)]
    environ = {**os.environ, "COPROD_WORKRS": "3"}
    second = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert second.returncode == 2
    assert "COPROD_WORKRS is no setting, and is ignored; COPROD_WORKERS is one" in second.stderr
    assert f"port {service.port}" in second.stderr
    assert not (tmp_path / "d").exists()


def test_ctrl_c_stops_every_process_it_started(tmp_path: Path) -> None:
    with served(tmp_path, "--no-example") as service:
        processes = service.processes()
        assert len(processes) >= 8
        run = Path(DataDirectory(tmp_path).holder()["run"])
    assert service.process.returncode == 0
    for pid in processes:
        await_end(pid)
    assert not run.exists()


def test_a_killed_service_leaves_no_process_behind_and_starts_again(tmp_path: Path) -> None:
    with served(tmp_path, "--no-example") as service:
        processes = service.processes()
        service.process.kill()
        service.process.wait()
        for pid in processes:
            await_end(pid)
    with served(tmp_path, "--no-example") as again:
        assert again.get("/healthz")[0] == 200


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells words of a process")
def test_a_web_process_forked_just_before_all_others_are_killed_ends_too(tmp_path: Path) -> None:
    port = free_port()
    command = [*CLI, "serve", "--data", str(tmp_path), "--port", str(port), "--no-example"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True) as process:
        service = Serving(process, tmp_path, port, "")
        deadline = time.monotonic() + 120
        while len(web := listening(service)) < 2:  # granian, and what it has forked
            assert time.monotonic() < deadline, "no web process was forked"
            time.sleep(0.01)
        processes = service.processes()
        os.kill(min(web), signal.SIGKILL)
        process.kill()
    for pid in processes:
        await_end(pid)
    while answers(port):  # others may have been forked meanwhile
        assert time.monotonic() < deadline, "the port is still held"
        time.sleep(0.05)


def listening(service: Serving) -> set[int]:
    """The web processes of a service: the parent of the others has the least number."""
    found = set()
    for pid in family(service.process.pid):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            found |= {pid} if b"coprod_kg.server.listen" in words else set()
    return found


def children(pid: int, *options: str) -> list[int]:
    found = subprocess.run(
        ["pgrep", "-P", str(pid), *options], capture_output=True, text=True, check=True
    )
    return [int(word) for word in found.stdout.split()]


@pytest.mark.parametrize("victims", ["workers", "parent"])
def test_a_query_worker_that_is_killed_is_replaced(service: Serving, victims: str) -> None:
    for number in range(3):  # another query each time: none is answered without a worker
        [parent] = children(service.process.pid, "-f", "coprod_kg.store.workers")
        workers = children(parent)
        for pid in workers if victims == "workers" else [parent]:
            os.kill(pid, signal.SIGKILL)
        # Each sees by itself that its parent has gone.
        for pid in workers:
            await_end(pid)
        query = f"ASK {{}} # {victims} {number}"
        status, text = service.get("/sparql", query=query, format="json")
        assert (status, json.loads(text)["boolean"]) == (200, True)


def test_a_folder_of_questions_with_a_mistake_is_not_served(tmp_path: Path, checkout: Path) -> None:
    for path in (checkout / "tests" / "broken_queries").glob("sound.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "sound.vl.json").write_text('{"mark": ')
    command = [*CLI, "serve", "--data", str(tmp_path / "data"), "--port", str(free_port())]
    refused = subprocess.run(
        [*command, "--queries", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "sound.vl.json:1: this is not JSON" in refused.stderr
    assert "Traceback" not in refused.stderr
