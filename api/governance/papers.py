"""Documents about models."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from api.database.engine import reading
from api.governance import service as governance
from api.governance.repository import Named
from api.home import Home
from api.models.service import credit_model, promoted_credit
from data_contracts.errors import InputError
from data_contracts.identifiers import ModelVersion
from risk_reports import model_card, validation_pack
from risk_reports.document import Document
from risk_reports.validation_pack import Pack
from risk_reports.wording.catalogue import Language
from scoring import registry
from scoring.credit.artefact import CreditArtefact


def card_document(home: Home, language: Language) -> Document:
    """The card of the model of default that answers. Raises NoModel, ArtefactDamaged."""
    return card_of(home, promoted_credit(home), language)


def card_of(home: Home, artefact: CreditArtefact, language: Language) -> Document:
    """The card of a model of default with the pictures that lie beside it."""
    plots = registry.load_plots(home.models, artefact)
    return model_card.document(registry.plain_card(artefact), language, plots=plots)


def pack_document(home: Home, version: ModelVersion, language: Language, *, now: datetime) -> Document:
    """The validation pack of a model of default in one language.

    Raises UnknownModel, ArtefactDamaged, and InputError where its figures were not kept.
    """
    with reading(home.engine) as connection:
        return pack_of(connection, home, version, language, now=now)


def pack_of(
    connection: sa.Connection, home: Home, version: ModelVersion, language: Language, *, now: datetime
) -> Document:
    """The same in the caller's transaction."""
    artefact = credit_model(home, version)
    figures = registry.load_figures(home.models, "credit", version)
    if figures is None:
        raise InputError(
            f"No figures of validation are kept of model {version[:12]}: an early release trained it.",
            hint="Train again: millgrade train credit",
        )
    records = governance.told(connection, home, Named(kind="credit", version=version), now=now)
    return validation_pack.document(
        Pack(card=registry.plain_card(artefact), figures=figures, records=records), language
    )
