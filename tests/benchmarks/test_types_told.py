"""The register of machines that the benchmark draws again is the world's own, with a type told of every machine."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

import simulator
from benchmarks.credit_truth.worlds import MACHINES
from benchmarks.machine_types import CODES, OTHERS, told_register, with_types
from benchmarks.worlds.built import MONTHS, month_end
from features.as_of import CreditTrainingSet

OBLIGORS, SEED = 30, 7
MODELS = {"LM-190": CODES["loom"], "SM-471": CODES["placement_machine"], "CL-36": OTHERS}


@pytest.fixture(scope="module")
def owned(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """What a world of that seed tells of its machines: the last version of every row."""
    folder = tmp_path_factory.mktemp("world") / "files"
    simulator.simulate(
        out=folder, obligors=OBLIGORS, months=MONTHS, seed=SEED, machines_per_obligor=MACHINES, samples_for=0, threads=1
    )
    read = pd.concat(pd.read_csv(path) for path in sorted(folder.glob("machine_ownership*.csv")))
    kept = read.sort_values("recorded_time").drop_duplicates(["machine_uid", "obligor_id", "event_time"], keep="last")
    return kept.sort_values(["machine_uid", "event_time"]).reset_index(drop=True)


def test_the_register_is_that_of_the_world(owned: pd.DataFrame) -> None:
    drawn = told_register(SEED, OBLIGORS).to_pandas()
    assert drawn["machine_uid"].tolist() == owned["machine_uid"].tolist()
    assert drawn["obligor_id"].tolist() == owned["obligor_id"].tolist()
    assert drawn["owned_from"].tolist() == pd.to_datetime(owned["event_time"], utc=True).tolist()
    assert drawn["owned_until"].isna().tolist() == owned["owned_until"].isna().tolist()
    told = dict(zip(owned["model"], drawn["machine_type"], strict=True))
    assert {model: told[model] for model in MODELS.keys() & told.keys()} == {
        model: code for model, code in MODELS.items() if model in told
    }
    assert len(set(told.values())) > 2


def test_every_firm_with_a_machine_tells_its_type(owned: pd.DataFrame) -> None:
    as_of: datetime = month_end(24)
    begun = pd.to_datetime(owned["event_time"], utc=True) <= as_of
    ended = pd.to_datetime(owned["owned_until"], utc=True) <= as_of
    counts = owned[begun & ~ended].groupby("obligor_id").size()
    stamp = np.datetime64(as_of.replace(tzinfo=None), "us")
    data = CreditTrainingSet(
        obligor_ids=tuple(counts.index),
        as_of=np.full(len(counts), stamp),
        observed_until=np.full(len(counts), stamp + timedelta(days=365)),
        names=(),
        values=np.empty((len(counts), 0)),
        defaulted=np.zeros(len(counts), dtype=bool),
    )
    told = with_types(data, seed=SEED, obligors=OBLIGORS).machine_types or ()
    assert [0 if types is None else sum(types.machines.values()) for types in told] == counts.tolist()
    assert all(types is not None and types.untold == 0 for types in told)
