"""Training claim frequency and severity: monotone Poisson trees started at the portfolio's rate, then rebalanced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.as_of import InsuranceTrainingSet
from features.catalogue import catalogue_version
from scoring.boosters import Ensemble, ensemble, to_bytes, training_matrix
from scoring.cards import DataCut, ModelFeature, Slice, installed_libraries, statement_of
from scoring.errors import NotEnoughEvents
from scoring.experience import actual_to_expected
from scoring.insurance.artefact import InsuranceArtefact, insurance_artefact
from scoring.insurance.card import InsuranceCard, InsuranceMetrics
from scoring.training.equipment_table import Modelled, equipment_table
from scoring.training.features import input_columns, insurance_sign, model_features
from scoring.training.metrics import poisson_deviance
from scoring.training.rounds import best_rounds, folds_in_time, growth_parameters
from scoring.training.split import instants_of, latest_held_back, rows_at

EMBARGO_MONTHS = 12
ADVERSE_PERCENTILE = 90.0

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Machines of one slice: values (n, k), exposure in machine-years (n), claims (n), obligors and times (n)."""

    values: Matrix
    exposure: Matrix
    counts: Matrix
    amounts_minor: Matrix
    sums_insured_minor: Matrix
    obligor_ids: tuple[str, ...]
    as_of: NDArray[np.datetime64]

    def card(self, as_ofs: Sequence[datetime]) -> Slice:
        """The slice as a model's card tells it."""
        return Slice(
            as_ofs=tuple(as_ofs),
            rows=len(self.values),
            obligors=len(set(self.obligor_ids)),
            events=int(self.counts.sum()),
        )

    def modelled(self, expected: Matrix) -> Modelled:
        """The rows beside the claims (n) that the model expects of them."""
        return Modelled(
            values=self.values,
            as_of=self.as_of,
            exposure=self.exposure,
            counts=self.counts,
            amounts_minor=self.amounts_minor,
            sums_insured_minor=self.sums_insured_minor,
            frequencies=expected / self.exposure,
        )

    def matrix(self, chosen: NDArray[np.bool_], rate: float) -> Any:
        """The chosen rows for xgboost, started at ln(exposure x rate): a bare offset is biased by early stopping."""
        starts = np.log(self.exposure[chosen] * rate)
        return training_matrix(self.values[chosen], self.counts[chosen], base_margins=starts)


def train_insurance(
    data: InsuranceTrainingSet,
    *,
    parameters: ParameterBook,
    seed: int,
    data_origin: DataOrigin = DataOrigin.SYNTHETIC,
    data_cut: DataCut | None = None,
) -> InsuranceArtefact:
    """Fit on all but the last year of observation times, test on the last one; the same data and seed give the same
    artefact on the same library versions.

    The frequency's expected claims equal the observed ones on the training slice; the damage ratio is the mean share of
    the sum insured that a claim costs there. `data_origin` as in `train_credit`. Raises EmbargoViolated where there is
    less than a year between first and last observation, NotEnoughEvents where there are too few claims.
    """
    train_as_ofs, test_as_ofs = latest_held_back(instants_of(data.as_of), EMBARGO_MONTHS)
    values = parameters.at(test_as_ofs[-1])
    settings = values["insurance_model"]
    trained = rows_at(data.as_of, data.machine_uids, train_as_ofs)
    columns = input_columns(data.names, data.values[trained], insurance_sign)
    train, test = _rows(data, columns, train_as_ofs), _rows(data, columns, test_as_ofs)
    _check_events(train, minimum=settings["minimum_claims"])
    features = model_features(
        [data.names[column] for column in columns],
        train.values,
        sign=insurance_sign,
        adverse_percentile=ADVERSE_PERCENTILE,
    )
    rate = float(train.counts.sum() / train.exposure.sum())
    rounds = _rounds(train, features, settings, seed=seed)
    everything = train.matrix(train.exposure > 0, rate)
    member = to_bytes(xgb.train(_growth(features, settings, seed), everything, num_boost_round=rounds))
    bag = ensemble([member])
    balance = float(train.counts.sum() / _expected(bag, train, rate, balance=1.0).sum())
    card = InsuranceCard(
        data_origin=data_origin,
        statement=statement_of(data_origin),
        features=features,
        portfolio_rate=rate,
        balance_factor=balance,
        damage_ratio=damage_ratio(train.amounts_minor, train.counts, train.sums_insured_minor),
        train=train.card(train_as_ofs),
        test=test.card(test_as_ofs),
        exposure_machine_years=float(train.exposure.sum()),
        embargo_months=EMBARGO_MONTHS,
        metrics=_metrics(bag, train, test, rate=rate, balance=balance),
        rounds=rounds,
        hyperparameters=dict(settings),
        seed=seed,
        libraries=installed_libraries(),
        catalogue_version=catalogue_version(),
        parameters_version=parameters.version,
        data_cut=data_cut,
        table=equipment_table(
            train.modelled(_expected(bag, train, rate, balance=balance)), bag, features, values_in_force=values
        ),
    )
    return insurance_artefact([member], card)


def damage_ratio(amounts_minor: Matrix, counts: Matrix, sums_insured_minor: Matrix) -> float:
    """Mean share of the sum insured that a claim costs: all claims' amounts over the sums insured they fell on."""
    return float(amounts_minor.sum() / (counts * sums_insured_minor).sum())


def _rows(data: InsuranceTrainingSet, columns: Sequence[int], as_ofs: Sequence[datetime]) -> _Rows:
    chosen = rows_at(data.as_of, data.machine_uids, as_ofs)
    chosen = chosen[data.exposure_years[chosen] > 0]
    return _Rows(
        values=np.ascontiguousarray(data.values[np.ix_(chosen, np.array(columns))]),
        exposure=data.exposure_years[chosen],
        counts=data.claim_counts[chosen].astype(np.float64),
        amounts_minor=data.claim_amounts_minor[chosen].astype(np.float64),
        sums_insured_minor=data.sums_insured_minor[chosen].astype(np.float64),
        obligor_ids=tuple(data.obligor_ids[row] for row in chosen),
        as_of=data.as_of[chosen],
    )


def _check_events(train: _Rows, *, minimum: int) -> None:
    claims = int(train.counts.sum())
    if claims < minimum:
        raise NotEnoughEvents(
            f"The training slice has {claims} claims in {train.exposure.sum():.1f} machine-years; it needs {minimum}.",
            hint="Bring more machines under cover or a longer history.",
        )


def _rounds(train: _Rows, features: Sequence[ModelFeature], settings: Mapping[str, Any], *, seed: int) -> int:
    folds = folds_in_time(train.as_of, train.obligor_ids, folds=settings["folds"], seed=seed)
    matrices = []
    for grown, judged in folds:
        if train.counts[grown].any() and judged.any():
            rate = float(train.counts[grown].sum() / train.exposure[grown].sum())
            matrices.append((train.matrix(grown, rate), train.matrix(judged, rate)))
    return best_rounds(_growth(features, settings, seed), matrices, settings)


def _growth(features: Sequence[ModelFeature], settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    return growth_parameters(features, settings, objective="count:poisson", base_score=1.0, seed=seed)


def _expected(bag: Ensemble, rows: _Rows, rate: float, *, balance: float) -> Matrix:
    """Expected claims of each row: exposure x frequency."""
    margins = bag.margins(rows.values, base_margin=float(np.log(rate)))[0]
    return np.asarray(rows.exposure * np.exp(margins) * balance)


def _metrics(bag: Ensemble, train: _Rows, test: _Rows, *, rate: float, balance: float) -> InsuranceMetrics:
    on_train, on_test = (_expected(bag, rows, rate, balance=balance) for rows in (train, test))
    return InsuranceMetrics(
        actual_to_expected_train=float(train.counts.sum() / on_train.sum()),
        actual_to_expected_test=actual_to_expected(int(test.counts.sum()), float(on_test.sum())),
        deviance=poisson_deviance(test.counts, on_test, exposure=test.exposure),
        deviance_of_portfolio_rate=poisson_deviance(test.counts, test.exposure * rate, exposure=test.exposure),
    )
