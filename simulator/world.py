"""A world from its seed to its folder."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date
from pathlib import Path

from data_contracts.errors import InputError
from simulator.block import Block, Laws, build_block
from simulator.chronicle import Progress, Sampling, books, chronicle
from simulator.credit.reduced_form import true_pd
from simulator.firms.obligors import BLOCK_FIRMS, industry_states
from simulator.parameter_values import load_parameters
from simulator.streams import Streams
from simulator.summary import STATEMENT, WorldId, WorldSummary, summarise
from simulator.world_calendar import build_calendar
from simulator.write import WorldFolder

VERSION = "base-1"
WORLDS = ("base",)
PARAMETERS_AS_OF = date(2026, 7, 1)
MOST_OBLIGORS = 800_000
MOST_MONTHS = 96
MOST_SEED = 2**63 - 1
MOST_SAMPLE_DAYS = 366
THREADS = 2


class UnknownWorld(InputError):
    """No world has that name."""

    code = "unknown_world"


class ImpossibleWorld(InputError):
    """A world of that size cannot be made."""

    code = "impossible_world"


def simulate(
    *,
    world: str = "base",
    obligors: int = 1500,
    months: int = 48,
    seed: int = 1,
    out: Path,
    samples_for: int = 10,
    sample_days: int = 90,
    threads: int = THREADS,
    progress: Progress | None = None,
) -> WorldSummary:
    """Simulate a world of factories and write it into the folder `out`, to be ingested through the data contracts.

    The world ends at the local midnight after the last month of `world.yaml` and is `months` long. 15-minute samples
    are written for the first `samples_for` firms that are alive at its end, over its last `sample_days` days. The truth
    lies in `out/truth`, which the manifest does not name. The same arguments give the same bytes for any `threads`;
    `progress` is told (step, done, total).

    Raises UnknownWorld, ImpossibleWorld for a size out of range, FolderNotEmpty.
    """
    _check(world, obligors=obligors, months=months, seed=seed, samples_for=samples_for, sample_days=sample_days)
    told = progress or _quiet
    laws = make_laws(months, seed)
    pd_at = true_pd(laws.parameters)
    identity = WorldId(world=world, version=VERSION, seed=seed, parameters_hash=laws.parameters.version)
    with WorldFolder(out, laws.calendar.zone) as folder, ThreadPoolExecutor(threads) as pool:
        sizes = [min(BLOCK_FIRMS, obligors - first) for first in range(0, obligors, BLOCK_FIRMS)]
        blocks = list(pool.map(lambda number: build_block(number, sizes[number], laws), range(len(sizes))))
        sampling = _sampling(blocks, laws, firms=samples_for, days=sample_days)
        course = chronicle(blocks, laws, pd_at=pd_at, sampling=sampling, folder=folder, pool=pool, progress=told)
        insured = books(course, laws, folder=folder, progress=told)
        folder.manifest(**asdict(identity), statement=STATEMENT)
    return summarise(identity, blocks, laws, pd_at=pd_at, sums=course.tally, rows=folder.rows(), insured=insured)


def _check(world: str, *, obligors: int, months: int, seed: int, samples_for: int, sample_days: int) -> None:
    if world not in WORLDS:
        raise UnknownWorld(f"No world is called {world!r}.", hint=f"There is {', '.join(WORLDS)}.")
    sizes = {
        "obligors": (obligors, 1, MOST_OBLIGORS),
        "months": (months, 1, MOST_MONTHS),
        "seed": (seed, 0, MOST_SEED),
        "samples_for": (samples_for, 0, MOST_OBLIGORS),
        "sample_days": (sample_days, 0, MOST_SAMPLE_DAYS),
    }
    for name, (value, least, most) in sizes.items():
        if not least <= value <= most:
            raise ImpossibleWorld(f"{name} is {value}.", hint=f"It must lie from {least} to {most}.")


def make_laws(months: int, seed: int) -> Laws:
    """Calendar, parameters, streams and industry states of a world of this length and seed."""
    parameters = load_parameters(PARAMETERS_AS_OF)
    streams = Streams(seed)
    return Laws(
        calendar=build_calendar(months, place=parameters.place, holidays=parameters.calendar),
        parameters=parameters,
        streams=streams,
        industry_states=industry_states(
            months, health=parameters.health, industries=len(parameters.industries), streams=streams
        ),
    )


def _sampling(blocks: Sequence[Block], laws: Laws, *, firms: int, days: int) -> Sampling:
    """The first firms, by serial number, that do not default within the world."""
    chosen: dict[int, list[int]] = {}
    left = firms
    for block in blocks:
        alive = (block.lives.default_day >= laws.calendar.day_count).nonzero()[0][:left]
        chosen[block.number] = alive.tolist()
        left -= len(alive)
    return Sampling(firms=chosen, first_day=max(laws.calendar.day_count - days, 0))


def _quiet(step: str, done: int, total: int) -> None:
    """Nobody watches."""
