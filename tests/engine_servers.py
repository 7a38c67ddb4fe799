"""Engines of others for a test: Fuseki with TDB2, Oxigraph's server, Virtuoso, on free ports."""

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from coprod_kg.reasoning.java import java
from tests.jena import JARS, START_SECONDS, SWITCHES

__all__ = ["NEEDS", "Server", "running"]

NEEDS = {"fuseki": "jena", "oxigraph": "oxigraph", "virtuoso": "virtuoso"}
"""Kind → the tool that `require` knows it by."""
_FUSEKI = "org.apache.jena.fuseki.main.cmds.FusekiMainCmd"
_STARTED = re.compile(r"Start Fuseki|Listening for requests|Server online at \S+ \(pid")


@dataclass
class Server:
    """An engine whose data lies in a folder; it can be killed and started again."""

    kind: str
    folder: Path
    flags: tuple[str, ...] = ()
    port: int = 0
    sql: int = 0
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address of its dataset."""
        return f"http://127.0.0.1:{self.port}{'/kg' if self.kind == 'fuseki' else ''}"

    def start(self) -> None:
        """Start it on its port, or a free one the first time."""
        data, log = self.folder / "data", self.folder / "log"
        data.mkdir(exist_ok=True)
        first = not self.port
        if first:
            self.port, self.sql = _free_ports()
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                self._command(data), cwd=self.folder, stdout=file, stderr=file
            )
        end = time.monotonic() + START_SECONDS
        while not _STARTED.search(log.read_text()):
            if self.process.poll() is not None or time.monotonic() > end:
                pytest.fail(log.read_text())
            time.sleep(0.05)
        if first and self.kind == "virtuoso":  # as it comes, nobody changes anything over HTTP
            self.by_sql('grant SPARQL_UPDATE to "SPARQL"')

    def _command(self, data: Path) -> list[str]:
        if self.kind == "fuseki":
            command = [str(java()), *SWITCHES, "-cp", f"{JARS}/*", _FUSEKI, "--localhost"]
            return [
                *command,
                f"--port={self.port}",
                "--tdb2",
                f"--loc={data}",
                "--update",
                *self.flags,
                "/kg",
            ]
        if self.kind == "oxigraph":
            command = [str(Path(sys.executable).with_name("oxigraph")), "serve"]
            return [*command, "--location", str(data), "--bind", f"127.0.0.1:{self.port}"]
        settings = self.folder / "virtuoso.ini"
        settings.write_text(_virtuoso(data, self.port, self.sql))
        return [shutil.which("virtuoso-t") or "", "+foreground", "+configfile", str(settings)]

    def by_sql(self, statement: str) -> str:
        """What Virtuoso's own client prints of a statement."""
        command = [shutil.which("isql-vt") or "", f"127.0.0.1:{self.sql}", "dba", "dba"]
        ran = subprocess.run(
            [*command, f"exec={statement};"], capture_output=True, text=True, check=True
        )
        return ran.stdout

    def kill(self) -> None:
        """End it at once, as a loss of power would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        return one.getsockname()[1], other.getsockname()[1]


def _virtuoso(data: Path, port: int, sql: int) -> str:
    """Virtuoso's settings: all that it writes lies in one folder, and nobody else reaches it."""
    sections: Mapping[str, Mapping[str, object]] = {
        "Database": {
            "DatabaseFile": data / "virtuoso.db",
            "ErrorLogFile": data / "virtuoso.log",
            "LockFile": data / "virtuoso.lck",
            "TransactionFile": data / "virtuoso.trx",
            "xa_persistent_file": data / "virtuoso.pxa",
        },
        "TempDatabase": {
            "DatabaseFile": data / "virtuoso-temp.db",
            "TransactionFile": data / "virtuoso-temp.trx",
        },
        "Parameters": {
            "ServerPort": f"127.0.0.1:{sql}",
            "DirsAllowed": data,
            "NumberOfBuffers": 20_000,
            "MaxDirtyBuffers": 15_000,
        },
        "HTTPServer": {"ServerPort": f"127.0.0.1:{port}", "ServerRoot": data, "ServerThreads": 8},
    }
    return "\n".join(
        line
        for section, values in sections.items()
        for line in (f"[{section}]", *(f"{name} = {value}" for name, value in values.items()))
    )


@contextmanager
def running(kind: str, folder: Path, *flags: str) -> Iterator[Server]:
    """An engine that runs as long as the context lasts; Fuseki with flags of its own."""
    server = Server(kind, folder, flags)
    server.start()
    try:
        yield server
    finally:
        server.kill()
