"""``coprod-kg differences`` in a data directory of its own."""

from pathlib import Path

from click.testing import CliRunner

from coprod_kg.cli.differences import differences
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Change
from tests.web.test_query_differences import QUERY, data


def test_the_differences_of_two_versions_are_printed_as_csv(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "numbers.rq").write_text(QUERY)
    where = ["--data", str(tmp_path / "data"), "--queries", str(tmp_path / "own")]
    with local.connect(Settings(data=tmp_path / "data")) as store:
        first = store.commit(Change(replace={"urn:g": data(a=1, b=2)})).version
        second = store.commit(Change(replace={"urn:g": data(a=3)})).version
    span = ["--from", str(first), "--to", str(second)]
    ran = CliRunner().invoke(differences, ["numbers", *span, *where], catch_exceptions=False)
    assert ran.output.splitlines() == [
        "change,thing,column,from,to",
        "removed,urn:b,count,2,",
        "changed,urn:a,count,1,3",
    ]
