"""An answer is taken away as an RO-Crate as it is in any other format."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from rocrate.rocrate import ROCrate  # type: ignore[import-untyped]  # it has no types

from tests.test_crate import NAME, unpacked


@pytest.mark.parametrize(
    ("address", "accept"),
    [
        (f"/queries/{NAME}.crate.zip", None),
        (f"/queries/{NAME}?format=crate", None),
        (f"/queries/{NAME}", "application/zip"),
    ],
)
def test_it_is_had_over_http_as_any_other_format(
    client: FlaskClient, address: str, accept: str | None, tmp_path: Path
) -> None:
    response = client.get(address, headers={"Accept": accept} if accept else {})
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/zip"
    assert "attachment" in response.headers["Content-Disposition"]
    links = ", ".join(response.headers.getlist("Link"))
    assert '<https://w3id.org/ro/crate/1.2>; rel="profile"' in links
    digest = client.get(f"/queries/{NAME}.json").headers["Content-SHA256"]
    assert response.headers["Content-SHA256"] == digest
    root = ROCrate(unpacked(response.data, tmp_path)).root_dataset
    assert {one.id: one["value"] for one in root["identifier"]}["#content"] == digest
    held = client.get(
        address, headers={"If-None-Match": response.headers["ETag"], "Accept": accept or "*/*"}
    )
    assert held.status_code == 304
    page = client.get(f"/queries/{NAME}.html").text
    assert f"/queries/{NAME}.crate.zip" in page


def test_a_wildcard_never_gets_it(client: FlaskClient) -> None:
    every = client.get(f"/queries/{NAME}", headers={"Accept": "application/*"})
    assert every.mimetype == "application/sparql-results+json"
