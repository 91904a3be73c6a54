"""Filing a tariff that was distilled from a model of claims, and pricing a table of risks by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from api.database.engine import reading
from api.home import Home
from api.models.filings import keep_filing
from api.models.service import scoring_parameters
from api.partners import repository as partners
from data_contracts.identifiers import ModelVersion, PartnerId
from risk_reports.tariff_workbook import tariff_workbook
from scoring import registry
from scoring.errors import InvalidRequest, TableInvalid, TariffChanged
from scoring.insurance.artefact import InsuranceArtefact
from scoring.insurance.bulk import bills_of_book
from scoring.insurance.claims_model import ClaimsArtefact
from scoring.insurance.filed import FiledEquipment, equipment_filing
from scoring.insurance.premium import loadings
from scoring.insurance.tariff import FiledTariff, Reconciliation, distilled, reconciled
from scoring.table.encoding import encoded
from scoring.training.table.reading import read_frame

MINOR_UNITS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What `millgrade tariff` was told."""

    model: ModelVersion
    product: str
    filing_number: str
    effective: date
    bounds: tuple[float | None, float | None]
    out: Path
    partner: PartnerId | None = None


LEAST_PRODUCT, LARGEST_PRODUCT = 0.4, 4.0
"""Bounds of a table of an insurer's own claims where none are asked for."""


def file_tariff(home: Home, asked: Filing) -> FiledTariff:
    """Write `tariff.json` and `tariff.xlsx` into a folder; returns the tariff. That of a model which this home quotes
    equipment cover by is kept in the home too, which charges by it.

    A folder holds one tariff for ever: raises TariffChanged where it has another one. Raises UnknownModel, TariffClash.
    """
    is_served = asked.model in registry.versions(home.models, "insurance")
    tariff = _of_served(home, asked) if is_served else _of_own_claims(home, asked)
    path = asked.out / "tariff.json"
    if path.exists() and (kept := read_tariff(path)).version != tariff.version:
        raise TariffChanged(
            f"{path} holds filing {kept.filing_number}, another table than this one.",
            hint="A filed tariff is locked: give the new one a folder and a number of its own.",
        )
    if isinstance(tariff, FiledEquipment):
        keep_filing(home, tariff)
    asked.out.mkdir(parents=True, exist_ok=True)
    path.write_text(tariff.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (asked.out / "tariff.xlsx").write_bytes(tariff_workbook(tariff))
    return tariff


def _of_own_claims(home: Home, asked: Filing) -> FiledTariff:
    """The table of a model of an insurer's own policies and claims. Raises UnknownModel, InvalidRequest."""
    if asked.partner is not None:
        raise InvalidRequest(
            "A table of an insurer's own claims is filed for no partner of this home.",
            hint="Leave --partner out: price-table is told which tariff.json to price by.",
        )
    model = _claims_model(home, asked.model)
    lowest, highest = asked.bounds
    return distilled(
        model.card.table,
        product=asked.product,
        filing_number=asked.filing_number,
        effective=asked.effective,
        bounds=(LEAST_PRODUCT if lowest is None else lowest, LARGEST_PRODUCT if highest is None else highest),
        model_version=model.version,
    )


def _of_served(home: Home, asked: Filing) -> FiledEquipment:
    """The table of a model that quotes equipment cover, in the bounds that it was balanced within. Raises NotFound
    (partner), NoTariffFiled, InvalidRequest for other bounds and another product."""
    artefact = registry.load_artefact(home.models, "insurance", asked.model)
    assert isinstance(artefact, InsuranceArtefact)
    if asked.partner is not None:
        with reading(home.engine) as connection:
            partners.require(connection, asked.partner)
    values = scoring_parameters().at(asked.effective)
    filed = equipment_filing(
        artefact, values, filing_number=asked.filing_number, effective=asked.effective, partner=asked.partner
    )
    if asked.product != filed.product:
        raise InvalidRequest(f"Model {artefact.version[:12]} is of {filed.product}, not of {asked.product}.")
    for bound, own in zip(asked.bounds, (filed.lowest, filed.highest), strict=True):
        if bound is not None and bound != own:
            raise InvalidRequest(
                f"A bound of {bound} is asked for; the table of model {artefact.version[:12]} balances within {own}.",
                hint="Bounds are parameter insurance_filings at training: leave them out here.",
            )
    return filed


def price_table(home: Home, path: Path, *, tariff_path: Path, exposure: str | None, currency: str) -> dict[str, Any]:
    """Each row's premium by the filed table, line by line, beside what the model says.

    Rates are in major units a unit of exposure (`exposure` names its column; 1 without). Raises TableInvalid.
    """
    tariff, frame = read_tariff(tariff_path), read_frame(path)
    if tariff.model_version is None or isinstance(tariff, FiledEquipment):
        raise TableInvalid(
            f"{tariff_path} rates machines that this home watches, not rows of a table.",
            hint="Ask for a quote: millgrade quote --product equipment_ubi",
        )
    model = _claims_model(home, ModelVersion(tariff.model_version))
    rows = encoded(frame, model.card.features)
    exposures = np.ones(len(frame)) if exposure is None else _exposures(frame, exposure)
    by_model = model.pure_premiums(frame)
    filed = tariff.rates(rows)
    charged = loadings(currency, scoring_parameters().at(tariff.effective))
    bills = bills_of_book(filed * exposures * MINOR_UNITS, loadings=charged)
    return {
        "tariff_version": tariff.version,
        "filing_number": tariff.filing_number,
        "currency": currency,
        "rows": [
            {
                **_told(reconciled(tariff, rows[at], model_rate=float(by_model[at]))),
                "exposure": float(exposures[at]),
                "pure_premium_minor": int(bills.pure_premium_minor[at]),
                "loadings": {name: int(lines[at]) for name, lines in bills.loadings.items()},
                "gross_premium_minor": int(bills.gross_premium_minor[at]),
            }
            for at in range(len(frame))
        ],
        "statement": model.card.statement,
    }


def read_tariff(path: Path) -> FiledTariff:
    """A tariff as it was filed. Raises TableInvalid."""
    try:
        content = path.read_bytes()
        kind = FiledEquipment if b'"cost_share"' in content else FiledTariff
        return kind.model_validate_json(content)
    except (OSError, ValidationError) as error:
        raise TableInvalid(f"{path} is no filed tariff.", hint="Write one with: millgrade tariff MODEL") from error


def _claims_model(home: Home, version: ModelVersion) -> ClaimsArtefact:
    found = registry.load_artefact(home.models, "claims", version)
    assert isinstance(found, ClaimsArtefact)
    return found


def _exposures(frame: Any, column: str) -> Any:
    if column not in frame.columns:
        raise TableInvalid(f"The table has no column {column!r}.", hint=f"Its columns are: {', '.join(frame.columns)}.")
    found = frame[column].to_numpy(dtype=np.float64)
    wrong = np.flatnonzero(~(found > 0))
    if len(wrong):
        raise TableInvalid(
            f"{column} is {found[wrong[0]]} in row {wrong[0] + 1}: without exposure there is no premium."
        )
    return found


def _told(found: Reconciliation) -> dict[str, Any]:
    return {
        "base_rate": found.base_rate,
        "factors": [{"name": name, "band": band, "relativity": relativity} for name, band, relativity in found.factors],
        "product": found.product,
        "bounded": found.bounded,
        "filed_rate": found.filed_rate,
        "model_rate": found.model_rate,
        "difference_ratio": found.difference,
    }
