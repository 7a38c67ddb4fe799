"""Tokens: what they allow, and that nothing of them is kept that could be used."""

import json
import stat
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from coprod_kg.access import Role, Tokens
from coprod_kg.cli.token import token as command
from coprod_kg.errors import Forbidden, NotFound, Unauthorised, WrongUsage


def test_a_contributor_writes_only_the_data_of_its_organisation(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    grant = tokens.grant(tokens.create("bologna", Role.CONTRIBUTOR, "comune-di-bologna"))
    grant.check_organisation("comune-di-bologna")
    for other in ("wigan-council", None):
        with pytest.raises(Forbidden, match="sends the data of comune-di-bologna"):
            grant.check_organisation(other)
    with pytest.raises(Forbidden, match="only a curator"):
        grant.check_curator()


def test_a_curator_writes_the_data_of_any_organisation(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    grant = tokens.grant(tokens.create("ada", Role.CURATOR))
    grant.check_organisation("wigan-council")
    grant.check_curator()


def test_a_revoked_token_is_refused_at_once_and_by_another_process_too(tmp_path: Path) -> None:
    tokens, elsewhere = Tokens(tmp_path), Tokens(tmp_path)
    made = tokens.create("ada", Role.CURATOR)
    assert elsewhere.grant(made).name == "ada"
    tokens.revoke("ada")
    with pytest.raises(Unauthorised):
        elsewhere.grant(made)
    with pytest.raises(NotFound):
        tokens.revoke("nobody")


@pytest.mark.parametrize("change", ["", "coprod_ada_", "x", "coprod_ada_" + "A" * 43, "\u20ac"])
def test_what_is_no_token_of_this_service_is_refused(tmp_path: Path, change: str) -> None:
    tokens = Tokens(tmp_path)
    tokens.create("ada", Role.CURATOR)
    with pytest.raises(Unauthorised):
        tokens.grant(change)


def test_a_token_whose_last_letter_differs_is_refused(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    made = tokens.create("ada", Role.CURATOR)
    with pytest.raises(Unauthorised):
        tokens.grant(made[:-1] + ("A" if made[-1] != "A" else "B"))


def test_the_secret_is_kept_nowhere_and_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    made = Tokens(tmp_path).create("ada", Role.CURATOR)
    secret = made.removeprefix("coprod_ada_")
    for path in tmp_path.iterdir():
        assert secret not in path.read_text()
    assert stat.S_IMODE((tmp_path / "tokens.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "role", "organisation"),
    [
        ("Ada", Role.CURATOR, None),
        ("a_b", Role.CURATOR, None),
        ("../ada", Role.CURATOR, None),
        ("a" * 41, Role.CURATOR, None),
        ("ada", Role.CURATOR, "wigan-council"),
        ("ada", Role.CONTRIBUTOR, None),
        ("ada", Role.CONTRIBUTOR, "Wigan Council"),
        ("ada", Role.CONTRIBUTOR, "id/organisation/wigan-council"),
    ],
)
def test_what_cannot_be_a_token_is_not_made(
    tmp_path: Path, name: str, role: Role, organisation: str | None
) -> None:
    with pytest.raises(WrongUsage):
        Tokens(tmp_path).create(name, role, organisation)
    assert Tokens(tmp_path).list() == ()


def test_tokens_made_at_the_same_time_are_all_there(tmp_path: Path) -> None:
    names = [f"token-{number}" for number in range(12)]
    threads = [
        threading.Thread(target=Tokens(tmp_path).create, args=(name, Role.CURATOR))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {grant.name for grant in Tokens(tmp_path).list()} == set(names)


def test_the_command_makes_lists_and_revokes(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)]
    run = CliRunner().invoke
    made = run(command, ["create", "bologna", "--organisation", "comune-di-bologna", *data])
    assert made.stdout.startswith("coprod_bologna_")
    assert "cannot be shown again" in made.stderr
    assert run(command, ["revoke", "bologna", *data]).output == "bologna is revoked.\n"
    (listed,) = json.loads(run(command, ["list", "--json", *data]).stdout)
    assert listed["role"] == "contributor"
    assert listed["organisation"] == "comune-di-bologna"
    assert listed["revoked"] is not None
    assert "digest" not in listed
