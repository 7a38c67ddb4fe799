"""The Containerfile is built and run, and the unit is started by a systemd, as operators do.

``pytest -m whole tests/test_deployed.py``, as root; it takes some minutes, and the network for
Debian's and Python's packages.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.generate import organisation
from tests.debian import Builder, run
from tests.web.server import free_port

pytestmark = pytest.mark.whole

TOP = Path(__file__).parents[1]
DEPLOY = TOP / "deploy"
SECONDS = 120
COUNT = (
    "PREFIX cp: <https://w3id.org/coprod/ontology#> "
    "SELECT (COUNT(DISTINCT ?i) AS ?n) { ?i a cp:Initiative }"
)


@dataclass(frozen=True)
class Image:
    """The image of the Containerfile, and what it says a runtime has to do."""

    builder: Builder
    name: str
    config: dict[str, Any]


@pytest.fixture(scope="module")
def image(require: Callable[[str], None]) -> Iterator[Image]:
    for tool in ("buildah", "debootstrap", "root"):
        require(tool)
    with tempfile.TemporaryDirectory() as folder:
        builder = Builder(Path(folder))
        # Without isolation by namespaces of its own, which a builder in a container cannot make.
        flags = ("--isolation=chroot", "--format=docker", f"--build-arg=BASE={builder.base()}")
        builder("build", *flags, "--tag=coprod-kg", f"--file={DEPLOY / 'Containerfile'}", TOP)
        told = json.loads(builder("inspect", "--type=image", "localhost/coprod-kg"))
        yield Image(builder, "localhost/coprod-kg", told["Docker"]["config"])


@dataclass(frozen=True)
class Client:
    """A client of a service that runs on a port of this machine."""

    port: int

    def ask(self, path: str, body: str | None = None, **headers: str) -> bytes:
        url = f"http://127.0.0.1:{self.port}{path}"
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, body.encode() if body else None, told)
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            found: bytes = answer.read()
        return found

    def wait(self, fails: Callable[[], str | None]) -> None:
        """Wait until it is ready; `fails` says what there is to say where it will not be."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            with suppress(OSError):
                self.ask("/readyz")
                return
            if why := fails():
                pytest.fail(why)
            time.sleep(0.2)
        pytest.fail(f"it was not ready after {SECONDS} seconds")

    def initiatives(self) -> int:
        """How many initiatives it tells."""
        form = {"Content_Type": "application/sparql-query", "Accept": "text/csv"}
        return int(self.ask("/sparql", COUNT, **form).split()[1])

    def submit(self, token: str) -> None:
        """Send an organisation that has two initiatives."""
        told = {"Content_Type": "text/turtle", "Authorization": f"Bearer {token}"}
        self.ask("/submissions", organisation(1, 1, initiatives=2), **told)


def descendants(pid: int) -> Iterator[int]:
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            yield child
            yield from descendants(child)


def first_of(pid: int, command: Sequence[str]) -> int:
    """The Python process below a builder that runs a command; the builder's own look like it."""
    for child in descendants(pid):
        words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")[:-1]
        interpreter = Path(os.readlink(f"/proc/{child}/exe")).name
        if interpreter.startswith("python") and words[-len(command) :] == [*command]:
            return child
    pytest.fail(f"no process runs {command}")


def test_the_container_takes_a_submission_and_answers(image: Image, tmp_path: Path) -> None:
    """Its first process is sent the signal by which a runtime stops it, and ends well."""
    builder, config, client = image.builder, image.config, Client(free_port())
    user = int(config["User"])
    volume = tmp_path / "data"
    volume.mkdir(0o700)
    os.chown(volume, user, user)
    (mounted,) = config["Volumes"]
    with builder.container(image.name) as container:
        begin = ["run", "--isolation=chroot", f"--volume={volume}:{mounted}"]
        begin += [f"--env=COPROD_PORT={client.port}", container, "--"]
        program = [*config["Entrypoint"], *config["Cmd"]]
        token = builder(*begin, program[0], "token", "create", "them", "--organisation=made-up-1")
        with (tmp_path / "log").open("wb") as log:
            running = subprocess.Popen(builder.command(*begin, *program), stdout=log, stderr=log)
        try:
            client.wait(lambda: None if running.poll() is None else (tmp_path / "log").read_text())
            first = first_of(running.pid, program[1:])
            assert Path(f"/proc/{first}").stat().st_uid == user
            assert client.initiatives() == 0
            client.submit(token.split()[-1])
            assert client.initiatives() == 2
            _, *health = config["Healthcheck"]["Test"]
            builder(*begin, *(word.replace("8000", str(client.port)) for word in health))
            assert volume.stat().st_mode & 0o777 == 0o700
            os.kill(first, getattr(signal, config["StopSignal"]))
            assert running.wait(SECONDS) == 0, (tmp_path / "log").read_text()
        finally:
            running.kill()
            running.wait(SECONDS)


@contextmanager
def booted(root: Path, log: Path) -> Iterator[Callable[..., str]]:
    """A systemd as first process of a root, and a way to run commands beside it."""
    command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"]
    environ = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    with log.open("wb") as file:
        nspawn = subprocess.Popen(
            [*command, f"--directory={root}"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=environ,
        )
    try:
        end = time.monotonic() + SECONDS
        while not (leaders := [*descendants(nspawn.pid)]):
            assert nspawn.poll() is None, log.read_text(errors="replace")
            time.sleep(0.1)

        def inside(*words: object) -> str:
            return run("nsenter", f"--target={leaders[0]}", "--all", *words).strip()

        while True:
            with suppress(pytest.fail.Exception):
                inside("systemctl", "is-system-running", "--wait")
                break
            assert time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.2)
        yield inside
    finally:
        nspawn.terminate()  # an orderly end
        nspawn.wait(SECONDS)


def test_a_systemd_keeps_the_service_of_the_unit_alive(
    image: Image, tmp_path: Path, require: Callable[[str], None]
) -> None:
    require("systemd-nspawn")
    client, unit = Client(free_port()), "coprod-kg.service"
    with image.builder.container(image.name) as container:
        root = Path(image.builder("mount", container))
        add = "useradd --system --home-dir /var/lib/coprod-kg --shell /usr/sbin/nologin coprod-kg"
        run("chroot", root, *shlex.split(add))
        shutil.copy(DEPLOY / unit, root / "etc/systemd/system" / unit)
        (root / "etc/coprod-kg").mkdir()
        (root / "etc/coprod-kg/environment").write_text(f"COPROD_PORT={client.port}\n")
        run("chroot", root, "systemctl", "enable", unit)
        with booted(root, tmp_path / "log") as inside:

            def told(name: str) -> str:
                return inside("systemctl", "show", unit, f"--property={name}", "--value")

            def fails() -> str | None:
                if told("ActiveState") == "failed":
                    return inside("journalctl", "--no-pager", f"--unit={unit}")
                return None

            client.wait(fails)
            owner = ("runuser", "--user=coprod-kg", "--", "/opt/coprod/bin/coprod-kg")
            state = "--data=/var/lib/coprod-kg/data"
            token = inside(*owner, "token", "create", "them", "--organisation=made-up-1", state)
            client.submit(token.split()[-1])
            first = told("MainPID")
            status = inside("cat", f"/proc/{first}/status").splitlines()
            assert {"NoNewPrivs:\t1", "Seccomp:\t2", f"CapEff:\t{'0' * 16}"} <= set(status)
            inside("systemctl", "kill", "--kill-who=main", "--signal=KILL", unit)
            end = time.monotonic() + SECONDS
            while told("NRestarts") != "1":
                assert time.monotonic() < end
                time.sleep(0.2)
            client.wait(fails)
            assert client.initiatives() == 2
            assert told("MainPID") != first
            inside("systemctl", "stop", unit)
            assert (told("ActiveState"), told("Result")) == ("inactive", "success")
        image.builder("umount", container)
