"""The command check finds what two submissions say that cannot both be true."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from coprod_kg.cli.check import check
from coprod_kg.queries.checks import load_checks
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from coprod_kg.store.local import connect

BASE = "https://w3id.org/coprod/"
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


def typed(slug: str, name: str) -> bytes:
    return f"<{BASE}id/initiative/{slug}> <{TYPE}> <{BASE}ontology#{name}> .\n".encode()


def checked(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(check, ["--data", str(data), *arguments])


def test_a_thing_that_two_organisations_type_apart_is_a_contradiction(tmp_path: Path) -> None:
    settings = Settings.load({"data": tmp_path})
    graphs = {
        f"{BASE}graph/organisation/lake": typed("pond", "Initiative"),
        f"{BASE}graph/organisation/wood": typed("pond", "Evidence"),
    }
    with connect(settings, create=True) as store:
        store.commit(Change(graphs))
    told = checked(tmp_path)
    assert told.exit_code == 1
    assert "A thing is in two classes that can have no instance in common." in told.output
    assert "  id/initiative/pond rdf:type " in told.output
    assert told.output.endswith("6 checks, 1 contradiction.\n")
    rows = json.loads(checked(tmp_path, "--json").output)
    assert [row["check"] for row in rows] == ["disjoint-classes"]
    assert rows[0]["entity"] == f"{BASE}id/initiative/pond"


def test_nothing_is_found_where_nothing_contradicts(tmp_path: Path) -> None:
    with connect(Settings.load({"data": tmp_path}), create=True):
        pass
    told = checked(tmp_path)
    assert told.exit_code == 0, told.output
    assert told.output == "6 checks, no contradictions.\n"


def test_every_check_says_its_problem_and_what_to_do() -> None:
    for one in load_checks():
        assert one.problem.endswith("."), one.name
        assert one.solution.endswith("."), one.name
