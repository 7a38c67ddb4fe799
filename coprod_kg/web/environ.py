"""A request of granian's asynchronous interface as the environment of WSGI (PEP 3333).

It never trusts a header to say who the client is, unless a proxy that the settings name sent it.
"""

import sys
from typing import IO, Any, Final

from granian.rsgi import Scope

__all__ = ["client_of", "environ"]

_BASE: Final[dict[str, Any]] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.input_terminated": True,
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
_PLAIN: Final = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})


def environ(scope: Scope, body: IO[bytes], client: str) -> dict[str, Any]:
    """The environment for one request.

    Args:
        scope: the request.
        body: all of its body.
        client: the address that counts as the client's.
    """
    name, _, port = scope.server.rpartition(":")
    found: dict[str, Any] = {
        **_BASE,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": name.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client,
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body,
    }
    for key, value in scope.headers.items():
        if "_" in key:
            continue  # it would be taken for the one with a hyphen
        place = key.upper().replace("-", "_")
        place = place if place in _PLAIN else f"HTTP_{place}"
        found[place] = f"{found[place]},{value}" if place in found else value
    return found


def client_of(scope: Scope, proxies: tuple[str, ...]) -> str:
    """The address of the client.

    Each proxy adds at the end of ``X-Forwarded-For`` whom it talked to. So it is read from the
    end, as long as the one who says it is a proxy of ours.

    Args:
        scope: the request.
        proxies: addresses of proxies that are trusted.
    """
    client = scope.client.rpartition(":")[0].strip("[]")
    if client not in proxies:
        return client
    said = [
        one.strip()
        for name, value in scope.headers.items()
        if name == "x-forwarded-for"
        for one in value.split(",")
    ]
    while said and client in proxies:
        client = said.pop() or client
    return client[:100]
