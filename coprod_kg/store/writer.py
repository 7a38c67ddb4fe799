"""The writer process: the only one that changes the store.

Commits that arrive while another is on its way to disk go together as one new version, with one
flush and one snapshot for all of them.
"""

import os
import queue
import select
import socket
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from coprod_kg.errors import CoprodError
from coprod_kg.sandbox import wire
from coprod_kg.sandbox.limits import no_core_files
from coprod_kg.settings import Settings
from coprod_kg.store.announcements import ANNOUNCED, Announcements
from coprod_kg.store.base import Change, Commit
from coprod_kg.store.description import Describer
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.durable import Durable
from coprod_kg.store.supervisor import LIFELINE

if TYPE_CHECKING:
    from coprod_kg.store.remote.pair import Pair

__all__ = ["main", "read_change", "send_change"]

_TOGETHER = 64
_REQUEST_SECONDS = 60.0
_FOLLOW_SECONDS = 1.0
"""How often an engine that is shared with other machines is asked for its newest version."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A change, and the connection that waits for its commit."""

    change: Change
    connection: socket.socket


def send_change(connection: socket.socket, change: Change) -> None:
    """Send a change: a message with the names of its graphs, then the triples of each."""
    graphs = {"replace": list(change.replace), "add": list(change.add)}
    head = {"activity": change.activity, "base": change.base, "labels": change.shared_blank_nodes}
    wire.send_message(connection, {**graphs, **head, "depends_on": change.depends_on})
    for triples in (*change.replace.values(), *change.add.values()):
        wire.send(connection, triples)


def read_change(connection: socket.socket) -> Change:
    """The change that `send_change` sent.

    Raises:
        EOFError: it did not come whole.
    """
    message = wire.receive_message(connection)
    replace = {graph: wire.receive(connection) for graph in message["replace"]}
    add = {graph: wire.receive(connection) for graph in message["add"]}
    depends_on = None if message["depends_on"] is None else tuple(message["depends_on"])
    told = (message["activity"], message["base"], message["labels"])
    return Change(replace, add, *told, depends_on)


def main(describe: Describer | None = None) -> None:
    """Commit what arrives, until the parent leaves.

    Args:
        describe: what each version says of itself, beside its numbers.
    """
    no_core_files()
    data = DataDirectory(Path(os.environ["COPROD_DATA"]))
    announcements = Announcements(Path(os.environ["COPROD_RUN"]) / ANNOUNCED)
    durable = _opened(data, describe, announcements)
    waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
    threading.Thread(target=_accept, args=(waiting,), daemon=True).start()
    while True:
        try:
            batch = [waiting.get(timeout=_FOLLOW_SECONDS if durable.pair else None)]
        except queue.Empty:
            _follow(durable)
            continue
        while not waiting.empty() and len(batch) < _TOGETHER:
            batch.append(waiting.get())
        try:
            _commit(durable, batch)
        except OSError as error:
            sys.exit(f"coprod-kg writer: {error}; the next writer takes the commit up again")
        if durable.needs_reopening and not durable.pair:
            touched, since = durable.touched, durable.version_at_open
            del durable  # it holds the lock of the store
            durable = _opened(data, describe, announcements)
            durable = replace(durable, touched=touched, version_at_open=since)


def _opened(
    data: DataDirectory, describe: Describer | None, announcements: Announcements
) -> Durable:
    """The store, open; this process ends where it cannot be opened."""
    try:
        durable = Durable.open(
            data,
            os.environ["COPROD_BASE_IRI"],
            int(os.environ["COPROD_KEEP_VERSIONS"]),
            int(os.environ["COPROD_KEEP_CITED"]),
            describe,
            _pair(data),
        )
    except (CoprodError, ConnectionError) as error:
        sys.exit(f"coprod-kg writer: {error}")
    return replace(durable, announce=announcements.announce)


def _pair(data: DataDirectory) -> "Pair | None":
    """The engine of the settings, or None where the store is the embedded one."""
    settings = Settings.load()
    if not settings.store:
        return None
    # The client of an engine is a quarter of what this process would load.
    from coprod_kg.store.remote.client import Engine
    from coprod_kg.store.remote.pair import Pair

    engine = Engine.of(settings)
    return Pair.of(engine, data, os.environ["COPROD_BASE_IRI"]) if engine else None


def _follow(durable: Durable) -> None:
    try:
        durable.follow()
    except OSError as error:
        sys.exit(f"coprod-kg writer: {error}; the next writer follows the engine again")


def _accept(waiting: "queue.SimpleQueue[_Waiting]") -> None:
    """Take changes in; leave with the parent.

    A commit that is under way then ends here too: the next writer finds it in the journal.
    """
    lifeline = int(os.environ[LIFELINE])
    address = Path(os.environ["COPROD_RUN"]) / "writer"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(address))
        listening.listen(_TOGETHER)
        while True:
            ready, _, _ = select.select([listening.fileno(), lifeline], [], [])
            if lifeline in ready:
                os._exit(0)
            connection, _ = listening.accept()
            threading.Thread(target=_take, args=(connection, waiting), daemon=True).start()


def _take(connection: socket.socket, waiting: "queue.SimpleQueue[_Waiting]") -> None:
    connection.settimeout(_REQUEST_SECONDS)
    try:
        change = read_change(connection)
    except (OSError, EOFError):
        connection.close()  # it did not come whole: nothing is changed
        return
    waiting.put(_Waiting(change, connection))


def _commit(durable: Durable, batch: list[_Waiting]) -> None:
    """Commit some changes as one version; where one of them is at fault, each on its own."""
    try:
        commit = durable.commit([waiting.change for waiting in batch])
    except CoprodError as error:
        if len(batch) == 1:
            _reply(batch[0], error)
        else:
            for waiting in batch:
                _commit(durable, [waiting])
        return
    for waiting in batch:
        _reply(waiting, commit)


def _reply(waiting: _Waiting, outcome: Commit | CoprodError) -> None:
    message = (
        {"version": outcome.version} if isinstance(outcome, Commit) else wire.error_message(outcome)
    )
    with waiting.connection:
        try:
            wire.send_message(waiting.connection, message)
        except OSError:
            return  # the client has left; the commit stands all the same


if __name__ == "__main__":
    main()
