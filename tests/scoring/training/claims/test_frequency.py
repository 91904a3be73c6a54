"""Frequency models: exposure as offset and as weight, splitting, dispersion, monotone trees, balance, the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from claims_world import SETTINGS, sample

from scoring.insurance.linear import LinearPredictor
from scoring.training.claims.diagnostics import by_decile, double_lift, gini, murphy, paired_gain
from scoring.training.claims.frequency import FittedFrequency, fit_frequency, fit_glm
from scoring.training.claims.glm import bandings_of, fit_linear, fit_negative_binomial
from scoring.training.claims.sample import ClaimsSample
from scoring.training.metrics import poisson_deviance


@pytest.fixture(scope="module")
def book() -> tuple[ClaimsSample, np.ndarray]:
    return sample(8_000, 11)


@pytest.fixture(scope="module")
def fitted(book: tuple[ClaimsSample, np.ndarray]) -> FittedFrequency:
    return fit_frequency(book[0], settings=SETTINGS, seed=1)


def logs_of(linear: LinearPredictor, made: ClaimsSample) -> np.ndarray:
    return linear.logs(made.rows)


def test_exposure_as_offset_is_exposure_as_weight(book: tuple[ClaimsSample, np.ndarray]) -> None:
    made, _ = book
    bandings = bandings_of(made.rows, made.features, made.exposure, bands=6, claims=1e6)
    as_offset = fit_linear(
        made.rows, made.counts, np.ones(len(made.counts)), bandings, family="poisson", offset=np.log(made.exposure)
    )
    as_weight = fit_linear(made.rows, made.counts / made.exposure, made.exposure, bandings, family="poisson")
    assert logs_of(as_offset, made) == pytest.approx(logs_of(as_weight, made), abs=1e-5)


def test_a_policy_split_in_two_changes_nothing(book: tuple[ClaimsSample, np.ndarray]) -> None:
    made, _ = book
    generator = np.random.default_rng(0)
    share = generator.uniform(0.2, 0.8, len(made.rows))
    first = generator.binomial(made.counts.astype(int), share).astype(float)
    split = ClaimsSample(
        rows=np.vstack([made.rows, made.rows]),
        exposure=np.r_[made.exposure * share, made.exposure * (1 - share)],
        counts=np.r_[first, made.counts - first],
        groups=[*made.groups, *made.groups],
        features=made.features,
    )
    whole, parts = (logs_of(fit_glm(side, bands=6), made) for side in (made, split))
    assert parts == pytest.approx(whole, abs=1e-5)


def test_the_glm_keeps_the_observed_sum(book: tuple[ClaimsSample, np.ndarray]) -> None:
    made, _ = book
    expected = made.exposure * np.exp(logs_of(fit_glm(made, bands=6), made))
    assert expected.sum() == pytest.approx(made.counts.sum(), rel=1e-6)


def test_the_dispersion_of_a_negative_binomial_is_found(book: tuple[ClaimsSample, np.ndarray]) -> None:
    made, _ = book
    generator = np.random.default_rng(2)
    means = made.exposure * np.exp(logs_of(fit_glm(made, bands=6), made)) * 3
    spread = generator.poisson(means * generator.gamma(1 / 0.6, 0.6, len(means))).astype(float)
    bandings = bandings_of(made.rows, made.features, made.exposure, bands=6, claims=1e6)
    found = fit_negative_binomial(made.rows, spread, made.exposure, bandings)
    assert found.dispersion == pytest.approx(0.6, rel=0.2)
    assert found.gain > 50
    calm = fit_negative_binomial(made.rows, generator.poisson(means).astype(float), made.exposure, bandings)
    assert calm.dispersion < 0.05


def test_trees_add_to_the_glm_what_it_cannot_say(
    fitted: FittedFrequency, book: tuple[ClaimsSample, np.ndarray]
) -> None:
    made, _ = book
    fresh, true = sample(8_000, 77)
    glm, trees = logs_of(fit_glm(made, bands=8), fresh), fitted.logs(fresh.rows)
    deviances = [
        poisson_deviance(fresh.counts, fresh.exposure * np.exp(logs), exposure=fresh.exposure)
        for logs in (true, trees, glm)
    ]
    assert deviances == sorted(deviances)
    expected, rival = (fresh.exposure * np.exp(logs) for logs in (trees, glm))
    assert paired_gain(fresh.counts, expected, rival).lower > 0
    slope = np.polyfit(trees, true, 1)[0]
    assert slope == pytest.approx(1.0, abs=0.1)
    assert gini(trees, fresh.counts, fresh.exposure) > gini(glm, fresh.counts, fresh.exposure) > 0.1
    lift = double_lift(np.exp(trees), np.exp(glm), fresh.counts, fresh.exposure, bands=5)
    assert np.abs(lift.observed - lift.first).sum() < np.abs(lift.observed - lift.second).sum()
    grid = np.array([0.2, 0.4, 0.8])
    assert (
        murphy(np.exp(trees), fresh.counts, fresh.exposure, grid)
        <= murphy(np.exp(glm), fresh.counts, fresh.exposure, grid)
    ).all()


def test_the_sum_is_that_of_the_claims_and_deciles_cover(
    fitted: FittedFrequency, book: tuple[ClaimsSample, np.ndarray]
) -> None:
    made, _ = book
    expected = made.exposure * np.exp(fitted.logs(made.rows))
    assert expected.sum() == pytest.approx(made.counts.sum(), rel=1e-9)
    bands = by_decile(fitted.logs(made.rows), made.counts, made.exposure)
    assert len(bands) == 10
    assert sum(band.claims for band in bands) == made.counts.sum()


def test_no_step_the_wrong_way(fitted: FittedFrequency, book: tuple[ClaimsSample, np.ndarray]) -> None:
    """The GLM's bands of hours are pooled where they would fall, and trees are constrained: neither falls, nor both."""
    rows = np.repeat(book[0].rows[:200], 60, axis=0)
    rows[:, 0] = np.tile(np.linspace(0, 6000, 60), 200)
    for logs in (fitted.logs(rows), fitted.linear.logs(rows)):
        assert (np.diff(logs.reshape(200, 60), axis=1) >= -1e-6).all()


def test_a_band_that_steps_the_wrong_way_is_pooled() -> None:
    """Hours tell nothing but noise here: without pooling some band falls, with it none does, and the sum stays."""
    made, _ = sample(3_000, 21)
    noise = replace(made, counts=np.random.default_rng(4).poisson(made.exposure * 0.5).astype(float))
    bandings = bandings_of(noise.rows, noise.features, noise.exposure, bands=8, claims=1e6)
    free = fit_linear(
        noise.rows, noise.counts, np.ones(3_000), bandings, family="poisson", offset=np.log(noise.exposure)
    )
    held = fit_glm(noise, bands=8)
    assert (np.diff(free.factors[0].coefficients[:-1]) < 0).any()
    assert (np.diff(held.factors[0].coefficients[:-1]) >= 0).all()
    assert (noise.exposure * np.exp(held.logs(noise.rows))).sum() == pytest.approx(noise.counts.sum(), rel=1e-9)


def test_the_same_seed_gives_the_same_model(book: tuple[ClaimsSample, np.ndarray], fitted: FittedFrequency) -> None:
    again = fit_frequency(replace(book[0]), settings=SETTINGS, seed=1)
    assert again.member == fitted.member
    assert again.balance == fitted.balance


def test_the_interval_of_clustered_claims_holds_what_the_poisson_one_does_not() -> None:
    """A thousand bands of a negative binomial whose truth is known: each interval covers 1 as often as it says."""
    generator = np.random.default_rng(6)
    mean, dispersion, bands = 4.0, 0.7, 1_000
    counts = generator.poisson(mean * generator.gamma(1 / dispersion, dispersion, 40 * bands)).astype(float)
    told = by_decile(
        np.linspace(0, 1e-9, len(counts)) + np.log(mean), counts, np.ones(len(counts)), bands=bands,
        dispersion=dispersion,
    )  # fmt: skip
    covered = [
        np.mean([estimate.lower <= 1 <= estimate.upper for estimate in estimates])
        for estimates in ([band.ratio for band in told], [band.clustered for band in told])
    ]
    assert covered[0] < 0.75
    assert covered[1] == pytest.approx(0.955, abs=0.015)
    plain = by_decile(np.zeros(500), counts[:500], np.ones(500))
    assert all(band.ratio == band.clustered for band in plain)
