"""What an engine is sent that asks for a user and a password; real ones are in test_engines.py."""

import secrets

import pytest

from coprod_kg.store.remote.sign_in import SignIn

REALM, NONCE = "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE, OWN = (
    "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
)
RESPONSES = {
    "MD5": "8ca523f5e9506fed4657c9700eebdbec",
    "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}


def challenge(algorithm: str, nonce: str = NONCE) -> str:
    return (
        f'Digest realm="{REALM}", qop="auth, auth-int", algorithm={algorithm}, '
        f'nonce="{nonce}", opaque="{OPAQUE}"'
    )


@pytest.mark.parametrize("algorithm", RESPONSES)
def test_the_response_is_that_of_the_example_in_rfc_7616(
    algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: OWN)
    signed = SignIn("Mufasa", "Circle of Life", basic=False)
    assert signed.challenged([challenge(algorithm)], None)
    header = signed.header("GET", "/dir/index.html") or ""
    assert f'response="{RESPONSES[algorithm]}"' in header
    assert f"algorithm={algorithm}, qop=auth, nc=00000001" in header


def test_a_password_goes_over_http_as_it_is_only_if_the_engine_asks_for_that() -> None:
    signed = SignIn("user", "secret", basic=False)
    assert signed.header("GET", "/") is None
    assert signed.challenged([challenge("MD5"), 'Basic realm="kg"'], None)
    assert (signed.header("GET", "/") or "").startswith("Digest ")
    asked = SignIn("user", "secret", basic=False)
    assert asked.challenged(['Basic realm="kg"'], None)
    assert asked.header("GET", "/") == "Basic dXNlcjpzZWNyZXQ="
    assert "secret" not in repr(asked)


def test_a_challenge_is_taken_up_once() -> None:
    """What was refused with the nonce of the challenge, or as it was asked for, stays refused."""
    signed = SignIn("user", "wrong", basic=False)
    assert signed.challenged([challenge("MD5")], None)
    sent = signed.header("GET", "/")
    assert not signed.challenged([challenge("MD5")], sent)
    assert signed.challenged([challenge("MD5", "another")], sent)
    assert not signed.challenged(['Basic realm="kg"'], "Basic dXNlcjp3cm9uZw==")


@pytest.mark.parametrize(
    "asked",
    [challenge("MD5-sess"), 'Digest realm="kg"', "Negotiate", 'Digest qop="auth-int", nonce="n"'],
)
def test_what_cannot_be_answered_is_not_tried(asked: str) -> None:
    signed = SignIn("user", "secret", basic=False)
    assert not signed.challenged([asked], None)
    assert signed.header("GET", "/") is None
