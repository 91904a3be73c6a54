"""A world from its seed to its folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np

from data_contracts.errors import InputError
from data_contracts.identifiers import ParametersVersion
from simulator.block import Laws, as_known, build_block
from simulator.chronicle import Progress, books, chronicle, gateways
from simulator.credit.structural import Engine
from simulator.credit.true_pd import TruePd
from simulator.firms.obligors import BLOCK_FIRMS, industry_states
from simulator.frauds.plan import Code, parse_codes
from simulator.insurance.idle_cover import payout_table
from simulator.parameter_values import EXACT_OBSERVATION, WorldParameters, load_parameters
from simulator.streams import Streams
from simulator.summary import STATEMENT, WorldId, WorldSummary, summarise
from simulator.telling import Sampling
from simulator.told.makers.collect import locate
from simulator.told.makers.request import SampleRequest
from simulator.trade.network import draw_network
from simulator.world_calendar import build_calendar
from simulator.worlds import world_spec
from simulator.write import WorldFolder

VERSION = "base-3"
PARAMETERS_AS_OF = date(2026, 7, 1)
MOST_OBLIGORS = 800_000
MOST_MONTHS = 96
MOST_SEED = 2**63 - 1
MOST_SAMPLE_DAYS = 366
MOST_MACHINES = 40.0
LEAST_MONTHS_OF_IDLE_COVER = 18
THREADS = 2
UNOBSERVED = "+exact"
"""Added to the version of a world whose gateways never fail."""
STRUCTURAL = "+structural"
"""Added to the version of a world whose defaults come from the cash account."""


class UnknownEngine(InputError):
    """Defaults come from no such engine."""

    code = "unknown_engine"


class ImpossibleWorld(InputError):
    """A world of that size cannot be made."""

    code = "impossible_world"


def simulate(
    *,
    world: str = "base",
    engine: str = Engine.REDUCED_FORM,
    obligors: int = 1500,
    machines_per_obligor: float | None = None,
    months: int = 48,
    seed: int = 1,
    out: Path,
    samples_for: int = 10,
    sample_days: int = 90,
    samples: Sequence[SampleRequest] = (),
    frauds: Sequence[str] = (),
    observation: bool = True,
    idle_cover_paths: int = 0,
    threads: int = THREADS,
    progress: Progress | None = None,
) -> WorldSummary:
    """Simulate a world of factories and write it into the folder `out`, to be ingested through the data contracts.

    The world ends at the local midnight after the last month of `world.yaml` and is `months` long. 15-minute samples
    are written of its last `sample_days` days, for the first `samples_for` firms that are alive when these begin; for
    each of the requests `samples`, files as the firm's makers' gateways send them, with the mappings that read them.
    Without `observation` gateways never fail, and rolled-up samples equal the reports exactly. The truth lies in
    `out/truth`, which the manifest does not name. The same arguments give the same bytes for any `threads`; `progress`
    is told (step, done, total).

    `frauds` are codes from F1 to F12, or `all`: some firms commit them, and `truth/fraud.parquet` says which.

    `engine` is "reduced-form", in which defaults are drawn from a hazard and their probability is exact, or
    "structural", in which the cash account makes them.

    With `idle_cover_paths`, `truth/idle_cover.parquet` holds the payout distribution of the reference idle cover over
    as many paths of the world's last season.

    Raises UnknownWorld, UnknownEngine, ImpossibleWorld for a size out of range, InvalidSampleRequest, UnknownFraud,
    FolderNotEmpty.
    """
    _check(
        obligors=obligors,
        months=months,
        seed=seed,
        samples_for=samples_for,
        sample_days=sample_days,
        machines_per_obligor=1.0 if machines_per_obligor is None else machines_per_obligor,
        idle_cover_paths=idle_cover_paths,
    )
    told, codes, kind = progress or _quiet, parse_codes(frauds), engine_called(engine)
    laws = make_laws(
        months, seed, world, observation=observation, machines_per_obligor=machines_per_obligor, engine=kind
    )
    pd_at, named = true_pd(laws), identity(laws, seed=seed, frauds=codes, observation=observation)
    with (
        WorldFolder(out, laws.calendar.zone, about={**asdict(named), "statement": STATEMENT}) as folder,
        ThreadPoolExecutor(threads) as pool,
    ):
        sizes = [min(BLOCK_FIRMS, obligors - first) for first in range(0, obligors, BLOCK_FIRMS)]
        blocks = list(pool.map(lambda number: build_block(number, sizes[number], laws), range(len(sizes))))
        first_day, readings = max(laws.calendar.day_count - sample_days, 0), locate(samples, blocks, laws)
        sampling = Sampling(wanted=samples_for, first_day=first_day, readings=readings, frauds=codes)
        course = chronicle(blocks, laws, pd_at=pd_at, sampling=sampling, folder=folder, pool=pool, progress=told)
        insured = books(course, laws, frauds=codes, folder=folder, progress=told)
        gateways(course, laws, folder=folder, progress=told)
        if idle_cover_paths:
            folder.append_truth("idle_cover", payout_table(laws, paths=idle_cover_paths))
        size = {"obligors": obligors, "months": months, "machines_per_obligor": laws.parameters.machines.mean_count}
        folder.manifest(**asdict(named), **size, statement=STATEMENT)
    blocks = [as_known(run.block, run.state.default_day, laws) for run in course.runs]
    return summarise(named, blocks, laws, pd_at=pd_at, sums=course.tally, rows=folder.rows(), insured=insured)


def engine_called(name: str) -> Engine:
    """The engine of that name. Raises UnknownEngine."""
    if name not in set(Engine):
        raise UnknownEngine(f"No engine is called {name!r}.", hint=f"There is {', '.join(Engine)}.")
    return Engine(name)


def _changed(parameters: WorldParameters) -> ParametersVersion:
    """The version of parameters that are not as their files say: of the files, and of what was put in their place."""
    put = (parameters.version, parameters.machines.mean_count, parameters.gateway.outages_per_day)
    return ParametersVersion(hashlib.sha256(repr(put).encode()).hexdigest())


def identity(laws: Laws, *, seed: int, frauds: Sequence[Code] = (), observation: bool = True) -> WorldId:
    """What a world with these laws is the same by; its version says what was changed against the plain world."""
    changes = ["" if observation else UNOBSERVED, STRUCTURAL if laws.engine is Engine.STRUCTURAL else ""]
    version = "".join([VERSION, *changes, *(f"+{code}" for code in frauds)])
    name = laws.world.full_name
    return WorldId(world=name, version=version, seed=seed, parameters_hash=laws.parameters.version)


def _check(
    *,
    obligors: int,
    months: int,
    seed: int,
    samples_for: int,
    sample_days: int,
    machines_per_obligor: float,
    idle_cover_paths: int,
) -> None:
    sizes: dict[str, tuple[float, float, float]] = {
        "obligors": (obligors, 1, MOST_OBLIGORS),
        "months": (months, 1, MOST_MONTHS),
        "seed": (seed, 0, MOST_SEED),
        "samples_for": (samples_for, 0, MOST_OBLIGORS),
        "sample_days": (sample_days, 0, MOST_SAMPLE_DAYS),
        "machines_per_obligor": (machines_per_obligor, 1.0, MOST_MACHINES),
    }
    for name, (value, least, most) in sizes.items():
        if not least <= value <= most:
            raise ImpossibleWorld(f"{name} is {value}.", hint=f"It must lie from {least} to {most}.")
    if idle_cover_paths and months < LEAST_MONTHS_OF_IDLE_COVER:
        raise ImpossibleWorld(
            f"months is {months}; the idle cover's season needs a year before it.",
            hint=f"Ask for at least {LEAST_MONTHS_OF_IDLE_COVER} months, or for no idle_cover_paths.",
        )


def make_laws(
    months: int,
    seed: int,
    world: str = "base",
    *,
    observation: bool = True,
    machines_per_obligor: float | None = None,
    engine: Engine = Engine.REDUCED_FORM,
) -> Laws:
    """Calendar, parameters, streams and industry states of a world of this length, seed and name.

    Without `observation` gateways never fail: every machine-day is reported whole and on time. `machines_per_obligor`
    replaces the mean number of machines of a firm. Raises UnknownWorld.
    """
    parameters = load_parameters(PARAMETERS_AS_OF)
    if not observation:
        gateway = replace(parameters.gateway, outages_per_day=0.0)
        parameters = replace(parameters, gateway=gateway, observation=EXACT_OBSERVATION)
    if machines_per_obligor is not None:
        parameters = replace(parameters, machines=replace(parameters.machines, mean_count=machines_per_obligor))
    if machines_per_obligor is not None or not observation:
        parameters = replace(parameters, version=_changed(parameters))
    calendar = build_calendar(months, place=parameters.place, holidays=parameters.calendar)
    spec = world_spec(world, calendar=calendar, parameters=parameters)
    if engine is Engine.STRUCTURAL and spec.needs_known_defaults:
        raise ImpossibleWorld(
            f"The world {spec.full_name!r} says of its defaults what the structural engine does not know beforehand.",
            hint=f"Ask for it with the engine {Engine.REDUCED_FORM.value}.",
        )
    streams = Streams(seed)
    draw = partial(industry_states, months, health=parameters.health, industries=len(parameters.industries))
    credit = draw(streams=streams)
    working = draw(streams=streams, shadow=True) if spec.telemetry_is_independent else credit
    states = working + spec.industry_offset(np.arange(-1, months))
    failure = spec.core_failure
    return Laws(
        calendar=calendar,
        parameters=parameters,
        streams=streams,
        industry_states=states,
        credit_states=credit,
        network=draw_network(
            months,
            states=states,
            parameters=parameters,
            streams=streams,
            core_failure=None if failure is None else (failure.buyer, failure.month),
        ),
        world=spec,
        engine=engine,
    )


def true_pd(laws: Laws) -> TruePd:
    """The exact probabilities of default of a world with these laws."""
    return TruePd(defaults=laws.parameters.defaults, health=laws.parameters.health, world=laws.world)


def _quiet(step: str, done: int, total: int) -> None:
    """Nobody watches."""
