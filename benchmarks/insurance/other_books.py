"""Books in which usage or hours drive claims (norauto, pg17, usMSHA1316), and tails of industrial losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit

from benchmarks.real_data import real_data
from scoring.insurance.linear import Factor, LinearPredictor
from scoring.insurance.tail import fit_tail, mean_excesses, stable_threshold
from scoring.table.encoding import encoded, fit_features
from scoring.training.claims.diagnostics import by_decile, by_factor, paired_gain
from scoring.training.claims.frequency import fit_frequency
from scoring.training.claims.glm import NegativeBinomial, bandings_of, fit_negative_binomial
from scoring.training.claims.sample import ClaimsSample

SEED = 0
TEST_SHARE = 0.3
KM_BANDS = ("8000 km", "12000 km", "16000 km", "20000 km", "25000-30000 km", "no limit")

Vector = NDArray[np.float64]


def norauto(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Insured kilometres drive claims: relativities by band beside what was observed, and A/E by decile."""
    policies = pd.read_csv(real_data("casdatasets/norauto.csv.gz"))
    factors = pd.DataFrame(
        {
            "km_band": policies["DistLimit"].map({name: at for at, name in enumerate(KM_BANDS)}).astype(float),
            "male": policies["Male"].astype(float),
            "young": policies["Young"].astype(float),
            "region": policies["GeoRegion"],
        }
    )
    exposure, counts = (policies[name].to_numpy(dtype=np.float64) for name in ("Expo", "NbClaim"))
    told, sample, linear = _fitted(factors, exposure, counts, {"km_band": 1}, settings)
    banding = linear.factors[0].banding
    return {
        **told,
        "km_bands": [
            {
                "band": KM_BANDS[int(band.name.split()[0]) if band.name[0].isdigit() else 0],
                "observed_percent": 100 * band.claims / band.exposure,
                "ae": band.ratio.value,
                "lower": band.ratio.lower,
                "upper": band.ratio.upper,
            }
            for band in by_factor(banding, sample.rows[:, 0], linear.logs(sample.rows), sample.counts, sample.exposure)
        ],
        "km_relativities": _relativities(linear.factors[0]),
    }


def pg17(settings: Mapping[str, Any]) -> dict[str, Any]:
    """One year of policies with a pay-as-you-drive flag; claims are joined by policy, negative amounts told."""
    policies = pd.read_csv(real_data("casdatasets/pg17trainpol.csv.gz"))
    claims = pd.read_csv(real_data("casdatasets/pg17trainclaim.csv"))
    key = ["id_client", "id_vehicle"]
    joined = policies[key].merge(claims.groupby(key)["claim_nb"].sum().reset_index(), on=key, how="left")
    counts = joined["claim_nb"].fillna(0).to_numpy(dtype=np.float64)
    columns = ["pol_payd", "pol_coverage", "pol_usage", "pol_pay_freq", "pol_bonus", "pol_duration", "drv_age1",
               "vh_age", "vh_din", "vh_fuel", "vh_value", "vh_weight", "vh_speed"]  # fmt: skip
    told, sample, linear = _fitted(policies[columns], np.ones(len(policies)), counts, {"pol_bonus": 1}, settings)
    payd = linear.factors[0]
    bands = by_factor(payd.banding, sample.rows[:, 0], linear.logs(sample.rows), sample.counts, sample.exposure)
    return {
        **told,
        "claims_of_negative_or_no_amount": int((claims["claim_amount"] <= 0).sum()),
        "pay_as_you_drive": {
            band.name: {"frequency": band.claims / band.exposure, "ae": band.ratio.value} for band in bands
        },
        "pay_as_you_drive_relativities": _relativities(payd),
    }


def msha(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Injuries in mines by hours worked: exposure is a million hours, mines without hours are left out and counted."""
    mines = pd.read_csv(real_data("casdatasets/usMSHA1316.csv.gz"))
    worked = mines["EMP_HRS_TOTAL"].to_numpy(dtype=np.float64) > 0
    used = mines[worked]
    columns = ["COMMODITY", "TYPE_OF_MINE", "MINE_STATUS", "SEAM_HEIGHT", "AVG_EMP_TOTAL", "PCT_HRS_UNDERGROUND",
               "PCT_HRS_STRIP", "PCT_HRS_MILL_PREP", "PCT_HRS_OFFICE"]  # fmt: skip
    exposure = used["EMP_HRS_TOTAL"].to_numpy(dtype=np.float64) / 1e6
    counts = used["NUM_INJURIES"].to_numpy(dtype=np.float64)
    told, _, _ = _fitted(used[columns], exposure, counts, {}, settings)
    return {
        **told,
        "mine_years_without_hours": int((~worked).sum()),
        "hours_elasticity": _elasticity(counts, exposure),
    }


def tails(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Pareto tails of Danish fire losses (with business interruption) and large commercial losses in Asia."""
    return {name: _tail(losses, settings["tail_quantiles"]) for name, losses in large_losses().items()}


def large_losses() -> dict[str, Vector]:
    """Positive losses: Danish fires in millions of DKK at prices of 1985, Asian commercial risks from the ground up,
    in millions."""
    danish = pd.read_csv(real_data("casdatasets/danishmulti.csv"))["Total"].to_numpy(dtype=np.float64)
    asia = pd.read_csv(real_data("casdatasets/asiacomrisk.csv"))["FGU"].dropna().to_numpy(dtype=np.float64) / 1e6
    return {name: losses[losses > 0] for name, losses in (("danishmulti", danish), ("asiacomrisk", asia))}


def _fitted(
    factors: pd.DataFrame, exposure: Vector, counts: Vector, signs: Mapping[str, int], settings: Mapping[str, Any]
) -> tuple[dict[str, Any], ClaimsSample, LinearPredictor]:
    """Fit on seven tenths of the groups, judge on the rest: what was found, the training sample and its GLM."""
    groups = pd.util.hash_pandas_object(factors, index=False).astype(str).to_numpy()
    divide = GroupShuffleSplit(n_splits=1, test_size=TEST_SHARE, random_state=SEED)
    train, test = next(divide.split(counts, groups=groups))
    features = fit_features(factors.iloc[train], signs)
    fitted_on, tested = (
        ClaimsSample(
            rows=encoded(factors.iloc[rows], features),
            exposure=exposure[rows],
            counts=counts[rows],
            groups=groups[rows].tolist(),
            features=features,
        )
        for rows in (train, test)
    )
    model = fit_frequency(fitted_on, settings=settings, seed=SEED)
    logs = model.logs(tested.rows)
    expected, rival = (tested.exposure * np.exp(said) for said in (logs, model.linear.logs(tested.rows)))
    gain = paired_gain(tested.counts, expected, rival)
    spread = spread_of(fitted_on, settings)
    deciles = deciles_told(tested, logs, dispersion=spread.dispersion)
    told = {
        "rows": len(counts),
        "claims": int(counts.sum()),
        "exposure": float(exposure.sum()),
        "train_ae": float(fitted_on.counts.sum() / (fitted_on.exposure * np.exp(model.logs(fitted_on.rows))).sum()),
        "test_ae": float(tested.counts.sum() / expected.sum()),
        "gain_over_glm_in_hundredths": [100 * gain.value, 100 * gain.lower, 100 * gain.upper],
        "negative_binomial_dispersion": spread.dispersion,
        "negative_binomial_gain_in_log_likelihood": spread.gain,
        "ae_by_decile": deciles,
        "deciles_whose_interval_covers_1": sum(band["lower"] <= 1 <= band["upper"] for band in deciles),
        "deciles_whose_poisson_interval_covers_1": sum(
            band["lower_if_poisson"] <= 1 <= band["upper_if_poisson"] for band in deciles
        ),
        "depth": model.growth.depth,
        "rounds": model.rounds,
    }
    return told, fitted_on, model.linear


def deciles_told(tested: ClaimsSample, logs: Vector, *, dispersion: float) -> list[dict[str, float]]:
    """A/E by decile with the interval that the training part's dispersion gives, and the one if claims were Poisson."""
    return [
        {
            "ae": band.ratio.value,
            "lower": band.clustered.lower,
            "upper": band.clustered.upper,
            "lower_if_poisson": band.ratio.lower,
            "upper_if_poisson": band.ratio.upper,
        }
        for band in by_decile(logs, tested.counts, tested.exposure, dispersion=dispersion)
    ]


def spread_of(sample: ClaimsSample, settings: Mapping[str, Any]) -> NegativeBinomial:
    """The negative binomial of a sample over the GLM's bands: by how much its claims come in clusters."""
    bandings = bandings_of(
        sample.rows, sample.features, sample.exposure, bands=settings["bands"], claims=float(sample.counts.sum())
    )
    return fit_negative_binomial(sample.rows, sample.counts, sample.exposure, bandings)


def _relativities(factor: Factor) -> dict[str, float]:
    names = factor.banding.names()
    return {name: float(np.exp(value)) for name, value in zip(names, factor.coefficients, strict=True)}


def _elasticity(counts: Vector, exposure: Vector) -> float:
    """By what power of hours injuries grow: a Poisson regression on ln(hours) alone, by Newton's steps."""
    design = np.column_stack([np.ones(len(exposure)), np.log(exposure)])
    weights = np.array([np.log(counts.sum() / exposure.sum()), 1.0])
    for _ in range(50):
        means = np.exp(design @ weights)
        weights += np.linalg.solve(design.T @ (design * means[:, None]), design.T @ (counts - means))
    return float(weights[1])


def _tail(losses: Vector, quantiles: Sequence[float]) -> dict[str, Any]:
    candidates = np.quantile(losses, quantiles)
    found = fit_tail(losses, threshold=stable_threshold(losses, candidates))
    return {
        "losses": len(losses),
        "threshold": found.threshold,
        "losses_above": found.excesses,
        "shape": found.shape,
        "scale": found.scale,
        "q99_5_fitted": found.quantile(0.995),
        "q99_5_observed": float(np.quantile(losses, 0.995)),
        "mean_excess": dict(zip(map(float, candidates), map(float, mean_excesses(losses, candidates)), strict=True)),
    }
