"""New types of machines in industries that a model knows: who is referred for them, and what the model says of them.

The simulated world tells no types of machines. Here its register of ownership is drawn again, with a code of GB/T 14885
for each machine by its maker's model, and read as the service reads a register. A model is trained without the firms
that ever ran a type, and asked about the firms of the test month that do, in industries that it was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.credit_truth.rungs import Judge
from benchmarks.credit_truth.worlds import MACHINES, KnownWorld
from benchmarks.worlds.built import MONTHS, TEST, split
from benchmarks.worlds.compared import fitted
from data_contracts.reference.machine_types import class_of
from features.as_of import CreditTrainingSet
from features.machine_types import machine_types_at
from scoring.credit.artefact import CreditArtefact
from scoring.credit.familiarity import MACHINE_TYPE
from scoring.unfamiliar import Familiarity
from simulator.block import build_block
from simulator.firms.obligors import BLOCK_FIRMS
from simulator.told.ledgers import ownership_table
from simulator.world import make_laws

CODES = {
    "loom": "A02280000",
    "woodworking_centre": "A02230000",
    "placement_machine": "A02330000",
    "injection_moulder": "A02150000",
}
"""Groups of GB/T 14885-2022: textile, wood, electronics, chemical and plastics; all others are machinery."""
OTHERS = "A02050000"
NEW = ("loom", "placement_machine", "injection_moulder")
"""Types that industries run beside others, so that an industry is known without them."""

REGISTER = pa.schema(
    [
        ("machine_uid", pa.string()),
        ("obligor_id", pa.string()),
        ("owned_from", pa.timestamp("us", tz="UTC")),
        ("owned_until", pa.timestamp("us", tz="UTC")),
        ("machine_type", pa.string()),
    ]
)

Matrix = NDArray[np.float64]


def with_types(data: CreditTrainingSet, *, seed: int, obligors: int) -> CreditTrainingSet:
    """The rows of a frozen base world of that seed and size with the types of the machines that each firm owned."""
    register = told_register(seed, obligors)
    stamps = data.as_of.astype("datetime64[us]").tolist()
    at = {stamp: machine_types_at(register, stamp.replace(tzinfo=UTC)) for stamp in sorted(set(stamps))}
    types = [at[stamp].get(obligor) for stamp, obligor in zip(stamps, data.obligor_ids, strict=True)]
    return replace(data, machine_types=types)


def told_register(seed: int, obligors: int) -> pa.Table:
    """Who owns which machine of which type, in the layout of `ObservationReader.machines`, as known in the end."""
    laws = make_laws(MONTHS, seed, "base", machines_per_obligor=MACHINES)
    sizes = [min(BLOCK_FIRMS, obligors - first) for first in range(0, obligors, BLOCK_FIRMS)]
    rows = pa.concat_tables([ownership_table(build_block(at, size, laws), laws) for at, size in enumerate(sizes)])
    kinds = laws.parameters.machines.types.items()
    codes = {kind.model: CODES.get(name, OTHERS) for name, kind in kinds}
    told = pa.array([codes[model] for model in rows["model"].to_pylist()], pa.string())
    frame = rows.append_column(MACHINE_TYPE, told).to_pandas().rename(columns={"event_time": "owned_from"})
    frame = frame.sort_values(["machine_uid", "owned_from", "recorded_time"])
    latest = frame.drop_duplicates(["machine_uid", "obligor_id", "owned_from"], keep="last")
    return pa.Table.from_pandas(latest[REGISTER.names], schema=REGISTER, preserve_index=False)


def new_types(data: KnownWorld, truth: Matrix, whole: CreditArtefact) -> dict[str, Any]:
    """What models that never met a type say of firms that run it, in the test month; `data` with types."""
    return {name: _new_type(data, truth, whole, CODES[name]) for name in NEW}


def _new_type(data: KnownWorld, truth: Matrix, whole: CreditArtefact, code: str) -> dict[str, Any]:
    rows = data.data
    assert rows.machine_types is not None, "rows with types"
    assert rows.industry_divisions is not None, "a world whose rows tell industries: build it anew"
    share = np.array([0.0 if told is None else told.shares().get(class_of(code), 0.0) for told in rows.machine_types])
    met = {obligor for obligor, part in zip(rows.obligor_ids, share.tolist(), strict=True) if part}
    has_met = np.array([obligor in met for obligor in rows.obligor_ids])
    model = fitted(rows.at(np.flatnonzero(~has_met)), split())
    assert model.cloud is not None, "a model trained today knows where its rows lay"
    assert model.cloud.divisions is not None, "rows that tell industries"
    assert model.cloud.machine_types is not None, "rows that tell types"
    tested = data.at(TEST)
    known = np.array([rows.industry_divisions[row] in model.cloud.divisions for row in tested])
    asked = tested[known & (share[tested] >= model.cloud.machine_types.share)]
    others = tested[known & ~has_met[tested]]
    told, silent = _judged(model, rows, asked), _judged(_knowing_no_types(model), rows, asked)
    return {
        "firms": len(asked),
        "industries": sorted({str(rows.industry_divisions[row]) for row in asked.tolist()}),
        "of_a_new_type": _of_a_new_type(told),
        "referred_if_types_were_not_asked": float(np.mean([not one.is_familiar for one in silent])),
        "others": len(others),
        "others_of_a_new_type": _of_a_new_type(_judged(model, rows, others)),
        "mean_pd": _mean_pd(model, rows, asked),
        "mean_pd_where_trained_with_them": _mean_pd(whole, rows, asked),
        "mean_true_pd": float(truth[asked].mean()),
    }


def _knowing_no_types(model: CreditArtefact) -> CreditArtefact:
    """The model as if its training had been told no types."""
    assert model.cloud is not None
    return replace(model, cloud=replace(model.cloud, machine_types=None))


def _judged(model: CreditArtefact, rows: CreditTrainingSet, chosen: NDArray[np.int64]) -> list[Familiarity]:
    assert model.cloud is not None
    divisions, types = rows.industry_divisions or (), rows.machine_types or ()
    return [
        model.cloud.judge(values, division=divisions[row], machine_types=types[row])
        for values, row in zip(_inputs(model, rows, chosen), chosen.tolist(), strict=True)
    ]


def _of_a_new_type(judged: Sequence[Familiarity]) -> float:
    return float(np.mean([any(new.name == MACHINE_TYPE for new in one.unknown_categories) for one in judged]))


def _mean_pd(model: CreditArtefact, rows: CreditTrainingSet, chosen: NDArray[np.int64]) -> float:
    return float(Judge(model=model).pd(_inputs(model, rows, chosen)).mean())


def _inputs(model: CreditArtefact, rows: CreditTrainingSet, chosen: NDArray[np.int64]) -> Matrix:
    return rows.values[chosen][:, [rows.names.index(feature.key) for feature in model.card.features]]
