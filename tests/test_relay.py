"""Large answers on their way: what is not read lies on disk, as much of it as there is room for."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from coprod_kg.errors import LimitReached, QueryTimeout
from coprod_kg.formats import relay as relaying
from coprod_kg.formats.relay import Relay
from coprod_kg.store.base import Answer
from tests.working import happens

CHUNK = 1 << 16
MANY = 100
"""Chunks that are more than fit without room on disk."""


class SpoolQuota:
    """So many bytes of disk."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0

    def take(self, amount: int) -> bool:
        if self.taken + amount > self.size:
            return False
        self.taken += amount
        return True

    def give_back(self, amount: int) -> None:
        self.taken -= amount


def chunks(count: int, computed: list[int]) -> Iterator[bytes]:
    for number in range(count):
        computed.append(number)
        yield bytes([number % 256]) * CHUNK


def relay(room: SpoolQuota, computed: list[int], count: int = MANY, most: int = 1 << 30) -> Relay:
    answer = Answer("text/plain", 1, None, chunks(count, computed))
    return Relay(answer, most, room, None)


WHOLE = b"".join(chunks(MANY, []))


def test_an_answer_is_taken_in_before_anybody_reads_it() -> None:
    room, computed = SpoolQuota(1 << 30), list[int]()
    sent = relay(room, computed)
    assert happens(lambda: len(computed) == MANY)
    assert room.taken >= MANY * CHUNK - (1 << 20)
    assert b"".join(sent) == WHOLE
    sent.close()
    assert room.taken == 0


@pytest.mark.parametrize("size", [0, 2 << 20], ids=["no room", "little room"])
def test_without_room_an_answer_is_taken_in_as_it_is_read(size: int) -> None:
    room, computed = SpoolQuota(size), list[int]()
    sent = relay(room, computed)
    most = (size + (1 << 20)) // CHUNK + 1
    assert happens(lambda: len(computed) >= most)
    assert not happens(lambda: len(computed) > most, 0.2)
    assert b"".join(sent) == WHOLE
    sent.close()
    assert room.taken == 0


def test_what_is_read_gives_its_room_back(monkeypatch: pytest.MonkeyPatch) -> None:
    room, computed, went_on = SpoolQuota(1 << 30), list[int](), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield from chunks(MANY, computed)
        went_on.wait(60)
        yield b"end"

    sent = Relay(Answer("text/plain", 1, None, slowly()), 1 << 30, room, None)
    received = bytearray()
    while len(received) < len(WHOLE):
        received += next(sent)
    assert room.taken
    went_on.set()
    assert next(sent) == b"end"
    assert room.taken == 0
    sent.close()


def test_a_disk_that_is_nearly_full_is_left_to_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaying, "_LEFT_FREE", 1 << 62)
    room, computed = SpoolQuota(1 << 30), list[int]()
    sent = relay(room, computed)
    assert happens(lambda: len(computed) >= 17)
    assert not happens(lambda: len(computed) == MANY, 0.2)
    assert room.taken == 0
    assert b"".join(sent) == WHOLE
    sent.close()


def test_the_file_has_no_name_and_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    answer = Answer("text/plain", 1, None, chunks(MANY, []))
    sent = Relay(answer, 1 << 30, SpoolQuota(1 << 30), tmp_path)
    assert next(sent)
    state = os.fstat(sent._file.fileno())
    assert (state.st_nlink, state.st_mode & 0o777) == (0, 0o600)
    assert state.st_dev == tmp_path.stat().st_dev
    assert list(tmp_path.iterdir()) == []
    sent.close()


def test_closing_stops_one_that_waits_for_its_reader() -> None:
    room, computed = SpoolQuota(0), list[int]()
    sent = relay(room, computed)
    assert happens(lambda: len(computed) >= 17)
    sent.close()
    assert len(computed) < MANY


def test_an_error_comes_after_the_bytes_before_it() -> None:
    def fails() -> Iterator[bytes]:
        yield b"beginning"
        raise QueryTimeout("it was stopped")

    sent = Relay(Answer("text/plain", 1, None, fails()), 1 << 30, SpoolQuota(0), None)
    assert next(sent) == b"beginning"
    with pytest.raises(QueryTimeout):
        next(sent)
    sent.close()


def test_an_answer_over_the_largest_size_ends_with_the_limit() -> None:
    sent = relay(SpoolQuota(1 << 30), [], most=10 * CHUNK)
    with pytest.raises(LimitReached, match="MiB"):
        b"".join(sent)
    sent.close()
