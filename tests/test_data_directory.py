"""Whose a data directory is, who holds it, and what the commands do where there is none."""

import fcntl
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from hashlib import sha256
from pathlib import Path

import pytest

from coprod_kg.access import Private, Role, Tokens
from coprod_kg.errors import StoreInUse, StoreUnavailable, WrongUsage
from coprod_kg.ingest.journal import Journal, keep, keep_all
from coprod_kg.queries.runs.ledger import Run, RunLedger
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Query
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.local import LocalStore, connect, serving
from coprod_kg.store.supervisor import Supervisor

CLI = [sys.executable, "-m", "coprod_kg.cli"]
GRAPH = "https://example.org/graph"
STRANGER = 65534
"""The number of nobody, who owns nothing."""


def settings_of(data: Path) -> Settings:
    return Settings.load({"data": data, "workers": 1, "long_queries": 0}, {})


def command(*arguments: object, **options: object) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, **options.pop("environ", {})}  # type: ignore[dict-item]  # of a test
    return subprocess.run(  # type: ignore[call-overload, no-any-return]  # the options vary
        [*CLI, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
        **options,
    )


def put(store: LocalStore, number: int) -> int:
    triple = f"<urn:a> <urn:p> <urn:{number}> .\n".encode()
    return store.commit(Change(replace={GRAPH: triple})).version


def values(store: LocalStore) -> str:
    text = f"SELECT ?o WHERE {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}"
    return store.query(Query(text, ("text/csv",))).read().decode()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with one version, to be copied."""
    data = tmp_path_factory.mktemp("made") / "data"
    with connect(settings_of(data), create=True) as store:
        put(store, 1)
    return data


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A data directory with one version, which nobody uses."""
    return shutil.copytree(made, tmp_path / "data", symlinks=True)


def test_a_copy_of_a_directory_in_use_is_another_directory(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(data, copy, symlinks=True)
    with serving(settings_of(data), "http://127.0.0.1:1") as service:
        shutil.copy(data / "lock", copy)
        assert (copy / "lock").read_text() == (data / "lock").read_text()
        assert DataDirectory(copy).holder() == {}
        listed = command("versions", "--data", copy)
        assert (listed.returncode, listed.stderr) == (0, "")
        with connect(settings_of(copy)) as other:
            put(other, 2)
            assert values(other) == "o\r\nurn:2\r\n"
        assert values(service.store) == "o\r\nurn:1\r\n"
        assert Path(DataDirectory(data).holder()["run"]).is_dir()


def test_a_copied_lock_leads_nobody_to_another_service(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(data, copy, symlinks=True)
    with serving(settings_of(data)):
        shutil.copy(data / "lock", copy)
        held = os.open(copy, os.O_RDONLY)  # somebody else holds the copy, and has said nothing yet
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StoreInUse, match="unknown"), connect(settings_of(copy)):
            pass
        os.close(held)


def test_nothing_is_removed_because_a_lock_names_it(data: Path, tmp_path: Path) -> None:
    victim = tmp_path / "coprod-thesis"
    victim.mkdir()
    (victim / "chapter").write_text("all of it")
    status = data.stat()
    forged = {"directory": [status.st_dev, status.st_ino], "pid": 1, "run": str(victim), "url": ""}
    (data / "lock").write_text(json.dumps(forged))
    (data / "scratch").rmdir()
    (data / "scratch").symlink_to(victim)
    with connect(settings_of(data)) as store:
        assert values(store) == "o\r\nurn:1\r\n"
    assert (victim / "chapter").read_text() == "all of it"


def test_what_a_killed_holder_left_is_removed_by_the_next_one(data: Path) -> None:
    arguments = [sys.executable, "-m", "tests.serving_process", str(data)]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        pids = json.loads(process.stdout.readline())
        left = Path(DataDirectory(data).holder()["run"])
        process.send_signal(signal.SIGKILL)
        process.wait()
    (left / "marked").touch()
    for pid in pids.values():
        while Path(f"/proc/{pid}").exists():
            os.sched_yield()
    with serving(settings_of(data)) as service:
        assert Path(DataDirectory(data).holder()["run"]) == left
        assert not (left / "marked").exists()
        assert values(service.store) == "o\r\nurn:1\r\n"
    assert not left.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_leaves_no_temporary_folder(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, number: signal.Signals
) -> None:
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    folder = tmp_path_factory.mktemp("queries")
    os.mkfifo(folder / "endless.rq")  # whoever reads it waits for somebody who writes
    with subprocess.Popen([*CLI, "check-queries", str(folder)], env=environ) as process:
        while len(list(tmp_path.glob("coprod-*"))) < 2:  # its empty store, and where that runs
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
    assert process.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_somebody_else_in_its_place_is_not_used(data: Path) -> None:
    status = data.stat()
    name = f"coprod-{os.geteuid()}-{status.st_dev:x}-{status.st_ino:x}"
    squatted = Path(tempfile.gettempdir(), name)
    squatted.symlink_to("/nowhere")
    try:
        with connect(settings_of(data)) as store:
            run = Path(DataDirectory(data).holder()["run"])
            assert run != squatted
            assert stat.S_IMODE(run.stat().st_mode) == 0o700
            assert values(store) == "o\r\nurn:1\r\n"
        assert squatted.is_symlink()
    finally:
        squatted.unlink()


READING = (
    ["versions"],
    ["dump"],
    ["sparql", "ASK {}"],
    ["query", "initiatives-by-stage"],
    ["assess", "x"],
    ["check"],
    ["submissions"],
    ["refresh"],
    ["tag", "1", "name"],
    ["private"],
    ["private", "town"],
    ["token", "list"],
    ["token", "revoke", "cora"],
)


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_command_that_reads_makes_no_store(arguments: list[str], tmp_path: Path) -> None:
    wrong = tmp_path / "dtaa"
    done = command(*arguments, "--data", wrong)
    assert done.returncode == 3
    assert f"there is no store at {wrong}" in done.stderr
    assert not wrong.exists()


def test_a_copy_of_nothing_is_no_copy(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for wrong in (tmp_path / "dtaa", tmp_path / "empty"):
        done = command("backup", tmp_path / "copy", "--data", wrong)
        assert (done.returncode, done.stdout) == (3, "")
        assert f"there is no store at {wrong}" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]
    assert not list((tmp_path / "empty").iterdir())


def others_may(path: Path) -> Iterator[Path]:
    for entry in (path, *path.rglob("*")):
        with suppress(FileNotFoundError):  # the engine removes files as it compacts the store
            if not entry.is_symlink() and entry.stat().st_mode & 0o077:
                yield entry


def test_files_are_for_their_owner(tmp_path: Path) -> None:
    before, data = os.umask(0o022), tmp_path / "data"
    try:
        Tokens(data).create("cora", Role.CURATOR)
        with serving(settings_of(data)) as service:
            put(service.store, 1)
            Private(data).mark("town")
            RunLedger(data).note(Run("numbers", "ab", 1, "2026-11-24T10:00:00+00:00", 0.1, 3))
            keep(b"what was sent", data)
            run = Path(DataDirectory(data).holder()["run"])
            assert stat.S_IMODE(run.stat().st_mode) == 0o700
            assert list(others_may(data)) == []

        pass
    finally:
        os.umask(before)


def test_the_files_of_a_submission_are_all_kept_or_it_is_told(tmp_path: Path) -> None:
    sent = [f"file {number}".encode() for number in range(20)]
    keep_all(sent, tmp_path)
    journal = Journal(tmp_path)
    assert [journal.bytes_of(sha256(content).hexdigest()) for content in sent] == sent
    digests = journal.keep_graphs([b"", *sent, sent[0]])
    assert [journal.graph(digest) for digest in digests] == [b"", *sent, sent[0]]
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        keep_all(sent, tmp_path / "file")


def test_an_upgrade_closes_the_files_of_an_older_release(data: Path) -> None:
    (data / "identity.json").unlink()
    for path in (data, *data.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with connect(settings_of(data)) as store:
        put(store, 2)
    assert list(others_may(data)) == []


def test_files_that_are_not_ours_stay_as_open_as_they_are(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "notes.txt").chmod(0o644)
    with connect(settings_of(tmp_path), create=True):
        pass
    assert set(others_may(tmp_path)) == {tmp_path, tmp_path / "notes.txt"}


AS_A_STRANGER = f"""
import encodings.idna, importlib, os, sys
from coprod_kg.cli import __main__
place = __main__._COMMANDS[sys.argv[1]]  # a stranger may not be able to read our own files
importlib.import_module(f"coprod_kg.cli.{{place.partition(':')[0]}}")
os.setgroups([])
os.setresgid({STRANGER}, {STRANGER}, {STRANGER})
os.setresuid({STRANGER}, {STRANGER}, {STRANGER})
__main__.main()
"""
STRANGERS = (
    ["versions"],
    ["sparql", "ASK {}"],
    ["backup", "copy"],
    ["dump"],
    ["token", "list"],
    ["token", "create", "eve", "--curator"],
    ["private"],
    ["serve", "--no-example", "--port", "0"],
)


@pytest.mark.parametrize("arguments", STRANGERS, ids=" ".join)
def test_another_user_is_told_which_right_is_missing(arguments: list[str], data: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can run a command as somebody else")
    with tempfile.TemporaryDirectory() as place:
        os.chown(place, STRANGER, STRANGER)
        there = Path(place, "data")
        shutil.copytree(data, there, symlinks=True)
        for path in (there, *there.rglob("*")):
            os.chown(path, 0, 0, follow_symlinks=False)
        done = subprocess.run(
            [sys.executable, "-c", AS_A_STRANGER, *arguments, "--data", str(there)],
            capture_output=True,
            text=True,
            check=False,
            cwd=place,
        )
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "the user nobody" in done.stderr
    assert "Run the command as" in done.stderr


@pytest.fixture
def read_only(data: Path, tmp_path: Path) -> Iterator[Path]:
    """The same directory on a disk that is mounted read-only."""
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    bound = ["mount", "--bind", str(data), str(mounted)]
    again = ["mount", "-o", "remount,bind,ro", str(mounted)]
    if os.geteuid() != 0 or subprocess.run(bound, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        subprocess.run(again, capture_output=True, check=True)
        yield mounted
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["versions"],
        ["sparql", "ASK {}"],
        ["serve", "--no-example", "--port", "0"],
        ["token", "create", "eve", "--curator"],
        ["private", "town"],
        ["tag", "1", "first"],
    ],
    ids=" ".join,
)
def test_a_disk_that_is_read_only_is_named_as_that(arguments: list[str], read_only: Path) -> None:
    done = command(*arguments, "--data", read_only)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "read-only" in done.stderr.lower()


def test_a_copy_is_made_from_a_disk_that_is_read_only(read_only: Path, tmp_path: Path) -> None:
    done = command("backup", tmp_path / "copy", "--data", read_only)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "copy" / "backup.json").exists()


def test_a_store_that_cannot_be_opened_ends_the_command(data: Path) -> None:
    (data / "store" / "CURRENT").write_text("nonsense")
    done = command("versions", "--data", data, timeout=60)
    assert done.returncode == 3
    assert "the store cannot be opened" in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_work_where_the_locale_is_posix(tmp_path: Path) -> None:
    plain = {"LC_ALL": "POSIX", "LANG": "", "PYTHONIOENCODING": ""}
    with connect(settings_of(tmp_path / "d\u00e5ta"), create=True) as store:
        store.commit(Change(replace={GRAPH: '<urn:a> <urn:p> "K\u00f8benhavn" .'.encode()}))
    shutil.copytree(tmp_path / "d\u00e5ta", tmp_path / "data", symlinks=True)
    asked = f"SELECT ?o WHERE {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}"
    for name, utf8 in (("d\u00e5ta", ""), ("data", ""), ("data", "0")):
        environ = {**plain, "PYTHONUTF8": utf8}
        done = command("sparql", asked, "--data", tmp_path / name, environ=environ)
        assert (done.returncode, done.stderr) == (0, ""), environ
    for utf8 in ("", "0"):
        environ = {**plain, "PYTHONUTF8": utf8}
        done = command("query", "--help", environ=environ)
        assert (done.returncode, done.stderr) == (0, ""), environ


def test_a_name_that_no_locale_can_read_is_refused(tmp_path: Path) -> None:
    done = command("versions", "--data", os.fsdecode(os.fsencode(tmp_path / "d") + b"\xe5"))
    assert done.returncode == 2
    assert "is not a name in UTF-8" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_setting_is_a_flag_of_serve() -> None:
    told = command("serve", "--help").stdout
    missing = [
        one.name for one in fields(Settings) if f"--{one.name.replace('_', '-')} " not in told
    ]
    assert missing == []


def test_a_list_that_is_given_twice_holds_both(data: Path) -> None:
    given = Settings.load({"service_allow": ("urn:a", "urn:b,urn:c")}, {})
    assert given.service_allow == ("urn:a", "urn:b", "urn:c")
    twice = ["--service-allow", "http://127.0.0.1:1/a", "--service-allow", "http://127.0.0.1:1/b"]
    for place in "ab":
        text = f"ASK {{ SERVICE <http://127.0.0.1:1/{place}> {{ ?s ?p ?o }} }}"
        done = command("sparql", text, *twice, "--data", data)
        assert "is not allowed" not in done.stderr
        assert "service-allow" not in done.stderr


def test_a_list_that_is_no_list_of_words_is_refused() -> None:
    with pytest.raises(WrongUsage, match="setting trust-proxies"):
        Settings.load({"trust_proxies": [1, 2]}, {})


@pytest.mark.parametrize("address", ["https://example.org/?x=1", "https://example.org/#x"])
def test_an_address_with_more_than_a_path_is_refused(address: str) -> None:
    with pytest.raises(WrongUsage, match="more than a host and a path"):
        Settings.load({"public_url": address}, {})
    assert Settings.load({"public_url": "https://example.org/"}, {}).root == "https://example.org/"


def test_a_name_for_this_machine_can_be_listened_on(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["serve", "--data", str(tmp_path), "--host", "localhost", "--port", str(port)]
    more = ["--no-example", "--web-workers", "1", "--workers", "1", "--freshness", "off"]
    with subprocess.Popen([*CLI, *arguments, *more], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.wait()
    assert told == f"coprod-kg serves http://127.0.0.1:{port}\n"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "\u00e9" * 70 + ".example", "192.0.2.1"])
def test_a_name_that_is_not_this_machine_is_refused(host: str, tmp_path: Path) -> None:
    done = command("serve", "--data", tmp_path / "data", "--host", host)
    assert done.returncode == 2
    assert f"nothing can listen on {host}" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_child_that_never_starts_is_known_to_fail(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    supervisor.keep("broken", "coprod_kg.no_such_module", {})
    try:
        while not supervisor.fails("broken"):
            os.sched_yield()
    finally:
        supervisor.stop()


def test_output_that_nobody_reads_on_is_no_mistake(data: Path) -> None:
    with subprocess.Popen(
        [*CLI, "dump", "--data", str(data)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait() == 1
        assert process.stderr.read() == b""


def test_a_newer_directory_is_refused_by_every_command(data: Path) -> None:
    told = json.loads((data / "identity.json").read_text())
    (data / "identity.json").write_text(json.dumps({**told, "format": 99}))
    for arguments in (["versions"], ["backup", data.parent / "copy"], ["serve", "--port", "0"]):
        done = command(*arguments, "--data", data)
        assert done.returncode == 3
        assert "has format 99, and this release of coprod-kg reads formats up to" in done.stderr
    assert not (data.parent / "copy").exists()
    with pytest.raises(StoreUnavailable, match="format 99"), connect(settings_of(data)):
        pass
