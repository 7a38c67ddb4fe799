"""A file may take its own check along when it hits a limit, and nothing else."""

import os
import sys
from pathlib import Path

import pytest

from coprod_kg.errors import CoprodError, LimitReached, TooLarge, Unreadable
from coprod_kg.ingest.outcome import Checked, SubmittedFile
from coprod_kg.ingest.sandbox import check, open_file
from coprod_kg.settings import Settings

ERRORS = Path(__file__).parent / "errors"
GOOD = SubmittedFile("good.nt", b"<https://w3id.org/coprod/id/agent/x> <urn:p> <urn:o> .\n")
DEEP_XML = SubmittedFile(
    "slow.rdf",
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:a="urn:a:">'
    + b"<a:a><a:b>" * 100_000
    + b"</a:b></a:a>" * 100_000
    + b"</rdf:RDF>",
)
"""Two megabytes over which the parser is busy for minutes."""


def growing(prefix: int, uses: int) -> SubmittedFile:
    """A file whose statements, written out in full, are as long as both numbers multiplied."""
    name = b"@prefix a: <urn:" + b"a" * prefix + b"> .\n"
    return SubmittedFile(
        "grows.ttl", name + b"".join(b"<urn:s> a:p%d 1 .\n" % n for n in range(uses))
    )


def settings(**given: object) -> Settings:
    return Settings.load(given, {})


def told(error: CoprodError | None, case: str) -> None:
    assert error is not None
    golden = ERRORS / f"{case}.txt"
    if os.environ.get("COPROD_REFRESH") == "1":
        golden.write_text(f"{error}\n", encoding="utf-8")
    assert f"{error}\n" == golden.read_text(encoding="utf-8")


def test_a_file_over_which_the_parser_never_ends_is_stopped_at_its_deadline() -> None:
    [checked] = check([DEEP_XML], settings(submission_seconds=1.0))
    assert isinstance(checked.refusal, LimitReached)
    told(checked.refusal, "limit-seconds")


def test_a_file_that_eats_memory_is_stopped_at_its_cap() -> None:
    [checked] = check([growing(1_000_000, 1_000)], settings(submission_memory_mb=200))
    assert isinstance(checked.refusal, LimitReached)
    told(checked.refusal, "limit-memory")


def test_a_file_that_grows_without_measure_when_written_out_is_refused() -> None:
    [checked] = check([growing(100_000, 100)], settings(body_mb=1))
    assert isinstance(checked.refusal, TooLarge)
    told(checked.refusal, "limit-growth")


def test_a_file_that_kills_its_check_takes_no_other_file_along() -> None:
    killer = SubmittedFile("nested.ttl", b"<urn:s> <urn:p> " + b"<<( <urn:a> <urn:b> " * 100_000)
    batch = [GOOD, killer, GOOD, DEEP_XML, GOOD]
    checked = check(batch, settings(submission_seconds=1.0))
    assert [type(one.refusal) for one in checked] == [
        type(None),
        Unreadable,
        type(None),
        LimitReached,
        type(None),
    ]
    assert [one.triples for one in checked] == [1, 0, 1, 0, 1]


def test_many_files_come_back_in_the_order_they_were_sent() -> None:
    batch = [
        SubmittedFile("one.nt", b"".join(b"<urn:s> <urn:p> <urn:o%d> .\n" % n for n in range(size)))
        for size in range(1, 40)
    ]
    assert [one.triples for one in check(batch, settings())] == list(range(1, 40))


def test_nothing_to_check_starts_nothing() -> None:
    assert check([], settings()) == []


def test_a_file_larger_than_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.ttl"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    with pytest.raises(TooLarge) as caught:
        open_file(path, settings())
    told(caught.value, "limit-size")


@pytest.mark.parametrize("name", ["missing.ttl", "."])
def test_what_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        open_file(tmp_path / name, settings())


def test_the_check_knows_nothing_of_the_environment_it_is_started_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COPROD_BASE_IRI", "https://elsewhere.example/")
    [checked] = check([SubmittedFile("a.ttl", b"<id/agent/x> <urn:p> 1 .")], settings())
    assert checked.described == frozenset({"https://w3id.org/coprod/id/agent/x"})


def test_what_crosses_the_pipe_comes_out_as_it_went_in() -> None:
    checked = Checked(data=b"a", inferred=b"b", refusal=TooLarge("x", where="y", fix="z"))
    again = Checked.of(*checked.frame())
    assert (again.data, again.inferred, str(again.refusal)) == (b"a", b"b", "y: x\nz")


def test_a_check_that_is_killed_before_it_begins_is_no_fault_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killed))
    with pytest.raises(LimitReached, match="ended from outside"):
        # Another base, for which no server has loaded the model yet.
        check([SubmittedFile("a.ttl", b"")], Settings(base_iri="https://killed.example/"))
