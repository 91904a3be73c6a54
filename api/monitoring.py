"""The dated parameters of the years after a loan, as the package ships them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from data_contracts.reference.dated import ParameterBook, load_book


@cache
def monitoring_parameters() -> ParameterBook:
    """The dated parameters of monitoring as shipped."""
    return load_book(files("scoring") / "monitoring" / "parameters")
