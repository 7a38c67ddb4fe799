"""Questions submitted at the command line, listed beside those in files."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import coprod_kg
from coprod_kg.cli.queries import queries
from coprod_kg.cli.query import query
from coprod_kg.errors import Forbidden, NotFound, WrongUsage
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Change

SOUND = Path(__file__).parent / "broken_queries" / "sound.rq"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with local.connect(Settings(data=tmp_path / "data"), create=True) as store:
        store.commit(Change(replace={"urn:g": b"<urn:a> <urn:p> <urn:b> .\n"}))
    return tmp_path / "data"


@pytest.fixture
def served(data: Path) -> Iterator[Path]:
    """The same directory with its store running, so that no command has to start it."""
    with local.serving(Settings.load({"data": data, "workers": 1}, {})):
        yield data


def listed(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(queries, ["--data", str(data), *arguments])


def test_a_folder_of_questions_and_charts_is_added_and_listed(data: Path, tmp_path: Path) -> None:
    for path in (SOUND, SOUND.with_suffix(".vl.json")):
        (tmp_path / f"my-{path.name}").write_bytes(path.read_bytes())
    told = listed(data, "--add", str(tmp_path))
    assert told.exit_code == 0, told.output
    assert told.output.splitlines() == [
        f"{tmp_path / 'my-sound.rq'} in version 2",
        f"{tmp_path / 'my-sound.vl.json'} in version 3",
    ]
    assert "is there already" in listed(data, "--add", str(tmp_path / "my-sound.rq")).output
    (found,) = json.loads(listed(data, "my-sound", "--json").stdout)
    assert found["submitted"]["by"] == "command-line"
    assert listed(data, "--remove", "my-sound").exit_code == 0
    assert json.loads(listed(data, "my-sound", "--json").stdout) == []
    assert isinstance(listed(data, "--remove", "my-sound").exception, NotFound)


def test_a_name_in_a_file_is_not_taken_and_nothing_is_sent_elsewhere(
    data: Path, tmp_path: Path
) -> None:
    (tmp_path / "barriers-overall.rq").write_bytes(SOUND.read_bytes())
    taken = listed(data, "--add", str(tmp_path / "barriers-overall.rq"))
    assert isinstance(taken.exception, Forbidden)
    away = listed(data, "--remove", "a", "--url", "http://127.0.0.1:1")
    assert isinstance(away.exception, WrongUsage)
    assert "curl -T FILE" in str(away.exception)


def test_the_questions_in_files_are_listed_without_a_store(tmp_path: Path) -> None:
    told = listed(tmp_path / "nowhere", "barriers-overall")
    assert told.stdout.startswith("barriers-overall  ")
    assert not (tmp_path / "nowhere").exists()


def test_a_submitted_question_is_asked_as_it_was_in_the_version_that_is_named(
    served: Path, tmp_path: Path
) -> None:
    path, where = tmp_path / "mine.rq", ["mine", "--data", str(served)]
    text = SOUND.read_text(encoding="utf-8").replace("?s ?p ?o", "?s <urn:p> ?o")
    path.write_text(text, encoding="utf-8")
    first = int(listed(served, "--add", str(path)).output.split()[-1])
    assert CliRunner().invoke(query, where).output.splitlines() == ["s", "urn:a"]
    path.write_text(text.replace("?s <urn:p> ?o", "?o <urn:p> ?s"), encoding="utf-8")
    assert int(listed(served, "--add", str(path)).output.split()[-1]) > first
    assert CliRunner().invoke(query, where).output.splitlines() == ["s", "urn:b"]
    old = CliRunner().invoke(query, [*where, "--version", str(first)])
    assert old.output.splitlines() == ["s", "urn:a"]
    with coprod_kg.connect(served) as connection:
        assert len(connection.mine()) == 1
    assert listed(served, "--remove", "mine").exit_code == 0
    assert isinstance(CliRunner().invoke(query, where).exception, NotFound)
