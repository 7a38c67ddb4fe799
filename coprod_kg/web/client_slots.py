"""Admission of queries and checks: how much of each runs at once, in all and for each client.

The web processes share a table in a file of the runtime directory, an entry for each query (or
check) that runs or waits. It is changed under a lock of the kernel (``flock``). Each process also
holds a locked file of its own, so that the entries of one that died are known and removed.
"""

import fcntl
import mmap
import os
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Final, NamedTuple

from coprod_kg.access import Grant
from coprod_kg.errors import Overloaded, RequestError
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Cancellation

__all__ = [
    "Client",
    "Limits",
    "Slot",
    "Slots",
    "client",
    "fair",
    "hold",
    "slots",
]

_AGAIN_SECONDS: Final = 0.01
_SWEEP_SECONDS: Final = 1.0
_HEADER: Final = struct.Struct("<QQ")
"""Entries in use, up to the last; the ticket of the next one that waits."""
_ENTRY: Final = struct.Struct("<HBBxxxxQQ")
"""Process, state, whether a token was sent, client, ticket; all 0 where it is free."""
_ENTRIES: Final = 1024
_WAITING, _RUNNING, _RESERVED = 1, 2, 3


class Client(NamedTuple):
    """The client that a share belongs to.

    Attributes:
        key: a number for its name; two clients share one by a collision of 1 in 2⁶⁴.
        token: whether it has sent a token that counts.
    """

    key: int
    token: bool


def client(address: str, grant: Grant | None = None) -> Client:
    """The client that a request counts for.

    A token is a client wherever it is used. Without one it is the address; of IPv6 the first half
    of it, because each household and each server is given that many (RFC 6177).
    """
    return _client(grant.name if grant else address, token=grant is not None)


@lru_cache(maxsize=4096)
def _client(name: str, *, token: bool) -> Client:
    if not token:
        with suppress(ValueError):
            address = ip_address(name.partition("%")[0])
            if isinstance(address, IPv6Address):
                mapped = address.ipv4_mapped
                name = str(mapped or ip_network((address, 64), strict=False))
    kind = "token" if token else "address"
    return Client(int.from_bytes(sha256(f"{kind} {name}".encode()).digest()[:8], "little"), token)


def fair(own: int, free: int) -> bool:
    """Whether a client that has so many may have one more while so many are free.

    Each further one takes more room than the client holds already. So however greedy clients are,
    something is left for the next one: of eight places the first client gets four, the second
    two, the third and the fourth one each.
    """
    return free > own


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one kind of work.

    Attributes:
        work: what it is, in the plural.
        setting: the setting that limits one client.
        places: how much runs at once for all clients.
        reserved: how much more for clients with a token.
        ahead: how much may be handed on beyond the places: queries, which then wait for a worker.
        client: how much of one client may run at once.
        waiting: how much may wait here.
        seconds: how long it may wait here.
        again: seconds after which a refused client should try again (``Retry-After``).
    """

    work: str
    setting: str
    places: int
    reserved: int
    ahead: int
    client: int
    waiting: int
    seconds: float
    again: int

    @classmethod
    def queries(cls, settings: Settings) -> "Limits":
        """The limits on queries."""
        return cls(
            "queries",
            "client-queries",
            places=settings.workers + settings.long_queries,
            reserved=settings.token_queries,
            ahead=settings.queue_length,
            client=settings.client_queries,
            waiting=settings.queue_length,
            seconds=settings.queue_seconds,
            again=5,
        )

    @classmethod
    def checks(cls, settings: Settings) -> "Limits":
        """The limits on checks of submissions."""
        return cls(
            "checks",
            "client-checks",
            places=settings.checks,
            reserved=settings.token_checks,
            ahead=0,
            client=settings.client_checks,
            waiting=settings.queue_checks,
            seconds=settings.queue_check_seconds,
            again=30,
        )

    @classmethod
    def charts(cls, settings: Settings) -> "Limits":
        """The limits on what is made of answers: charts, workbooks and crates."""
        return cls(
            "charts",
            "charts",
            places=settings.charts,
            reserved=1,
            ahead=0,
            client=1,
            waiting=settings.queue_length // 2,
            seconds=settings.queue_seconds,
            again=5,
        )


@dataclass(slots=True)
class _Counts:
    """What the table holds.

    Attributes:
        running: entries in the places for everybody.
        reserved: entries in the places for clients with a token.
        of: key of a client → its entries in either.
        waiting: ticket and client of each entry that waits.
    """

    running: int = 0
    reserved: int = 0
    of: Counter[int] = field(default_factory=Counter)
    waiting: list[tuple[int, Client]] = field(default_factory=list)

    def add(self, key: int, state: int) -> None:
        self.of[key] += 1
        if state == _RESERVED:
            self.reserved += 1
        else:
            self.running += 1


class Slot:
    """The entry of one query or check that runs, or waits to."""

    __slots__ = ("_index", "_slots", "client", "state", "ticket")

    def __init__(self, slots: "Slots", index: int, client: Client, state: int, ticket: int) -> None:
        self._slots: Slots | None = slots
        self._index = index
        self.client = client
        self.state = state
        self.ticket = ticket

    @property
    def index(self) -> int:
        """Where in the table it stands."""
        return self._index

    @property
    def reserved(self) -> bool:
        """Whether it is one of those for clients with a token."""
        return self.state == _RESERVED

    def give_back(self) -> None:
        """Free the entry."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.free(self)


class Slots:
    """The table of one kind of work.

    Args:
        folder: where the web processes share it, or None for this process alone.
        limits: how much may run.
    """

    def __init__(self, folder: Path | None, limits: Limits) -> None:
        self.limits = limits
        self._folder = folder
        self._mutex = threading.Lock()
        self._swept = 0.0
        size = _offset(_ENTRIES)
        if folder is None:
            self._file, self._number, self._map = -1, 1, mmap.mmap(-1, size)
            return
        folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(folder / "table", os.O_CREAT | os.O_RDWR, 0o600)
        os.ftruncate(self._file, size)
        self._map = mmap.mmap(self._file, size)
        self._number = self._register(folder)
        with self._locked():
            self._remove(self._number)  # of a process that died and had this number

    def _register(self, folder: Path) -> int:
        """Hold the first number that no other process holds, for as long as this one lives."""
        number = 1
        while not _hold(folder / f"process-{number}"):
            number += 1
        return number

    def take(self, client: Client, cancellation: Cancellation) -> Slot:
        """Take a slot, waiting for one if need be; give it to `hold` or `give_back`.

        Raises:
            Overloaded: too many wait already, or none became free in time.
            RequestError: the client has left.
        """
        with self._locked():
            slot = self._enter(client)
        deadline = time.monotonic() + self.limits.seconds
        try:
            # The table is shared by processes, so a waiting one looks again; nothing can wake it.
            while slot.state == _WAITING:
                time.sleep(_AGAIN_SECONDS)
                with self._locked():
                    self._sweep()
                    self._advance(slot)
                    if slot.state == _WAITING and cancellation.cancelled:
                        raise RequestError("the client has left")
                    if slot.state == _WAITING and time.monotonic() > deadline:
                        raise self._refusal(slot)
        except BaseException:
            slot.give_back()
            raise
        return slot

    def take_at_once(self, client: Client) -> Slot:
        """Take a slot that is free now.

        Raises:
            BlockingIOError: none is.
        """
        with self._locked():
            counts = self._counts()
            state = self._state(counts, client, counts.waiting)
            if state == _WAITING:
                raise BlockingIOError
            return self._add(client, state, 0)

    def free(self, slot: Slot) -> None:
        """Remove an entry; `Slot.give_back` calls this once."""
        with self._locked():
            self._clear(slot.index)

    def numbers(self) -> tuple[int, int, int]:
        """How much runs in the places for everybody, in those for tokens, and waits."""
        with self._locked():
            self._sweep()
            counts = self._counts()
        return counts.running, counts.reserved, len(counts.waiting)

    def _enter(self, client: Client) -> Slot:
        """A slot that runs or waits.

        Raises:
            Overloaded: too many wait already.
        """
        counts = self._counts()
        state = self._state(counts, client, counts.waiting)
        if state != _WAITING:
            return self._add(client, state, 0)
        room = self.limits.waiting
        if not client.token:
            room -= room // 4  # the rest of the queue is for clients with a token
        own = sum(other.key == client.key for _, other in counts.waiting)
        if not fair(own, room - len(counts.waiting)):
            raise Overloaded(
                f"{len(counts.waiting)} {self.limits.work} wait already, {own} of this client",
                fix="Wait for their answers, and try again then.",
                setting="queue-checks" if self.limits.work == "checks" else "queue-length",
                retry_after=self.limits.again,
            )
        used, ticket = _HEADER.unpack_from(self._map)
        _HEADER.pack_into(self._map, 0, used, ticket + 1)
        return self._add(client, _WAITING, ticket + 1)

    def _advance(self, slot: Slot) -> None:
        """Let a slot run that waited, where it is its turn."""
        counts = self._counts()
        before = [entry for entry in counts.waiting if entry[0] < slot.ticket]
        slot.state = self._state(counts, slot.client, before)
        if slot.state != _WAITING:
            self._write(slot.index, slot.client, slot.state, slot.ticket)

    def _state(self, counts: _Counts, client: Client, before: list[tuple[int, Client]]) -> int:
        """The state of one more entry of a client, once those that wait before it have theirs."""
        for _, other in sorted(before):
            state = self._state_now(counts, other)
            if state != _WAITING:
                counts.add(other.key, state)
        return self._state_now(counts, client)

    def _state_now(self, counts: _Counts, client: Client) -> int:
        """The state of one more entry of a client, if nobody waited."""
        limits, own = self.limits, counts.of[client.key]
        if own >= limits.client:
            return _WAITING
        # Whoever sets a client's limit as high as the places lets one client have them all.
        unshared = own == 0 or limits.client >= limits.places
        free = limits.places - counts.running
        if free > 0 and (unshared or fair(own, free)):
            return _RUNNING
        if client.token and counts.reserved < limits.reserved:
            return _RESERVED
        return _RUNNING if unshared and free + limits.ahead > 0 else _WAITING

    def _refusal(self, slot: Slot) -> Overloaded:
        counts, limits = self._counts(), self.limits
        own = counts.of[slot.client.key]
        what = f"all places for {limits.work} are taken, and none"
        if own:
            what = f"{own} of the {limits.work} of this client are running, and none"
        what = f"{what} became free within {limits.seconds:g} seconds"
        before = sum(ticket < slot.ticket for ticket, _ in counts.waiting)
        return Overloaded(
            f"{what}; {before} waited before this one",
            fix=f"Try again in {limits.again} seconds. What one client may have at once is the "
            f"setting {limits.setting}.",
            setting=limits.setting,
            retry_after=limits.again,
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._mutex:
            if self._file < 0:
                yield
                return
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _entries(self) -> Iterator[tuple[int, int, int, int, int]]:
        used, _ = _HEADER.unpack_from(self._map)
        return _ENTRY.iter_unpack(self._map[_HEADER.size : _offset(used)])

    def _counts(self) -> _Counts:
        counts = _Counts()
        for number, state, token, key, ticket in self._entries():
            if not number:
                continue
            if state == _WAITING:
                counts.waiting.append((ticket, Client(key, bool(token))))
            else:
                counts.add(key, state)
        return counts

    def _add(self, client: Client, state: int, ticket: int) -> Slot:
        numbers = [entry[0] for entry in self._entries()]
        index = numbers.index(0) if 0 in numbers else len(numbers)
        if index == _ENTRIES:
            raise Overloaded(f"{_ENTRIES} {self.limits.work} run or wait", setting="queue-length")
        if index == len(numbers):
            _, last = _HEADER.unpack_from(self._map)
            _HEADER.pack_into(self._map, 0, index + 1, last)
        self._write(index, client, state, ticket)
        return Slot(self, index, client, state, ticket)

    def _write(self, index: int, client: Client, state: int, ticket: int) -> None:
        entry = self._number, state, client.token, client.key, ticket
        _ENTRY.pack_into(self._map, _offset(index), *entry)

    def _clear(self, index: int) -> None:
        _ENTRY.pack_into(self._map, _offset(index), 0, 0, 0, 0, 0)
        used, ticket = _HEADER.unpack_from(self._map)
        # The unused end is cut off, so that reading the table costs what runs, not what could.
        while used and not _ENTRY.unpack_from(self._map, _offset(used - 1))[0]:
            used -= 1
        _HEADER.pack_into(self._map, 0, used, ticket)

    def _sweep(self) -> None:
        """Remove the entries of processes that have died, at most once a second."""
        if self._folder is None or time.monotonic() < self._swept + _SWEEP_SECONDS:
            return
        self._swept = time.monotonic()
        for number in {entry[0] for entry in self._entries()} - {0, self._number}:
            # A process keeps its file locked while it lives: where the lock is free, it died.
            held = _hold(self._folder / f"process-{number}")
            if held:
                self._remove(number)
                os.close(held)

    def _remove(self, number: int) -> None:
        for index, entry in enumerate(list(self._entries())):
            if entry[0] == number:
                self._clear(index)


def _offset(index: int) -> int:
    return _HEADER.size + index * _ENTRY.size


def _hold(path: Path) -> int | None:
    """Lock a file for this process: its descriptor, or None where another process has it."""
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def slots(run: Path | None, limits: Limits) -> Slots:
    """The table of one kind of work in the runtime directory."""
    return Slots(run / "slots" / limits.work if run else None, limits)


def hold(answer: Answer, slot: Slot) -> Answer:
    """An answer that gives its slot back when all of it is computed, or when it is closed."""
    return Answer(answer.media_type, answer.version, answer.length, _Held(answer, slot))


class _Held:
    """The bytes of an answer, which hold a slot until the last of them is read."""

    def __init__(self, answer: Answer, slot: Slot) -> None:
        self._answer = answer
        self._slot = slot

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._answer.chunks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop, and give the slot back."""
        self._answer.close()
        self._slot.give_back()

    def __del__(self) -> None:
        self.close()
