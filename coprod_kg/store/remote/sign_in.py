"""Sign-in to an engine with user and password: Basic (RFC 7617) or Digest (RFC 7616).

Over HTTPS Basic is sent unasked. Over plain HTTP the first answer of the engine says which of the
two it wants, so that a password whose engine wants Digest is never readable on the wire.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Final
from urllib.request import parse_http_list, parse_keqv_list

__all__ = ["SignIn"]

_HASHES: Final[Mapping[str, Callable[[bytes], "hashlib._Hash"]]] = {
    "sha-256": hashlib.sha256,
    "md5": hashlib.md5,
}


@dataclass(slots=True)
class SignIn:
    """The user and password of one engine, and what it asked for last.

    Attributes:
        user: name of the user.
        password: never shown.
        basic: whether the password is sent as it is.
    """

    user: str
    password: str = field(repr=False)
    basic: bool
    _challenge: Mapping[str, str] | None = None
    _uses: int = 0
    _lock: Lock = field(default_factory=Lock)

    def header(self, method: str, path: str) -> str | None:
        """The value of the header Authorization for a request; None before the engine asked.

        Args:
            method: of the request.
            path: its target, with the query.
        """
        if self._challenge is not None:
            with self._lock:
                self._uses += 1
                return self._digest(self._challenge, self._uses, method, path)
        if self.basic:
            said = f"{self.user}:{self.password}".encode()
            return f"Basic {base64.b64encode(said).decode()}"
        return None

    @contextmanager
    def renewal(self) -> Iterator[None]:
        """Forget the nonce while a request is sent, so that the engine gives another one."""
        before, self._challenge = self._challenge, None
        try:
            yield
        finally:
            with self._lock:
                self._challenge = self._challenge or before

    @property
    def is_digest(self) -> bool:
        """Whether the engine asked for Digest."""
        return self._challenge is not None

    def challenged(self, challenges: Iterable[str], sent: str | None) -> bool:
        """Take up what an engine asks for that did not let a request in.

        Args:
            challenges: the values of its headers WWW-Authenticate.
            sent: what the request said in its header Authorization.

        Returns:
            Whether the request may be let in when it is sent again.
        """
        asked = [(scheme.lower(), rest) for scheme, _, rest in map(_parted, challenges)]
        digests = (_parameters(rest) for scheme, rest in asked if scheme == "digest")
        digest = next(filter(_can_be_answered, digests), None)
        with self._lock:
            if digest is not None:
                self._challenge, self._uses = digest, 0
                return f'nonce="{_escaped(digest["nonce"])}"' not in (sent or "")
            if not sent and "basic" in dict(asked):
                self.basic = True
                return True
        return False

    def _digest(self, challenge: Mapping[str, str], uses: int, method: str, path: str) -> str:
        hashed = partial(_hashed, _HASHES[_algorithm(challenge)])
        realm, nonce = challenge.get("realm", ""), challenge["nonce"]
        count, own = f"{uses:08x}", secrets.token_hex(8)
        secret, target = hashed(self.user, realm, self.password), hashed(method, path)
        named = {"username": self.user, "realm": realm, "nonce": nonce, "uri": path}
        plain = {"algorithm": challenge.get("algorithm", "MD5")}
        if "qop" in challenge:
            response = hashed(secret, nonce, count, own, "auth", target)
            named["cnonce"] = own
            plain |= {"qop": "auth", "nc": count}
        else:
            response = hashed(secret, nonce, target)
        named["response"] = response
        if "opaque" in challenge:
            named["opaque"] = challenge["opaque"]
        quoted = [f'{name}="{_escaped(value)}"' for name, value in named.items()]
        bare = [f"{name}={value}" for name, value in plain.items()]
        return f"Digest {', '.join(quoted + bare)}"


def _parted(challenge: str) -> tuple[str, str, str]:
    return challenge.strip().partition(" ")


def _parameters(text: str) -> Mapping[str, str]:
    parts = [part for part in parse_http_list(text) if "=" in part]
    return {name.lower(): value for name, value in parse_keqv_list(parts).items()}


def _algorithm(challenge: Mapping[str, str]) -> str:
    return challenge.get("algorithm", "MD5").lower()


def _can_be_answered(challenge: Mapping[str, str]) -> bool:
    """Whether it has what an answer needs, and asks for nothing that is not made here."""
    ways = challenge.get("qop", "auth").replace(",", " ").split()
    return "nonce" in challenge and "auth" in ways and _algorithm(challenge) in _HASHES


def _hashed(make: "Callable[[bytes], hashlib._Hash]", *parts: str) -> str:
    return make(":".join(parts).encode()).hexdigest()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
