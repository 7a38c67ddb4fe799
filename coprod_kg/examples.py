"""The published example cases: submitted like anybody's data, and prepared at set-up.

A preparation is a backup of a store that holds them. It lies in the Python environment, in a folder
named by the hash of all that the data were made from: where a service finds the one of its own
hash, checking everything again would come to the same data.
"""

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from coprod_kg.errors import CoprodError, ModelError, StoreUnavailable
from coprod_kg.ingest.check import Progress, checked_files
from coprod_kg.ingest.submit import Outcome, Sender, submit_checked
from coprod_kg.model.files import files
from coprod_kg.publishing.graphs import publish_service
from coprod_kg.settings import Settings
from coprod_kg.store.backup import back_up, put_back
from coprod_kg.store.base import Store
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.local import serving

__all__ = [
    "awaits_examples",
    "fingerprint",
    "load_examples",
    "prepare_examples",
    "restore_examples",
    "submit_examples",
]

_FOLDER: Final = Path(sys.prefix, "share", "coprod-kg", "examples")
_PACKAGE: Final = Path(__file__).parent
_MODEL: Final = ("ontology", "shapes", "queries", "examples")
# The pages: nothing that is submitted depends on them, and their editor may be built later.
_LEFT_OUT: Final = ("__pycache__", "_files", "web")
_LIMITS: Final = ("body_mb", "days_ahead", "submission_memory_mb", "submission_seconds")
"""The settings on which a verdict depends, beside the base IRI."""
_FROM = ("cases", "recoded")
_PROJECT = Sender(
    "coprod-kg",
    "coprod-kg project (secondary coding from public sources, not confirmed by the organisations)",
)


def submit_examples(
    store: Store,
    settings: Settings,
    during_checks: Callable[[], object] = lambda: None,
    before_commit: Callable[[], object] = lambda: None,
) -> list[Outcome]:
    """Submit every file of the example data in one commit.

    There is one per organisation, and one for each other coder of the same cases. All are
    secondary coding from public sources, and say so in every claim.

    Args:
        store: where they go.
        settings: the limits, the base IRI and the data directory.
        during_checks: done while the files are checked.
        before_commit: done when they are.
    """
    paths = sorted(path for path in files("examples").glob("*/*.ttl") if path.parent.name in _FROM)
    started = datetime.now(UTC)
    with ThreadPoolExecutor(1, "check") as thread:
        future = thread.submit(checked_files, paths, settings, Progress())
        during_checks()
        checked = future.result()
    before_commit()
    return submit_checked(checked, started, store, settings, _PROJECT)


def load_examples(
    store: Store, settings: Settings, before_commit: Callable[[], object] = lambda: None
) -> list[Outcome]:
    """Fill an empty store: publish the model and submit the examples."""
    filling = DataDirectory(settings.data).filling
    filling.touch(0o600)
    outcomes = submit_examples(
        store, settings, lambda: publish_service(store, settings), before_commit
    )
    filling.unlink()
    return outcomes


def awaits_examples(store: Store, settings: Settings) -> bool:
    """Whether a store is to be filled: it is empty, or whoever began to fill it was ended."""
    return store.version() == 0 or DataDirectory(settings.data).filling.exists()


def prepare_examples(settings: Settings) -> Path:
    """Load the examples into a store of their own, and keep a backup of it for first starts.

    Returns:
        The folder of the preparation; any other one is removed.

    Raises:
        StoreUnavailable: the environment cannot be written.
        ModelError: an example is refused.
    """
    try:
        _FOLDER.mkdir(parents=True, exist_ok=True)
        scratch = TemporaryDirectory(prefix=".", dir=_FOLDER)
    except OSError as error:
        raise StoreUnavailable(
            f"the Python environment cannot be written: {error.strerror}",
            where=str(_FOLDER),
            fix="Run the command as the user who installed coprod-kg. Without it a first start "
            "checks the example data itself.",
        ) from None
    target = _preparation(settings)
    with scratch as name:
        copy = Path(name, "copy")
        settings = replace(settings, data=Path(name, "data"), store="")
        with serving(settings) as service:
            _refuse_unless_accepted(load_examples(service.store, settings))
            back_up(DataDirectory(settings.data), settings.base_iri, copy)
        for path in (copy, *copy.rglob("*")):  # a service may be another user than who installed
            path.chmod(0o755 if path.is_dir() else 0o644)
        for former in _FOLDER.glob("[!.]*"):
            shutil.rmtree(former)
        copy.rename(target)
    return target


def _refuse_unless_accepted(outcomes: Iterable[Outcome]) -> None:
    refused = [outcome.file for outcome in outcomes if not outcome.accepted]
    if refused:
        raise ModelError(
            f"{len(refused)} of the examples are refused, first {refused[0]}",
            fix="coprod-kg validate says what is wrong with it.",
        )


def restore_examples(directory: DataDirectory, settings: Settings) -> bool:
    """Put the examples as they were prepared into a directory that is held and has no store.

    Returns:
        Whether that was done. It is not where nothing fits or what fits is damaged, nor beside an
        engine of others, which has data of its own.
    """
    if settings.store or directory.store.exists():
        return False
    try:
        put_back(_preparation(settings), directory, settings.base_iri)
    except (CoprodError, OSError):
        return False
    return True


def _preparation(settings: Settings) -> Path:
    """The folder of the preparation that fits, whether it is there or not."""
    return _FOLDER / fingerprint(settings, _sources())


def _sources() -> list[Path]:
    """The files and folders of the programs and the model."""
    package = [path for path in sorted(_PACKAGE.iterdir()) if path.name not in _LEFT_OUT]
    return [*package, *map(files, _MODEL)]


def fingerprint(settings: Settings, sources: Iterable[Path]) -> str:
    """The hash of all that the data of the examples depend on.

    Args:
        settings: the limits and the base IRI.
        sources: files, and folders of them.
    """
    libraries: dict[str, str] = {}
    _collect_libraries("coprod-kg", libraries)
    limits = [f"{name}={getattr(settings, name)}" for name in _LIMITS]
    values = [sys.version, settings.base_iri, *limits, *libraries.values()]
    digest = sha256("\0".join(values).encode())
    for source in sources:
        for path in _files_in(source):
            content = path.read_bytes()
            name = path.relative_to(source.parent).as_posix()
            digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _files_in(source: Path) -> Iterator[Path]:
    paths = sorted([source, *source.rglob("*")])
    return (path for path in paths if path.is_file() and path.parent.name != "__pycache__")


def _collect_libraries(name: str, found: dict[str, str]) -> None:
    """Collect what a distribution says of itself, its version above all, and those it requires."""
    if name in found:
        return
    try:
        text = metadata.distribution(name).read_text("METADATA") or ""
    except metadata.PackageNotFoundError:  # not needed here: one for another system, say
        text = ""
    found[name] = text
    for required in re.findall(r"^Requires-Dist: ([\w.-]+)(?!.*extra ==)", text, re.MULTILINE):
        _collect_libraries(required.lower(), found)
