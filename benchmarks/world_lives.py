"""The exhibit `docs/exhibits/world.md`: three firms' lives, from orders to power to default, truth beside observation.

`python -m benchmarks.world_lives` prints the page; `--write` stores it with its pictures.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import pyarrow.parquet as pq
import vl_convert
from scipy.special import logit

import simulator

PAGE = Path(__file__).parent.parent / "docs" / "exhibits" / "world.md"
WORLD: Mapping[str, Any] = {"world": "base", "obligors": 768, "months": 48, "seed": 101, "frauds": ("F4",)}
LEAST_MACHINES = 3
FADING_MONTHS = 24
ZONE = "Asia/Shanghai"
DAY_SECONDS = 86_400
LABELS = {
    "parts_ordered": "parts ordered",
    "parts_made": "parts made (truth)",
    "parts_told": "parts told",
    "energy_kwh": "kWh told",
    "operating_rate": "operating rate told",
    "fault_starts": "failures told",
    "cash": "cash at the end, CNY (truth)",
    "arrears": "instalments unpaid, CNY (truth)",
    "pd_12m_true": "12-month PD (truth)",
}


@dataclass(frozen=True, kw_only=True)
class Life:
    """One firm: why it was chosen, its months, and what became of it."""

    title: str
    rule: str
    obligor_id: str
    name: str
    division: str
    machines: int
    months: pd.DataFrame
    events: tuple[str, ...]


def main() -> None:
    """Print the page, or write it with its pictures."""
    with tempfile.TemporaryDirectory() as folder:
        summary = simulator.simulate(out=Path(folder) / "world", samples_for=0, **WORLD)
        lives = choose(World(Path(folder) / "world"))
    text = page(summary, lives)
    if "--write" not in sys.argv:
        print(text)
        return
    PAGE.write_text(text, encoding="utf-8")
    for life in lives:
        path = PAGE.parent / "world" / f"{life.title}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(picture(life), encoding="utf-8")


class World:
    """A written world as frames: what was told, and the truth beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.profiles = self._ledger("obligor_profile").set_index("obligor_id")
        self.owned = _current(self._ledger("machine_ownership"), ["machine_uid", "event_time"])
        self.defaults = self._truth("default").set_index("obligor_id")["event_time"]
        self.frauds = self._truth("fraud").set_index("obligor_id")
        self.states = self._truth("obligor_month")
        self.account = self._truth("account")

    def firms(self) -> pd.Index:
        """Firms with enough machines, whose gateways reported from the world's first quarter on."""
        first = sorted((self.folder / "machine_day_report").iterdir())[0]
        told = pq.read_table(first, columns=["machine_uid", "day"]).to_pandas()
        early = told[pd.to_datetime(told["day"]) < pd.to_datetime(told["day"].min()) + pd.DateOffset(months=3)]
        counts = self.owned.groupby("obligor_id")["machine_uid"].nunique()
        is_early = counts.index.isin(early["machine_uid"].str[:18])
        return counts.index[(counts >= LEAST_MACHINES) & is_early]

    def months(self, obligor_id: str) -> pd.DataFrame:
        """A firm's life by calendar month, told and true."""
        told = self._reports(obligor_id)
        told["month"] = pd.to_datetime(told["day"]).dt.to_period("M")
        told["observed_seconds"] = DAY_SECONDS - told["unknown_seconds"]
        by_month = told.groupby("month")[
            ["executing_seconds", "observed_seconds", "energy_kwh", "parts", "fault_starts"]
        ].sum()
        orders = self._ledger("purchase_order", obligor_id)
        truth = self._of(self.states, obligor_id)[["parts_made", "pd_12m_true"]]
        cash = self._of(self.account, obligor_id)[["cash_minor", "instalments_due_minor"]] / 100
        cash["instalments_due_minor"] = 0.0 - cash["instalments_due_minor"]  # an account of what is owed
        found = by_month.join(truth, how="outer").join(cash, how="outer")
        found["parts_ordered"] = orders.groupby(_month_of(orders["event_time"]))["parts"].sum()
        found["operating_rate"] = found["executing_seconds"] / found["observed_seconds"]
        found = found[found[["observed_seconds", "pd_12m_true"]].notna().any(axis=1)]
        return found.rename(columns={"parts": "parts_told", "cash_minor": "cash", "instalments_due_minor": "arrears"})

    def _reports(self, obligor_id: str) -> pd.DataFrame:
        """Daily reports of the firm's machines while it owned them."""
        own = self.owned[self.owned["obligor_id"] == obligor_id]
        columns = ["machine_uid", "day", "executing_seconds", "unknown_seconds", "energy_kwh", "parts", "fault_starts"]
        files = sorted((self.folder / "machine_day_report").iterdir())
        wanted = [("machine_uid", "in", sorted(set(own["machine_uid"])))]
        told = pd.concat([pq.read_table(file, columns=columns, filters=wanted).to_pandas() for file in files])
        spans = own[["machine_uid"]].assign(
            first=own["event_time"].dt.tz_convert(ZONE),
            until=pd.to_datetime(own["owned_until"], utc=True).dt.tz_convert(ZONE),
        )
        rows = told.merge(spans, on="machine_uid")
        begins = pd.to_datetime(rows["day"]).dt.tz_localize(ZONE)
        return rows[(begins >= rows["first"]) & (rows["until"].isna() | (begins < rows["until"]))]

    def _of(self, table: pd.DataFrame, obligor_id: str) -> pd.DataFrame:
        """Rows of a firm, which speak of the end of a month, under that month."""
        rows = table[table["obligor_id"] == obligor_id]
        return rows.set_index(_month_of(rows["as_of"] - pd.Timedelta(seconds=1)))

    def _ledger(self, kind: str, obligor_id: str | None = None) -> pd.DataFrame:
        files = sorted(self.folder.glob(f"{kind}*.csv"))
        rows = pd.concat([pd.read_csv(file, parse_dates=["event_time"]) for file in files], ignore_index=True)
        return rows if obligor_id is None else rows[rows["obligor_id"] == obligor_id]

    def _truth(self, name: str) -> pd.DataFrame:
        return pq.read_table(self.folder / "truth" / f"{name}.parquet").to_pandas()


def choose(world: World) -> list[Life]:
    """One sound, one fading and one fraudulent firm, each by a rule and not by hand."""
    firms = world.firms()
    honest = firms[~firms.isin(world.frauds.index)]
    worst = world.states.groupby("obligor_id")["pd_12m_true"].agg(["max", "min", "last", "count"])
    alive = honest[~honest.isin(world.defaults.index)]
    sound = worst.loc[worst.index.intersection(alive), "max"].idxmin()
    gone = worst.loc[worst.index.intersection(honest[honest.isin(world.defaults.index)])]
    gone = gone[gone["count"] >= FADING_MONTHS]
    fading = (logit(gone["last"]) - logit(gone["min"])).idxmax()
    forgers = firms[firms.isin(world.frauds.index) & ~firms.isin(world.defaults.index)]
    forger = max(forgers, key=lambda firm: _overstated(world.months(firm)))
    return [
        _life(world, "sound", sound, f"never in default, honest, and its highest true PD is the lowest of all {len(alive)}"),
        _life(world, "fading", fading, f"of {len(gone)} honest firms that defaulted after {FADING_MONTHS} months or later, the one whose true PD rose most from its lowest to its last, in log-odds"),
        _life(world, "fraudulent", forger, f"of {len(forgers)} firms that spoof their part counter (F4) and did not default, the one whose told parts exceed the made ones most"),
    ]  # fmt: skip


def _overstated(months: pd.DataFrame) -> float:
    return float(months["parts_told"].sum() / months["parts_made"].sum())


def _life(world: World, title: str, obligor_id: str, rule: str) -> Life:
    profile = world.profiles.loc[obligor_id]
    return Life(
        title=title,
        rule=rule,
        obligor_id=obligor_id,
        name=str(profile["name"]),
        division=str(profile["industry_division"]),
        machines=int((world.owned["obligor_id"] == obligor_id).sum()),
        months=world.months(obligor_id),
        events=tuple(_events(world, obligor_id)),
    )


def _events(world: World, obligor_id: str) -> list[str]:
    found = []
    if obligor_id in world.defaults.index:
        at = world.defaults[obligor_id].tz_convert(ZONE)
        found.append(f"Ninety days past due are reached on {at:%Y-%m-%d}.")
    if obligor_id in world.frauds.index:
        for row in world.frauds.loc[[obligor_id]].itertuples():
            found.append(
                f"Fraud {row.fraud} from {row.from_day} to {row.to_day}, strength {row.strength}; honest before."
            )
    return found or ["Nothing happens to it, which is the point."]


def page(summary: Any, lives: Sequence[Life]) -> str:
    """The page as Markdown."""
    parts = [
        "# Three firms' lives",
        "",
        f"> {summary.statement}",
        "",
        f"Printed by `python -m benchmarks.world_lives`: world `{summary.world}` {summary.version}, seed {summary.seed}, {summary.obligors} firms, {summary.months} months,",
        "counters spoofed by some (`--frauds F4`). Each firm is chosen by the rule beside it, among firms with at least "
        f"{LEAST_MACHINES} machines",
        "that were connected from the first quarter on.",
        "What a bank could see is *told*: orders, reports of gateways (outages included, so that told parts may fall short of made ones). What it could not see is *truth*: parts made, the cash",
        "account, the probability of default. No feature or model reads the truth; it lies in a folder of its own.",
    ]  # fmt: skip
    for life in lives:
        parts += _section(life)
    return "\n".join(parts) + "\n"


def _section(life: Life) -> list[str]:
    return [
        "",
        f"## The {life.title} one",
        "",
        f"{life.name}, {life.obligor_id}, division {life.division}, {life.machines} machines; chosen because {life.rule}.",
        "",
        *(f"* {event}" for event in life.events),
        "",
        f"![The {life.title} firm by month: orders and parts, energy, operating rate, cash, probability of default](world/{life.title}.svg)",
        "",
        *_table(life.months),
    ]  # fmt: skip


def _table(months: pd.DataFrame) -> list[str]:
    """By quarter: sums of what flows, the last of what stands."""
    quarter = months.groupby(months.index.asfreq("Q"))
    flows = quarter[["parts_ordered", "parts_made", "parts_told", "energy_kwh", "fault_starts"]].sum(min_count=1)
    rate = quarter["executing_seconds"].sum() / quarter["observed_seconds"].sum()
    stands = quarter[["cash", "arrears", "pd_12m_true"]].last()
    table = flows.join(rate.rename("operating_rate")).join(stands)
    shown = pd.DataFrame({name: table[name].map(_formats(name)) for name in LABELS})
    head = "| quarter | " + " | ".join(LABELS.values()) + " |"
    rule = "|---|" + "---:|" * len(LABELS)
    rows = [f"| {index} | " + " | ".join(row) + " |" for index, row in zip(shown.index, shown.to_numpy(), strict=True)]
    return [head, rule, *rows]


def _formats(name: str) -> Any:
    form = {"operating_rate": "{:.1%}", "pd_12m_true": "{:.2%}"}.get(name, "{:,.0f}")
    return lambda value: "" if pd.isna(value) else form.format(value)


def picture(life: Life) -> str:
    """Four panels over the months, as SVG."""
    frame = life.months.reset_index(names="month")
    frame["month"] = frame["month"].astype(str)
    panels = [
        _panel(frame, ["parts_ordered", "parts_made", "parts_told"], "parts"),
        _panel(frame, ["energy_kwh"], "kWh"),
        _panel(frame, ["operating_rate"], "share of time"),
        _panel(frame, ["cash"], "CNY"),
        _panel(frame, ["pd_12m_true"], "probability"),
    ]
    return str(vl_convert.vegalite_to_svg(alt.vconcat(*panels).resolve_scale(color="independent").to_json()))


def _panel(frame: pd.DataFrame, names: Sequence[str], unit: str) -> Any:
    long = frame.melt("month", names, var_name="measure").dropna()
    long["measure"] = long["measure"].map(LABELS)
    return (
        alt.Chart(alt.Data(values=long.to_dict("records")))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=-60, labelOverlap=True)),
            y=alt.Y("value:Q", title=unit),
            color=alt.Color("measure:N", title=None, scale=alt.Scale(range=["#455a64", "#1b7f5c", "#c62828"])),
        )
        .properties(width=640, height=110)
    )


def _current(rows: pd.DataFrame, identity: Sequence[str]) -> pd.DataFrame:
    """Of several versions of one thing the one recorded last."""
    return rows.sort_values("recorded_time", kind="stable").drop_duplicates(list(identity), keep="last")


def _month_of(instants: pd.Series) -> pd.PeriodIndex:
    return pd.PeriodIndex(instants.dt.tz_convert(ZONE).dt.tz_localize(None), freq="M")


if __name__ == "__main__":
    main()
