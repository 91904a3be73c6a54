"""What is stored is what was named; anything else is refused by name."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scoring_book import make_snapshot

from data_contracts.identifiers import ModelVersion
from data_contracts.reference.dated import ParameterBook
from scoring import registry
from scoring.credit.artefact import CreditArtefact, credit_artefact
from scoring.credit.score import score
from scoring.errors import ArtefactDamaged, UnknownModel
from scoring.insurance.artefact import InsuranceArtefact


def with_card(model: CreditArtefact, **changed: Any) -> CreditArtefact:
    """The same trees and reference group under another card."""
    card = model.card.model_copy(update=changed)
    return credit_artefact(model.bag.members, card, reference=model.reference)


def test_a_stored_model_scores_the_same(
    tmp_path: Path, credit_model: CreditArtefact, rows: np.ndarray, parameters: ParameterBook
) -> None:
    card = registry.save_artefact(tmp_path, credit_model)
    loaded = registry.load_artefact(tmp_path, "credit", credit_model.version)
    assert isinstance(loaded, CreditArtefact)
    assert card["model_version"] == loaded.version == credit_model.version
    assert loaded.card == credit_model.card
    snapshot = make_snapshot(rows[7])
    assert score(snapshot, loaded, parameters) == score(snapshot, credit_model, parameters)


def test_an_insurance_model_comes_back_whole(tmp_path: Path, insurance_model: InsuranceArtefact) -> None:
    registry.save_artefact(tmp_path, insurance_model)
    loaded = registry.load_artefact(tmp_path, "insurance", insurance_model.version)
    assert isinstance(loaded, InsuranceArtefact)
    assert loaded.card == insurance_model.card
    assert loaded.bag.members == insurance_model.bag.members


def test_only_trees_numbers_and_json_lie_in_the_folder(tmp_path: Path, credit_model: CreditArtefact) -> None:
    registry.save_artefact(tmp_path, credit_model)
    names = sorted(path.name for path in (tmp_path / "credit" / credit_model.version).iterdir())
    assert names == ["card.json", *(f"member-{index:02d}.ubj" for index in range(30)), "reference.npy"]
    assert [path.name for path in (tmp_path / "credit").iterdir()] == [credit_model.version]


@pytest.mark.parametrize("name", ["member-00.ubj", "member-29.ubj", "card.json", "reference.npy"])
def test_a_changed_byte_is_refused(tmp_path: Path, credit_model: CreditArtefact, name: str) -> None:
    registry.save_artefact(tmp_path, credit_model)
    path = tmp_path / "credit" / credit_model.version / name
    raw = bytearray(path.read_bytes())
    position = raw.index(b"7") if name == "card.json" else len(raw) // 2
    raw[position] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ArtefactDamaged):
        registry.load_artefact(tmp_path, "credit", credit_model.version)


def test_a_missing_or_added_member_is_refused(tmp_path: Path, credit_model: CreditArtefact) -> None:
    registry.save_artefact(tmp_path, credit_model)
    folder = tmp_path / "credit" / credit_model.version
    last = (folder / "member-29.ubj").read_bytes()
    (folder / "member-30.ubj").write_bytes(last)
    with pytest.raises(ArtefactDamaged, match="hash to"):
        registry.load_artefact(tmp_path, "credit", credit_model.version)
    (folder / "member-30.ubj").unlink()
    (folder / "member-29.ubj").unlink()
    with pytest.raises(ArtefactDamaged, match="hash to"):
        registry.load_artefact(tmp_path, "credit", credit_model.version)


def test_a_card_without_its_keys_is_refused(tmp_path: Path, credit_model: CreditArtefact) -> None:
    registry.save_artefact(tmp_path, credit_model)
    path = tmp_path / "credit" / credit_model.version / "card.json"
    plain = json.loads(path.read_bytes())
    del plain["calibrator"]
    path.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(ArtefactDamaged, match="no card of a credit model"):
        registry.load_artefact(tmp_path, "credit", credit_model.version)


@pytest.mark.parametrize("version", ["0" * 64, "..", "../insurance", "", "F" * 64])
def test_an_unknown_version_is_named(tmp_path: Path, version: str) -> None:
    with pytest.raises(UnknownModel, match="millgrade train credit"):
        registry.load_artefact(tmp_path, "credit", ModelVersion(version))


def test_the_promoted_model_answers(tmp_path: Path, credit_model: CreditArtefact) -> None:
    assert registry.pointer_of(tmp_path, "credit") is None
    assert registry.promoted(tmp_path, "credit") is None
    assert registry.versions(tmp_path, "credit") == []
    registry.save_artefact(tmp_path, credit_model)
    first = registry.Pointer(version=credit_model.version, expires_time=None)
    registry.point_to(tmp_path, "credit", first)
    other = with_card(credit_model, seed=8)
    assert other.version != credit_model.version
    registry.save_artefact(tmp_path, other)
    assert registry.versions(tmp_path, "credit") == sorted([credit_model.version, other.version])
    assert registry.pointer_of(tmp_path, "credit") == first
    second = registry.Pointer(version=other.version, expires_time=datetime(2027, 1, 1, tzinfo=UTC))
    registry.point_to(tmp_path, "credit", second)
    assert registry.pointer_of(tmp_path, "credit") == second
    promoted = registry.promoted(tmp_path, "credit")
    assert promoted is not None
    assert promoted.version == other.version


def test_a_broken_pointer_is_named(tmp_path: Path, credit_model: CreditArtefact) -> None:
    registry.save_artefact(tmp_path, credit_model)
    for broken in ("[]", "{}", '{"model_version": null}', "nonsense"):
        (tmp_path / "credit" / "promoted.json").write_text(broken, encoding="utf-8")
        with pytest.raises(ArtefactDamaged, match=r"promoted\.json"):
            registry.pointer_of(tmp_path, "credit")


def test_a_pointer_of_an_early_release_is_on_trial(tmp_path: Path) -> None:
    (tmp_path / "credit").mkdir()
    (tmp_path / "credit" / "promoted.json").write_text('{"model_version": "0f"}', encoding="utf-8")
    assert registry.pointer_of(tmp_path, "credit") == registry.Pointer(version=ModelVersion("0f"), expires_time=None)


def test_the_challenger_is_named_and_dismissed(tmp_path: Path, credit_model: CreditArtefact) -> None:
    assert registry.challenger_of(tmp_path, "credit") is None
    registry.save_artefact(tmp_path, credit_model)
    registry.challenge_with(tmp_path, "credit", credit_model.version)
    assert registry.challenger_of(tmp_path, "credit") == credit_model.version
    registry.challenge_with(tmp_path, "credit", None)
    assert registry.challenger_of(tmp_path, "credit") is None


def test_saving_again_changes_nothing(tmp_path: Path, credit_model: CreditArtefact) -> None:
    registry.save_artefact(tmp_path, credit_model)
    card = tmp_path / "credit" / credit_model.version / "card.json"
    before = card.stat().st_mtime_ns
    registry.save_artefact(tmp_path, credit_model)
    assert card.stat().st_mtime_ns == before


def test_a_model_of_other_libraries_loads_and_says_so(tmp_path: Path, credit_model: CreditArtefact) -> None:
    older = credit_model.card.libraries.model_copy(update={"xgboost": "2.1.4"})
    artefact = with_card(credit_model, libraries=older)
    assert artefact.version != credit_model.version
    assert registry.save_artefact(tmp_path, artefact)["trained_with_installed_libraries"] is False
    loaded = registry.load_artefact(tmp_path, "credit", artefact.version)
    assert loaded.card.libraries.xgboost == "2.1.4"
    assert registry.plain_card(replace(credit_model))["trained_with_installed_libraries"] is True
