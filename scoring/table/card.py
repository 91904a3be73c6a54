"""The card of a model that was fitted on a table."""

from __future__ import annotations

from typing import Literal

from data_contracts.vocabulary import DataOrigin
from scoring.cards import Estimate, Frozen, Libraries, ReferenceGroup
from scoring.credit.card import CalibratorCard, FamiliarityCard


class TableFeature(Frozen):
    """A column as a model takes it: a number, or a text that is one of `levels` (its code is the place in them).

    `sign` is the monotone constraint (+1: more is riskier; 0 for texts). `peer_value` is the reference group's median,
    or its commonest level.
    """

    key: str
    kind: Literal["number", "category"]
    levels: tuple[str, ...]
    sign: Literal[-1, 0, 1]
    peer_value: float | str | None


class FoldFigures(Frozen):
    """One fold: what was fitted on and tested on, and how well; `tested` is the span of times, where there are any."""

    tested: tuple[str, str] | None
    train_rows: int
    rows: int
    events: int
    auc: Estimate | None


class RungFigures(Frozen):
    """One rung of the ladder over all folds together; `note` says why a rung has no figures."""

    rung: str
    auc: Estimate | None
    brier: float | None
    log_loss: float | None
    calibration_slope: Estimate | None
    note: str | None


class SuspectedLeak(Frozen):
    """A column that a leak detector found, with the value and the limit that it passed."""

    detector: str
    column: str
    value: float
    limit: float


class TableFamiliarityCard(Frozen):
    """What is known of the training rows (see `scoring.table.familiarity.TableJudge`): where the columns `numbers` of
    them lie (None where there are none), the family of every column and the families `always_told`.

    `referred` is the share of held-back rows that are unlike the others, whose parts (which may overlap) are too far
    out, lack a family, or bear a text without a level.
    """

    numbers: tuple[str, ...]
    cloud: FamiliarityCard | None
    families: dict[str, str]
    always_told: tuple[str, ...]
    referred: float
    too_far_out: float
    missing_a_family: float
    of_an_unknown_category: float


class TableCard(Frozen):
    """Card of a model of a table. `population_rate` is the rate of the population where the table was sampled by
    outcome; `log_odds_shift` is what that adds to every row's calibrated log-odds. `later_slope` is how sure, in
    log-odds, earlier rows' trees had the right to be of later ones; format 1 did not ask. Format 2 had no
    `familiarity`: no row is referred for being unlike the training rows."""

    format: Literal[1, 2, 3] = 3
    kind: Literal["table"] = "table"
    data_origin: DataOrigin
    statement: str | None
    source_sha256: str
    outcome: str
    time: str | None
    group: str | None
    excluded: tuple[str, ...]
    rows: int
    events: int
    groups: int
    features: tuple[TableFeature, ...]
    calibrator: CalibratorCard
    later_slope: float = 1.0
    population_rate: float | None
    log_odds_shift: float
    reference: ReferenceGroup
    ladder: tuple[RungFigures, ...]
    folds: tuple[FoldFigures, ...]
    suspected_leaks: tuple[SuspectedLeak, ...]
    rounds: int
    hyperparameters: dict[str, float]
    seed: int
    libraries: Libraries
    parameters_version: str
    familiarity: TableFamiliarityCard | None = None
