"""Five invented makers of gateways, each with its own words, units, pace and quirks."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulator.told.makers.maker import (
    Columns,
    Maker,
    epoch_milliseconds,
    received,
    same,
    stamps,
    thousandths,
    whole,
    words,
)
from simulator.told.makers.readings import Readings
from simulator.world_calendar import MICROSECONDS

Ints = NDArray[np.int64]

HEARTBEAT_SECONDS = 600
COUNT_MODULUS = 10_000
METER_MODULUS_KWH = 10_000
PULSE_MODULUS = 100_000

HELI_WORDS = {
    "off": "POWEROFF",
    "setup": "SET",
    "executing": "RUN",
    "fault": "ALM",
    "idle": "WAIT",
    "maintenance": "PM",
}
NORDWERK_CODES = {"off": "0", "idle": "10", "executing": "20", "setup": "21", "maintenance": "30", "fault": "90"}
ORBITA_EXECUTION = {
    "off": "UNAVAILABLE",
    "idle": "READY",
    "executing": "ACTIVE",
    "setup": "ACTIVE",
    "maintenance": "READY",
    "fault": "INTERRUPTED",
}
ORBITA_MODES = {
    "off": "OFF",
    "idle": "NONE",
    "executing": "PRODUCTION",
    "setup": "SETUP",
    "maintenance": "MAINTENANCE",
    "fault": "NONE",
}
DIANCHI_INPUTS = {
    "off": "0000",
    "idle": "1000",
    "executing": "1100",
    "setup": "1010",
    "maintenance": "1001",
    "fault": "1111",
}
ZHIXIN_WORDS = {
    "off": "关机",
    "idle": "待机",
    "executing": "加工",
    "setup": "调机",
    "maintenance": "保养",
    "fault": "报警",
}

STATE_PAIRS = {
    "off": "NotAvailable/None",
    "setup": "Executing/Setup",
    "executing": "Executing/Processing",
    "fault": "OutOfService/None",
    "idle": "NotExecuting/None",
    "maintenance": "NotExecuting/Maintenance",
}


def _vocabulary(by_state: dict[str, str]) -> str:
    return ", ".join(f'"{word}": {STATE_PAIRS[state]}' for state, word in by_state.items())


def _heli(readings: Readings, name: str, zone: str, arrived: Ints) -> Columns:
    return {
        "ts": epoch_milliseconds(readings.stamp),
        "dev": same(name, readings),
        "st": words(readings, HELI_WORDS),
        "kw": thousandths(readings.power_w),
        "pcs": whole(readings.count),
        "rx": received(arrived),
    }


def _nordwerk(readings: Readings, name: str, zone: str, arrived: Ints) -> Columns:
    return {
        "Zeit": stamps(readings.stamp, "%d.%m.%Y %H:%M:%S", zone="UTC"),
        "Maschine": same(name, readings),
        "Code": words(readings, NORDWERK_CODES),
        "Leistung_W": whole(readings.power_w),
        "Teile": whole(readings.fresh),
        "Empfangen": received(arrived),
    }


def _orbita(readings: Readings, name: str, zone: str, arrived: Ints) -> Columns:
    """Only what changed since the row before, and everything at each heartbeat and after each silence."""
    beats = readings.stamp // (HEARTBEAT_SECONDS * MICROSECONDS)
    whole_row = ~readings.follows | (np.diff(beats, prepend=-1) != 0)
    count = readings.count % COUNT_MODULUS
    says_state = whole_row | (np.diff(readings.state, prepend=-1) != 0)
    says_power = whole_row | (np.diff(readings.power_w, prepend=-1) != 0)
    says_count = whole_row | (np.diff(count, prepend=-1) != 0)
    kept = says_state | says_power | says_count
    told = readings.take(kept)
    columns = {
        "timestamp": (stamps(told.stamp, "%Y-%m-%dT%H:%M:%SZ", zone="UTC", unit="ms"), None),
        "asset": (same(name, told), None),
        "execution": (words(told, ORBITA_EXECUTION), says_state[kept]),
        "functional_mode": (words(told, ORBITA_MODES), says_state[kept]),
        "wattage": (whole(told.power_w), says_power[kept]),
        "part_count": (whole(count[kept]), says_count[kept]),
        "received": (received(arrived[kept]), None),
    }
    empty = pa.scalar(None, type=pa.string())
    return {
        column: text if says is None else pa.compute.if_else(pa.array(says), text, empty)
        for column, (text, says) in columns.items()
    }


def _dianchi(readings: Readings, name: str, zone: str, arrived: Ints) -> Columns:
    return {
        "表号": same(name, readings),
        "数据时间": stamps(readings.stamp, "%Y-%m-%d %H:%M:%S", zone=zone),
        "正向有功总电能(kWh)": thousandths(readings.energy_wh % (METER_MODULUS_KWH * 1000)),
        "脉冲计数": whole(readings.count % PULSE_MODULUS),
        "开关量": words(readings, DIANCHI_INPUTS),
        "召测时间": stamps(arrived, "%Y-%m-%d %H:%M:%S", zone=zone),
    }


def _zhixin(readings: Readings, name: str, zone: str, arrived: Ints) -> Columns:
    return {
        "设备编号": same(name, readings),
        "采集时间": stamps(readings.stamp, "%Y/%m/%d %H:%M:%S", zone=zone),
        "设备状态": words(readings, ZHIXIN_WORDS),
        "功率(kW)": thousandths(readings.power_w),
        "累计产量": whole(readings.count),
        "上传时间": stamps(arrived, "%Y-%m-%d %H:%M:%S", zone=zone),
    }


MAKERS: tuple[Maker, ...] = (
    Maker(
        name="heli",
        polls=90,
        hold_seconds=30,
        stamp_resolution=MICROSECONDS // 1000,
        latency_seconds=2,
        volatile_counter=True,
        columns=_heli,
        mapping=(
            "description: 合力 HL-Link (invented), polls the controller every 10 seconds; the counter is volatile.",
            "recorded_time: {column: rx}",
            "columns:",
            "  machine_uid: {column: dev}",
            "  event_time: {column: ts, format: epoch_ms}",
            f"  state: {{column: st, values: {{{_vocabulary(HELI_WORDS)}}}}}",
            "  power_kw: {column: kw, unit: kW}",
            "  part_count: {column: pcs}",
        ),
    ),
    Maker(
        name="nordwerk",
        polls=15,
        hold_seconds=120,
        stamp_resolution=MICROSECONDS,
        latency_seconds=30,
        delimiter=";",
        columns=_nordwerk,
        mapping=(
            "description: Nordwerk NW-Edge (invented), a row a minute with codes, watts and the parts of that minute.",
            'csv: {delimiter: ";"}',
            "recorded_time: {column: Empfangen}",
            "columns:",
            "  machine_uid: {column: Maschine}",
            '  event_time: {column: Zeit, format: "%d.%m.%Y %H:%M:%S"}',
            f"  state: {{column: Code, values: {{{_vocabulary(NORDWERK_CODES)}}}}}",
            "  power_kw: {column: Leistung_W, unit: W}",
            "  part_delta: {column: Teile}",
        ),
    ),
    Maker(
        name="orbita",
        averages_power=True,
        polls=90,
        hold_seconds=900,
        stamp_resolution=MICROSECONDS // 1000,
        latency_seconds=1,
        columns=_orbita,
        mapping=(
            "description: Orbita agent (invented), a row when something changes and a heartbeat every 10 minutes.",
            f"part_count_modulus: {COUNT_MODULUS}",
            "recorded_time: {column: received}",
            "columns:",
            "  machine_uid: {column: asset}",
            "  event_time: {column: timestamp}",
            "  item_state:",
            "    column: execution",
            "    values:",
            "      {UNAVAILABLE: NotAvailable, READY: NotExecuting, ACTIVE: Executing, INTERRUPTED: OutOfService}",
            "  operation_mode:",
            "    column: functional_mode",
            '    values: {"OFF": None, "NONE": None, PRODUCTION: Processing, SETUP: Setup, MAINTENANCE: Maintenance}',
            "  power_kw: {column: wattage, unit: W}",
            "  part_count: {column: part_count}",
        ),
    ),
    Maker(
        name="dianchi",
        stamps_are_local=True,
        polls=1,
        hold_seconds=900,
        stamp_resolution=MICROSECONDS,
        latency_seconds=0,
        drifts=False,
        closes_day=True,
        arrives_next_morning=True,
        columns=_dianchi,
        mapping=(
            "description: 电驰 DC-96 (invented), a meter that freezes its registers every 15 minutes, read at night.",
            f"energy_register_modulus: {METER_MODULUS_KWH}",
            f"part_count_modulus: {PULSE_MODULUS}",
            "recorded_time: {column: 召测时间}",
            "columns:",
            "  machine_uid: {column: 表号}",
            "  event_time: {column: 数据时间}",
            f"  state: {{column: 开关量, values: {{{_vocabulary(DIANCHI_INPUTS)}}}}}",
            "  energy_register_kwh: {column: 正向有功总电能(kWh), unit: kWh}",
            "  part_count: {column: 脉冲计数}",
        ),
    ),
    Maker(
        name="zhixin",
        stamps_are_local=True,
        polls=3,
        hold_seconds=600,
        stamp_resolution=MICROSECONDS,
        latency_seconds=10,
        encoding="gb18030",
        volatile_counter=True,
        columns=_zhixin,
        mapping=(
            "description: 智芯采集盒 (invented), a row every 5 minutes in Chinese words; the counter is volatile.",
            "csv: {encoding: gb18030}",
            "recorded_time: {column: 上传时间}",
            "columns:",
            "  machine_uid: {column: 设备编号}",
            '  event_time: {column: 采集时间, format: "%Y/%m/%d %H:%M:%S"}',
            f"  state: {{column: 设备状态, values: {{{_vocabulary(ZHIXIN_WORDS)}}}}}",
            "  power_kw: {column: 功率(kW), unit: kW}",
            "  part_count: {column: 累计产量}",
        ),
    ),
)
