"""Documents about models."""

from __future__ import annotations

from datetime import datetime

from api.database.engine import reading
from api.governance import service as governance
from api.governance.repository import Named
from api.home import Home
from api.models.service import credit_model
from data_contracts.errors import InputError
from data_contracts.identifiers import ModelVersion
from risk_reports import validation_pack
from risk_reports.document import Document
from risk_reports.validation_pack import Pack
from risk_reports.wording.catalogue import Language
from scoring import registry


def pack_document(home: Home, version: ModelVersion, language: Language, *, now: datetime) -> Document:
    """The validation pack of a model of default in one language.

    Raises UnknownModel, ArtefactDamaged, and InputError where its figures were not kept.
    """
    artefact = credit_model(home, version)
    figures = registry.load_figures(home.models, "credit", version)
    if figures is None:
        raise InputError(
            f"No figures of validation are kept of model {version[:12]}: an early release trained it.",
            hint="Train again: millgrade train credit",
        )
    with reading(home.engine) as connection:
        records = governance.told(connection, home, Named(kind="credit", version=version), now=now)
    return validation_pack.document(
        Pack(card=registry.plain_card(artefact), figures=figures, records=records), language
    )
