"""Commands that keep gateways' keys, tell what was found wrong with their chains, and attest batches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from api.console import HomeOption, JsonOption, aligned, opened, show
from api.database.engine import unit_of_work
from api.gateways import service
from api.instants import parse_instant
from api.obligors import repository as obligors
from api.operations.obligors import DEFAULT_ZONE
from data_contracts.evidence.levels import AttestationLevel
from data_contracts.identifiers import BatchId, obligor_id

OPERATOR = "operator"
KEY_COLUMNS = ("key_id", "gateway", "obligor_id", "registered_time", "revoked_from", "missing_seals")
REFUSAL_COLUMNS = ("reason", "gateway", "key_id", "sent_by", "refused_time")
FAULT_COLUMNS = ("kind", "gateway", "detail", "batch_id", "found_time")

ObligorOption = Annotated[str, typer.Option("--obligor", help="Unified social credit code (18 characters).")]

gateway_app = typer.Typer(help="Gateways that sign what they send, and what was found wrong.", no_args_is_help=True)


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.add_typer(gateway_app, name="gateway")
    app.command()(attest)


@gateway_app.command("add")
def add_gateway(
    *,
    obligor: ObligorOption,
    gateway: Annotated[str, typer.Option("--gateway", help="The gateway's name, such as its serial number.")],
    public_key: Annotated[str, typer.Option("--public-key", help="Base64 of its raw Ed25519 public key.")],
    live: Annotated[bool, typer.Option("--live", help="It sends with a live API key.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a gateway's key."""
    owner, now = obligor_id(obligor), datetime.now(UTC)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        obligors.require(connection, owner)
        told = service.add(
            connection, obligor_id=owner, gateway=gateway, public_key=public_key, livemode=live, by=OPERATOR, now=now
        )
    show(told, as_json, told["key_id"])


@gateway_app.command("list")
def list_gateways(
    *,
    obligor: Annotated[str | None, typer.Option("--obligor", help="Only those of this obligor.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every key with how many seals of its chain are missing, every fork, clone, replay, gap and set clock, and signed
    seals that were refused."""
    owner = None if obligor is None else obligor_id(obligor)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        told = service.listed(connection, owner, livemode=None)
    keys, faults, refusals = told["gateway_keys"], told["faults"], told["refusals"]
    text = [aligned(keys, KEY_COLUMNS) if keys else "No gateway is registered."]
    text += ["", aligned(faults, FAULT_COLUMNS)] if faults else []
    text += ["", aligned(refusals, REFUSAL_COLUMNS)] if refusals else []
    show(told, as_json, "\n".join(text))


@gateway_app.command("revoke")
def revoke_gateway(
    key_id: Annotated[str, typer.Argument(help="The key's id.")],
    *,
    starts: Annotated[
        str | None, typer.Option("--from", help="Instant or date since when it counts for nothing; default now.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a gateway's key, for good; again with an earlier --from to date that further back. Batches that it sealed
    from that time on count as merely authenticated."""
    now = datetime.now(UTC)
    effective = now if starts is None else parse_instant(starts, zone=DEFAULT_ZONE)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        told = service.revoke(connection, key_id, effective=effective, now=now)
    show(told, as_json, f"{key_id} counts for nothing from {told['revoked_from']} on")


def attest(
    batch: Annotated[str, typer.Argument(help="A batch's id.")],
    *,
    level: Annotated[AttestationLevel, typer.Option("--level", help="L3: cross-checked; L4: attested on site.")],
    by: Annotated[str, typer.Option("--by", help="Who attests it.")],
    evidence: Annotated[str, typer.Option("--evidence", help="SHA-256 of the document that shows it.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say, for the log, that somebody independent vouches for a batch. What was said before stays."""
    now = datetime.now(UTC)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        told = service.attest(connection, BatchId(batch), level=level, by=by, evidence=evidence, now=now)
    show(told, as_json, f"{batch}: {told['level']}")
