"""A filed tariff as a workbook: the cover sheet, and a sheet with every factor, band and relativity.

Cells are written as values, never as formulas: a name that begins with `=` stays a name.
"""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import xlsxwriter

from scoring.insurance.tariff import FiledTariff

CREATED = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""A fixed stamp, so that the same tariff is the same file."""


def tariff_workbook(tariff: FiledTariff) -> bytes:
    """The XLSX of a filed tariff; the same tariff gives the same bytes."""
    memory = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(memory, options) as book:
        book.set_properties({"created": CREATED, "title": f"Tariff {tariff.filing_number}"})
        bold, rate = book.add_format({"bold": True}), book.add_format({"num_format": "0.0000"})
        cover = book.add_worksheet("tariff 费率")
        for row, (name, value) in enumerate(_cover(tariff)):
            cover.write_string(row, 0, name, bold)
            cover.write(row, 1, value)
        cover.set_column(0, 1, 40)
        sheet = book.add_worksheet("relativities 相对系数")
        for column, name in enumerate(("factor 因子", "band 分档", "relativity 系数", "base 基准")):
            sheet.write_string(0, column, name, bold)
        sheet.set_column(0, 1, 30)
        for row, (key, name, relativity, is_base) in enumerate(_lines(tariff), 1):
            sheet.write_string(row, 0, key)
            sheet.write_string(row, 1, name)
            sheet.write_number(row, 2, relativity, rate)
            sheet.write_string(row, 3, "base" if is_base else "")
        sheet.freeze_panes(1, 0)
    return memory.getvalue()


def tariff_text(tariff: FiledTariff) -> str:
    """The tariff's cover in a terminal, and the span of each factor's relativities."""
    lines = [f"{name:<32} {value}" for name, value in _cover(tariff)]
    lines += [
        f"{filed.factor.banding.key:<32} {min(filed.relativities):.4f} to {max(filed.relativities):.4f}"
        for filed in tariff.factors
    ]
    return "\n".join(lines)


def _lines(tariff: FiledTariff) -> list[tuple[str, str, float, bool]]:
    """Factor, band, relativity, and whether it is the base, of every line of the table."""
    return [
        (filed.factor.banding.key, name, relativity, place == filed.factor.banding.base)
        for filed in tariff.factors
        for place, (name, relativity) in enumerate(zip(filed.factor.banding.names(), filed.relativities, strict=True))
    ]


def _cover(tariff: FiledTariff) -> list[tuple[str, str | float]]:
    return [
        ("filing number 备案编号", tariff.filing_number),
        ("product 产品", tariff.product),
        ("in force from 生效日", tariff.effective.isoformat()),
        ("base rate 基准费率", tariff.base_rate),
        ("least product of relativities 系数下限", tariff.lowest),
        ("largest product of relativities 系数上限", tariff.highest),
        ("distilled from model 来源模型", tariff.model_version or "-"),
        ("version (SHA-256) 版本", tariff.version),
    ]
