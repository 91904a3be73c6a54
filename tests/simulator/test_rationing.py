"""Power rationing: when it strikes, whom, and that nobody is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from written_world import WrittenWorld

from simulator.block import build_block, opening, step
from simulator.factory.rationing import Episodes, draw_episodes, power_supply
from simulator.world import make_laws


def test_whole_days_or_shorter_hours_by_energy_intensity() -> None:
    laws = make_laws(2, 1)
    firms = build_block(0, 256, laws).firms
    rationing = replace(laws.parameters.rationing, reached_share=1.0)
    july = laws.calendar.months[0]
    episode = Episodes(first_day=np.array([7]), until_day=np.array([21]), depth=np.array([0.57]))
    supply = power_supply(0, july, firms, episode, rationing=rationing, streams=laws.streams)
    assert (supply[:, :7] == 1.0).all()
    assert (supply[:, 21:] == 1.0).all()
    inside = supply[:, 7:21]
    stops = (inside == 0.0).any(axis=1)
    assert 0.4 < stops.mean() < 0.8
    intensity = np.array([rationing.intensity[division] for division in firms.divisions])
    # two weeks with so many whole days lost in each; of 0.57 * 7 = 3.99 days those of a division of intensity 1 lose 4
    assert ((inside == 0.0).sum(axis=1) == 2 * np.round(0.57 * intensity * 7))[stops].all()
    assert ((inside == 0.0).sum(axis=1) == 8)[stops & (intensity == 1.0)].all()
    hours = ~stops & (np.round(0.57 * intensity * 7) > 0) & (inside[:, 0] < 1.0)
    assert np.allclose(inside[hours], (1.0 - 0.57 * intensity)[hours, None])


def test_machines_stand_while_their_firm_has_no_power() -> None:
    laws = make_laws(1, 2)
    always = replace(
        laws.parameters.rationing, begins_by_month=(1.0,) * 12, reached_share=1.0, days_low=31, days_high=31
    )
    dark = replace(laws, parameters=replace(laws.parameters, rationing=always))
    block = build_block(0, 100, laws)
    month = laws.calendar.months[0]
    state = opening(block, laws).state
    _, light = step(block, month, state, laws)
    _, short = step(block, month, state, dark)
    episodes = draw_episodes(dark.calendar, rationing=always, streams=dark.streams)
    assert len(episodes) == 1
    supply = power_supply(0, month, block.firms, episodes, rationing=always, streams=dark.streams)
    off = (supply == 0.0)[block.machines.firm]
    assert off.mean() > 0.03
    assert (short.machines.planned[off] == 0).all()
    assert (short.machines.planned <= light.machines.planned).all()
    assert short.machines.planned.sum() < 0.97 * light.machines.planned.sum()


def test_episodes_begin_where_the_parameters_allow() -> None:
    never = 0
    for seed in range(20):
        laws = make_laws(48, seed)
        episodes = draw_episodes(laws.calendar, rationing=laws.parameters.rationing, streams=laws.streams)
        never += len(episodes) == 0
        months = laws.calendar.date_of(episodes.first_day).astype("datetime64[M]").astype(int) % 12
        chances = np.array(laws.parameters.rationing.begins_by_month)
        assert (chances[months] > 0).all()
        assert (episodes.until_day > episodes.first_day).all()
    assert 0 < never < 20


def test_only_the_truth_knows_of_rationing(small_world: WrittenWorld) -> None:
    table = small_world.truth("rationing")
    assert table.column_names == ["episode", "division", "first_day", "until_day", "lost_share"]
    assert "rationing" not in (small_world.folder / "manifest.json").read_text(encoding="utf-8")
