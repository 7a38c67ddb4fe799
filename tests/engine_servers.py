"""Engines of others for a test: Fuseki with TDB2 and Oxigraph's server, on ports that are free."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from coprod_kg.reasoning.java import java
from tests.jena import JARS, START_SECONDS, SWITCHES

__all__ = ["NEEDS", "Server", "running"]

NEEDS = {"fuseki": "jena", "oxigraph": "oxigraph"}
"""Kind → the tool that `require` knows it by."""
_FUSEKI = "org.apache.jena.fuseki.main.cmds.FusekiMainCmd"
_STARTED = re.compile(r"Start Fuseki|Listening for requests")


@dataclass
class Server:
    """An engine whose data lies in a folder; it can be killed and started again."""

    kind: str
    folder: Path
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address of its dataset."""
        return f"http://127.0.0.1:{self.port}{'/kg' if self.kind == 'fuseki' else ''}"

    def start(self) -> None:
        """Start it on its port, or a free one the first time."""
        data, log = self.folder / "data", self.folder / "log"
        data.mkdir(exist_ok=True)
        if not self.port:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port = free.getsockname()[1]
        if self.kind == "fuseki":
            command = [str(java()), *SWITCHES, "-cp", f"{JARS}/*", _FUSEKI, "--localhost"]
            command += [f"--port={self.port}", "--tdb2", f"--loc={data}", "--update", "/kg"]
        else:
            command = [str(Path(sys.executable).with_name("oxigraph")), "serve"]
            command += ["--location", str(data), "--bind", f"127.0.0.1:{self.port}"]
        with log.open("wb") as file:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=file, stderr=file)
        end = time.monotonic() + START_SECONDS
        while not _STARTED.search(log.read_text()):
            if self.process.poll() is not None or time.monotonic() > end:
                pytest.fail(log.read_text())
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as a loss of power would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Server]:
    """An engine that runs as long as the context lasts."""
    server = Server(kind, folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
