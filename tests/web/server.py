"""The real server for tests: granian over an application, on a free port, until the test ends."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["START_SECONDS", "answers", "granian"]

START_SECONDS = 60
TOP = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def granian(
    app: str, directory: Path, **environ: str
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The real server with one worker over an application, and its port."""
    port = free_port()
    log = directory / "granian.log"
    command = [sys.executable, "-m", "granian", "--interface", "asginl", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", app]
    environ = {**os.environ, "PYTHONPATH": str(TOP), **environ}
    with log.open("wb") as file:
        server = subprocess.Popen(command, cwd=directory, stdout=file, stderr=file, env=environ)
    try:
        end = time.monotonic() + START_SECONDS
        while not answers(port):
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(log.read_text())
            time.sleep(0.05)
        yield port, server
    finally:
        server.terminate()
        server.wait(30)
