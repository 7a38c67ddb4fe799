"""The format of the data directory: what an older one becomes, and that a newer one is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from coprod_kg.errors import StoreUnavailable
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.identity import FORMAT, Identity
from coprod_kg.store.local import serving
from coprod_kg.store.upgrades import STEPS, upgrade


def settings_of(data: Path) -> Settings:
    return Settings.load({"data": data, "workers": 1, "long_queries": 0}, {})


def test_there_is_a_step_to_every_format() -> None:
    assert len(STEPS) == FORMAT - 1
    assert all(step.changed.endswith(".") for step in STEPS)


def test_a_new_directory_has_this_format_and_keeps_its_lineage(tmp_path: Path) -> None:
    with serving(settings_of(tmp_path)):
        first = Identity.read(tmp_path)
    assert first.format == FORMAT
    assert len(first.lineage) == 8
    with serving(settings_of(tmp_path)):
        assert Identity.read(tmp_path) == first


def test_an_older_directory_is_upgraded_once_and_says_what_changed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(settings_of(tmp_path)) as service:
        version = service.store.commit(Change(replace={"urn:g": b"<urn:a> <urn:b> <urn:c> .\n"}))
    (tmp_path / "identity.json").unlink()
    capfd.readouterr()
    with serving(settings_of(tmp_path)) as service:
        assert service.store.version() == version.version
    told = capfd.readouterr().err
    assert all(step.changed in told for step in STEPS)
    with serving(settings_of(tmp_path)):
        assert Identity.read(tmp_path).format == FORMAT
    assert "upgraded" not in capfd.readouterr().err


def test_a_step_that_was_broken_off_is_taken_again(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    directory.store.mkdir()
    STEPS[0].take(directory, "urn:base/")
    begun = Identity.read(tmp_path)
    assert upgrade(directory, "urn:base/")[0] == STEPS[0].changed
    assert Identity.read(tmp_path) == replace(begun, format=FORMAT)


def test_data_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    with serving(settings_of(tmp_path)):
        told = Identity.read(tmp_path).told()
    newer = json.dumps({**told, "format": FORMAT + 1})
    (tmp_path / "identity.json").write_text(newer)
    with (
        pytest.raises(StoreUnavailable, match=rf"format {FORMAT + 1}, .* up to {FORMAT}"),
        serving(settings_of(tmp_path)),
    ):
        pass
    assert (tmp_path / "identity.json").read_text() == newer
