"""Folders with a manifest: what is listed is what is there, and what is synthetic stays synthetic."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from data_contracts.adapters.folder import check_file, mapping_of, read_manifest
from data_contracts.contract import RecordKind
from data_contracts.errors import ContractViolated, UnknownMapping, UnreadableSource
from data_contracts.vocabulary import DataOrigin

LEDGER = "obligor_id,event_time,trigger,rule_version,recorded_time\n"


def write_folder(folder: Path, **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "defaults.csv").write_text(LEDGER, encoding="utf-8")
    entry = {
        "path": "defaults.csv",
        "kind": "default_event",
        "mapping": "canonical_default_event",
        "obligor": None,
        "sha256": hashlib.sha256(LEDGER.encode()).hexdigest(),
        "rows": 0,
    }
    body = {
        "format": 1,
        "world": "base",
        "version": "1",
        "seed": 7,
        "parameters_hash": None,
        "data_origin": "synthetic",
        "statement": "Made up.",
        "files": [{**entry, **changes.pop("entry", {})}],
        **changes,
    }
    (folder / "manifest.json").write_text(json.dumps(body), encoding="utf-8")
    return folder


def test_a_manifest_is_read_in_order_and_its_files_are_checked(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    manifest = read_manifest(folder)
    (entry,) = manifest.files
    assert (entry.kind, entry.rows, manifest.data_origin) == (RecordKind.DEFAULT_EVENT, 0, DataOrigin.SYNTHETIC)
    assert check_file(folder, entry) == folder / "defaults.csv"


def test_what_a_synthetic_folder_holds_is_synthetic(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    manifest = read_manifest(folder)
    assert mapping_of(folder, manifest, manifest.files[0]).data_origin is DataOrigin.SYNTHETIC
    real = read_manifest(write_folder(tmp_path, data_origin="real"))
    assert mapping_of(folder, real, real.files[0]).data_origin is DataOrigin.REAL


def test_a_mapping_of_its_own_may_lie_in_the_folder(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, entry={"mapping": "own.mapping.yaml"})
    text = "{name: own, kind: default_event, site_zone: Europe/Rome, columns: canonical}"
    (folder / "own.mapping.yaml").write_text(text, encoding="utf-8")
    manifest = read_manifest(folder)
    mapping = mapping_of(folder, manifest, manifest.files[0])
    assert (mapping.name, mapping.site_zone, mapping.data_origin) == ("own", "Europe/Rome", DataOrigin.SYNTHETIC)


MANIFESTS: list[tuple[str, dict[str, Any], str]] = [
    ("another format", {"format": 2}, "format: Input should be 1"),
    ("no statement", {"statement": None}, "statement: Input should be a valid string"),
    ("a key too many", {"colour": "red"}, "colour: Extra inputs"),
    ("no such kind", {"entry": {"kind": "gossip"}}, "files.0.kind"),
    ("no hash", {"entry": {"sha256": "abc"}}, "files.0.sha256"),
    ("outside the folder", {"entry": {"path": "../secret.csv"}}, "outside the folder"),
    ("an absolute path", {"entry": {"path": "/etc/passwd"}}, "outside the folder"),
]


@pytest.mark.parametrize(("what", "changes", "words"), MANIFESTS, ids=[case[0] for case in MANIFESTS])
def test_a_malformed_manifest(tmp_path: Path, what: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractViolated) as caught:
        read_manifest(write_folder(tmp_path / "folder", **changes))
    assert words in str(caught.value), what


def test_no_manifest_and_no_json(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match=r"has no manifest\.json"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(UnreadableSource, match="is no JSON"):
        read_manifest(tmp_path)


def test_a_file_that_is_not_the_one_listed(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    (entry,) = read_manifest(folder).files
    (folder / "defaults.csv").write_text(LEDGER[:-5], encoding="utf-8")
    with pytest.raises(UnreadableSource, match="changed or cut off"):
        check_file(folder, entry)
    (folder / "defaults.csv").unlink()
    with pytest.raises(UnreadableSource, match="no such file"):
        check_file(folder, entry)


def test_a_mapping_of_another_kind_or_of_none(tmp_path: Path) -> None:
    manifest = read_manifest(write_folder(tmp_path, entry={"mapping": "unipi_sme"}))
    with pytest.raises(ContractViolated, match="declared default_event, but mapping unipi_sme reads sample"):
        mapping_of(tmp_path, manifest, manifest.files[0])
    manifest = read_manifest(write_folder(tmp_path, entry={"mapping": "unheard_of"}))
    with pytest.raises(UnknownMapping, match="unheard_of"):
        mapping_of(tmp_path, manifest, manifest.files[0])
