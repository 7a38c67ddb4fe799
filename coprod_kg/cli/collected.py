"""The submitted saved queries of a data directory, for commands."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from coprod_kg.queries.library import SavedQuery, load_all
from coprod_kg.queries.lint import CHART, files_of
from coprod_kg.queries.submitted.edit import check_name, drop_text, put_chart, put_text
from coprod_kg.queries.submitted.graph import Collection, Edit
from coprod_kg.settings import Settings
from coprod_kg.store.base import Commit, Store, attempt
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.local import connect

__all__ = ["add", "remove", "saved_queries"]

_WHO = "command-line"


def saved_queries(
    settings: Settings, name: str | None = None, version: int | None = None
) -> Mapping[str, SavedQuery]:
    """The saved queries in files, and those submitted where there is a store.

    Args:
        settings: where they are.
        name: the one that is looked for; the store is left closed where it is in a file.
        version: of the dataset, where not the newest is asked.
    """
    fixed = load_all(settings.queries)
    if name in fixed or not DataDirectory(settings.data).store.exists():
        return fixed
    with connect(settings) as store:
        return {**Collection(store, settings).visible(version), **fixed}


def add(paths: Iterable[Path], settings: Settings) -> list[tuple[Path, Commit | None]]:
    """Submit files of questions, then those of charts: each with its commit, if one was needed.

    Raises:
        WrongUsage: a path is no file of a question or chart.
        QueryAtFault: one has mistakes; those before it are in.
        Forbidden: its name is that of a question in a file of this installation.
    """
    ordered = sorted(files_of(paths), key=lambda path: path.name.endswith(CHART))
    fixed = load_all(settings.queries)
    with connect(settings, create=True) as store:
        return [(path, _add(path, store, settings, fixed)) for path in ordered]


def remove(names: Iterable[str], settings: Settings) -> None:
    """Remove submitted questions.

    Raises:
        NotFound: one is not there; those before it are removed.
    """
    with connect(settings) as store:
        for name in names:
            _remove(name, store, settings)


def _add(
    path: Path, store: Store, settings: Settings, fixed: Mapping[str, SavedQuery]
) -> Commit | None:
    chart, data = path.name.endswith(CHART), path.read_bytes()
    name = path.name.removesuffix(CHART) if chart else path.stem
    check_name(name, fixed)

    def put_file() -> Commit | None:
        edit, current = _edit(name, store, settings)
        return put_chart(data, edit, current) if chart else put_text(name, data, edit, current)

    return attempt(put_file)


def _remove(name: str, store: Store, settings: Settings) -> None:
    attempt(lambda: drop_text(*_edit(name, store, settings)))


def _edit(name: str, store: Store, settings: Settings) -> tuple[Edit, SavedQuery | None]:
    edit = Edit(store, settings, _WHO, store.version())
    return edit, Collection(store, settings).at_version(edit.base).get(name)
