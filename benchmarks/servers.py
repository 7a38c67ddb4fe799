"""The servers that are measured, each as its own processes on the loopback; it measures nothing.

The two neighbours live in an environment of the benchmark's own and are no dependency of ours:

    python3 -m venv PEERS && PEERS/bin/pip install oxigraph rdflib-endpoint uvicorn
"""

import os
import platform
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "Server",
    "family",
    "machine",
    "memory_mb",
    "ours",
    "oxigraph",
    "post",
    "rdflib_endpoint",
]

_TICKS = os.sysconf("SC_CLK_TCK")
_JSON = "application/sparql-results+json"


@dataclass(frozen=True)
class Server:
    """One server that runs.

    Attributes:
        name: what the report calls it.
        pid: its first process.
        query: where queries go.
        update: where updates go.
        token: what an update must carry, if anything.
    """

    name: str
    pid: int
    query: str
    update: str
    token: str | None = None


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def memory_mb(pid: int) -> float:
    """Memory of a process and its descendants; what they share counts once."""
    total = 0
    for one in family(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def busy_seconds(pid: int) -> dict[int, float]:
    """Processor time of a process and its descendants: process number → seconds."""
    used = {}
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        used[one] = (int(fields[11]) + int(fields[12])) / _TICKS
    return used


def machine() -> dict[str, str]:
    """What this was measured on."""
    cpu = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = Path("/proc/meminfo").read_text().split()[1]
    return {
        "processor": cpu[0] if cpu else platform.processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory) >> 10} MiB",
        "system": platform.platform(),
        "python": platform.python_version(),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def post(server: Server, text: str, seconds: float, *, update: bool = False) -> bytes:
    """What the server answers to a query, or to an update."""
    kind = "update" if update else "query"
    headers = {"Content-Type": f"application/sparql-{kind}", "Accept": _JSON}
    if update and server.token:
        headers["Authorization"] = f"Bearer {server.token}"
    url = server.update if update else server.query
    if server.name == "rdflib-endpoint":  # takes forms only
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        text = urllib.parse.urlencode({kind: text})
    request = urllib.request.Request(url, text.encode(), headers)
    with urllib.request.urlopen(request, timeout=seconds) as answer:
        body: bytes = answer.read()
    return body


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _running(command: list[str], url: str, log: Path, seconds: float) -> Iterator[int]:
    """Run a server until the caller is done; it is there when it answers a query."""
    probe = f"{url}?{urllib.parse.urlencode({'query': 'ASK {}'})}"
    with log.open("w") as output:
        child = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, env=dict(os.environ)
        )
        try:
            give_up = time.monotonic() + seconds
            while True:
                try:
                    headers = {"Accept": _JSON}
                    with urllib.request.urlopen(
                        urllib.request.Request(probe, headers=headers), timeout=5
                    ):
                        break
                except (urllib.error.URLError, OSError):
                    if child.poll() is not None or time.monotonic() > give_up:
                        raise SystemExit(f"{command[0]} did not start; see {log}") from None
                    time.sleep(0.2)
            yield child.pid
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


@contextmanager
def ours(data: Path, log: Path, *flags: str) -> Iterator[Server]:
    """This project's service, with flags beyond the defaults."""
    port = free_port()
    root = f"http://127.0.0.1:{port}"
    program = [sys.executable, "-m", "coprod_kg.cli.__main__"]
    curator = ["--curator", "--data", str(data)]
    token = subprocess.run(
        [*program, "token", "create", f"bench-{port}-{time.time_ns()}", *curator],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    command = [*program, "serve", "--data", str(data), "--port", str(port), "--no-example", *flags]
    with _running(command, f"{root}/sparql", log, 120) as pid:
        yield Server("coprod-kg", pid, f"{root}/sparql", f"{root}/sparql", token)


@contextmanager
def oxigraph(peers: Path, dump: Path, store: Path, log: Path) -> Iterator[Server]:
    """Oxigraph's own server, on disk as ours is, with the union as its default graph.

    Without ``--timeout-s``: with it every query keeps a thread for as long as the deadline is, and
    some 10,000 quick lookups later no thread can be started any more and the server ends.
    """
    program = str(peers / "bin" / "oxigraph")
    if not store.exists():
        subprocess.run([program, "load", "-l", str(store), "-f", str(dump)], check=True)
    port = free_port()
    root = f"http://127.0.0.1:{port}"
    command = [program, "serve", "-l", str(store), "-b", f"127.0.0.1:{port}"]
    command += ["--union-default-graph"]
    with _running(command, f"{root}/query", log, 60) as pid:
        yield Server("oxigraph", pid, f"{root}/query", f"{root}/update")


@contextmanager
def rdflib_endpoint(peers: Path, dump: Path, log: Path) -> Iterator[Server]:
    """rdflib-endpoint, in memory as it comes, with the union as its default graph."""
    port = free_port()
    root = f"http://127.0.0.1:{port}/"
    command = [str(peers / "bin" / "rdflib-endpoint"), "serve", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--enable-update", str(dump)]
    with _running(command, root, log, 1800) as pid:
        yield Server("rdflib-endpoint", pid, root, root)
