"""Models on disk: `<folder>/<kind>/<version>/` holds UBJ members, `card.json` and, for credit and tables,
`reference.npy` (the reference group's pattern counts); `promoted.json` beside names the one that answers, and
`challenger.json` the one that is only compared with it.

A version is the hash of what lies in its folder, so a folder is written once and never changed. This module and
`scoring.training` are the only ones of the room that touch anything outside their arguments.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from data_contracts.identifiers import ModelVersion
from scoring.cards import ReferenceGroup, installed_libraries, version_of
from scoring.credit.artefact import CreditArtefact, credit_artefact
from scoring.credit.card import CreditCard
from scoring.errors import ArtefactDamaged, UnknownModel
from scoring.explanation.reference import read_reference, reference_bytes
from scoring.explanation.shapley import ReferenceCounts
from scoring.insurance.artefact import InsuranceArtefact, insurance_artefact
from scoring.insurance.card import InsuranceCard
from scoring.insurance.claims_model import ClaimsArtefact, ClaimsCard, claims_artefact
from scoring.table.artefact import TableArtefact, table_artefact
from scoring.table.card import TableCard

Kind = Literal["credit", "insurance", "table", "claims"]
Artefact = CreditArtefact | InsuranceArtefact | TableArtefact | ClaimsArtefact
AnyCard = CreditCard | InsuranceCard | TableCard | ClaimsCard
Card = dict[str, Any]
"""A model card as a plain object, its `model_version` first."""

CARD_FILE = "card.json"
REFERENCE_FILE = "reference.npy"
PLOTS_FOLDER = "plots"
FIGURES_FILE = "validation.json"
POINTER_FILE = "promoted.json"
CHALLENGER_FILE = "challenger.json"
VERSION = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """The model that answers, and until when its validation is good (None where nobody has validated it)."""

    version: ModelVersion
    expires_time: datetime | None


def save_artefact(folder: Path, artefact: Artefact) -> Card:
    """Write the artefact under its version (a known one stays as it is) and return its card. Files are synced before
    they appear."""
    place = folder / artefact.card.kind / artefact.version
    if not place.exists():
        _write_folder(place, artefact)
    return plain_card(artefact)


def point_to(folder: Path, kind: Kind, pointer: Pointer) -> None:
    """Let `promoted` answer with that model."""
    told = _Pointer(model_version=pointer.version, expires_time=pointer.expires_time)
    _write_file(folder / kind / POINTER_FILE, told.model_dump_json().encode())


def challenge_with(folder: Path, kind: Kind, version: ModelVersion | None) -> None:
    """Name the model that is compared with the one that answers, or none."""
    _write_file(folder / kind / CHALLENGER_FILE, json.dumps({"model_version": version}).encode())


def save_plots(folder: Path, artefact: Artefact, plots: Mapping[str, bytes]) -> list[str]:
    """Write pictures beside a kept artefact, in its folder `plots`, and return their names; they are no part of its
    identity, and its version stays true without them."""
    place = folder / artefact.card.kind / artefact.version / PLOTS_FOLDER
    for name, content in plots.items():
        _write_file(place / name, content)
    return sorted(plots)


def load_plots(folder: Path, artefact: Artefact) -> dict[str, str]:
    """What `save_plots` wrote beside a kept artefact, as text by file name; empty where nothing was drawn."""
    place = folder / artefact.card.kind / artefact.version / PLOTS_FOLDER
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(place.glob("*.svg"))}


def save_figures(folder: Path, artefact: Artefact, figures: Mapping[str, Any]) -> None:
    """Write what a validator asks of a kept artefact beside it; like its plots, it is no part of its identity."""
    content = json.dumps(figures, ensure_ascii=False, indent=1, allow_nan=False).encode()
    _write_file(folder / artefact.card.kind / artefact.version / FIGURES_FILE, content)


def load_figures(folder: Path, kind: Kind, version: ModelVersion) -> dict[str, Any] | None:
    """What `save_figures` wrote, or None where nothing was. Raises ArtefactDamaged where it is not that model's."""
    path = folder / kind / version / FIGURES_FILE
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError as error:
        raise ArtefactDamaged(f"{FIGURES_FILE} of model {version} is no JSON.") from error
    if found.get("model_version") != version:
        raise ArtefactDamaged(f"{FIGURES_FILE} of model {version} is another model's.")
    return found


def load_artefact(folder: Path, kind: Kind, version: ModelVersion) -> Artefact:
    """The stored artefact of that version.

    Raises UnknownModel where there is none and ArtefactDamaged where its bytes are not what its version names.
    """
    place = folder / kind / version
    if not VERSION.fullmatch(version) or not (place / CARD_FILE).is_file():
        raise UnknownModel(f"No {kind} model {version!r} is stored here.", hint=f"Run: millgrade train {kind}")
    members = [path.read_bytes() for path in sorted(place.glob("*.ubj"))]
    card_bytes = (place / CARD_FILE).read_bytes()
    card = _read_card(card_bytes, kind)
    found = version_of(members, card_bytes)
    if found != version:
        raise ArtefactDamaged(
            f"The files of {kind} model {version} hash to {found}.",
            hint="Restore the folder from a backup, or train again and promote the new version.",
        )
    if isinstance(card, InsuranceCard):
        return insurance_artefact(members, card, card_bytes=card_bytes)
    if isinstance(card, ClaimsCard):
        return claims_artefact(members, card, card_bytes=card_bytes)
    reference = _read_reference(place, card.reference)
    if isinstance(card, CreditCard):
        return credit_artefact(members, card, reference=reference, card_bytes=card_bytes)
    assert reference is not None, "every card of a table names its reference group"
    return table_artefact(members, card, reference=reference, card_bytes=card_bytes)


def pointer_of(folder: Path, kind: Kind) -> Pointer | None:
    """The model of that kind that answers, or None. Raises ArtefactDamaged where the pointer cannot be read."""
    found = _read_pointer(folder / kind / POINTER_FILE, kind)
    if found is None:
        return None
    if found.model_version is None:
        raise ArtefactDamaged(f"{POINTER_FILE} of the {kind} models names no version.")
    return Pointer(version=found.model_version, expires_time=found.expires_time)


def challenger_of(folder: Path, kind: Kind) -> ModelVersion | None:
    """The model of that kind that is compared with the one that answers. Raises ArtefactDamaged."""
    found = _read_pointer(folder / kind / CHALLENGER_FILE, kind)
    return None if found is None else found.model_version


def promoted(folder: Path, kind: Kind) -> Artefact | None:
    """The artefact of that kind that answers, or None where none does. Raises as `load_artefact`."""
    pointer = pointer_of(folder, kind)
    return None if pointer is None else load_artefact(folder, kind, pointer.version)


def versions(folder: Path, kind: Kind) -> list[ModelVersion]:
    """Every model of that kind that is kept here, by name."""
    return sorted(ModelVersion(path.name) for path in (folder / kind).glob("*") if VERSION.fullmatch(path.name))


def plain_card(artefact: Artefact) -> Card:
    """The artefact's card as a plain object, with its version and whether this process runs the libraries it names."""
    return {
        "model_version": artefact.version,
        "trained_with_installed_libraries": artefact.card.libraries == installed_libraries(),
        **artefact.card.model_dump(mode="json"),
    }


SCHEMAS: dict[Kind, type[AnyCard]] = {
    "credit": CreditCard,
    "insurance": InsuranceCard,
    "table": TableCard,
    "claims": ClaimsCard,
}


class _Pointer(BaseModel):
    """A pointer's file. Older ones name the version alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_version: ModelVersion | None
    expires_time: AwareDatetime | None = None


def _read_pointer(path: Path, kind: Kind) -> _Pointer | None:
    if not path.is_file():
        return None
    try:
        return _Pointer.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArtefactDamaged(f"{path.name} of the {kind} models names no version.") from error


def _read_card(content: bytes, kind: Kind) -> AnyCard:
    try:
        return SCHEMAS[kind].model_validate_json(content)
    except ValidationError as error:
        raise ArtefactDamaged(f"{CARD_FILE} is no card of a {kind} model: {error.error_count()} errors.") from error


def _read_reference(place: Path, named: ReferenceGroup | None) -> ReferenceCounts | None:
    """The group that a card names; credit models of format 1 have none."""
    if named is None:
        return None
    path = place / REFERENCE_FILE
    if not path.is_file():
        raise ArtefactDamaged(f"{REFERENCE_FILE} of model {place.name} is missing.")
    return read_reference(path.read_bytes(), members=named.members, digest=named.sha256)


def _write_folder(place: Path, artefact: Artefact) -> None:
    """Write beside and rename, so that a version is there whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=place.parent))
    try:
        for index, member in enumerate(artefact.bag.members):
            _write_file(draft / f"member-{index:02d}.ubj", member)
        if not isinstance(artefact, InsuranceArtefact | ClaimsArtefact) and artefact.reference is not None:
            _write_file(draft / REFERENCE_FILE, reference_bytes(artefact.reference))
        _write_file(draft / CARD_FILE, artefact.card_bytes)
        draft.replace(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
