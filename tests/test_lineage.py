"""A version number means one thing: lineages, versions that were cited, and what a copy holds."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from coprod_kg.errors import NotFound, StoreUnavailable, VersionGone
from coprod_kg.settings import Settings
from coprod_kg.store.backup import _Copier, back_up, last_backup, restore
from coprod_kg.store.base import Change
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.identity import FORMAT, Identity
from coprod_kg.store.local import LocalStore, serving
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.web import create_app

GRAPH = "urn:g"
QUERY = """#+ summary: Which values are there?
#+ description: One row for each value.
#+ tags: test
#+ column value: the value
SELECT ?value WHERE { GRAPH <urn:g> { <urn:a> <urn:p> ?value } } ORDER BY ?value
"""
BASE = "https://w3id.org/coprod/"


class World:
    """A data directory that is served, and what can be asked of it."""

    def __init__(self, store: LocalStore, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self.client: FlaskClient = create_app(store, settings).test_client()

    @property
    def directory(self) -> DataDirectory:
        return DataDirectory(self.settings.data)

    def put(self, *names: str) -> int:
        lines = "".join(f"<urn:a> <urn:p> <urn:{name}> .\n" for name in names)
        return self.store.commit(Change(replace={GRAPH: lines.encode()})).version

    def get(self, address: str, **headers: str) -> tuple[int, str]:
        answer = self.client.get(address, headers=headers)
        return answer.status_code, answer.get_data().decode(errors="replace")

    def link(self, address: str) -> str:
        """The permanent link to an answer, without the host."""
        answer = self.client.get(address, buffered=True)
        (link,) = [one for one in answer.headers.getlist("Link") if "cite-as" in one]
        return f"/{link.partition('>')[0].split('/', 3)[3]}"


@contextmanager
def world_of(data: Path, **more: object) -> Iterator[World]:
    own = data.with_name("own")
    own.mkdir(exist_ok=True)
    (own / "values.rq").write_text(QUERY)
    given = {"data": data, "workers": 1, "long_queries": 1, "token_queries": 0, "queries": own}
    settings = Settings.load({**given, "keep_versions": 2, **more}, {})
    with serving(settings) as service:
        yield World(service.store, settings)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_of(tmp_path / "data") as world:
        yield world


def csv(*names: str) -> tuple[int, str]:
    return 200, "".join(f"{line}\r\n" for line in ("value", *(f"urn:{name}" for name in names)))


def test_the_same_number_after_a_restore_is_another_answer(world: World, tmp_path: Path) -> None:
    world.put("first")
    back_up(world.directory, BASE, tmp_path / "copy")
    lost = world.put("lost")
    address = "/queries/values.csv"
    sparql = f"/sparql?query={quote('SELECT * { GRAPH <urn:g> { ?s ?p ?o } }')}&format=csv"
    addresses = (address, f"{address}?version={lost}", sparql, f"{sparql}&version={lost}")
    tags = [world.client.get(one, buffered=True).headers["ETag"] for one in addresses]
    held = world.client.get(f"{address}?version={lost}", buffered=True)
    assert "immutable" not in held.headers["Cache-Control"], "a number alone may mean other data"
    links = [world.link(f"{address}?version={number}") for number in (lost - 1, lost)]

    assert restore(tmp_path / "copy", DataDirectory(tmp_path / "again"), BASE) == lost - 1
    with world_of(tmp_path / "again") as again:
        assert again.put("other") == lost
        for one, tag in zip(addresses, tags, strict=True):
            answer = again.client.get(one, headers={"If-None-Match": tag}, buffered=True)
            assert answer.status_code == 200, one
            assert "urn:other" in answer.get_data(as_text=True)
            assert again.get(one, **{"If-None-Match": answer.headers["ETag"]})[0] == 304
        assert again.get(links[0], Accept="text/csv") == csv("first")
        status, told = again.get(links[1])
        assert status == 410
        assert f"the data was restored from a copy of version {lost - 1}" in told
        assert again.link(address) != links[1]


def test_a_lineage_that_this_data_never_had_is_not_found(world: World) -> None:
    number = world.put("first")
    for address in ("/queries/values", "/queries/values/cite", "/sparql?query=ASK%20%7B%7D"):
        mark = "&" if "?" in address else "?"
        tail = f"{mark}version={number}&lineage=00000000"
        status, told = world.get(f"{address}{tail}")
        assert (status, "no lineage" in told) == (404, True), address
        lineage = world.store.identity().lineage
        assert world.get(f"{address}{mark}version={number}&lineage={lineage}")[0] == 200, address


def test_a_lineage_in_a_form_counts_too(world: World) -> None:
    number = world.put("first")
    form = {"query": "ASK {}", "version": str(number), "lineage": "00000000"}
    assert world.client.post("/sparql", data=form).status_code == 404


def test_what_was_is_gone_and_what_never_was_is_not_found(world: World) -> None:
    first = world.put("first")
    for name in "abc":
        newest = world.put(name)
    for address in ("/queries/values.csv?", "/queries/values/cite?", "/sparql?query=ASK%20%7B%7D&"):
        assert world.get(f"{address}version={first}")[0] == 410
        status, told = world.get(f"{address}version={newest + 1}")
        assert status == 404
        assert f"there is no version {newest + 1} yet" in told


def test_every_restore_begins_another_lineage(tmp_path: Path) -> None:
    with world_of(tmp_path / "data") as world:
        world.put("a")
        back_up(world.directory, BASE, tmp_path / "copy")
        oldest = world.store.identity()
    for name in ("one", "two"):
        restore(tmp_path / "copy", DataDirectory(tmp_path / name), BASE)
    one, two = (Identity.read(tmp_path / name) for name in ("one", "two"))
    assert len({oldest.lineage, one.lineage, two.lineage}) == 3
    assert one.ancestors == two.ancestors == ((oldest.lineage, 1),)
    with world_of(tmp_path / "one") as world:
        world.put("b")
        back_up(world.directory, BASE, tmp_path / "later")
    restore(tmp_path / "later", DataDirectory(tmp_path / "three"), BASE)
    three = Identity.read(tmp_path / "three")
    assert three.ancestors == ((oldest.lineage, 1), (one.lineage, 2))
    three.check(oldest.lineage, [1])
    three.check(one.lineage, [1, 2])
    with pytest.raises(VersionGone, match="restored from a copy of version 1"):
        three.check(oldest.lineage, [2])
    with pytest.raises(NotFound):
        three.check(two.lineage, [1])


def test_a_version_that_was_cited_is_kept_and_so_many_of_them(tmp_path: Path) -> None:
    with world_of(tmp_path / "data", keep_cited=2) as world:
        cited = []
        for name in ("a", "b", "c"):
            cited.append(world.put(name))
            assert world.get(f"/queries/values/cite?version={cited[-1]}")[0] == 200
        for name in "defg":
            world.put(name)
        kept = [world.get(f"/queries/values.csv?version={number}") for number in cited]
        assert kept[0][0] == 410
        assert kept[1:] == [csv("b"), csv("c")]
        world.get(f"/queries/values.crate.zip?version={cited[1]}")  # it is cited again
        newer = world.put("h")
        world.get(f"/queries/values.xlsx?version={newer}")
        for name in "ijk":
            world.put(name)
        assert world.get(f"/queries/values.csv?version={cited[1]}") == csv("b")
        assert world.get(f"/queries/values.csv?version={newer}") == csv("h")
        assert world.get(f"/queries/values.csv?version={cited[2]}")[0] == 410


def test_reading_an_answer_or_its_page_cites_nothing(world: World) -> None:
    number = world.put("first")
    for form in ("csv", "html", "json"):
        world.get(f"/queries/values.{form}")
    assert Snapshots(world.directory.snapshots).cited() == ()
    world.get("/queries/values/cite")
    assert Snapshots(world.directory.snapshots).cited() == (number,)


def test_the_page_says_until_when_its_link_answers(world: World) -> None:
    number = world.put("first")
    page = f"/queries/values.html?version={number}&lineage={world.store.identity().lineage}"
    first = world.client.get(page)
    assert "until the data has changed 2 more times" in first.get_data(as_text=True)
    assert "immutable" not in first.headers["Cache-Control"]
    world.get(f"/queries/values/cite?version={number}")
    status, told = world.get(page, **{"If-None-Match": first.headers["ETag"]})
    assert status == 200, "the page has changed"
    assert f"Version {number} was cited. The link answers at least until 100 other" in told
    Snapshots(world.directory.snapshots).tag(number, "2026-11")
    assert f"The link always answers: version {number} has the name 2026-11" in world.get(page)[1]


def test_a_copy_holds_the_versions_with_a_name_or_a_citation(world: World, tmp_path: Path) -> None:
    snapshots = Snapshots(world.directory.snapshots)
    named = world.put("named")
    snapshots.tag(named, "before")
    cited = world.put("cited")
    world.get(f"/queries/values/cite?version={cited}")
    link = world.link(f"/queries/values.csv?version={cited}")
    neither = world.put("neither")
    newest = world.put("newest")
    snapshots.tag(newest, "now")
    back_up(world.directory, BASE, tmp_path / "copy")
    restore(tmp_path / "copy", DataDirectory(tmp_path / "again"), BASE)
    with world_of(tmp_path / "again") as again:
        for name in "xyz":
            again.put(name)
        kept = Snapshots(again.directory.snapshots)
        assert kept.tags() == {"before": named, "now": newest}
        for number, name in ((named, "named"), (cited, "cited"), (newest, "newest")):
            assert again.get(f"/queries/values.csv?version={number}") == csv(name)
        assert again.get(f"/queries/values.csv?version={neither}")[0] == 410
        assert "urn:cited" in again.get(link, Accept="text/csv")[1]


def test_what_versions_share_is_in_a_copy_once(tmp_path: Path) -> None:
    for version in "12":
        (tmp_path / version).mkdir()
    for name in ("000001.sst", "MANIFEST-000002"):
        (tmp_path / "1" / name).write_text(name)
        os.link(tmp_path / "1" / name, tmp_path / "2" / name)
    copier = _Copier()
    for version in "12":
        copier.copy(tmp_path / version, tmp_path / "copy" / version)
    one, two = (tmp_path / "copy" / version for version in "12")
    assert (one / "000001.sst").samefile(two / "000001.sst")
    assert not (one / "MANIFEST-000002").samefile(two / "MANIFEST-000002"), "it is written to"
    assert (two / "MANIFEST-000002").read_text() == "MANIFEST-000002"
    assert not (one / "000001.sst").samefile(tmp_path / "1" / "000001.sst")


def test_a_copy_of_an_older_release_can_be_restored(world: World, tmp_path: Path) -> None:
    version = world.put("first")
    back_up(world.directory, BASE, tmp_path / "copy")
    index = json.loads((tmp_path / "copy" / "backup.json").read_text())
    for name in ("identity", "tags", "cited"):
        del index[name]
    (tmp_path / "copy" / "backup.json").write_text(json.dumps(index))
    assert restore(tmp_path / "copy", DataDirectory(tmp_path / "again"), BASE) == version
    with world_of(tmp_path / "again") as again:
        assert again.get("/queries/values.csv") == csv("first")
        identity = again.store.identity()
        assert (identity.format, len(identity.lineage), identity.ancestors) == (FORMAT, 8, ())


def test_a_copy_of_a_newer_release_is_refused(world: World, tmp_path: Path) -> None:
    world.put("first")
    back_up(world.directory, BASE, tmp_path / "copy")
    index = json.loads((tmp_path / "copy" / "backup.json").read_text())
    index["identity"]["format"] = FORMAT + 1
    (tmp_path / "copy" / "backup.json").write_text(json.dumps(index))
    with pytest.raises(StoreUnavailable, match=f"has format {FORMAT + 1}"):
        restore(tmp_path / "copy", DataDirectory(tmp_path / "again"), BASE)
    assert not (tmp_path / "again").exists()


def test_a_forged_copy_names_no_other_place(world: World, tmp_path: Path) -> None:
    world.put("first")
    back_up(world.directory, BASE, tmp_path / "copy")
    index = json.loads((tmp_path / "copy" / "backup.json").read_text())
    index["tags"] = {"../../../escaped": 1}
    (tmp_path / "copy" / "backup.json").write_text(json.dumps(index))
    with pytest.raises(Exception, match="is no name for a version"):
        restore(tmp_path / "copy", DataDirectory(tmp_path / "again"), BASE)
    assert not list(tmp_path.rglob("escaped"))


def test_it_is_known_when_the_last_copy_was_made(world: World, tmp_path: Path) -> None:
    assert last_backup(world.directory) is None
    world.put("first")
    before = datetime.now(UTC) - timedelta(seconds=1)
    back_up(world.directory, BASE, tmp_path / "copy")
    made = last_backup(world.directory)
    assert made is not None
    assert before <= made <= datetime.now(UTC)


def test_a_copy_is_for_its_owner_alone(world: World, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        world.put("first")
        back_up(world.directory, BASE, tmp_path / "copy")
    finally:
        os.umask(before)
    copy = tmp_path / "copy"
    assert not [one for one in (copy, *copy.rglob("*")) if one.stat().st_mode & 0o077]


def test_a_version_is_not_removed_while_it_is_cited(world: World) -> None:
    """Whoever cites a version holds it, so that it is there when the citation is out."""
    first = world.put("first")
    snapshots = Snapshots(world.directory.snapshots)
    with snapshots._holding(first):
        for name in "abc":
            world.put(name)
        assert first in snapshots.versions()
    world.put("d")
    assert first not in snapshots.versions()
    with pytest.raises(VersionGone):
        snapshots.cite(first)
    with pytest.raises(NotFound):
        snapshots.cite(999)
    assert snapshots.cited() == ()


def test_an_identity_is_another_one_after_each_copy() -> None:
    identity = replace(Identity.new(), lineage="0a1b2c3d")
    assert identity.branched(7).ancestors == (("0a1b2c3d", 7),)
    assert identity.branched(7).lineage != identity.branched(7).lineage
