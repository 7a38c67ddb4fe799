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
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from coprod_kg.errors import WrongUsage

__all__ = ["Settings", "misspelt"]

PREFIX = "COPROD_"


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process, as plain values."""

    data: Path = field(default=Path("data"), metadata=_help("directory that holds the store"))
    store: str = field(
        default="",
        metadata=_help(
            "address of the dataset of an engine that the data is shared through and asked of; "
            "empty for the engine within"
        ),
    )
    store_engine: str = field(
        default="fuseki", metadata=_help("what engine that is: fuseki or oxigraph")
    )
    store_token: str = field(
        default="",
        metadata=_help("bearer token for that engine; best set in the environment"),
    )
    base_iri: str = field(
        default="https://w3id.org/coprod/",
        metadata=_help("IRI under which things and graphs are named; ends with /"),
    )
    host: str = field(default="127.0.0.1", metadata=_help("address to listen on"))
    port: int = field(default=8000, metadata=_help("port to listen on"))
    public_url: str = field(
        default="",
        metadata=_help("address under which the public reaches it, for links that stay"),
    )
    publisher: str = field(
        default="", metadata=_help("who publishes the data, by name, as catalogues say it")
    )
    publisher_url: str = field(
        default="", metadata=_help("web address of the publisher, as catalogues say it")
    )
    contact: str = field(
        default="",
        metadata=_help("e-mail or web address for questions about the data, as catalogues say it"),
    )
    theme: tuple[str, ...] = field(
        default=(),
        metadata=_help("themes of the European data portal that the data has, as SOCI and GOVE"),
    )
    workers: int = field(
        default=4, metadata=_help("query worker processes: how many queries run at the same time")
    )
    long_queries: int = field(
        default=4,
        metadata=_help("queries longer than a moment (0.2 s) that may run beside those"),
    )
    web_workers: int = field(default=2, metadata=_help("web processes"))
    query_seconds: float = field(default=30.0, metadata=_help("deadline of one query, in seconds"))
    query_memory_mb: int = field(default=1024, metadata=_help("memory one query may use, in MiB"))
    queue_seconds: float = field(
        default=10.0, metadata=_help("how long a query may wait for a free worker, in seconds")
    )
    queue_length: int = field(
        default=64, metadata=_help("queries that may wait for a free worker; more are refused")
    )
    client_queries: int = field(
        default=3,
        metadata=_help("queries of one client that run at the same time; its others wait for them"),
    )
    token_queries: int = field(
        default=1,
        metadata=_help("queries beside those that only clients with a token may run"),
    )
    client_requests: int = field(
        default=64,
        metadata=_help("requests one client may have under way in each web process"),
    )
    web_threads: int = field(
        default=128, metadata=_help("requests each web process works on at the same time")
    )
    downloads: int = field(
        default=64, metadata=_help("large answers each web process sends at the same time")
    )
    charts: int = field(
        default=2,
        metadata=_help("charts, workbooks and crates that are made of answers at the same time"),
    )
    result_mb: int = field(default=4096, metadata=_help("largest answer to a query, in MiB"))
    spool_mb: int = field(
        default=4096,
        metadata=_help("disk for answers that wait for slow readers, in MiB; 0 for none"),
    )
    cache_mb: int = field(
        default=32,
        metadata=_help("small answers each web process keeps to give again, in MiB; 0 for none"),
    )
    body_seconds: float = field(
        default=30.0, metadata=_help("how long a client may take to send a body, in seconds")
    )
    reader_seconds: float = field(
        default=30.0,
        metadata=_help("how long a client may take nothing of an answer, in seconds"),
    )
    reader_rate: int = field(
        default=8192,
        metadata=_help("what a client must take of a large answer on average, in bytes a second"),
    )
    stop_seconds: float = field(
        default=10.0,
        metadata=_help("how long requests under way may go on when the service is stopped"),
    )
    trust_proxies: tuple[str, ...] = field(
        default=(),
        metadata=_help("addresses of proxies whose X-Forwarded-For names the client"),
    )
    read_access: str = field(
        default="open", metadata=_help("who may read: open (anyone) or token (who has one)")
    )
    metrics_access: str = field(
        default="reading",
        metadata=_help("who may see /metrics: reading (who may read), open (anyone) or token"),
    )
    log_queries: str = field(
        default="hash",
        metadata=_help("what the log says of a query: hash (its SHA-256) or text (all of it)"),
    )
    submission_seconds: float = field(
        default=120.0, metadata=_help("deadline for reading one submission, in seconds")
    )
    submission_memory_mb: int = field(
        default=2048, metadata=_help("memory one submission may use, in MiB")
    )
    proposals: int = field(
        default=200,
        metadata=_help("proposals that may wait for a curator at the same time; 0 for none"),
    )
    client_proposals: int = field(
        default=5, metadata=_help("proposals of one client that may wait at the same time")
    )
    proposal_days: int = field(
        default=60,
        metadata=_help("days after which a proposal that waits expires, and a decided one goes"),
    )
    days_ahead: int = field(
        default=1,
        metadata=_help(
            "days after today that a date in a submission may name, for other time zones"
        ),
    )
    checks: int = field(default=2, metadata=_help("submissions that are checked at the same time"))
    token_checks: int = field(
        default=2,
        metadata=_help("submissions beside those that only clients with a token have checked"),
    )
    client_checks: int = field(
        default=1,
        metadata=_help("submissions of one client that are checked at the same time"),
    )
    queue_checks: int = field(
        default=32, metadata=_help("submissions that may wait to be checked; more are refused")
    )
    queue_check_seconds: float = field(
        default=60.0, metadata=_help("how long a submission may wait to be checked, in seconds")
    )
    open_check_mb: int = field(
        default=8, metadata=_help("largest file that is checked without a token, in MiB")
    )
    open_check_seconds: float = field(
        default=30.0, metadata=_help("deadline of a whole check without a token, in seconds")
    )
    body_mb: int = field(default=64, metadata=_help("largest body or file accepted, in MiB"))
    service_allow: tuple[str, ...] = field(
        default=(), metadata=_help("endpoints that SERVICE may call, by their IRI")
    )
    service_seconds: float = field(
        default=10.0,
        metadata=_help("how long an endpoint that SERVICE calls may take, in seconds"),
    )
    default_graph: str = field(
        default="union",
        metadata=_help(
            "what a query sees without FROM: union (all graphs, merged) or strict (the default "
            "graph)"
        ),
    )
    keep_versions: int = field(
        default=20, metadata=_help("newest dataset versions that stay queryable")
    )
    keep_cited: int = field(
        default=100,
        metadata=_help(
            "dataset versions that stay queryable because they were cited, latest first"
        ),
    )
    queries: Path | None = field(default=None, metadata=_help("folder of your own saved queries"))
    saved_query_kb: int = field(
        default=64, metadata=_help("largest text of a submitted question or chart, in KiB")
    )
    freshness: str = field(
        default="on",
        metadata=_help("whether the saved queries are run after each new version: on or off"),
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
        values: dict[str, object] = {}
        values |= _from_file(file or Path("coprod.toml"), required=file is not None)
        names = {setting.name for setting in fields(cls)}
        values |= {
            name: environ[PREFIX + name.upper()]
            for name in names
            if environ.get(PREFIX + name.upper())
        }
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
            _check_number(setting.name, getattr(self, setting.name))
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise WrongUsage(
                    f"{value!r} is neither {' nor '.join(choices)}",
                    where=f"setting {name.replace('_', '-')}",
                )

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
        return {
            PREFIX + setting.name.upper(): _text(getattr(self, setting.name))
            for setting in fields(self)
            if getattr(self, setting.name) is not None
        }


def misspelt(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that look like a misspelt setting → the variable that was likely meant."""
    known = [setting.name.upper() for setting in fields(Settings)]
    near = {
        name: get_close_matches(name.removeprefix(PREFIX), known, 1, 0.85)
        for name in environ
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in known
    }
    return {name: PREFIX + meant[0] for name, meant in near.items() if meant}


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "default_graph": ("union", "strict"),
    "read_access": ("open", "token"),
    "metrics_access": ("reading", "open", "token"),
    "log_queries": ("hash", "text"),
    "freshness": ("on", "off"),
}
"""The settings that are one of a few words."""


_ONE_OR_MORE = frozenset(
    {
        *("body_mb", "charts", "checks", "client_checks", "client_queries", "client_requests"),
        *("downloads", "keep_versions", "open_check_mb", "query_memory_mb", "result_mb"),
        *("saved_query_kb", "submission_memory_mb", "web_threads", "web_workers", "workers"),
    }
)
"""The numbers that nothing works without."""
_ABOVE_NOTHING = frozenset(
    {
        *("body_seconds", "open_check_seconds", "query_seconds", "reader_seconds"),
        *("service_seconds", "submission_seconds"),
    }
)
"""The deadlines: with none at all everything would be too late."""
_LAST_PORT = 65535


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


def _check_number(name: str, value: object) -> None:
    """Refuse a number with which the service could not run."""
    if not isinstance(value, int | float):
        return
    if name == "port" and not 0 <= value <= _LAST_PORT:
        fix = f"Write a port from 1 to {_LAST_PORT}."
    elif name in _ONE_OR_MORE and value < 1:
        fix = "Write 1 or more."
    elif name in _ABOVE_NOTHING and not 0 < value < math.inf:
        fix = "Write a number of seconds above 0."
    elif not 0 <= value < math.inf:
        fix = "Write 0 or more."
    else:
        return
    help_text = next(s.metadata["help"] for s in fields(Settings) if s.name == name)
    raise WrongUsage(
        f"{value} does not fit",
        where=f"setting {name.replace('_', '-')}",
        fix=f"{fix} It says: {help_text}.",
    )


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
