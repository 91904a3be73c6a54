"""The command line: each command parses, calls one service, and shows the answer. `--json` prints it whole."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import simulator
from api import (
    cli_chain,
    cli_claims,
    cli_decisions,
    cli_evidence,
    cli_exposure,
    cli_gateways,
    cli_insurance_book,
    cli_jobs,
    cli_keeping,
    cli_manage,
    cli_matching,
    cli_models,
    cli_monitor,
    cli_operate,
    cli_policies,
    cli_portfolio,
    cli_recourse,
    cli_renewals,
    cli_reports,
    cli_responses,
    cli_scores,
    cli_tables,
    cli_tariffs,
    cli_training,
    cli_trust,
)
from api import demo as demonstration
from api.access_log.repository import looked
from api.chain.product_terms import Detail, Viewer, product_terms
from api.chain.schemas import ReceivablesAsked, StockAsked
from api.credit_decisions import changes
from api.credit_decisions import service as credit_decisions
from api.credit_decisions import terms as decision_terms
from api.credit_decisions.asked import brought
from api.database.engine import unit_of_work
from api.errors import EXIT_BAD_INPUT, DatabaseUnavailable
from api.home import Home, open_home
from api.http.strict_json import parse_file
from api.instants import parse_amount, parse_instant, require_past
from api.machines import service as machines_service
from api.main import create_app
from api.operations import serving
from api.operations.recovery import at_work
from api.partners.repository import LOCAL
from api.premium_quotes import service as premium_quotes
from api.settings import Settings
from api.snapshots import service as snapshots
from api.telemetry import service as telemetry
from data_contracts.errors import InputError, MillgradeError
from data_contracts.identifiers import DecisionId, MachineUid, ObligorId, PartnerId, obligor_id
from data_contracts.mapping import load_mapping
from features.settings import settings_at, shipped_parameters
from risk_reports import catalogue_table, credit_memo, premium_statement, tables
from scoring.records import CreditProduct, CreditRequest, InsuranceProduct, QuoteRequest
from scoring.supply_chain.receivables.said import NOTHING_SAID

app = typer.Typer(
    name="millgrade",
    help="Production-data credit scoring and usage-based premiums.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
train_app = typer.Typer(
    help="Fit and test a model; where no validated one answers, it does, on trial.", no_args_is_help=True
)
app.add_typer(train_app, name="train")
cli_manage.mount(app)
cli_operate.mount(app)
cli_keeping.mount(app)
cli_evidence.mount(app)
cli_gateways.mount(app)
cli_training.mount(app)
cli_decisions.mount(app)
cli_recourse.mount(app)
cli_models.mount(app)
cli_monitor.mount(app)
cli_reports.mount(app)
cli_scores.mount(app)
cli_trust.mount(app)
cli_tables.mount(app, train_app)
cli_claims.mount(train_app)
cli_tariffs.mount(app)
cli_chain.mount(app)
cli_jobs.mount(app)
cli_portfolio.mount(app)
cli_insurance_book.mount(app)
cli_matching.mount(app)
cli_responses.mount(app)
cli_policies.mount(app)
cli_renewals.mount(cli_policies.policy_app)
cli_exposure.mount(app)

HomeOption = Annotated[Path | None, typer.Option("--home", help="Database, files and models (default .millgrade).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")]
ObligorOption = Annotated[str, typer.Option("--obligor", help="Unified social credit code (18 characters).")]
AsOfOption = Annotated[str | None, typer.Option("--as-of", help="Instant or date in the site's zone; default now.")]
PartnerOption = Annotated[str, typer.Option("--partner", help="The bank or insurer that asks.")]
CurrencyOption = Annotated[str, typer.Option("--currency", help="ISO 4217.")]


def main() -> None:
    """Run the command line; bad input ends with its message on standard error and exit code 2."""
    try:
        app()
    except MillgradeError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(EXIT_BAD_INPUT)
    except sa.exc.DatabaseError as error:
        if type(error) not in {sa.exc.OperationalError, sa.exc.DatabaseError}:
            raise  # a statement of ours is wrong; the database itself is well
        told = DatabaseUnavailable(
            f"The database failed: {error.orig}. Nothing of this command was kept.",
            hint="Make room or mend the disk, look with: millgrade doctor, then run it again.",
        )
        sys.stderr.write(f"{type(told).__name__}: {told}\n")
        sys.exit(EXIT_BAD_INPUT)


@app.command()
def ingest(
    path: Annotated[Path, typer.Argument(help="A CSV or Parquet file, or a folder with a manifest.json.")],
    mapping: Annotated[str | None, typer.Option("--mapping", help="Name of a shipped mapping, or a file.")] = None,
    obligor: Annotated[str | None, typer.Option("--obligor", help="Whose machines a file speaks of.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Admit telemetry or ledgers. Rows that break the contract go to quarantine, and the exit code is then 2."""
    opened = _open(home)
    now = datetime.now(UTC)
    if path.is_dir():
        if mapping or obligor:
            raise InputError("A folder takes no --mapping and no --obligor.", hint="Its manifest.json names both.")
        with at_work(opened), _progress() as bar:
            task = bar.add_task("ingest", total=None)
            results = telemetry.ingest_folder(
                opened,
                path,
                received_time=now,
                progress=lambda name, done, total: bar.update(task, description=name, completed=done, total=total),
            )
    else:
        if not mapping:
            raise InputError("A file needs --mapping.", hint="See docs/mappings.md; shipped ones have names.")
        owner = obligor_id(obligor) if obligor else None
        applied = load_mapping(mapping)
        with at_work(opened):
            results = [telemetry.ingest_file(opened, path, mapping=applied, obligor=owner, received_time=now)]
    answer = tables.ingest_answer(results)
    _show(answer, as_json, tables.ingest_text(answer))
    if answer["rows_quarantined"]:
        sys.stderr.write(tables.quarantine_text(results))
        raise typer.Exit(EXIT_BAD_INPUT)


@app.command("machine-days")
def machine_days(
    obligor: ObligorOption, as_of: AsOfOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Print every machine-day of an obligor: seconds by state, energy, parts, faults, coverage."""
    opened, owner, now = _open(home), obligor_id(obligor), datetime.now(UTC)
    instant = _instant(opened, owner, as_of, now)
    with unit_of_work(opened.engine) as connection:
        days, findings = machines_service.machine_days(connection, opened, owner, as_of=instant, now=now)
        looked(connection, owner, "machine_days", now=now)
    answer = tables.machine_days_answer(days, findings)
    _show(answer, as_json, tables.machine_days_text(answer))


@app.command()
def features(
    obligor: ObligorOption, as_of: AsOfOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Compute and keep what is known about an obligor and each of its machines as of a time."""
    opened, owner, now = _open(home), obligor_id(obligor), datetime.now(UTC)
    instant = _instant(opened, owner, as_of, now)
    with unit_of_work(opened.engine) as connection:
        snapshot = snapshots.take_snapshot(connection, opened, owner, as_of=instant, now=now)
        looked(connection, owner, "features", now=now)
    answer = tables.features_answer(snapshot)
    _show(answer, as_json, tables.features_text(snapshot))


@app.command()
def catalogue(as_of: AsOfOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print every feature: key, unit, signs, labels, formula, and the coverage it needs. The same for every home."""
    del home  # every command takes it
    now = datetime.now(UTC)
    instant = parse_instant(as_of, zone="UTC") if as_of else now
    answer = catalogue_table.catalogue_answer(settings_at(shipped_parameters(), instant))
    _show(answer, as_json, catalogue_table.catalogue_text(answer))


MaterialOption = Annotated[
    list[str] | None,
    typer.Option("--material-supplier", help="Of whom the order's material is bought, as agreed; again for more."),
]
ReceivablesOption = Annotated[
    Path | None,
    typer.Option("--receivables", help="JSON file: invoices disputed or acknowledged, and affiliates; by whom."),
]


@app.command()
def decide(
    obligor: ObligorOption,
    amount: Annotated[str, typer.Option("--amount", help="Major units, such as 2000000.00.")],
    tenor_months: Annotated[int, typer.Option("--tenor-months", min=1, max=360)],
    product: Annotated[CreditProduct, typer.Option("--product")] = CreditProduct.WORKING_CAPITAL,
    currency: CurrencyOption = "CNY",
    facts: Annotated[
        Path | None,
        typer.Option("--facts", help="JSON file: asset and facts, as POST /v1/credit-decisions takes them."),
    ] = None,
    order: Annotated[str | None, typer.Option("--order", help="The order that purchase_order finances.")] = None,
    accepted: Annotated[bool, typer.Option("--accepted", help="Its buyer accepted it: the lender's word.")] = False,
    inspected_units: Annotated[
        int | None, typer.Option("--inspected-units", min=0, help="Of its units the buyer inspected so many.")
    ] = None,
    cost: Annotated[
        str | None, typer.Option("--cost", help="What the order costs to make, major units: no more is advanced.")
    ] = None,
    material_supplier: MaterialOption = None,
    stock: Annotated[
        Path | None,
        typer.Option("--stock", help="JSON file: the count that inventory is lent and invoices are held against."),
    ] = None,
    receivables: ReceivablesOption = None,
    as_of: AsOfOption = None,
    partner: PartnerOption = LOCAL,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recommend on a loan: outcome, PD, grade, limit, price, and the reasons; of the chain's products their terms."""
    opened, owner, now = _open(home), obligor_id(obligor), datetime.now(UTC)
    request = CreditRequest(
        obligor_id=owner,
        product=product,
        amount_minor=parse_amount(amount, currency=currency),
        currency=currency,
        tenor_months=tenor_months,
        as_of=_instant(opened, owner, as_of, now),
        **brought(facts),
    )
    count = None if stock is None else parse_file(stock, StockAsked).count()
    said = NOTHING_SAID if receivables is None else parse_file(receivables, ReceivablesAsked).says()
    cost_minor = None if cost is None else parse_amount(cost, currency=currency)
    answer = json.loads(credit_decisions.decide(opened, request, partner=PartnerId(partner), now=now, stock=count))
    with unit_of_work(opened.engine) as connection:
        terms = product_terms(
            connection,
            opened,
            owner,
            product,
            currency=currency,
            pd_12m=answer["pd_12m"],
            detail=Detail(
                order_id=order,
                is_accepted=accepted,
                inspected_units=inspected_units,
                cost_minor=cost_minor,
                material_suppliers=tuple(material_supplier or ()),
                stock=count,
                owed_minor=request.amount_minor,
                receivables=said,
            ),
            viewer=Viewer(partner=PartnerId(partner), livemode=False, now=now),
            as_of=request.as_of,
        )
        decision_terms.keep(connection, DecisionId(answer["decision_id"]), terms, now=now)
    _show(answer if terms is None else {**answer, "terms": terms}, as_json, credit_memo.text(answer))


@app.command()
def quote(
    obligor: ObligorOption,
    sum_insured: Annotated[str, typer.Option("--sum-insured", help="Over all machines covered, major units.")],
    starts: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of cover.")],
    ends: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of cover, inclusive.")],
    product: Annotated[InsuranceProduct, typer.Option("--product")] = InsuranceProduct.EQUIPMENT_UBI,
    machine: Annotated[
        list[str] | None, typer.Option("--machine", help="A machine's uid or its source's id; default all.")
    ] = None,
    decision: Annotated[
        str | None, typer.Option("--decision", help="Of a guarantee: the decision that stands behind the facility.")
    ] = None,
    currency: CurrencyOption = "CNY",
    as_of: AsOfOption = None,
    partner: PartnerOption = LOCAL,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Quote a usage-based premium: base, factors, loadings, and the reasons."""
    opened, owner, now = _open(home), obligor_id(obligor), datetime.now(UTC)
    request = QuoteRequest(
        obligor_id=owner,
        product=product,
        sum_insured_minor=parse_amount(sum_insured, currency=currency),
        currency=currency,
        starts=starts.date(),
        ends=ends.date(),
        machines=tuple(MachineUid(uid if "/" in uid else f"{owner}/{uid}") for uid in machine or ()),
        as_of=_instant(opened, owner, as_of, now),
    )
    asked = None if decision is None else DecisionId(decision)
    body = premium_quotes.quote(opened, request, partner=PartnerId(partner), now=now, decision_id=asked)
    _show_bytes(body, as_json, premium_statement.text)


@app.command()
def replay(
    decision: Annotated[str, typer.Argument(help="A decision's id.")],
    today: Annotated[
        bool,
        typer.Option("--today", help="Decide anew on what holds now, and split what changed by cause."),
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute a stored decision from the versions it names; any other byte is an error."""
    opened = _open(home)
    if today:
        answer = changes.since_then(opened, DecisionId(decision), now=datetime.now(UTC))
        _show(answer, as_json, credit_memo.changes_text(answer))
        return
    body = credit_decisions.replay(opened, DecisionId(decision))
    _show_bytes(body, as_json, credit_memo.text)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option("--out", help="Folder to write; it must be new or empty.")],
    world: Annotated[str, typer.Option("--world", help="base, null, recession, drift or leak/<trap>.")] = "base",
    obligors: Annotated[int, typer.Option("--obligors", help="From 1 to 800,000.")] = 1500,
    months: Annotated[int, typer.Option("--months", help="From 1 to 96; the world ends with June 2026.")] = 48,
    seed: Annotated[int, typer.Option("--seed", help="From 0; the same seed gives the same bytes.")] = 1,
    engine: Annotated[
        str, typer.Option("--engine", help="Where defaults come from: reduced-form or structural.")
    ] = "reduced-form",
    machines_per_obligor: Annotated[
        float | None, typer.Option("--machines-per-obligor", help="Mean number of machines of a firm.")
    ] = None,
    frauds: Annotated[
        str | None, typer.Option("--frauds", help="Codes from F1 to F12 with commas between, or all.")
    ] = None,
    samples: Annotated[
        list[str] | None,
        typer.Option("--samples", help="OBLIGOR:FROM:TO, its gateways' files on these days; may be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a synthetic factory world as files with a manifest."""
    with _progress() as bar:
        task = bar.add_task("simulate", total=None)
        summary = simulator.simulate(
            world=world,
            obligors=obligors,
            months=months,
            seed=seed,
            engine=engine,
            machines_per_obligor=machines_per_obligor,
            frauds=frauds.split(",") if frauds else (),
            samples=[simulator.parse_request(text) for text in samples or ()],
            out=out,
            progress=lambda name, done, total: bar.update(task, description=name, completed=done, total=total),
        )
    answer = asdict(summary)
    _show(answer, as_json, tables.plain_text(answer))


@app.command()
def demo(
    home: HomeOption = None,
    real: Annotated[Path | None, typer.Option("--real", help="The real manufacturer's CSV file.")] = None,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="End by answering over HTTP.")] = True,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Where to answer, on loopback.")] = 8000,
) -> None:
    """Build a world, ingest, train, score everybody, print one recommendation and one premium, and serve them."""
    here = _open(home)
    with _progress() as bar:
        task = bar.add_task("demo", total=None)

        def progress(name: str, done: int, total: int) -> None:
            bar.update(task, description=name, completed=done, total=total)

        def build_world(out: Path) -> None:
            simulator.simulate(out=out, progress=progress, **demonstration.WORLD)

        lines = list(demonstration.run(here, real=real, build_world=build_world, progress=progress))
    for line in lines:
        sys.stdout.write(f"{line}\n")
    if serve:
        listening = serving.listen("127.0.0.1", port)
        for line in demonstration.doors(here, url=serving.url_of(listening)):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        serving.serve(create_app(here), listening)


def _open(home: Path | None) -> Home:
    settings = Settings()
    return open_home(home or settings.home, database_url=settings.database_url)


def _instant(opened: Home, owner: ObligorId, text: str | None, now: datetime) -> datetime:
    if text is None:
        return now
    with unit_of_work(opened.engine) as connection:
        zone = snapshots.site_zone(connection, opened, owner)
    instant = parse_instant(text, zone=zone)
    require_past(instant, now=now)
    return instant


def _plain_instant(text: str | None) -> datetime:
    return parse_instant(text, zone="UTC") if text else datetime.now(UTC)


def _progress() -> Progress:
    """Bars on standard error, only where a person is looking."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _show_bytes(body: bytes, as_json: bool, text: Any) -> None:
    answer = json.loads(body)
    _show(answer, as_json, text(answer))


def _show(answer: dict[str, Any], as_json: bool, text: str) -> None:
    sys.stdout.write((json.dumps(answer, ensure_ascii=False, indent=2, allow_nan=False) if as_json else text) + "\n")
