"""An installed wheel is whole: it works where there is no checkout, and carries all it needs."""

import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

FOLDERS = ("ontology", "shapes", "queries", "examples", "docs", "deploy")
PIP = [sys.executable, "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check"]


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; it must end with 0."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ran = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, f"{command} ended with {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def build_wheel(source: Path, into: Path) -> Path:
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    run(*PIP, "wheel", *offline, "--wheel-dir", into, source, cwd=into.parent)
    return next(into.glob("coprod_kg-*.whl"))


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build_wheel(checkout, tmp_path_factory.mktemp("dist"))


def documented(checkout: Path) -> list[list[str]]:
    """What the page for operators says to give to pip, in its order."""
    page = (checkout / "docs" / "operator.md").read_text("utf-8")
    lines = re.findall(r"^/opt/coprod/bin/pip (install .*)$", page, re.MULTILINE)
    assert len(lines) == 3, "as it is, then the very versions that were tested and it"
    return [line.split() for line in lines]


def pip(python: Path, command: list[str], wheel: Path, checkout: Path) -> str:
    """Run a documented command of pip without the network."""
    places = {"dist/coprod_kg-*.whl": wheel, "requirements/service.lock": checkout / command[-1]}
    words = [places.get(word, word) for word in command]
    return run(*PIP, "--python", python, *words, "--no-index", cwd=python.parent)


@pytest.fixture(scope="module")
def installed(wheel: Path, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that has the wheel; dependencies are lent to it."""
    home = tmp_path_factory.mktemp("elsewhere") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home.parent)
    site = next(home.glob("lib/python3*/site-packages"))
    (site / "lent.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    # pip finds what is lent, and sees for itself that nothing the wheel needs is missing.
    pip(home / "bin" / "python", documented(checkout)[0], wheel, checkout)
    return home / "bin"


def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if "dist-info" not in name}


def test_the_wheel_carries_the_model_the_queries_the_examples_and_the_pages_for_operators(
    wheel: Path, checkout: Path
) -> None:
    travelling = {".csv", ".json", ".jsonld", ".md", ".rq", ".ru", ".tsv", ".ttl", ".xlsx"}
    travelling |= {".service", ".yml"}
    expected = {
        f"coprod_kg/_files/{path.relative_to(checkout).as_posix()}"
        for folder in FOLDERS
        for path in (checkout / folder).rglob("*")
        if path.suffix in travelling
    }
    carried = {name for name in contents(wheel) if name.startswith("coprod_kg/_files/")}
    assert carried == expected
    assert {name.split("/")[2] for name in carried} == set(FOLDERS)


def test_the_wheel_carries_the_pages_and_nothing_that_was_made_by_running(
    wheel: Path, checkout: Path
) -> None:
    pages = {
        path.relative_to(checkout).as_posix()
        for folder in ("templates", "static")
        for path in (checkout / "coprod_kg" / "web" / folder).rglob("*")
        if path.is_file()
    }
    assert pages <= contents(wheel)
    assert not [name for name in contents(wheel) if name.endswith(".pyc")]


def test_the_wheel_made_from_the_source_distribution_is_the_same(
    wheel: Path, checkout: Path, tmp_path: Path
) -> None:
    run(
        *(sys.executable, "-m", "hatchling", "build", "--target", "sdist"),
        *("--directory", tmp_path / "sdist"),
        cwd=checkout,
    )
    source = next((tmp_path / "sdist").glob("*.tar.gz"))
    (tmp_path / "dist").mkdir()
    assert contents(build_wheel(source, tmp_path / "dist")) == contents(wheel)


def test_both_licences_travel_with_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        licences = {Path(name).name for name in archive.namelist() if "/licenses/" in name}
    assert licences == {"LICENSE", "LICENSE-DATA"}


def test_the_versions_that_were_tested_install_by_their_hashes(
    installed: Path, wheel: Path, checkout: Path
) -> None:
    for command in documented(checkout)[1:]:
        pip(installed / "python", [*command[:1], "--upgrade", *command[1:]], wheel, checkout)


def test_the_installed_service_answers_and_shows_its_pages(installed: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(installed / "coprod-kg"), "serve", "--data", "data", "--no-example"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    log = tmp_path / "log"
    with log.open("wb") as file:
        serve = subprocess.Popen(
            [*command, "--port", str(port)], cwd=tmp_path, env=environ, stdout=file, stderr=file
        )
    try:
        end = time.monotonic() + 120
        while b"127.0.0.1" not in log.read_bytes():
            assert serve.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < end, log.read_text("utf-8")
            time.sleep(0.1)
        for path, words in (
            ("/readyz", "ready"),
            ("/docs/operator", "For those who run it"),
            ("/docs/operations", "Under systemd"),
            ("/docs/deploy/coprod-kg.service", "ExecStart"),
            ("/docs/deploy/prometheus-alerts.yml", "coprod_disk_free_bytes"),
        ):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
                assert words in answer.read().decode(), path
    finally:
        serve.send_signal(signal.SIGINT)
        serve.wait(60)


def test_the_installed_package_is_the_one_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    where = run(
        installed / "python", "-c", "import coprod_kg; print(coprod_kg.__file__)", cwd=tmp_path
    )
    assert Path(where.strip()).is_relative_to(installed.parent)


def test_the_installed_command_says_its_version(installed: Path, tmp_path: Path) -> None:
    assert "0.1.0" in run(installed / "coprod-kg", "--version", cwd=tmp_path)


def test_the_installed_command_lists_the_saved_queries(
    installed: Path, checkout: Path, tmp_path: Path
) -> None:
    listed = run(installed / "coprod-kg", "queries", cwd=tmp_path)
    slugs = [path.stem for path in (checkout / "queries" / "questions").glob("*.rq")]
    assert slugs
    assert [slug for slug in slugs if slug not in listed] == []


def test_the_installed_command_validates_an_example(installed: Path, tmp_path: Path) -> None:
    program = "from coprod_kg.model.files import files; print(files('examples'))"
    examples = Path(run(installed / "python", "-c", program, cwd=tmp_path).strip())
    assert examples.is_relative_to(installed.parent)
    run(installed / "coprod-kg", "validate", min(examples.glob("cases/*.ttl")), cwd=tmp_path)
