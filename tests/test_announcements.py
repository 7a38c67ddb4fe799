"""A version is opened by those who follow the writer before it is the newest, or without them."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from coprod_kg.errors import StoreChanged
from coprod_kg.settings import Settings
from coprod_kg.store.announcements import ANNOUNCED, Announcements, follow
from coprod_kg.store.base import Answer, Change, Query
from coprod_kg.store.local import LocalStore, serving
from tests.working import happens


class Follower:
    """Somebody who follows, and opens nothing while it is stuck."""

    def __init__(self, path: Path, *, stuck: bool = False) -> None:
        self.opened: list[int] = []
        self.asked = threading.Event()
        self.free = threading.Event()
        if not stuck:
            self.free.set()
        threading.Thread(target=follow, args=(path, self.open), daemon=True).start()

    def open(self, version: int) -> None:
        self.asked.set()
        self.free.wait()
        self.opened.append(version)

    def newest(self) -> int:
        return self.opened[-1] if self.opened else 0


@pytest.fixture
def announcements(tmp_path: Path) -> Iterator[Announcements]:
    with closing(Announcements(tmp_path / ANNOUNCED)) as found:
        yield found


def test_who_follows_has_opened_it_when_it_is_published(
    announcements: Announcements, tmp_path: Path
) -> None:
    follower = Follower(tmp_path / ANNOUNCED)
    versions = itertools.count(1)

    def opened() -> bool:  # each is waited for, but no longer than a moment
        version = next(versions)
        announcements.announce(version)
        return follower.newest() == version

    assert happens(opened)


def test_who_is_stuck_holds_no_version_up_and_goes_on_when_it_can(
    announcements: Announcements, tmp_path: Path
) -> None:
    follower = Follower(tmp_path / ANNOUNCED, stuck=True)

    def asked() -> bool:
        announcements.announce(1)
        return follower.asked.is_set()

    assert happens(asked)
    for version in range(2, 6):
        announcements.announce(version)
    assert follower.opened == []
    follower.free.set()
    assert happens(lambda: follower.newest() == 5)
    announcements.announce(6)
    assert happens(lambda: follower.newest() == 6)


def test_who_ended_is_forgotten_and_the_next_writer_is_followed(tmp_path: Path) -> None:
    follower = Follower(tmp_path / ANNOUNCED)
    for version in (1, 2, 3):
        with closing(Announcements(tmp_path / ANNOUNCED)) as writer:

            def opened(version: int = version, writer: Announcements = writer) -> bool:
                writer.announce(version)
                return follower.newest() == version

            assert happens(opened)


def test_a_point_lookup_after_an_acknowledged_commit_waits_for_no_opening(tmp_path: Path) -> None:
    query = Query("SELECT ?o { <urn:a> <urn:p> ?o }", ("text/csv",))
    settings = Settings(data=tmp_path / "data", workers=1, long_queries=0, token_queries=0)
    with serving(settings) as service:
        lookups = LocalStore(Path(service.environ["COPROD_RUN"]), settings, near=())
        lookups.query(query)  # from now on it follows
        number = 0

        def at_hand_at_once() -> bool:
            nonlocal number
            number += 1
            service.store.commit(Change({"urn:g": f'<urn:a> <urn:p> "{number}" .'.encode()}))
            found = lookups.try_point_lookup(query)
            if not isinstance(found, Answer):
                return False
            assert found.read().split() == [b"o", str(number).encode()]
            return True

        assert happens(at_hand_at_once)
        assert happens(at_hand_at_once)


def test_after_many_commits_the_engine_lists_its_files_anew_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    """Its list grows with each commit, and whoever opens a version reads all of it."""
    data = tmp_path / "data"

    def lists() -> set[str]:
        return {path.name for path in (data / "store").glob("MANIFEST-*")}

    settings = Settings(data=data, workers=1, long_queries=0, token_queries=0)
    with serving(settings) as service:
        first, writer, base = lists(), service.supervisor.pids()["writer"], service.store.version()
        commits = 0
        while lists() == first and commits < 500:
            commits += 1
            line = f'<urn:{commits}> <urn:p> "{commits}" .'.encode()
            service.store.commit(Change(add={"urn:g": line}))
        assert happens(lambda: lists() != first and len(lists()) == 1)
        # What was changed since an older version is known as before.
        service.store.commit(
            Change({"urn:h": b"<urn:a> <urn:p> <urn:a> ."}, base=base, depends_on=("urn:h",))
        )
        with pytest.raises(StoreChanged):
            service.store.commit(
                Change(
                    add={"urn:g": b"<urn:a> <urn:p> <urn:a> ."}, base=base, depends_on=("urn:g",)
                )
            )
        count = Query("SELECT (COUNT(*) AS ?n) { GRAPH <urn:g> { ?s ?p ?o } }", ("text/csv",))
        assert service.store.query(count).read().split()[1] == str(commits).encode()
        assert service.supervisor.pids()["writer"] == writer
