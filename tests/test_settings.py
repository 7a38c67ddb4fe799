"""What an operator sets: a value that does not fit is refused with what does."""

from pathlib import Path

import pytest

from coprod_kg.errors import WrongUsage
from coprod_kg.settings import Settings, misspelt


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("workers", "none", "Write a whole number such as 4. It says: query worker processes"),
        ("workers", 0, "Write 1 or more. It says: query worker processes"),
        ("web_workers", "0", "Write 1 or more."),
        ("query_seconds", -1, "Write a number of seconds above 0. It says: deadline of one query"),
        ("query_seconds", "nan", "above 0"),
        ("query_seconds", "long", "Write a number such as 30.0."),
        ("cache_mb", -1, "Write 0 or more."),
        ("queue_seconds", "inf", "Write 0 or more."),
        ("port", 99999, "Write a number from 1 to 65535."),
        ("port", "http", "Write a whole number such as 8000."),
        ("data", 3, "Write a text such as data."),
    ],
)
def test_a_number_that_nothing_could_run_with_is_refused(
    name: str, value: object, fix: str
) -> None:
    with pytest.raises(WrongUsage) as told:
        Settings.load({name: value}, {})
    assert told.value.where == f"setting {name.replace('_', '-')}"
    assert fix in (told.value.fix or "")


def test_what_may_be_nothing_may_be_nothing() -> None:
    none = ("cache_mb", "spool_mb", "proposals", "long_queries", "token_queries", "days_ahead")
    assert Settings.load(dict.fromkeys(none, 0), {}).cache_mb == 0


def test_a_misspelt_name_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    file = tmp_path / "coprod.toml"
    file.write_text("wokers = 3\n", encoding="utf-8")
    with pytest.raises(WrongUsage, match=r"no setting 'wokers' \(did you mean workers\?\)"):
        Settings.load({}, {}, file)
    variables = dict.fromkeys(("COPROD_WORKRS", "COPROD_PORTAL", "COPROD_JENA", "COPROD_PORT"), "")
    assert misspelt(variables) == {"COPROD_WORKRS": "COPROD_WORKERS"}


def test_a_child_has_the_settings_of_its_parent_also_those_that_are_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "coprod.toml").write_text('public-url = "https://a.example"\ntheme = ["SOCI"]\n')
    monkeypatch.chdir(tmp_path)
    parent = Settings.load({"public_url": "", "theme": ()}, {})
    assert Settings.load({}, {}).public_url == "https://a.example"
    assert Settings.load({}, parent.environ()) == parent
