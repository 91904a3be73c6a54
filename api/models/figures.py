"""What a validator asks of a model: computed while its training data are at hand, and kept beside it."""

from __future__ import annotations

from datetime import datetime

from api.home import Home
from data_contracts.observations.reader import ObservationReader
from data_contracts.reference.dated import ParameterBook
from features.as_of import CreditTrainingSet
from scoring import registry
from scoring.credit.artefact import CreditArtefact
from scoring.training.validation.figures import validation_figures
from scoring.training.validation.groups import Segments

PROVINCE = slice(2, 4)
"""Of a credit code: the first two digits of its area code (GB/T 2260)."""


def keep_figures(
    home: Home, artefact: CreditArtefact, data: CreditTrainingSet, parameters: ParameterBook, *, segments: Segments
) -> None:
    """Compute what a validator asks of a model, and keep it beside the model."""
    registry.save_figures(home.models, artefact, validation_figures(artefact, data, parameters, segments=segments))


def segments_of(source: ObservationReader, data: CreditTrainingSet, *, as_of: datetime) -> Segments:
    """The parts of the obligors of a training set: region by their credit code, industry as their profile says."""
    profiles = source.obligor_profiles(as_of=as_of)
    columns = (profiles.column(name).to_pylist() for name in ("obligor_id", "industry_division"))
    industries = {name: division for name, division in zip(*columns, strict=True) if division is not None}
    return {"region": {name: name[PROVINCE] for name in set(data.obligor_ids)}, "industry": industries}
