"""The proxies' configurations in deploy/ serve the whole service below a path, over TLS."""

import gzip
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[1] / "deploy"
SECONDS = 120
PUBLIC = "https://localhost:{}/coprod"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@contextmanager
def listening(command: list[str], port: int, log: Path, **environ: str) -> Iterator[None]:
    """A program that runs as long as the context lasts, once it listens."""
    with log.open("wb") as file:
        program = subprocess.Popen(
            command, stdout=file, stderr=file, env={**os.environ, **environ}, cwd=log.parent
        )
    try:
        end = time.monotonic() + SECONDS
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if program.poll() is not None or time.monotonic() > end:
                pytest.fail(log.read_text())
            time.sleep(0.05)
        yield
    finally:
        program.terminate()
        program.wait(60)


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """The ports of a service, and of the proxy before it that its settings name."""
    ours, theirs = free_port(), free_port()
    folder = tmp_path_factory.mktemp("service")
    command = [sys.executable, "-m", "coprod_kg.cli", "serve", "--no-example", "--data", "data"]
    command += ["--port", str(ours), "--public-url", PUBLIC.format(theirs), "--workers", "1"]
    command += ["--web-workers", "1", "--trust-proxies", "127.0.0.1", "--freshness", "off"]
    with listening(command, ours, folder / "log"):
        yield ours, theirs


@pytest.fixture(scope="module")
def certificate(
    tmp_path_factory: pytest.TempPathFactory, require: Callable[[str], None]
) -> tuple[Path, Path]:
    require("openssl")
    folder = tmp_path_factory.mktemp("certificate")
    pair = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-out", str(pair[0]), "-keyout", str(pair[1])]
    subprocess.run(command, check=True, capture_output=True)
    return pair


@contextmanager
def nginx(ports: tuple[int, int], pair: tuple[Path, Path], folder: Path) -> Iterator[None]:
    server = (DEPLOY / "nginx.conf").read_text("utf-8")
    server = server.replace("listen 443", f"listen 127.0.0.1:{ports[1]}")
    server = server.replace("127.0.0.1:8000", f"127.0.0.1:{ports[0]}")
    server = server.replace("/etc/ssl/example.org.pem", str(pair[0]))
    server = server.replace("/etc/ssl/example.org.key", str(pair[1]))
    paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in paths)
    (folder / "conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{server}\n}}"
    )
    command = ["nginx", "-e", "stderr", "-c", str(folder / "conf"), "-p", str(folder)]
    with listening(command, ports[1], folder / "log"):
        yield


@contextmanager
def caddy(ports: tuple[int, int], pair: tuple[Path, Path], folder: Path) -> Iterator[None]:
    site = (
        (DEPLOY / "Caddyfile").read_text("utf-8").replace("127.0.0.1:8000", f"127.0.0.1:{ports[0]}")
    )
    site = re.sub(
        r"^example\.org \{",
        f"{{\nadmin off\nauto_https disable_redirects\n}}\n"
        f"https://localhost:{ports[1]} {{\ntls {pair[0]} {pair[1]}",
        site,
        flags=re.MULTILINE,
    )
    (folder / "Caddyfile").write_text(site)
    command = ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    home = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    with listening(command, ports[1], folder / "log", **home):
        yield


@pytest.mark.parametrize("proxy", [nginx, caddy], ids=["nginx", "caddy"])
def test_a_proxy_serves_all_below_a_path_over_tls(
    ports: tuple[int, int],
    certificate: tuple[Path, Path],
    tmp_path: Path,
    require: Callable[[str], None],
    proxy: Callable[..., AbstractContextManager[None]],
) -> None:
    require(proxy.__name__)
    trust = ssl.create_default_context(cafile=str(certificate[0]))

    def ask(
        method: str, path: str, body: str | None = None, **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPSConnection("localhost", ports[1], timeout=SECONDS, context=trust)
        connection.request(method, path, body, told)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer, data

    with proxy(ports, certificate, tmp_path):
        answer, _ = ask("GET", "/coprod")
        assert (answer.status, answer.headers["Location"].endswith("/coprod/")) == (308, True)
        answer, page = ask("GET", "/coprod/", Accept="text/html")
        assert answer.status == 200
        links = set(re.findall(rb'(?:href|src|action)="(/[^"]*)"', page))
        assert links
        assert not [link for link in links if not link.startswith(b"/coprod/")]
        answer, packed = ask(
            "GET", "/coprod/queries", Accept="application/json", Accept_Encoding="gzip"
        )
        assert answer.headers["Content-Encoding"] == "gzip"
        assert b"initiatives-by-stage" in gzip.decompress(packed)
        form = {"Content_Type": "application/x-www-form-urlencoded", "Accept": "text/csv"}
        answer, rows = ask("POST", "/coprod/sparql", "query=SELECT+(1+AS+%3Fn)+{}", **form)
        assert (answer.status, rows.strip().splitlines()) == (200, [b"n", b"1"])
        answer, _ = ask("GET", "/coprod/id/initiative/none", Accept="text/turtle")
        assert answer.status in (303, 404)
        assert ask("GET", "/elsewhere")[0].status == 404
