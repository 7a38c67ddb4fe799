"""The store of a data directory on this machine, as a client of its worker and writer processes.

`LocalStore` talks to the processes that do. `serving` starts them, `connect` finds the running
ones or starts some for the length of one command.
"""

import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coprod_kg.errors import Overloaded, StoreChanged, StoreError, StoreInUse, StoreUnavailable
from coprod_kg.sandbox import wire
from coprod_kg.settings import Settings
from coprod_kg.store import updater
from coprod_kg.store.announcements import ANNOUNCED
from coprod_kg.store.base import Answer, Change, Commit, Query, Retention, Update, attempt
from coprod_kg.store.directory import DataDirectory, locked
from coprod_kg.store.identity import Identity
from coprod_kg.store.point_lookups import PointLookups
from coprod_kg.store.processes import running
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.supervisor import Supervisor
from coprod_kg.store.upgrades import upgrade
from coprod_kg.store.views import Views
from coprod_kg.store.worker_client import PendingQuery, WorkerLost
from coprod_kg.store.writer import send_change

if TYPE_CHECKING:
    from coprod_kg.store.remote.answers import EngineAnswers

__all__ = ["OPENING_SECONDS", "LocalStore", "Service", "connect", "serving"]

OPENING_SECONDS: Final = 1.0
"""How long a point lookup waits for the newest version to be opened; then it goes to a worker."""

_ATTEMPTS = 5
_COMMIT_SECONDS = 600.0


class LocalStore:
    """The store whose processes listen below a runtime directory.

    Args:
        run: the runtime directory; nothing is opened yet.
        settings: where the data lies, and the limits.
        near: our own texts that are answered in this process, as point lookups are
            (`PointLookups`); None where neither is.
    """

    def __init__(
        self, run: Path, settings: Settings, near: Sequence[tuple[str, str]] | None = None
    ) -> None:
        self._run = run
        self._settings = settings
        self._snapshots = Snapshots(DataDirectory(settings.data).snapshots)
        self._identity: Identity | None = None
        self._engine = _engine_answers(settings)
        views = Views(self._snapshots, settings.base_iri)
        announced = run / ANNOUNCED
        self._lookups = (
            PointLookups(views, settings.base_iri, near, announced) if near is not None else None
        )

    def version(self) -> int:
        """The newest version that can be asked."""
        return self._snapshots.current()

    def versions(self) -> tuple[int, ...]:
        """The versions that can be asked, oldest first."""
        return self._snapshots.versions()

    def identity(self) -> Identity:
        """The lineage of the versions: the same while a process holds the directory."""
        if self._identity is None:
            self._identity = Identity.read(self._settings.data)
        return self._identity

    def cite(self, version: int) -> None:
        """Note that a version was cited, so that it is kept."""
        try:
            self._snapshots.cite(version)
        except OSError as error:
            raise StoreError(
                f"the citation cannot be noted, so its link would not last: {error.strerror}",
                fix="Try again when the disk of the data directory has room and can be written.",
            ) from None

    def kept(self, version: int) -> Retention:
        """Why a version is kept."""
        return self._snapshots.kept(version)

    def query(self, query: Query) -> Answer:
        """Ask; see `coprod_kg.store.base.Store.query` for what is raised."""
        if self._engine is not None:
            answer = self._engine.answer(query, self.version())
            if answer is not None:
                return answer
        found = self.point_lookup(query)
        if found is not None:
            return found
        for _ in range(_ATTEMPTS):
            with suppress(WorkerLost):  # nobody has read it: another worker can be asked
                return self.send(query).answer()
        raise StoreUnavailable(f"{_ATTEMPTS} query workers ended before they took the query")

    def point_lookup(self, query: Query) -> Answer | None:
        """The answer to an admitted query that is answered in this process; None where it is not.

        It waits for a moment where the newest version is being opened.
        """
        found = self.try_point_lookup(query)
        if isinstance(found, Future):
            wait([found], OPENING_SECONDS)
            found = self.try_point_lookup(query)
        return found if isinstance(found, Answer) else None

    def try_point_lookup(self, query: Query) -> Answer | Future[None] | None:
        """The answer to an admitted query where it is a point lookup; None where not.

        Returns:
            A future where it can be asked again in a moment, when that is done.
        """
        return self._lookups.answer(query) if self._lookups else None

    def send(self, query: Query) -> PendingQuery:
        """Send a query to the workers, without waiting for one.

        Raises:
            Overloaded: too many wait for a worker.
            StoreUnavailable: nobody answers.
        """
        return PendingQuery(self._run, query, self._settings)

    def commit(self, change: Change) -> Commit:
        """Make the change durable and visible, then return."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_COMMIT_SECONDS)
            try:
                connection.connect(str(self._run / "writer"))
            except (BlockingIOError, TimeoutError):
                raise Overloaded("too many changes wait", fix="Try again in a moment.") from None
            except OSError:
                raise StoreUnavailable("no process answers for the store") from None
            try:
                send_change(connection, change)
                message = wire.receive_message(connection)
            except (EOFError, OSError):
                raise StoreUnavailable(
                    "the writer ended before it answered; the change was made whole or not at all",
                    fix="Look at the newest version, and send the change again if it is not there.",
                ) from None
        wire.raise_error(message)
        return Commit(message["version"])

    def update(self, update: Update) -> Commit:
        """Run an update on the newest version and commit what it changes, all or nothing."""

        def once() -> Commit:
            return self.commit(updater.prepare(update, self._settings))

        with suppress(StoreChanged):
            return once()
        with locked(self._run / "met"):  # those that met another go on one after the other
            return attempt(once)


@dataclass(frozen=True, slots=True)
class Service:
    """The processes of a store that run.

    Attributes:
        store: the way to talk to them.
        supervisor: the supervisor that keeps them alive, and may keep others.
        environ: the settings and addresses that another child of the supervisor needs.
    """

    store: LocalStore
    supervisor: Supervisor
    environ: Mapping[str, str]


def _engine_answers(settings: Settings) -> "EngineAnswers | None":
    """What asks the engine of the settings, or None where the store is the embedded one.

    Raises:
        WrongUsage: it has no such address, or cannot be paired.
    """
    if not settings.store:
        return None
    # The client of an engine is a quarter of what a process loads to open a store.
    from coprod_kg.store.remote.answers import EngineAnswers
    from coprod_kg.store.remote.client import Engine

    engine = Engine.of(settings)
    return EngineAnswers(engine, settings.query_seconds, settings.base_iri) if engine else None


@contextmanager
def serving(
    settings: Settings,
    url: str | None = None,
    before_opening: Callable[[DataDirectory], object] = lambda directory: None,
) -> Iterator[Service]:
    """Hold the data directory and run its writer and query workers.

    Args:
        settings: where the data lies, how many workers, their limits.
        url: where the service will be reached; named where the directory is found in use.
        before_opening: done when the directory is held and its store not yet opened.

    Raises:
        StoreInUse: another process holds the directory.
        StoreUnavailable: the store cannot be opened.
        WrongUsage: the engine that is set cannot be paired.
    """
    directory = DataDirectory(settings.data.resolve())
    _engine_answers(settings)  # a mistake in the settings is told before anything is started
    Identity.read(directory.root)  # data of a newer release is left as it is
    with ExitStack() as stack:
        run = stack.enter_context(directory.locked(url))
        before_opening(directory)
        for changed in upgrade(directory, settings.base_iri):
            sys.stderr.write(f"coprod-kg: the data in {directory.root} was upgraded. {changed}\n")
        supervisor, environ = stack.enter_context(running(settings, directory, run))
        yield Service(LocalStore(run, settings), supervisor, environ)


@contextmanager
def connect(settings: Settings, *, create: bool = False) -> Iterator[LocalStore]:
    """The store of the data directory, from the service that runs on it or for this moment.

    Args:
        settings: where the data lies.
        create: whether to make a store where there is none.

    Raises:
        StoreInUse: a process holds the directory that serves no store.
        StoreUnavailable: there is no store, or it cannot be opened.
    """
    alone = replace(settings, workers=1, long_queries=0, token_queries=0, in_memory_percent=0)
    directory = DataDirectory(settings.data.resolve())
    if not create:
        directory.check_there()
    with ExitStack() as stack:
        try:
            store = stack.enter_context(serving(alone)).store
        except StoreInUse:
            run = directory.holder().get("run")
            if run is None or not (Path(run) / "writer").exists():
                raise
            store = LocalStore(Path(run), settings)
        yield store
