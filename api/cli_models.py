"""Commands about who answers for a model: validate, check, promote, challenge, list."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from api.console import NOTHING, HomeOption, JsonOption, aligned, opened, show
from api.governance import service as governance
from api.instants import parse_instant
from data_contracts.errors import InputError
from scoring import registry
from scoring.governance import Conclusion

KINDS: tuple[registry.Kind, ...] = get_args(registry.Kind)

model_app = typer.Typer(help="Who answers for a model: owner, validator, expiry.", no_args_is_help=True)

VersionArgument = Annotated[str, typer.Argument(help="Its version, or the beginning of it.")]
KindOption = Annotated[str, typer.Option("--kind", help=f"One of {', '.join(KINDS)}.")]
ByOption = Annotated[str, typer.Option("--by", help="Who says so.")]


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.add_typer(model_app, name="model")


@model_app.command()
def validate(
    *,
    version: VersionArgument,
    owner: Annotated[str, typer.Option("--owner", help="Who answers for the model.")],
    by: Annotated[str, typer.Option("--by", help="The validator: another person than the owner.")],
    findings: Annotated[str, typer.Option("--findings", help="What was found, with the limits of use, in words.")],
    expires: Annotated[str, typer.Option("--expires", help="Instant or date (UTC) until which this is good.")],
    conclusion: Annotated[Conclusion, typer.Option("--conclusion")] = Conclusion.FIT,
    pack: Annotated[Path | None, typer.Option("--pack", help="The validation pack that was read.")] = None,
    kind: KindOption = "credit",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record what a validator found. Without such a record no model is promoted."""
    until = parse_instant(expires, zone="UTC")
    content = None if pack is None else _read(pack)
    with opened(home) as here:
        answer = governance.validate(
            here,
            governance.find_model(here, _kind(kind), version),
            owner=owner,
            by=by,
            conclusion=conclusion,
            findings=findings,
            pack=content,
            expires=until,
            now=datetime.now(UTC),
        )
    show(answer, as_json, _text(answer))


@model_app.command()
def check(
    *,
    version: VersionArgument,
    figures: Annotated[Path, typer.Option("--figures", help="JSON as the measurement printed it.")],
    by: ByOption,
    name: Annotated[str, typer.Option("--name", help="Which check: see model_governance.yaml.")] = "cost_to_fake",
    kind: KindOption = "credit",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record the figures of a check, and whether they pass. A model whose check failed is not promoted."""
    try:
        told = json.loads(_read(figures))
    except ValueError as error:
        raise InputError(f"{figures} holds no JSON: {error}.", hint="Hand in what --json printed.") from error
    if not isinstance(told, dict):
        raise InputError(f"{figures} holds no JSON object.", hint="Hand in what --json printed.")
    with opened(home) as here:
        answer = governance.check(
            here,
            governance.find_model(here, _kind(kind), version),
            name=name,
            figures=told,
            by=by,
            now=datetime.now(UTC),
        )
    show(answer, as_json, _text(answer))


@model_app.command()
def promote(
    *,
    version: VersionArgument,
    by: ByOption,
    kind: KindOption = "credit",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a validated model answer from now on, also for live keys."""
    with opened(home) as here:
        model = governance.find_model(here, _kind(kind), version)
        answer = governance.promote(here, model, by=by, now=datetime.now(UTC))
    show(answer, as_json, _text(answer))


@model_app.command()
def challenge(
    *,
    by: ByOption,
    version: Annotated[str | None, typer.Argument(help="Its version, or the beginning of it; none: dismiss.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score every request with another default model too, unseen by whoever asks; or, without a version, no more."""
    with opened(home) as here:
        chosen = None if version is None else governance.find_model(here, "credit", version).version
        answer = governance.challenge(here, chosen, by=by, now=datetime.now(UTC))
    show(answer, as_json, f"challenger: {answer['challenger'] or NOTHING}")


@model_app.command("list")
def list_models(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Every model that is kept, who answers for it, and until when."""
    with opened(home) as here:
        answer = governance.listed(here, now=datetime.now(UTC))
    columns = ("kind", "version", "mandate", "owner", "validator", "expires", "checks")
    show(answer, as_json, aligned([_row(model) for model in answer["models"]], columns))


def _text(answer: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {NOTHING if value is None else value}" for name, value in _row(answer).items())


def _row(answer: dict[str, Any]) -> dict[str, Any]:
    last = answer["validations"][-1] if answer["validations"] else {}
    checks = {check["name"]: check["is_passed"] for check in answer["checks"]}
    return {
        "kind": answer["model_kind"],
        "version": answer["model_version"][:12],
        "mandate": answer["mandate"] or ("challenger" if answer["is_challenger"] else None),
        "owner": last.get("owner"),
        "validator": last.get("validated_by"),
        "conclusion": last.get("conclusion"),
        "expires": last.get("expires_time"),
        "checks": ", ".join(f"{name} {'passed' if passed else 'failed'}" for name, passed in checks.items()) or None,
    }


def _kind(text: str) -> registry.Kind:
    for kind in KINDS:
        if kind == text:
            return kind
    raise InputError(f"There is no kind of model {text!r}.", hint=f"One of {', '.join(KINDS)}.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
