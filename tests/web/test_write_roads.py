"""What becomes of each kind of write where the disk is full or a process is killed meanwhile.

The table of docs/writes.md says it in words; the roads are those of `tests.web.writing`.
"""

import gzip
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.servers import family
from coprod_kg.access import Private, Role, Tokens
from coprod_kg.cli.submissions import submissions
from coprod_kg.errors import StoreError, StoreFull
from coprod_kg.ingest.journal import Journal
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.local import serving
from coprod_kg.store.snapshots import Snapshots
from tests.test_data_directory import command
from tests.test_submitting import organisation, sent
from tests.web.service import running
from tests.web.writing import ROADS, TURTLE, Road, Site, Write, submit

VICTIMS = ("writer", "query", "web")
LEFT = 20 << 20
"""Less than a commit leaves free, and enough for what is written before it."""


@contextmanager
def mounted(folder: Path, megabytes: int, files: int = 0) -> Iterator[Path]:
    """A small disk in memory, for so many files at most where that is said."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can make a disk to fill")
    folder.mkdir()
    made = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,nr_inodes={files}"]
    made += ["tmpfs", str(folder)]
    if subprocess.run(made, check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with mounted(tmp_path_factory.mktemp("full") / "disk", 160) as disk:
        yield disk


@pytest.fixture(scope="module")
def small(disk: Path) -> Iterator[Site]:
    """A service whose data lies on a small disk."""
    settings = Settings(web_workers=1, workers=2, freshness="off", keep_versions=2)
    with running(disk / "data", settings, things=3) as service:
        yield Site(service, Settings.load({"data": disk / "data"}, {}))


def fill(disk: Path, left: int = 0) -> Path:
    """Fill a disk but for so many bytes; what fills it can be removed."""
    filler, state = disk / "filler", os.statvfs(disk)
    filler.write_bytes(bytes(state.f_bavail * state.f_frsize - left))
    return filler


@pytest.mark.parametrize("road", ROADS, ids=lambda one: one.name)
def test_a_full_disk_refuses_each_write_and_takes_it_when_there_is_room(
    disk: Path, small: Site, road: Road
) -> None:
    road.make(small, 1)
    write = road.write(small, 0)
    filler = fill(disk, LEFT)
    try:
        version = small.service.store.version()
        status, answer = small.send(write)
        assert (status, b"free disk" in answer) == (507, True), answer
        assert small.service.store.version() == version
        assert not small.asks(write.there)
        assert write.sent is None or not small.recorded(write.sent)
    finally:
        filler.unlink()
    assert small.send(write)[0] < 300
    assert small.asks(write.there)


@pytest.fixture(scope="module")
def cramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service whose folder for temporary files has no room for what is sent."""
    folder = tmp_path_factory.mktemp("cramped")
    settings = Settings(web_workers=1, workers=1, freshness="off")
    with mounted(folder / "temporary", 1) as disk, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(disk))
        with running(folder / "data", settings, things=3) as service:
            yield Site(service, Settings.load({"data": folder / "data"}, {}))


@pytest.mark.parametrize("how", ["plain", "packed", "form"])
def test_what_is_sent_waits_in_the_data_directory(cramped: Site, how: str) -> None:
    content = (
        sent("x.ttl", organisation("large")).content
        + os.urandom(1 << 20).hex().join(("# ", "\n")).encode()
    )
    headers = {"Authorization": f"Bearer {cramped.service.curator}", "Content-Type": TURTLE}
    if how == "packed":
        content, headers["Content-Encoding"] = gzip.compress(content), "gzip"
    elif how == "form":
        headers["Content-Type"] = "multipart/form-data; boundary=b"
        head = '--b\r\nContent-Disposition: form-data; name="file"; filename="x.ttl"\r\n\r\n'
        content = head.encode() + content + b"\r\n--b--\r\n"
    port = cramped.service.port
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=300)) as connection:
        connection.request("POST", "/submissions?dry_run=1", content, headers)
        with connection.getresponse() as response:
            assert response.status == 200, response.read()


def test_a_full_disk_keeps_the_tokens_and_marks_that_there_are(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", 4) as disk:
        tokens, private = Tokens(disk / "data"), Private(disk / "data")
        secret = tokens.create("first", Role.CURATOR)
        private.mark("town")
        filler = fill(disk)
        with pytest.raises(StoreFull, match=r"tokens\.json does not fit"):
            tokens.create("second", Role.CURATOR)
        with pytest.raises(StoreFull, match=r"private\.json does not fit"):
            private.mark("lake")
        assert (tokens.grant(secret).name, private.organisations()) == ("first", ("town",))
        filler.unlink()
        tokens.revoke("first")
        assert private.mark("town", private=False)


def test_a_full_disk_refuses_a_tag_in_a_sentence_and_has_it_when_there_is_room(
    tmp_path: Path,
) -> None:
    with mounted(tmp_path / "disk", 96, files=800) as disk:
        settings = Settings.load({"data": disk / "data", "workers": 1}, {})
        with serving(settings) as service:
            version = service.store.commit(
                Change(replace={"urn:g": b"<urn:a> <urn:b> <urn:c> ."})
            ).version
            assert command("versions", "--data", settings.data).returncode == 0
            # A name is a file without content: only their number can be used up.
            fillers = [disk / str(number) for number in range(os.statvfs(disk).f_favail)]
            for filler in fillers:
                filler.touch()
            with pytest.raises(StoreFull, match="0 more files"):
                service.store.commit(Change(replace={"urn:g": b"<urn:a> <urn:b> <urn:d> ."}))
            told = command("tag", version, "full", "--data", settings.data)
            assert (told.returncode, told.stderr) == (
                3,
                f"coprod-kg: {settings.data}/snapshots/tags: full does not fit on the disk\n"
                "Free some space; reading goes on meanwhile.\n",
            )
            assert Snapshots(DataDirectory(settings.data).snapshots).tags() == {}
            for filler in fillers:
                filler.unlink()
            assert command("tag", version, "full", "--data", settings.data).returncode == 0


MAKER = """
import sys
from pathlib import Path
from coprod_kg.access import Private, Role, Tokens
tokens, private = Tokens(Path(sys.argv[1])), Private(Path(sys.argv[1]))
for number in range(1_000_000):
    if sys.argv[2] == "token":
        tokens.create(f"t{number}", Role.CURATOR)
    else:
        private.mark(f"t{number}")
    print(number, flush=True)
"""


@pytest.mark.parametrize("road", ["token", "private"])
def test_a_command_that_is_killed_leaves_the_marks_before_or_after_it(
    tmp_path: Path, road: str
) -> None:
    for attempt in range(4):
        data = tmp_path / str(attempt)
        maker = subprocess.Popen(
            [sys.executable, "-c", MAKER, data, road], stdout=subprocess.PIPE, text=True
        )
        assert maker.stdout is not None
        with maker, maker.stdout:
            assert maker.stdout.readline() == "0\n"
            time.sleep(random.uniform(0.0, 0.2))
            maker.kill()
            done = {0, *map(int, maker.stdout.read().splitlines())}
        tokens, private = Tokens(data), Private(data)
        kept = (
            [grant.name for grant in tokens.list()] if road == "token" else private.organisations()
        )
        # the last one may have been kept, and not been told yet
        assert (
            {f"t{number}" for number in done}
            <= {*kept}
            <= {f"t{number}" for number in range(len(done) + 1)}
        )
        tokens.create("next", Role.CURATOR)
        assert private.mark("next")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = Settings(web_workers=1, workers=2, freshness="off")
    data = tmp_path_factory.mktemp("killed") / "data"
    with running(data, settings, things=3) as service:
        yield Site(service, Settings.load({"data": data}, {}))


def settle(site: Site) -> None:
    """Wait until every process that was killed is there again."""
    ping = Write("PUT", "/data?graph=urn:settled", b"<urn:a> <urn:b> <urn:c> .", TURTLE, "")
    for _ in range(600):
        try:
            if site.send(ping)[0] < 300:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.1)
    pytest.fail("the service did not come back")


def there(site: Site, pattern: str) -> bool:
    for _ in range(100):
        try:
            return site.asks(pattern)
        except StoreError:
            time.sleep(0.1)
    pytest.fail("the store did not come back")


@pytest.mark.parametrize("road", ROADS, ids=lambda one: one.name)
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_process_that_is_killed_takes_no_acknowledged_write_with_it(
    site: Site, road: Road, victim: str
) -> None:
    """A write is made whole, with its record, or not at all; an answer that says which is true."""
    number = VICTIMS.index(victim)
    road.make(site, number + 1)
    write, told = road.write(site, number), list[tuple[int, bytes]]()
    before = there(site, write.there)

    def send() -> None:
        try:
            told.append(site.send(write))
        except (OSError, http.client.HTTPException):
            told.append((0, b"the connection broke off"))

    sending = threading.Thread(target=send)
    sending.start()
    time.sleep(random.uniform(0.0, 0.5))  # somewhere on its way
    for name, pid in site.service.supervisor.pids().items():
        if name.startswith(victim):
            for one in family(pid):  # granian has children of its own
                try_to_kill(one)
    sending.join()
    settle(site)
    [(status, answer)] = told
    made = there(site, write.there)
    if 0 < status < 300:
        assert made, answer
    elif status and status != 503:  # 503 and nothing at all: it may have been made, as it says
        assert made == before, (status, answer)
    if write.sent is not None and not before:
        assert site.recorded(write.sent) == made


def test_a_submission_that_outlived_its_process_has_a_version_and_can_be_taken_back(
    site: Site,
) -> None:
    journal = Journal(site.settings.data)
    for number in range(100, 120):  # the kill may come before the change was sent
        write = submit(site, number)
        known = {record.id for record in journal.records()}
        writer = site.service.supervisor.pids()["writer"]
        os.kill(writer, signal.SIGSTOP)
        sending = threading.Thread(target=leave, args=(site, write))
        try:
            sending.start()
            while not (new := {record.id for record in journal.records()} - known):
                time.sleep(0.05)
            time.sleep(0.5)
            for pid in family(site.service.supervisor.pids()["web"]):
                try_to_kill(pid)
            sending.join()
        finally:
            os.kill(writer, signal.SIGCONT)
        settle(site)
        if there(site, write.there):
            break
    else:
        pytest.fail("no change was sent before its process was killed")
    [name] = new
    assert journal.read(name).version is None
    status, listed = site.send(Write("GET", "/submissions", None, TURTLE, ""))
    [told] = [one for one in json.loads(listed)["submissions"] if one["submission"] == name]
    assert (status, type(told["version"])) == (200, int)
    shown = CliRunner().invoke(submissions, ["--data", str(site.settings.data), "--json"])
    assert told in json.loads(shown.output), shown.output
    status, answer = site.send(Write("POST", f"/submissions/{name}/rollback", b"", TURTLE, ""))
    assert status == 201, answer
    assert not site.asks(write.there)


def leave(site: Site, write: Write) -> None:
    """Send to a process that is killed before it answers."""
    with suppress(OSError, http.client.HTTPException):
        site.send(write)


def try_to_kill(pid: int) -> None:
    """Kill a process that may have ended already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_a_tag_is_kept_where_the_writer_is_killed(site: Site) -> None:
    snapshots = Snapshots(DataDirectory(site.settings.data).snapshots)
    snapshots.tag(site.service.store.version(), "kept")
    try_to_kill(site.service.supervisor.pids()["writer"])
    settle(site)
    snapshots.open(snapshots.tags()["kept"]).close()
