"""The servers that are measured, each as its own processes on the loopback; it measures nothing.

Oxigraph's server comes with the tools of the tests, Fuseki's jars lie in ``COPROD_JENA``
(``.ci/fetch_jars.sh``), Virtuoso is a package of the system. rdflib-endpoint lives in an
environment of its own, as it needs other versions than ours:

    apt install wrk virtuoso-opensource-7-bin
    python3 -m venv PEERS && PEERS/bin/pip install rdflib-endpoint uvicorn

The neighbours hold the merge of all graphs, in one graph: what our own questions read.
"""

import os
import platform
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from coprod_kg.reasoning.java import java
from coprod_kg.settings import Settings

__all__ = [
    "NEIGHBOURS",
    "Neighbour",
    "Server",
    "busy_seconds",
    "disk_mb",
    "family",
    "machine",
    "memory_mb",
    "ours",
    "post",
    "processor_seconds",
]

_TICKS = os.sysconf("SC_CLK_TCK")
_JSON = "application/sparql-results+json"
_PROGRAM = (sys.executable, "-m", "coprod_kg.cli.__main__")
_ONE = "urn:x-benchmark:merge"
"""The graph of Virtuoso, which has no other default graph than all graphs as a bag."""
_FUSEKI = "org.apache.jena.fuseki.main.cmds.FusekiMainCmd"
_LOADER = "tdb2.tdbloader"
_HEAP = "-Xmx4g"


@dataclass
class Server:
    """One server, which can be started again.

    Attributes:
        name: what the report calls it.
        command: starts it.
        query: where queries go.
        update: where updates go.
        log: the file of what it prints.
        store: the folder of its data on disk, or None where it has none.
        token: what an update must carry, if anything.
        graph: the graph that its data lies in, where that is not its default graph.
        forms: whether it takes queries as forms only.
        patience: seconds until it must have started.
        flags: what is added to the command.
        pid: its first process.
        start_seconds: time from its start to its first answer.
    """

    name: str
    command: list[str]
    query: str
    update: str
    log: Path
    store: Path | None = None
    token: str | None = None
    graph: str = ""
    forms: bool = False
    patience: float = 120.0
    flags: tuple[str, ...] = ()
    pid: int = 0
    start_seconds: float = 0.0
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, and wait until it answers a query."""
        began = time.monotonic()
        with self.log.open("a") as output:
            child = subprocess.Popen(
                [*self.command, *self.flags], stdout=output, stderr=output, start_new_session=True
            )
        self._process, self.pid = child, child.pid
        while True:
            try:
                post(self, "ASK {}", 5)
                break
            except (urllib.error.URLError, OSError):
                if child.poll() is not None or time.monotonic() > began + self.patience:
                    raise SystemExit(f"{self.command[0]} did not start; see {self.log}") from None
                time.sleep(0.02)
        self.start_seconds = time.monotonic() - began

    def stop(self) -> None:
        """End it, and what it has started."""
        child, self._process = self._process, None
        if child is None:
            return
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def restart(self) -> None:
        """Start it anew: nothing that it computes goes on, and it remembers nothing."""
        self.stop()
        self.start()


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run a server until the caller is done."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


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


def disk_mb(folder: Path) -> float:
    """What the files below a folder take on disk; those with several names count once."""
    blocks = dict[int, int]()
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                found = os.lstat(os.path.join(place, name))
            except FileNotFoundError:
                continue
            blocks[found.st_ino] = found.st_blocks
    return sum(blocks.values()) / 2048


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


def processor_seconds(pid: int) -> float:
    """Processor time of a process and its descendants so far, those that have ended included.

    That of the living is exact; that of the ended, which their parents know, is in ticks.
    """
    total = 0.0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            # The clock of another process (clock_getcpuclockid), which Python has no name for.
            total += time.clock_gettime((~one << 3) | 2) if sys.platform == "linux" else 0.0
        except OSError:
            continue
        total += (int(fields[13]) + int(fields[14])) / _TICKS
    return total


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


def post(
    server: Server, text: str, seconds: float, *, update: bool = False, accept: str = _JSON
) -> bytes:
    """What the server answers to a query, or to an update."""
    kind = "update" if update else "query"
    headers = {"Content-Type": f"application/sparql-{kind}", "Accept": accept}
    if update and server.token:
        headers["Authorization"] = f"Bearer {server.token}"
    url, data = server.update if update else server.query, text
    if server.forms:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        graph = {"default-graph-uri": server.graph} if server.graph and not update else {}
        data = urllib.parse.urlencode({kind: text, **graph})
    request = urllib.request.Request(url, data.encode(), headers)
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
def ours(data: Path, log: Path, *flags: str, patience: float = 120) -> Iterator[Server]:
    """This project's service, with flags beyond the defaults.

    Args:
        data: its data directory.
        log: the file of what it prints.
        flags: beyond the defaults.
        patience: seconds until it must have started.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}/sparql"
    curator = ["--curator", "--data", str(data)]
    token = subprocess.run(
        [*_PROGRAM, "token", "create", f"bench-{port}-{time.time_ns()}", *curator],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    command = [*_PROGRAM, "serve", "--data", str(data), "--port", str(port), "--no-example"]
    # An operator's address stays from start to start; under another one all files are named anew.
    command += ["--public-url", Settings().root.rstrip("/")]
    log.unlink(missing_ok=True)
    server = Server("coprod-kg", command, url, url, log, data, token, flags=flags)
    server.patience = patience
    with running(server):
        yield server


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A server of others.

    Attributes:
        program: where it is, or None where it is not.
        load: fills an empty folder with N-Triples: the program, the triples, the folder.
        server: the server over that folder: the program, the triples, the folder, a port.
        missing: how one gets it.
    """

    program: Callable[[Path | None], Path | None]
    load: Callable[[Path, Path, Path], None]
    server: Callable[[Path, Path, Path, int], Server]
    missing: str

    def loaded(self, peers: Path | None, triples: Path, folder: Path) -> tuple[float, float] | None:
        """Fill a new folder; seconds and processor seconds that it took."""
        program = self.program(peers)
        if program is None:
            return None
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        self.load(program, triples, folder)
        after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return took, used

    @contextmanager
    def running(self, peers: Path | None, triples: Path, folder: Path) -> Iterator[Server]:
        """Run it over the folder."""
        program = self.program(peers)
        if program is None:
            raise SystemExit(f"it is not here: {self.missing}")
        with running(self.server(program, triples, folder, free_port())) as server:
            yield server


def _run(command: list[str], folder: Path) -> None:
    with folder.with_suffix(".load.log").open("w") as log:
        subprocess.run(command, cwd=folder, stdout=log, stderr=log, check=True)


def _found(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


def _there(path: Path) -> Path | None:
    return path if path.exists() else None


def _oxigraph(program: Path, triples: Path, folder: Path, port: int) -> Server:
    """Oxigraph's own server, on disk as ours is.

    Without ``--timeout-s``: with it every query keeps a thread for as long as the deadline is, and
    some 10,000 quick lookups later no thread can be started any more and the server ends.
    """
    root = f"http://127.0.0.1:{port}"
    command = [str(program), "serve", "-l", str(folder), "-b", f"127.0.0.1:{port}"]
    log = folder.with_suffix(".log")
    return Server("oxigraph", command, f"{root}/query", f"{root}/update", log, folder)


def _load_oxigraph(program: Path, triples: Path, folder: Path) -> None:
    _run([str(program), "load", "-l", ".", "-f", str(triples)], folder)


def _jars() -> Path | None:
    folder = Path(os.environ.get("COPROD_JENA", os.devnull))
    return folder if any(folder.glob("*.jar")) else None


def _fuseki(jars: Path, triples: Path, folder: Path, port: int) -> Server:
    """Fuseki with TDB2."""
    command = [str(java()), _HEAP, "-cp", f"{jars}/*", _FUSEKI, "--localhost", f"--port={port}"]
    command += ["--tdb2", f"--loc={folder}", "--update", "/kg"]
    root = f"http://127.0.0.1:{port}/kg"
    log = folder.with_suffix(".log")
    return Server("fuseki", command, f"{root}/query", f"{root}/update", log, folder)


def _load_fuseki(jars: Path, triples: Path, folder: Path) -> None:
    _run([str(java()), _HEAP, "-cp", f"{jars}/*", _LOADER, "--loc=.", str(triples)], folder)


def _virtuoso(program: Path, triples: Path, folder: Path, port: int) -> Server:
    """Virtuoso, with the room for a store of some millions of triples in memory."""
    (folder / "virtuoso.ini").write_text(_settings(folder, triples.parent, free_port(), port))
    command = [str(program), "+foreground", "+configfile", str(folder / "virtuoso.ini")]
    root = f"http://127.0.0.1:{port}/sparql"
    log = folder.with_suffix(".log")
    return Server("virtuoso", command, root, root, log, folder, graph=_ONE, forms=True)


def _load_virtuoso(program: Path, triples: Path, folder: Path) -> None:
    sql = free_port()
    path = folder / "virtuoso.ini"
    path.write_text(_settings(folder, triples.parent, sql, free_port()))
    texts = (
        f"ld_dir('{triples.parent}', '{triples.name}', '{_ONE}')",
        "rdf_loader_run()",
        'grant SPARQL_UPDATE to "SPARQL"',
        "checkpoint",
        "shutdown",
    )
    with folder.with_suffix(".load.log").open("w") as log:
        command = [str(program), "+foreground", "+configfile", str(path)]
        child = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        asked = [shutil.which("isql-vt") or "isql-vt", f"127.0.0.1:{sql}", "dba", "dba"]
        end = time.monotonic() + 120
        while subprocess.run([*asked, "exec=status();"], stdout=log, stderr=log).returncode:
            if child.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{program} did not start; see {log.name}")
            time.sleep(0.2)
        for text in texts:
            subprocess.run([*asked, f"exec={text};"], stdout=log, stderr=log)
        child.wait(300)


def _settings(folder: Path, read: Path, sql: int, port: int) -> str:
    """Virtuoso's settings: its files in one folder, and 2.5 GiB of buffers as its guide says."""
    sections: Mapping[str, Mapping[str, object]] = {
        "Database": {
            "DatabaseFile": folder / "virtuoso.db",
            "ErrorLogFile": folder / "virtuoso.log",
            "LockFile": folder / "virtuoso.lck",
            "TransactionFile": folder / "virtuoso.trx",
            "xa_persistent_file": folder / "virtuoso.pxa",
            "MaxCheckpointRemap": 2000,
        },
        "TempDatabase": {
            "DatabaseFile": folder / "virtuoso-temp.db",
            "TransactionFile": folder / "virtuoso-temp.trx",
        },
        "Parameters": {
            "ServerPort": f"127.0.0.1:{sql}",
            "DirsAllowed": f"{folder}, {read}",
            "NumberOfBuffers": 340_000,
            "MaxDirtyBuffers": 250_000,
        },
        "HTTPServer": {
            "ServerPort": f"127.0.0.1:{port}",
            "ServerRoot": folder,
            "ServerThreads": 20,
        },
    }
    return "\n".join(
        line
        for section, values in sections.items()
        for line in (f"[{section}]", *(f"{name} = {value}" for name, value in values.items()))
    )


def _rdflib(program: Path, triples: Path, folder: Path, port: int) -> Server:
    """rdflib-endpoint, in memory as it comes."""
    url = f"http://127.0.0.1:{port}/"
    command = [str(program), "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--enable-update", str(triples)]
    log = folder.with_suffix(".log")
    return Server("rdflib-endpoint", command, url, url, log, forms=True, patience=1800)


NEIGHBOURS: Mapping[str, Neighbour] = {
    "oxigraph": Neighbour(
        lambda _: _there(Path(sys.executable).with_name("oxigraph")),
        _load_oxigraph,
        _oxigraph,
        "pip install oxigraph",
    ),
    "virtuoso": Neighbour(
        lambda _: _found("virtuoso-t"),
        _load_virtuoso,
        _virtuoso,
        "apt install virtuoso-opensource-7-bin",
    ),
    "fuseki": Neighbour(
        lambda _: _jars(),
        _load_fuseki,
        _fuseki,
        "sh .ci/fetch_jars.sh jena DIRECTORY, then COPROD_JENA=DIRECTORY",
    ),
    "rdflib-endpoint": Neighbour(
        lambda peers: _there(peers / "bin" / "rdflib-endpoint") if peers else None,
        lambda program, triples, folder: None,
        _rdflib,
        "an environment with rdflib-endpoint and uvicorn, named by --peers",
    ),
}
"""The servers of others, by name."""
