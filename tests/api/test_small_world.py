"""A small synthetic world all the way: files, intake, training, scores, decisions, quotes, replay. Synthetic; effect
sizes are inputs, not findings."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from api import cli
from api.home import Home
from api.models import service as models
from api.models.training_sets import Asked, Every, Purpose, write_training_set
from data_contracts.errors import InputError
from data_contracts.identifiers import ObligorId
from features.catalogue import CATALOGUE
from scoring.explanation.compiled import interventional_of
from scoring.records import ScoreRecord, ScoreSource
from scoring.training.plots import DEPENDENCE_OF
from tests.golden_world import AS_OF, GOLDEN, NOW

LOAN = ("--amount", "500000.00", "--tenor-months", "12", "--as-of", "2026-07-01", "--json")
COVER = ("--sum-insured", "800000.00", "--from", "2026-07-01", "--to", "2027-06-30", "--as-of", "2026-07-01", "--json")


@pytest.fixture
def world(small_world: tuple[Home, list[ScoreRecord]]) -> tuple[Home, list[ScoreRecord]]:
    return small_world


@pytest.fixture
def ask(
    world: tuple[Home, list[ScoreRecord]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Run a command on the world's home; its standard output."""

    def call(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["millgrade", *arguments, "--home", str(world[0].root)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
            raise SystemExit(0)
        captured = capsys.readouterr()
        assert not ended.value.code, captured.err
        return captured.out

    return call


def modelled(world: tuple[Home, list[ScoreRecord]]) -> ObligorId:
    """The obligor in the middle of those that the model scored."""
    records = [record for record in world[1] if record.source is ScoreSource.MODEL]
    return sorted(records, key=lambda record: record.pd_12m)[len(records) // 2].obligor_id


DECISION_KEYS = (
    "outcome pd_12m pd_12m_lower pd_12m_upper rating_grade score_points limit_minor indicative_limit_minor currency annual_rate_ratio tenor_months findings "
    "reasons contributions base_log_odds margin source model_version parameters_version snapshot_id decision_id"
).split()
QUOTE_KEYS = (
    "gross_premium_minor pure_premium_minor currency claim_frequency_per_machine_year claim_severity_minor factors loadings reasons quote_id"
).split()


def test_a_decision_has_every_key_and_adds_up(world: Any, ask: Any) -> None:
    answer = json.loads(ask("decide", "--obligor", modelled(world), *LOAN))
    assert set(DECISION_KEYS) <= answer.keys()
    explained = answer["base_log_odds"] + sum(item["contribution"] for item in answer["contributions"])
    assert explained == pytest.approx(answer["margin"], abs=1e-4)
    assert answer["pd_12m_lower"] <= answer["pd_12m"] <= answer["pd_12m_upper"]
    assert answer["annual_rate_ratio"] == pytest.approx(
        sum(line["annual_rate_ratio"] for line in answer["price_lines"]), abs=1e-9
    )
    assert answer["statement"] == "synthetic; effect sizes are inputs, not findings"
    assert answer["livemode"] is False
    assert {"zh", "en"} == answer["narrative"].keys()


def test_everybody_is_scored_by_command(world: Any, ask: Any) -> None:
    answer = json.loads(ask("score", "--as-of", "2026-07-01", "--json"))
    known = {record.obligor_id: record for record in world[1]}
    assert answer["scored"] == len(known)
    for told in answer["scores"]:
        record = known[told["obligor_id"]]
        assert (told["pd_12m"], told["snapshot_id"]) == (record.pd_12m, record.snapshot_id)


def test_a_quote_has_every_key_and_its_bill_adds_up(world: Any, ask: Any) -> None:
    answer = json.loads(ask("quote", "--obligor", modelled(world), *COVER))
    assert set(QUOTE_KEYS) <= answer.keys()
    assert answer["gross_premium_minor"] == answer["pure_premium_minor"] + sum(
        line["amount_minor"] for line in answer["loadings"]
    )
    product = answer["base_frequency"]
    for factor in answer["factors"]:
        product *= factor["relativity"]
    assert product == pytest.approx(answer["claim_frequency_per_machine_year"], rel=1e-9)


def test_one_exposure_is_priced_together_and_bears_each_loss_once(world: Any, ask: Any) -> None:
    cover = COVER[2:]
    asked = ("--amount", "500000.00", "--tenor-months", "12", "--sum-insured", "800000.00", "--fixed-cost", "300000.00")
    told = json.loads(ask("coherence", "--obligor", modelled(world), *asked, *cover))
    decision = json.loads(ask("decide", "--obligor", modelled(world), *LOAN))
    assert told["pd_12m"] == decision["pd_12m"]
    assert told["loan"]["annual_rate_ratio"] == decision["annual_rate_ratio"]
    assert sum(told["borne_minor"].values()) == sum(loss["expected_minor"] for loss in told["losses"]) > 0
    for item in told["covers"]:
        assert told["borne_minor"][item["bearer"]] == item["expected_minor"]
    less, same, more = told["work"]
    assert less["pd_12m"] >= same["pd_12m"] >= more["pd_12m"]
    assert less["claim_frequency_per_machine_year"] <= more["claim_frequency_per_machine_year"]
    assert "default_guaranteed" in ask("coherence", "--obligor", modelled(world), *asked, *cover[:-1])


def test_every_score_adds_up(world: Any) -> None:
    for record in world[1]:
        if record.source is ScoreSource.MODEL:
            explained = record.base_log_odds + sum(item.contribution for item in record.contributions)
            assert explained == pytest.approx(record.margin, abs=1e-4)


def test_asking_again_is_the_same_answer_and_a_replay_gives_the_same_bytes(world: Any, ask: Any) -> None:
    obligor = modelled(world)
    first = ask("decide", "--obligor", obligor, *LOAN)
    assert ask("decide", "--obligor", obligor, *LOAN) == first
    assert ask("replay", json.loads(first)["decision_id"], "--json") == first


def test_a_changed_answer_is_not_reproduced(world: Any, ask: Any) -> None:
    import sqlalchemy as sa

    from api.credit_decisions.service import replay
    from api.database.tables import credit_decision
    from api.errors import NotReproduced

    home = world[0]
    body = ask("decide", "--obligor", modelled(world), *LOAN)
    decision_id = json.loads(body)["decision_id"]
    chosen = credit_decision.c.decision_id == decision_id
    with home.engine.begin() as connection:
        kept = connection.scalar(sa.select(credit_decision.c.body).where(chosen))
        connection.execute(
            credit_decision.update().where(chosen).values(body=kept.replace(b'"outcome":"', b'"outcome": "'))
        )
    with pytest.raises(NotReproduced):
        replay(home, decision_id)
    with home.engine.begin() as connection:
        connection.execute(credit_decision.update().where(chosen).values(body=kept))


def test_without_the_partners_consent_nothing_is_told(world: Any, ask: Any) -> None:
    from api.credit_decisions.service import decide
    from api.database.tables import partner
    from data_contracts.errors import ConsentMissing
    from data_contracts.identifiers import PartnerId
    from scoring.records import CreditProduct, CreditRequest

    home = world[0]
    with home.engine.begin() as connection:
        connection.execute(partner.insert().values(partner_id="bank-b", name="Bank B", kind="bank", created_time=NOW))
    request = CreditRequest(
        obligor_id=modelled(world),
        product=CreditProduct.WORKING_CAPITAL,
        amount_minor=100_000_00,
        currency="CNY",
        tenor_months=12,
        as_of=AS_OF,
    )
    with pytest.raises(ConsentMissing, match="bank-b"):
        decide(home, request, partner=PartnerId("bank-b"), now=NOW)


def test_the_reference_portfolio_keeps_its_grades(world: Any) -> None:
    """`make golden` rewrites the file; a person reviews how many obligors moved."""
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))["grades"]
    found = {record.obligor_id: record.rating_grade for record in world[1]}
    moved = {obligor: (expected.get(obligor), found.get(obligor)) for obligor in expected.keys() | found.keys()
             if expected.get(obligor) != found.get(obligor)}  # fmt: skip
    assert moved == {}


def test_a_training_set_of_every_quarters_end(ask: Any, tmp_path: Path) -> None:
    out = tmp_path / "credit.parquet"
    asked = ("--from", "2023-09-30", "--to", "2026-03-31", "--every", "quarter", "--as-of", "2026-06-30T16:00:00Z")
    answer = json.loads(ask("training-set", "--purpose", "credit", "--out", str(out), *asked, "--json"))
    table = pq.read_table(out)
    kept = json.loads(table.schema.metadata[b"millgrade"])
    assert kept == {name: value for name, value in answer.items() if name != "out"}
    assert (kept["as_ofs"], kept["rows"], kept["data_origin"]) == (11, table.num_rows, "synthetic")
    assert kept["default_rules"] == ["2023-07-01"]
    assert table.column_names[-len(CATALOGUE) :] == list(CATALOGUE) == kept["features"]
    frame = table.to_pandas()
    # The month's end of a bare date begins at its local midnight.
    assert str(frame["as_of"].min()) == "2023-09-29 16:00:00+00:00"
    last_complete = frame.loc[~frame["censored"], "as_of"].max()
    assert str(last_complete) == "2025-03-30 16:00:00+00:00"
    assert frame.loc[~frame["censored"] & ~frame["defaulted"], "observed_months"].eq(12).all()
    assert frame.loc[frame["as_of"] == frame["as_of"].max(), "observed_months"].max() == 2
    assert frame.loc[frame["defaulted"], "default_time"].gt(frame.loc[frame["defaulted"], "as_of"]).all()
    assert frame["thin_history"].eq(frame["history_days"] < 90).all()


def test_a_training_set_of_machines_under_cover(ask: Any, tmp_path: Path) -> None:
    out = tmp_path / "insurance.parquet"
    asked = ("--from", "2024-12-31", "--to", "2025-12-31", "--every", "year", "--as-of", "2026-06-30T16:00:00Z")
    answer = json.loads(ask("training-set", "--purpose", "insurance", "--out", str(out), *asked, "--json"))
    frame = pq.read_table(out).to_pandas()
    assert (answer["as_ofs"], answer["rows"]) == (2, len(frame))
    assert answer["claims"] == frame["claim_count"].sum() > 0
    assert frame["exposure_years"].between(0, 1.01).all()


BAD = [
    (("--from", "2025-01-31", "--to", "2024-01-31"), "--from before --to"),
    (("--from", "2025-01-31", "--to", "2026-07-31"), "lies after"),
]


@pytest.mark.parametrize(("dates", "hint"), BAD)
def test_dates_that_make_no_training_set(
    world: tuple[Home, list[ScoreRecord]], tmp_path: Path, dates: tuple[str, ...], hint: str
) -> None:
    first, last = (date.fromisoformat(dates[at]) for at in (1, 3))
    asked = Asked(first=first, last=last, every=Every.MONTH, purpose=Purpose.CREDIT)
    with pytest.raises(InputError, match=hint):
        write_training_set(world[0], asked, tmp_path / "set.parquet", known_until=AS_OF)
    with pytest.raises(InputError, match="cannot be written"):
        write_training_set(world[0], Asked(first=first, last=first, every=Every.MONTH, purpose=Purpose.CREDIT),
                           tmp_path / "set.csv", known_until=AS_OF)  # fmt: skip


def test_what_was_warmed_up_is_not_compiled_again(small_world: tuple[Home, list[ScoreRecord]]) -> None:
    home, _ = small_world
    interventional_of.cache_clear()
    models.warm_up(home)
    assert interventional_of.cache_info().misses == 1
    artefact = models.promoted_credit(home)
    assert artefact.reference is not None
    interventional_of(artefact.bag.members, artefact.reference)
    assert interventional_of.cache_info().misses == 1


def test_a_model_that_was_trained_here_has_its_pictures_beside_it(
    small_world: tuple[Home, list[ScoreRecord]],
) -> None:
    home, _ = small_world
    version = models.promoted_credit(home).version
    drawn = sorted(path.name for path in (home.models / "credit" / version / "plots").glob("*.svg"))
    assert drawn[0] == "beeswarm.svg"
    assert len(drawn) == 1 + DEPENDENCE_OF
