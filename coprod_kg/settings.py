"""The settings of an operator, read once from flags, environment and file.

One name each, in three places: the flag ``--query-seconds``, the variable
``COPROD_QUERY_SECONDS``, the key ``query-seconds`` in ``coprod.toml``. The flag wins over the
variable, the variable over the file, the file over the default.
"""

import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from coprod_kg.errors import WrongUsage

__all__ = ["Settings", "misspelt"]

PREFIX = "COPROD_"
_COMPLETE = f"{PREFIX}COMPLETE"
"""Set where the environment holds all settings of a parent process, also those that are empty."""


_LAST_PORT = 65535


def _setting(
    default: object,
    help_text: str,
    *,
    least: int = 0,
    above: float | None = None,
    most: int | None = None,
    choices: tuple[str, ...] = (),
) -> Any:  # a field, which a type checker takes for its default
    """A setting.

    Args:
        default: its value where nothing is set.
        help_text: what it says of itself on the command line and in the documentation.
        least: a number that is smaller is refused, since nothing would work with it.
        above: a number that is not larger is refused: with a deadline of 0 all would be too late.
        most: a larger number is refused.
        choices: the words that it may be, where it is one of a few.
    """
    bounds = {"least": least, "above": above, "most": most, "choices": choices}
    return field(default=default, metadata={"help": help_text, **bounds})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process, as plain values."""

    data: Path = _setting(Path("data"), "directory that holds the store")  # noqa: RUF009  # a field
    store: str = _setting(
        "",
        "address of the dataset of an engine that the data is shared through and asked of; "
        "empty for the engine within",
    )
    store_engine: str = _setting("fuseki", "what engine that is: fuseki or oxigraph")
    store_token: str = _setting("", "bearer token for that engine; best set in the environment")
    base_iri: str = _setting(
        "https://w3id.org/coprod/", "IRI under which things and graphs are named; ends with /"
    )
    host: str = _setting("127.0.0.1", "address to listen on")
    port: int = _setting(8000, "port to listen on", most=_LAST_PORT)
    public_url: str = _setting("", "address under which the public reaches it, for links that stay")
    publisher: str = _setting("", "who publishes the data, by name, as catalogues say it")
    publisher_url: str = _setting("", "web address of the publisher, as catalogues say it")
    contact: str = _setting(
        "", "e-mail or web address for questions about the data, as catalogues say it"
    )
    theme: tuple[str, ...] = _setting(
        (), "themes of the European data portal that the data has, as SOCI and GOVE"
    )
    workers: int = _setting(
        4, "query worker processes: how many queries run at the same time", least=1
    )
    long_queries: int = _setting(
        4, "queries longer than a moment (0.2 s) that may run beside those"
    )
    web_workers: int = _setting(2, "web processes", least=1)
    query_seconds: float = _setting(30.0, "deadline of one query, in seconds", above=0)
    query_memory_mb: int = _setting(1024, "memory one query may use, in MiB", least=1)
    in_memory_percent: int = _setting(
        25,
        "share of the machine's memory in which the newest version may be held for queries once "
        "some take long, with the workers that read it; 0 for none",
        most=100,
    )
    queue_seconds: float = _setting(10.0, "how long a query may wait for a free worker, in seconds")
    queue_length: int = _setting(64, "queries that may wait for a free worker; more are refused")
    client_queries: int = _setting(
        3, "queries of one client that run at the same time; its others wait for them", least=1
    )
    token_queries: int = _setting(1, "queries beside those that only clients with a token may run")
    client_requests: int = _setting(
        64, "requests one client may have under way in each web process", least=1
    )
    web_threads: int = _setting(128, "requests each web process works on at the same time", least=1)
    downloads: int = _setting(64, "large answers each web process sends at the same time", least=1)
    charts: int = _setting(
        2, "charts, workbooks and crates that are made of answers at the same time", least=1
    )
    result_mb: int = _setting(4096, "largest answer to a query, in MiB", least=1)
    spool_mb: int = _setting(
        4096, "disk for answers that wait for slow readers, in MiB; 0 for none"
    )
    cache_mb: int = _setting(
        32, "small answers each web process keeps to give again, in MiB; 0 for none"
    )
    body_seconds: float = _setting(
        30.0, "how long a client may take to send a body, in seconds", above=0
    )
    reader_seconds: float = _setting(
        30.0, "how long a client may take nothing of an answer, in seconds", above=0
    )
    reader_rate: int = _setting(
        8192, "what a client must take of a large answer on average, in bytes a second"
    )
    stop_seconds: float = _setting(
        10.0, "how long requests under way may go on when the service is stopped"
    )
    trust_proxies: tuple[str, ...] = _setting(
        (), "addresses of proxies whose X-Forwarded-For names the client"
    )
    read_access: str = _setting(
        "open", "who may read: open (anyone) or token (who has one)", choices=("open", "token")
    )
    metrics_access: str = _setting(
        "reading",
        "who may see /metrics: reading (who may read), open (anyone) or token",
        choices=("reading", "open", "token"),
    )
    log_queries: str = _setting(
        "hash",
        "what the log says of a query: hash (its SHA-256) or text (all of it)",
        choices=("hash", "text"),
    )
    submission_seconds: float = _setting(
        120.0, "deadline for reading one submission, in seconds", above=0
    )
    submission_memory_mb: int = _setting(2048, "memory one submission may use, in MiB", least=1)
    proposals: int = _setting(
        200, "proposals that may wait for a curator at the same time; 0 for none"
    )
    client_proposals: int = _setting(5, "proposals of one client that may wait at the same time")
    proposal_days: int = _setting(
        60, "days after which a proposal that waits expires, and a decided one goes"
    )
    days_ahead: int = _setting(
        1, "days after today that a date in a submission may name, for other time zones"
    )
    checks: int = _setting(2, "submissions that are checked at the same time", least=1)
    token_checks: int = _setting(
        2, "submissions beside those that only clients with a token have checked"
    )
    client_checks: int = _setting(
        1, "submissions of one client that are checked at the same time", least=1
    )
    queue_checks: int = _setting(32, "submissions that may wait to be checked; more are refused")
    queue_check_seconds: float = _setting(
        60.0, "how long a submission may wait to be checked, in seconds"
    )
    open_check_mb: int = _setting(
        8, "largest file that is checked without a token, in MiB", least=1
    )
    open_check_seconds: float = _setting(
        30.0, "deadline of a whole check without a token, in seconds", above=0
    )
    body_mb: int = _setting(64, "largest body or file accepted, in MiB", least=1)
    service_allow: tuple[str, ...] = _setting((), "endpoints that SERVICE may call, by their IRI")
    service_seconds: float = _setting(
        10.0, "how long an endpoint that SERVICE calls may take, in seconds", above=0
    )
    default_graph: str = _setting(
        "union",
        "what a query sees without FROM: union (all graphs, merged) or strict (the default graph)",
        choices=("union", "strict"),
    )
    keep_versions: int = _setting(20, "newest dataset versions that stay queryable", least=1)
    keep_cited: int = _setting(
        100, "dataset versions that stay queryable because they were cited, latest first"
    )
    queries: Path | None = _setting(None, "folder of your own saved queries")  # noqa: RUF009  # likewise
    saved_query_kb: int = _setting(
        64, "largest text of a submitted question or chart, in KiB", least=1
    )
    freshness: str = _setting(
        "on",
        "whether the saved queries are run after each new version: on or off",
        choices=("on", "off"),
    )

    @classmethod
    def load(
        cls,
        overrides: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
        file: Path | None = None,
    ) -> "Settings":
        """Put the settings together from flags, environment and file.

        Args:
            overrides: values by field name that win over all else; None values are passed over.
            environ: where ``COPROD_*`` is looked up; the process's environment by default.
            file: the TOML file; ``coprod.toml`` in the working directory by default, if present.

        Raises:
            WrongUsage: a value does not fit its setting, or a name is none.
        """
        environ = os.environ if environ is None else environ
        is_complete, values = _COMPLETE in environ, dict[str, object]()
        if not is_complete:
            values |= _from_file(file or Path("coprod.toml"), required=file is not None)
        for name in (setting.name for setting in fields(cls)):
            value = environ.get(PREFIX + name.upper())
            # an empty one is unset: so say compose files what they have no value for
            if value or (is_complete and value is not None):
                values[name] = value
        values |= {name: value for name, value in (overrides or {}).items() if value is not None}
        fitting: dict[str, Any] = {name: _fit(name, value) for name, value in values.items()}
        settings = cls(**fitting)
        settings._check()
        return settings

    def _check(self) -> None:
        try:
            str(self.data).encode()
        except UnicodeEncodeError:
            raise WrongUsage(
                f"{str(self.data)!r} is not a name in UTF-8",
                where="setting data",
                fix="Give the directory another name, or use a locale whose character set is its.",
            ) from None
        if not urlsplit(self.base_iri).scheme or not self.base_iri.endswith("/"):
            raise WrongUsage(
                f"{self.base_iri!r} is not an absolute IRI that ends with /",
                where="setting base-iri",
                fix="Write for example https://data.example.org/coprod/",
            )
        parts = urlsplit(self.public_url)
        if self.public_url and (parts.scheme not in ("http", "https") or not parts.netloc):
            raise WrongUsage(
                f"{self.public_url!r} is not the address of a service",
                where="setting public-url",
                fix="Write for example https://data.example.org",
            )
        if parts.query or parts.fragment:
            raise WrongUsage(
                f"{self.public_url!r} has more than a host and a path",
                where="setting public-url",
                fix=f"Write {parts.scheme}://{parts.netloc}{parts.path}",
            )
        unknown = [code for code in self.theme if code not in _THEMES]
        if unknown:
            raise WrongUsage(
                f"{unknown[0]!r} is no theme of the European data portal",
                where="setting theme",
                fix="The themes are " + ", ".join(_THEMES) + ".",
            )
        for name, address in (("publisher-url", self.publisher_url), ("contact", self.contact)):
            if re.search(r"[\s<>\"{}|\\^`]", address):
                raise WrongUsage(f"{address!r} is no address", where=f"setting {name}")
        for setting in fields(self):
            _check_bounds(setting, getattr(self, setting.name))

    @property
    def root(self) -> str:
        """The address of the service with a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{(self.public_url or f'http://{host}:{self.port}').rstrip('/')}/"

    @property
    def prefix(self) -> str:
        """The path of the public address, which begins every address here: empty or ``/coprod``."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def scratch(self) -> str | None:
        """Where large temporary files go; None where this process has no data directory to use.

        The folder for temporary files is memory under systemd.
        """
        folder = self.data / "scratch"
        return str(folder) if os.access(folder, os.W_OK | os.X_OK) else None

    def environ(self) -> dict[str, str]:
        """The same settings as ``COPROD_*`` variables, to hand to a child process."""
        values = {
            PREFIX + setting.name.upper(): _text(getattr(self, setting.name))
            for setting in fields(self)
            if getattr(self, setting.name) is not None
        }
        return {_COMPLETE: "1", **values}


def misspelt(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that look like a misspelt setting → the variable that was likely meant."""
    known = [setting.name.upper() for setting in fields(Settings)]
    near = {
        name: get_close_matches(name.removeprefix(PREFIX), known, 1, 0.85)
        for name in environ
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in known
    }
    return {name: PREFIX + meant[0] for name, meant in near.items() if meant}


_THEMES = (
    *("AGRI", "ECON", "EDUC", "ENER", "ENVI", "GOVE", "HEAL", "INTR", "JUST", "REGI", "SOCI"),
    *("TECH", "TRAN"),
)


def _text(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _from_file(path: Path, *, required: bool) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if required:
            raise WrongUsage(f"there is no settings file {path}") from None
        return {}
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongUsage(f"this is not TOML: {error}", where=str(path)) from None
    return {name.replace("-", "_"): value for name, value in table.items()}


def _fit(name: str, value: object) -> object:
    """Turn what stands in a variable, flag or file into the type the setting has."""
    settings_by_name = {setting.name: setting for setting in fields(Settings)}
    if name not in settings_by_name:
        near = get_close_matches(name, settings_by_name, 1)
        meant = f" (did you mean {near[0].replace('_', '-')}?)" if near else ""
        raise WrongUsage(
            f"there is no setting {name.replace('_', '-')!r}{meant}",
            fix="The settings are: "
            + ", ".join(sorted(n.replace("_", "-") for n in settings_by_name)),
        )
    setting = settings_by_name[name]
    try:
        return _CONVERTERS[setting.type](value)
    except (TypeError, ValueError):
        kind = "a number" if setting.type is float else "a text"
        kind = "a whole number" if setting.type is int else kind
        example = f" such as {setting.default}" if setting.default not in (None, "", ()) else ""
        raise WrongUsage(
            f"{value!r} is not {kind}",
            where=f"setting {name.replace('_', '-')}",
            fix=f"Write {kind}{example}. It says: {setting.metadata['help']}.",
        ) from None


def _check_bounds(setting: "Field[Any]", value: object) -> None:
    """Refuse a number with which the service could not run, and a word that is none of the few."""
    least, above, most, choices = (
        setting.metadata[name] for name in ("least", "above", "most", "choices")
    )
    where = f"setting {setting.name.replace('_', '-')}"
    if choices and value not in choices:
        raise WrongUsage(f"{value!r} is neither {' nor '.join(choices)}", where=where)
    if not isinstance(value, int | float):
        return
    if most is not None and not least <= value <= most:
        fix = f"Write a number from 1 to {most}."
    elif above is not None and not above < value < math.inf:
        fix = f"Write a number of seconds above {above}."
    elif not least <= value < math.inf:
        fix = f"Write {least} or more."
    else:
        return
    help_text = setting.metadata["help"]
    raise WrongUsage(f"{value} does not fit", where=where, fix=f"{fix} It says: {help_text}.")


def _words(value: object) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise TypeError(value)
    return tuple(word for text in texts for word in text.replace(",", " ").split())


_CONVERTERS: dict[Any, Any] = {
    Path: Path,
    Path | None: Path,
    str: str,
    int: int,
    float: float,
    tuple[str, ...]: _words,
}
