"""An installed wheel is whole: it works where there is no checkout, and carries all it needs."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

FOLDERS = ("ontology", "shapes", "queries", "examples")
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


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that has the wheel; dependencies are lent to it."""
    home = tmp_path_factory.mktemp("elsewhere") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home.parent)
    python = home / "bin" / "python"
    run(*PIP, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=home.parent)
    site = next(home.glob("lib/python3*/site-packages"))
    (site / "lent.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return home / "bin"


def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if "dist-info" not in name}


def test_the_wheel_carries_the_model_the_shapes_the_queries_and_the_examples(
    wheel: Path, checkout: Path
) -> None:
    travelling = {".csv", ".json", ".jsonld", ".md", ".rq", ".ru", ".ttl", ".xlsx"}
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
    program = "from coprod_kg.files import files; print(files('examples'))"
    examples = Path(run(installed / "python", "-c", program, cwd=tmp_path).strip())
    assert examples.is_relative_to(installed.parent)
    run(installed / "coprod-kg", "validate", min(examples.glob("cases/*.ttl")), cwd=tmp_path)
