"""Growth settings small enough for tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_contracts.reference.dated import ParameterBook


@pytest.fixture(scope="session")
def quick(parameters: ParameterBook) -> ParameterBook:
    """The shipped parameters with three members and at most forty rounds."""
    shipped = parameters.parameters["table_model"]
    small = {day: {**values, "members": 3, "maximum_rounds": 40, "folds": 3} for day, values in shipped.values.items()}
    return replace(parameters, parameters={**parameters.parameters, "table_model": replace(shipped, values=small)})
