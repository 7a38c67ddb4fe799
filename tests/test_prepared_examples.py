"""Claims about the example data that are checked at set-up, for first starts to come."""

import re
import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from coprod_kg import examples
from coprod_kg.access import Role, Tokens
from coprod_kg.errors import ModelError, StoreUnavailable
from coprod_kg.examples import (
    awaits_examples,
    fingerprint,
    load_examples,
    prepare_examples,
    restore_examples,
)
from coprod_kg.ingest.outcome import Outcome
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.dump import dump
from coprod_kg.store.local import LocalStore, connect
from coprod_kg.store.snapshots import Snapshots
from tests.prepared import Prepared
from tests.test_serve_command import examples as loaded
from tests.test_serve_command import served

WITH_EXAMPLES = 2
"""The version in which the examples enter; the model is the first."""
SETTINGS = Settings.load({"workers": 1}, {})
CATALOGUE = b"<https://w3id.org/coprod/graph/catalogue> ."
"""How a line of the graph ends that tells the address of the service, and its versions."""
VARYING = re.compile(rb"_:\w+|20\d{6}T\d{12}Z|20\d\d-\d\d-\d\dT[\d:.]+(\+00:00|Z)")


@pytest.fixture(scope="module")
def environment(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python environment of its own, which is lent all that is installed in ours."""
    home = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    [site] = home.glob("lib/python3*/site-packages")
    (site / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n{checkout}\n", "utf-8")
    return home


def statements(data: Path) -> Counter[bytes]:
    """What the version holds, apart from the catalogue, the names of blank nodes, and times."""
    quads = BytesIO()
    dump(Snapshots(DataDirectory(data).snapshots).open(WITH_EXAMPLES), "nquads", quads)
    lines = VARYING.sub(b"-", quads.getvalue()).splitlines()
    return Counter(line for line in lines if not line.endswith(CATALOGUE))


def test_a_first_start_puts_in_the_data_that_checking_them_gives(
    environment: Path, prepared: Prepared, tmp_path: Path
) -> None:
    python = str(environment / "bin" / "python")
    command = [python, "-m", "coprod_kg.cli", "prepare-examples"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    folder = environment / "share" / "coprod-kg" / "examples"
    [preparation] = folder.iterdir()
    told = f"The example data are checked, and kept in {preparation}.\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, told, "")

    data, errors = tmp_path / "data", tmp_path / "errors"
    with errors.open("w") as file, served(data, errors=file, python=python) as service:
        assert "initiatives" in service.welcome
    assert errors.read_text().startswith("The store is empty: the example data that were checked")
    assert {path.name for path in (data / "submissions").iterdir()} == {
        path.name for path in (preparation / "submissions").iterdir()
    }, "they were not submitted again"
    assert statements(data) == statements(loaded(prepared, tmp_path / "loaded"))


@pytest.fixture
def preparation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A preparation of a store of one statement, which stands for the examples."""

    def load(store: LocalStore, settings: Settings) -> list[Outcome]:
        store.commit(Change(replace={"urn:graph": b"<urn:a> <urn:p> <urn:b> .\n"}))
        return []

    monkeypatch.setattr(examples, "_FOLDER", tmp_path / "environment" / "examples")
    monkeypatch.setattr(examples, "load_examples", load)
    return prepare_examples(SETTINGS)


def empty(tmp_path: Path) -> DataDirectory:
    directory = DataDirectory(tmp_path / "data")
    directory.create()
    return directory


def test_what_was_prepared_is_put_into_an_empty_directory_with_a_token(
    preparation: Path, tmp_path: Path
) -> None:
    directory = empty(tmp_path)
    token = Tokens(directory.root).create("ada", Role.CURATOR)
    assert restore_examples(directory, SETTINGS)
    assert Tokens(directory.root).grant(token).name == "ada"
    assert not (directory.root / "last-backup.json").exists()
    with connect(replace(SETTINGS, data=directory.root)) as store:
        assert store.version() == 1
        assert len(store.identity().ancestors) == 1


def test_a_store_that_is_there_is_left_as_it_is(preparation: Path, tmp_path: Path) -> None:
    directory = empty(tmp_path)
    directory.store.mkdir()
    assert not restore_examples(directory, SETTINGS)
    assert [*directory.store.iterdir()] == []


def test_beside_an_engine_of_others_nothing_is_put_in(preparation: Path, tmp_path: Path) -> None:
    directory = empty(tmp_path)
    assert not restore_examples(directory, replace(SETTINGS, store="http://127.0.0.1:1/data"))
    assert not directory.store.exists()


@pytest.mark.parametrize("change", [{"base_iri": "urn:other/"}, {"days_ahead": 2}])
def test_a_preparation_under_other_settings_does_not_fit(
    preparation: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    directory = empty(tmp_path)
    assert not restore_examples(directory, replace(SETTINGS, **change))
    assert not directory.store.exists()


@pytest.mark.parametrize("victim", ["backup.json", "store/CURRENT"])
def test_a_damaged_preparation_is_not_put_in(
    preparation: Path, tmp_path: Path, victim: str
) -> None:
    directory = empty(tmp_path)
    (preparation / victim).write_text("spoilt", "utf-8")
    assert not restore_examples(directory, SETTINGS)
    assert not directory.store.exists()


def test_preparing_again_replaces_what_was_prepared(preparation: Path, tmp_path: Path) -> None:
    (preparation / "store" / "CURRENT").write_text("spoilt", "utf-8")
    later = prepare_examples(replace(SETTINGS, base_iri="urn:other/"))
    assert [*preparation.parent.iterdir()] == [later]
    assert later != preparation
    assert prepare_examples(SETTINGS) == preparation
    assert restore_examples(empty(tmp_path), SETTINGS)


def test_everybody_may_read_what_was_prepared(preparation: Path) -> None:
    paths = [preparation, *preparation.rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_dir()} == {0o755}
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_file()} == {0o644}


def test_an_example_that_is_refused_makes_no_preparation(
    preparation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Outcome("late.ttl", error=ModelError("its date is in the future"))
    monkeypatch.setattr(examples, "load_examples", lambda store, settings: [refused])
    with pytest.raises(ModelError, match=r"1 of the examples are refused, first late\.ttl"):
        prepare_examples(replace(SETTINGS, base_iri="urn:other/"))
    assert [*preparation.parent.iterdir()] == [preparation]


def test_an_environment_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(examples, "_FOLDER", tmp_path / "file" / "examples")
    with pytest.raises(StoreUnavailable, match="the Python environment cannot be written"):
        prepare_examples(SETTINGS)


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    """A module and a folder of the model, which stand for all of them."""
    module, folder = tmp_path / "errors.py", tmp_path / "shapes"
    module.write_text("", "utf-8")
    (folder / "stages").mkdir(parents=True)
    (folder / "stages" / "project.ttl").write_text("# a shape\n", "utf-8")
    return [module, folder]


def test_a_fingerprint_stays_while_nothing_changes(sources: list[Path]) -> None:
    before = fingerprint(SETTINGS, sources)
    (sources[1] / "__pycache__").mkdir()
    (sources[1] / "__pycache__" / "made.pyc").touch()
    assert fingerprint(replace(SETTINGS, port=8080, publisher="ada"), sources) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda module, folder: module.write_text("pass\n", "utf-8"),
        lambda module, folder: (folder / "stages" / "project.ttl").write_text(
            "# a Shape\n", "utf-8"
        ),
        lambda module, folder: (folder / "stages").rename(folder / "others"),
        lambda module, folder: (folder / "more.ttl").touch(),
    ],
    ids=["a module", "a file of the model", "a name", "one file more"],
)
def test_a_fingerprint_is_another_for_other_files(
    sources: list[Path], change: Callable[[Path, Path], object]
) -> None:
    before = fingerprint(SETTINGS, sources)
    change(*sources)
    assert fingerprint(SETTINGS, sources) != before


@pytest.mark.parametrize(
    "name",
    ["base_iri", "body_mb", "days_ahead", "submission_memory_mb", "submission_seconds"],
)
def test_a_fingerprint_is_another_for_other_settings_of_a_check(
    sources: list[Path], name: str
) -> None:
    value = getattr(SETTINGS, name)
    change: dict[str, Any] = {name: f"{value}x/" if isinstance(value, str) else value + 1}
    other = replace(SETTINGS, **change)
    assert fingerprint(other, sources) != fingerprint(SETTINGS, sources)


def test_a_fingerprint_is_another_for_another_library_or_python(
    sources: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {fingerprint(SETTINGS, sources)}
    monkeypatch.setattr(sys, "version", "3.99")
    found.add(fingerprint(SETTINGS, sources))
    there = metadata.distribution

    class Newer:
        def read_text(self, name: str) -> str:
            return "Name: rdflib\nVersion: 99\n"

    newer = lambda name: Newer() if name == "rdflib" else there(name)  # noqa: E731
    monkeypatch.setattr(metadata, "distribution", newer)
    found.add(fingerprint(SETTINGS, sources))
    assert len(found) == 3


def test_a_fingerprint_is_of_every_program_below_the_pages(checkout: Path) -> None:
    """Nothing that a check or a commit may load is left out."""
    found = {path for source in examples._sources() for path in examples._files_in(source)}
    for name in ("examples.py", "ingest/child.py", "workbook/words.toml", "publishing/themes.ttl"):
        assert checkout / "coprod_kg" / name in found
    for name in ("ontology/coprod.ttl", "shapes", "queries/rules", "examples/cases"):
        assert any(path.is_relative_to(checkout / name) for path in found)


def test_who_was_ended_while_a_store_was_filled_fills_it_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(examples, "_FROM", ("recoded",))
    settings = replace(SETTINGS, data=empty(tmp_path).root)
    with connect(settings, create=True) as store:
        assert awaits_examples(store, settings)
        with pytest.raises(KeyboardInterrupt):
            load_examples(store, settings, end)
        assert store.version() == 1, "the model is there, and no example"
        assert awaits_examples(store, settings)
        assert load_examples(store, settings), "nothing was submitted"
        assert not awaits_examples(store, settings)
