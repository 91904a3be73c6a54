"""The card of a model of default."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

import numpy as np
from pydantic import Field

from data_contracts.vocabulary import DataOrigin
from scoring.cards import DataCut, Estimate, Frozen, Libraries, ModelFeature, ReferenceGroup, Slice
from scoring.credit.calibration import CalibrationMethod, Calibrator
from scoring.credit.familiarity import Column, KnownTypes, TrainingCloud, from_lower_triangle
from scoring.credit.term_structure import HazardShape


class Widened(StrEnum):
    """How `interval_widening` joins the spread of the bag: distances added end to end, or as independent errors."""

    ENDS = "ends"
    VARIANCES = "variances"


class CalibratorCard(Frozen):
    """The fitted calibrator; see `scoring.credit.calibration.Calibrator`."""

    method: CalibrationMethod
    intercept: float
    slope_default: float
    slope_survival: float
    knots: tuple[tuple[float, float], ...] = ()

    def calibrator(self) -> Calibrator:
        """The function that these numbers stand for."""
        return Calibrator(**self.model_dump())


class HazardCard(Frozen):
    """The fitted shape of hazards over months (see `scoring.credit.term_structure.HazardShape`), and how many months at
    risk and defaults it was fitted on."""

    intercept: float
    month_slope: float
    first_slope: float
    last_slope: float
    observed_months: int
    months_at_risk: int
    defaults: int

    def shape(self) -> HazardShape:
        """The function that these numbers stand for."""
        return HazardShape(**self.model_dump(exclude={"months_at_risk", "defaults"}))


class MachineTypesCard(Frozen):
    """Which types of machines the firms trained on ran: of each class (GB/T 14885) of which enough did, how many, where
    it was at least `share` of a firm's machines. `told` is the share of the training rows that told their types; where
    that is too small `firms` is None, and the model knows nothing of types."""

    firms: dict[str, int] | None
    share: float
    told: float

    def known(self) -> KnownTypes | None:
        """What these numbers stand for."""
        return None if self.firms is None else KnownTypes(classes=frozenset(self.firms), share=self.share)


class FamiliarityCard(Frozen):
    """Where the training rows lie (see `scoring.credit.familiarity.TrainingCloud`): a figure a feature in the order of
    the card's, `covariance` by the rows of its lower triangle. `divisions` tells of each industry, of which enough
    firms were among them, how many were; None where training was not told industries. `machine_types` tells the same of
    the types of their machines; None where no row told any. `referred` is the share of the test rows that are unlike
    them."""

    centres: tuple[float, ...]
    below: tuple[float, ...]
    above: tuple[float, ...]
    means: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    usual: tuple[tuple[float, float], ...]
    always_told: tuple[str, ...]
    limit: float
    divisions: dict[str, int] | None = None
    machine_types: MachineTypesCard | None = None
    referred: float

    def cloud(self, features: Sequence[Column]) -> TrainingCloud:
        """What these numbers stand for, of the card's features."""
        return TrainingCloud(
            keys=tuple(feature.key for feature in features),
            families=tuple(feature.family for feature in features),
            centres=np.array(self.centres),
            below=np.array(self.below),
            above=np.array(self.above),
            means=np.array(self.means),
            covariance=from_lower_triangle(self.covariance),
            usual=np.array(self.usual),
            always_told=frozenset(self.always_told),
            limit=self.limit,
            divisions=None if self.divisions is None else frozenset(self.divisions),
            machine_types=None if self.machine_types is None else self.machine_types.known(),
        )


class CreditMetrics(Frozen):
    """How the calibrated PD did on months that nothing was fitted on.

    `calibration_in_the_large` is the log-odds by which outcomes exceed the PD (0 is perfect), `calibration_slope` the
    slope of outcomes on its log-odds (1 is perfect).
    """

    auc: Estimate | None
    brier: float
    brier_of_base_rate: float
    log_loss: float
    log_loss_of_base_rate: float
    mean_pd: float
    default_rate: float
    calibration_in_the_large: Estimate | None
    calibration_slope: Estimate | None


class GradeFigures(Frozen):
    """A rating grade on the test months: its obligors and defaults, the mean of their PDs, the most prudent PD (Pluto
    and Tasche, of the grade and all worse ones), and Jeffreys' probability that the true PD lies below the mean."""

    rating_grade: str
    obligors: int
    defaults: int
    mean_pd: float | None
    most_prudent_pd: float
    optimism: float | None


class CreditCard(Frozen):
    """Card of a model of default within 12 months. Format 1 had no reference group and no grades; format 2 no shape of
    hazards, as a model has none that was trained where only the outcome of 12 months was known, and no
    `interval_widening`: the log-odds by which both ends move out for what the spread of the members does not show;
    format 3 no `standing`: the features of which unobserved time rules nothing out, and the value at which each stands
    at everyone's upper end; format 4 no `familiarity`: where the training rows lie, so that what is unlike them is not
    referred; format 5 no `divisions` in it, so that a firm of an industry that training did not know is not, and its
    `interval_widening` was added to the spread of the members (`widened`); format 6 no `machine_types` in it, so that
    a firm that runs machines of a type that training did not know is not."""

    format: Literal[1, 2, 3, 4, 5, 6, 7] = 7
    kind: Literal["credit"] = "credit"
    data_origin: DataOrigin
    statement: str | None
    features: tuple[ModelFeature, ...]
    calibrator: CalibratorCard
    reference_rate: float
    interval_percentiles: tuple[float, float]
    interval_widening: float = 0.0
    widened: Widened = Widened.ENDS
    standing: dict[str, float] = Field(default_factory=dict)
    pd_steps: tuple[str, ...]
    train: Slice
    calibrate: Slice
    test: Slice
    embargo_months: int
    metrics: CreditMetrics
    rounds: int
    hyperparameters: dict[str, float]
    seed: int
    libraries: Libraries
    catalogue_version: str
    parameters_version: str
    data_cut: DataCut | None
    reference: ReferenceGroup | None = None
    grades: tuple[GradeFigures, ...] = ()
    hazard: HazardCard | None = None
    familiarity: FamiliarityCard | None = None
