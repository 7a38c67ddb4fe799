"""Apache Jena's own server for a test: one start, in memory, on a port that it chooses itself."""

import os
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coprod_kg.reasoning.java import java

__all__ = ["JARS", "START_SECONDS", "SWITCHES", "Jena", "jena"]

JARS = Path(os.environ.get("COPROD_JENA", "no folder is named"))
"""Where ``.ci/fetch_jars.sh`` put the jars."""

START_SECONDS = 120
SWITCHES = ("-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC")
_MAIN = "org.apache.jena.fuseki.main.cmds.FusekiMainCmd"


class Jena:
    """The server's SPARQL endpoint."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/data/sparql"

    def ask(self, query: str) -> bytes:
        """What it answers, as SPARQL results in JSON."""
        request = urllib.request.Request(
            self.url,
            data=urllib.parse.urlencode({"query": query}).encode(),
            headers={"Accept": "application/sparql-results+json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            body: bytes = answer.read()
        return body


@contextmanager
def jena(triples: Path, directory: Path) -> Iterator[Jena]:
    """The server over one file, in strict mode: SPARQL 1.1 and no extension of it."""
    command = [str(java()), *SWITCHES, "-cp", f"{JARS}/*", _MAIN]
    command += ["--strict", "--localhost", "--port=0", f"--file={triples}", "/data"]
    log = directory / "jena.log"
    with log.open("wb") as file:
        server = subprocess.Popen(command, cwd=directory, stdout=file, stderr=file)
    try:
        end = time.monotonic() + START_SECONDS
        while not (started := re.search(r"Start Fuseki \(http=(\d+)\)", log.read_text())):
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(log.read_text())
            time.sleep(0.05)
        yield Jena(int(started[1]))
    finally:
        server.terminate()
        server.wait(30)
