"""Access control: tokens (who may write what) and private organisations.

A token is ``coprod_NAME_SECRET``, and is neither stored nor logged: of its secret the SHA-256 is
kept, in ``tokens.json`` of the data directory, which only its owner can read. The secret has 256
random bits, so that a slow hash would protect nothing (OWASP Password Storage: those are for
secrets that people choose).

The organisations whose data is private stand in ``private.json`` beside it. That they are holds
for all versions, also for those from before.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from coprod_kg.errors import Forbidden, NotFound, Unauthorised, WrongUsage
from coprod_kg.model.files import files
from coprod_kg.model.namespaces import SLUG
from coprod_kg.store.base import NOTHING, Hidden
from coprod_kg.store.directory import locked, write_durably

__all__ = ["SAY_WHO", "Grant", "Private", "Role", "Tokens", "hidden"]

SAY_WHO: Final = "Send `Authorization: Bearer coprod_…` with a token of this service."
"""What to do where a token is missing or wrong."""

_TOKEN = re.compile(r"coprod_([a-z0-9-]{1,40})_([A-Za-z0-9_-]{43})")


class Role(StrEnum):
    """What a token is for."""

    CONTRIBUTOR = "contributor"
    """Submits the data of one organisation."""
    CURATOR = "curator"
    """Submits any organisation's data, updates, and saves queries."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What the holder of one token may do.

    Attributes:
        name: the name of the token, which is no secret.
        role: what it is for.
        organisation: the one whose data a contributor sends; None for a curator.
        digest: the SHA-256 of its secret, in hexadecimal digits.
        created: when, in ISO 8601.
        revoked: when it was taken back, or None.
    """

    name: str
    role: Role
    organisation: str | None
    digest: str
    created: str
    revoked: str | None = None

    def check_organisation(self, organisation: str | None) -> None:
        """Refuse a submission for an organisation that is not the holder's.

        Raises:
            Forbidden: it is another one.
        """
        if self.role is Role.CONTRIBUTOR and organisation != self.organisation:
            raise Forbidden(
                f"this token sends the data of {self.organisation}, not of {organisation}",
                fix="Send it with the token of that organisation, or ask a curator.",
            )

    def check_curator(self) -> None:
        """Refuse what only a curator may do.

        Raises:
            Forbidden: the token is a contributor's.
        """
        if self.role is not Role.CURATOR:
            raise Forbidden("only a curator's token may do this", fix="Ask a curator.")


class Tokens:
    """The tokens of one data directory."""

    def __init__(self, data: Path) -> None:
        """The file is read at each use, so that a revoked token is refused at once."""
        self._path = data / "tokens.json"

    def create(self, name: str, role: Role, organisation: str | None = None) -> str:
        """Make a token.

        Returns:
            The token. It cannot be had again.

        Raises:
            WrongUsage: the name is taken or has other characters than small letters, digits and
                hyphens; a contributor without an organisation or a curator with one; no
                organisation can have the name.
        """
        if not SLUG.fullmatch(name) or len(name) > 40:
            raise WrongUsage(
                f"{name!r} is no name for a token",
                fix="Use up to 40 small letters, digits and hyphens, such as bologna-2026.",
            )
        if (role is Role.CONTRIBUTOR) != (organisation is not None):
            raise WrongUsage(
                "a contributor has one organisation, a curator none",
                fix="Say --organisation ID or --curator, one of the two.",
            )
        if organisation is not None:
            _check_organisation(organisation)
        secret = secrets.token_urlsafe(32)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._changing() as grants:
            if name in grants:
                raise WrongUsage(f"there is a token {name} already", fix="Choose another name.")
            grants[name] = Grant(name, role, organisation, _digest(secret), now)
        return f"coprod_{name}_{secret}"

    def list(self) -> tuple[Grant, ...]:
        """Every token there ever was, by name."""
        return tuple(self._read()[name] for name in sorted(self._read()))

    def revoke(self, name: str) -> None:
        """Take a token back; it is refused from now on, and its name stays taken.

        Raises:
            NotFound: there is none of that name.
        """
        with self._changing() as grants:
            if name not in grants:
                raise NotFound(f"there is no token {name}", fix="coprod-kg token list shows them.")
            if grants[name].revoked is None:
                # Marked, not deleted: provenance names tokens, so a name must stay one holder's.
                now = datetime.now(UTC).isoformat(timespec="seconds")
                grants[name] = replace(grants[name], revoked=now)

    def grant(self, token: str) -> Grant:
        """The grant of a token.

        Raises:
            Unauthorised: it is no token of this service, or was taken back.
        """
        match = _TOKEN.fullmatch(token)
        grant = self._read().get(match[1]) if match else None
        # Compared also where there is no such token, so that the time does not reveal which names
        # there are.
        digest_matches = hmac.compare_digest(
            grant.digest if grant else _digest(""), _digest(match[2] if match else "-")
        )
        if grant is None or not digest_matches or grant.revoked is not None:
            raise Unauthorised(
                "this token is not known here, or was taken back",
                where="header Authorization",
                fix=SAY_WHO,
            )
        return grant

    def _read(self) -> Mapping[str, Grant]:
        return {
            entry["name"]: Grant(**{**entry, "role": Role(entry["role"])})
            for entry in _read_list(self._path)
        }

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Grant]]:
        with locked(self._path):
            grants = dict(self._read())
            yield grants
            _write(self._path, [asdict(grant) for grant in grants.values()])


@lru_cache(maxsize=64)
def hidden(organisations: tuple[str, ...], base_iri: str) -> Hidden:
    """The graphs and records of some organisations, to hide them from a client.

    Hidden with their graphs are the records of the submissions that sent them, and the files,
    reports and senders that no other submission has. What other organisations say of them stays:
    it is theirs.

    Args:
        organisations: the last parts of their IRIs, in order.
        base_iri: the IRI under which graphs are named.
    """
    if not organisations:
        return NOTHING
    graphs = tuple(
        f"{base_iri}graph/{kind}/{name}"
        for name in organisations
        for kind in ("organisation", "assessment", "same-as")
    )
    terms = " ".join(f"<{graph}>" for graph in graphs)
    # SELECT queries that `store.views` runs in turn: each finds terms whose records are removed.
    queries = tuple(
        (files("queries") / "writing" / f"hidden-{name}.rq").read_text("utf-8")
        for name in ("records", "senders")
    )
    record = f"{base_iri}graph/provenance"
    # Their blocks VALUES say UNDEF where the graphs belong. No text of a client is put in here:
    # `Private.mark` takes only names of organisations that can stand in an IRI.
    return Hidden(graphs, record, tuple(query.replace("UNDEF", terms) for query in queries))


def _check_organisation(name: str) -> None:
    """Refuse what cannot be the last part of an organisation's IRI."""
    if not SLUG.fullmatch(name):
        raise WrongUsage(
            f"{name[:80]!r} is no identifier of an organisation",
            fix="Write the last part of its IRI, in small letters, digits and hyphens, such as "
            "comune-di-bologna.",
        )


class Private:
    """The organisations of one data directory whose data only they and curators see."""

    def __init__(self, data: Path) -> None:
        """The file is read at each use, so that a change counts at once."""
        self._path = data / "private.json"
        self._cached: tuple[tuple[int, int, int], tuple[str, ...]] | None = None
        """The state of the file when it was last read, and the organisations in it."""

    def organisations(self) -> tuple[str, ...]:
        """The last parts of their IRIs, in order."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return ()
        state = (status.st_ino, status.st_mtime_ns, status.st_size)
        if self._cached is None or self._cached[0] != state:
            self._cached = (state, tuple(sorted(_read_list(self._path))))
        return self._cached[1]

    def hidden_from(self, grant: Grant | None) -> tuple[str, ...]:
        """The organisations whose data is hidden from the holder of a grant.

        Args:
            grant: what their token is for, or None where they have none.
        """
        private = self.organisations()
        if not private or (grant is not None and grant.role is Role.CURATOR):
            return ()
        own_organisation = grant.organisation if grant is not None else None
        return tuple(slug for slug in private if slug != own_organisation)

    def mark(self, organisation: str, *, private: bool = True) -> bool:
        """Make the data of an organisation private, or public again.

        Returns:
            Whether that changed anything.

        Raises:
            WrongUsage: it cannot be the name of an organisation.
        """
        _check_organisation(organisation)
        with locked(self._path):
            earlier = set(_read_list(self._path))
            later = earlier | {organisation} if private else earlier - {organisation}
            if later != earlier:
                _write(self._path, sorted(later))
        return later != earlier


def _read_list(path: Path) -> list[Any]:
    """The list in a file of JSON; one that is missing is empty."""
    try:
        entries: list[Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return entries


def _write(path: Path, entries: list[Any]) -> None:
    """Replace a file of JSON atomically; only its owner may read it."""
    write_durably(path, json.dumps(entries, indent=2).encode())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
