"""Commands about filed tariffs: filing one from a model of claims, and pricing a table of risks by it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from api.console import HomeOption, JsonOption, aligned, opened, show
from api.models import tariffs
from data_contracts.identifiers import ModelVersion, PartnerId
from risk_reports.tariff_workbook import tariff_text


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.command("tariff")(tariff)
    app.command("price-table")(price_table)


def tariff(
    *,
    model: Annotated[str, typer.Argument(help="The version that `train insurance` printed.")],
    filing_number: Annotated[str, typer.Option("--filing-number", help="The number that it is filed under.")],
    effective: Annotated[datetime, typer.Option("--effective", formats=["%Y-%m-%d"], help="In force from this day.")],
    out: Annotated[Path, typer.Option("--out", help="The folder for tariff.json and tariff.xlsx.")],
    lowest: Annotated[
        float | None, typer.Option("--lowest", help="The least product of relativities; 0.4, or the model's own.")
    ] = None,
    highest: Annotated[
        float | None, typer.Option("--highest", help="The largest product of relativities; 4, or the model's own.")
    ] = None,
    product: Annotated[str, typer.Option("--product", help="What is insured.")] = "equipment_ubi",
    partner: Annotated[
        str | None, typer.Option("--partner", help="The insurer whose filing it is; without, that of all.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """File a model of claims as a locked table of base rate, relativities and bounds.

    The table of a model that `train insurance` made of this home's claims is what `quote` charges by from its day on.
    """
    asked = tariffs.Filing(
        model=ModelVersion(model),
        product=product,
        filing_number=filing_number,
        effective=effective.date(),
        bounds=(lowest, highest),
        out=out,
        partner=None if partner is None else PartnerId(partner),
    )
    with opened(home) as here:
        filed = tariffs.file_tariff(here, asked)
    plain = {"tariff_version": filed.version, **filed.model_dump(mode="json")}
    show(plain, as_json, tariff_text(filed))


def price_table(
    *,
    path: Annotated[Path, typer.Argument(help="A CSV or Parquet table of risks, with the model's columns.")],
    tariff: Annotated[Path, typer.Option("--tariff", help="The filed tariff.json.")],
    exposure: Annotated[str | None, typer.Option("--exposure", help="The column of exposure; 1 without.")] = None,
    currency: Annotated[str, typer.Option("--currency", help="What the rates are in.")] = "CNY",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Price each row by the filed table: base, factors, bounds, loadings, and the difference to the model."""
    with opened(home) as here:
        told = tariffs.price_table(here, path, tariff_path=tariff, exposure=exposure, currency=currency)
    rows = [
        {
            "row": at + 1,
            "filed_rate": f"{row['filed_rate']:.4f}",
            "model_rate": f"{row['model_rate']:.4f}",
            "premium": f"{row['gross_premium_minor'] / 100:.2f}",
        }
        for at, row in enumerate(told["rows"])
    ]
    show(told, as_json, aligned(rows, ("row", "filed_rate", "model_rate", "premium")))
