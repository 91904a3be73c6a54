"""The files that gateways send: for each maker at a firm one file of readings, and the mapping that reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.vocabulary import DataOrigin
from simulator.block import Block, Laws
from simulator.told.makers.catalogue import MAKERS
from simulator.told.makers.collect import Reading
from simulator.told.makers.maker import Maker
from simulator.told.makers.quarter_hours import QuarterHours
from simulator.told.makers.readings import Readings, by_own_clock, poll, with_day_close
from simulator.world_calendar import MICROSECONDS

FETCHED_SECONDS = 2 * 3600
"""Meters are read at two in the morning."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFile:
    """One maker's file for one request: its machines, to be written by `text`."""

    reading: Reading
    maker: Maker
    machines: Sequence[QuarterHours]

    def text(self, laws: Laws) -> Iterator[tuple[bytes, int]]:
        """The file machine by machine as (bytes, rows), the header first.

        It holds what the gateway stamped with the days asked for, less what arrives after the world's end.
        """
        is_first = True
        for hours in self.machines:
            columns = self._columns(hours, laws)
            if is_first:
                yield self._bytes([self.maker.delimiter.join(columns)]), 0
                is_first = False
            lines = pc.binary_join_element_wise(
                *columns.values(), self.maker.delimiter, null_handling="replace", null_replacement=""
            )
            if len(lines):
                yield self._bytes(lines.to_pylist()), len(lines)

    def _columns(self, hours: QuarterHours, laws: Laws) -> Mapping[str, pa.Array]:
        readings = read(self.maker, hours, block=self.reading.block, laws=laws)
        arrived = arrivals(self.maker, readings, laws)
        begin, end = laws.calendar.midnight(np.array([self.reading.first_day, self.reading.last_day]))
        sent = (readings.stamp >= begin) & (readings.stamp < end) & (arrived <= laws.calendar.end)
        name = hours.uid.removeprefix(f"{self.reading.obligor}/")
        return self.maker.columns(readings.take(sent), name, laws.calendar.zone, arrived[sent])

    def _bytes(self, lines: Sequence[str]) -> bytes:
        return ("\n".join(lines) + "\n").encode(self.maker.encoding)


def maker_of(block: Block, laws: Laws) -> Ints:
    """(machines,): the position in `MAKERS` of each machine's gateway, which goes with it when it is sold."""
    machines = block.machines
    makers = laws.streams.of("gateway.maker", block.number).integers(0, len(MAKERS), len(machines))
    return np.where(machines.predecessor >= 0, makers[machines.predecessor], makers)


def gateway_files(reading: Reading, machines: Sequence[QuarterHours], *, makers: Ints) -> Iterator[GatewayFile]:
    """The files of one firm's gateways; `makers` says whose gateway each machine of the block has."""
    for position, maker in enumerate(MAKERS):
        mine = [hours for hours in machines if makers[hours.machine] == position]
        if mine:
            yield GatewayFile(reading=reading, maker=maker, machines=mine)


def read(maker: Maker, hours: QuarterHours, *, block: int, laws: Laws) -> Readings:
    """What a maker's gateway reads of a machine, under its own clock."""
    readings = poll(
        hours,
        maker.polls,
        block=block,
        streams=laws.streams,
        resets=maker.volatile_counter,
        ripples=not maker.averages_power,
    )
    if maker.closes_day:
        readings = with_day_close(readings, hours)
    if not maker.drifts:
        return readings
    return by_own_clock(
        readings,
        machine=hours.machine,
        block=block,
        origin=int(laws.calendar.midnight(0)),
        resolution=maker.stamp_resolution,
        observation=laws.parameters.observation,
        streams=laws.streams,
    )


def arrivals(maker: Maker, readings: Readings, laws: Laws) -> Ints:
    """The instants at which readings arrive: at once but for latency, the next night, or when the uplink is up."""
    sent = readings.at + maker.latency_seconds * MICROSECONDS
    if maker.arrives_next_morning:
        sent = laws.calendar.next_midnight(readings.at) + FETCHED_SECONDS * MICROSECONDS
    return np.maximum(sent, readings.known)


def mapping_text(maker: Maker, *, site_zone: str) -> str:
    """The mapping that reads a maker's files."""
    lines = [
        f"name: {maker.name}_gateway",
        f"kind: {RecordKind.SAMPLE}",
        *maker.mapping,
        "format: csv",
        f"source_zone: {site_zone if maker.stamps_are_local else 'UTC'}",
        f"site_zone: {site_zone}",
        "site_zone_assumed: false",
        f"hold_seconds: {maker.hold_seconds}",
        "silence: unknown",
        f"data_origin: {DataOrigin.SYNTHETIC}",
    ]
    return "\n".join(lines) + "\n"
