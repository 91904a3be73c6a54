"""The compose file and what it mounts: the things that matter when somebody runs it without reading it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
ROOTS = {None, "root", "0", "0:0", 0}


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_root_or_may_become_it(name: str) -> None:
    service = SERVICES[name]
    assert service.get("user") not in ROOTS
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")


def test_our_containers_write_to_their_volumes_only() -> None:
    for name in ("migrate", "api"):
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert {mount.split(":")[1] for mount in SERVICES[name]["volumes"]} == {
            "/var/lib/millgrade",
            "/var/cache/millgrade",
        }


def test_what_must_last_lies_in_named_volumes() -> None:
    mounts = {name: [mount.split(":")[0] for mount in service.get("volumes", ())] for name, service in SERVICES.items()}
    assert {"home"} <= set(mounts["api"])
    assert mounts["api"] == mounts["migrate"]
    assert mounts["database"] == ["database"]
    assert SERVICES["database"]["volumes"] == ["database:/var/lib/postgresql"]  # of the image since PostgreSQL 18
    named = {source for sources in mounts.values() for source in sources if not source.startswith((".", "/"))}
    assert named == set(COMPOSE["volumes"])


def test_the_database_is_reached_from_inside_only() -> None:
    assert "ports" not in SERVICES["database"]
    assert SERVICES["database"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_whatever_is_published_is_published_on_loopback() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_no_secret_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|URL|KEY", name):
                assert name.endswith("_FILE"), name
                assert value.startswith("/run/secrets/")
                assert value.removeprefix("/run/secrets/") in service["secrets"]
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    assert not re.search(r"://[^\s\"']*:[^\s\"']*@", (DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert "secrets/" in (DEPLOY / ".gitignore").read_text(encoding="utf-8").split()


def test_services_start_in_order_and_are_watched() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert SERVICES["api"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    for name in ("api", "database", "prometheus"):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
        assert SERVICES[name]["restart"] == "unless-stopped"
    assert "/livez" in " ".join(SERVICES["api"]["healthcheck"]["test"])


def test_prometheus_scrapes_what_the_api_serves() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    host, port = job["static_configs"][0]["targets"][0].split(":")
    assert host in SERVICES
    assert port == SERVICES[host]["command"][-1]
    assert job["metrics_path"] == "/metrics"
    assert any(
        "prometheus.yml:/etc/prometheus/prometheus.yml:ro" in mount for mount in SERVICES["prometheus"]["volumes"]
    )


def test_every_image_has_a_version() -> None:
    images = [service["image"] for service in SERVICES.values()]
    assert all(":" in image and not image.endswith(":latest") for image in images)


@pytest.mark.parametrize("path", sorted(path.name for path in DEPLOY.iterdir() if path.is_file()))
def test_no_file_names_an_index_of_packages(path: str) -> None:
    text = (DEPLOY / path).read_text(encoding="utf-8")
    assert not re.search(r"index-url|find-links|trusted-host|/simple\b|file://", text)
