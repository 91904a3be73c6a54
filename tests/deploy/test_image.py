"""The Dockerfile, done by hand: its COPY and RUN steps in a clean folder, then its command, asked what its health
check asks. Packages come from the package index (by hash, as in the image), so this takes a minute."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from dockerfile import Stage, read_stages

ROOT = Path(__file__).parent.parent.parent
BUILD, FINAL = read_stages(ROOT / "deploy" / "Dockerfile")
PLACES = {"/opt/millgrade": "venv", "/var/lib/millgrade": "home", "/var/cache/millgrade": "cache", "/build": "build"}
START_SECONDS = 60


def test_the_image_runs_as_nobody_in_particular() -> None:
    user, group = FINAL.only("USER").split(":")
    assert int(user) >= 10_000
    assert int(group) >= 10_000
    last = [word for word, _ in FINAL.instructions].index("USER")
    assert "RUN" not in [word for word, _ in FINAL.instructions[last:]]
    assert any(f"-o {user} -g {group}" in step and "/var/lib/millgrade" in step for step in FINAL.all("RUN"))


def test_the_image_has_a_chinese_font_and_no_tools_of_the_build() -> None:
    assert any("fonts-noto-cjk" in step and "--no-install-recommends" in step for step in FINAL.all("RUN"))
    assert BUILD.name is not None
    assert FINAL.all("COPY") == [f"--from={BUILD.name} /opt/millgrade /opt/millgrade"]
    assert "/livez" in FINAL.only("HEALTHCHECK")
    assert set(json.loads(FINAL.only("VOLUME"))) == {"/var/lib/millgrade", "/var/cache/millgrade"}


def test_the_libraries_are_those_of_the_lock_with_xgboost_for_the_processor() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    ours = (ROOT / "deploy" / "xgboost-cpu.lock").read_text(encoding="utf-8")
    (version,) = re.findall(r"^xgboost==(\S+)", lock, flags=re.MULTILINE)
    assert re.findall(r"^xgboost-cpu==(\S+)", ours, flags=re.MULTILINE) == [version]
    assert "--hash=sha256:" in ours


def test_every_package_of_the_wheel_is_copied() -> None:
    copied = {source for text in BUILD.all("COPY") for source in text.split()[:-1]}
    listed = re.search(r"^packages = (\[.*\])$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed is not None
    assert set(json.loads(listed[1])) <= copied
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    assert all(f"!{source}" in ignored.splitlines() for source in copied)


def moved(text: str, folder: Path) -> str:
    """A text of the Dockerfile with the places of the image in `folder`."""
    for place, name in PLACES.items():
        text = re.sub(rf"{place}(?=[/\s:]|$)", str(folder / name), text)
    return text


def do(stage: Stage, folder: Path) -> None:
    """The COPY and RUN steps of the build stage."""
    work = folder / "build"
    work.mkdir()
    tools = Path(sys.executable).parent  # the image's python3 is this one
    environment = {"PATH": f"{tools}:/usr/bin:/bin", "PIP_NO_COMPILE": "1", **package_index()}
    for word, text in stage.instructions:
        if word == "COPY":
            *sources, target = text.split()
            for source in sources:
                copy(ROOT / source, work / target, is_folder=target.endswith("/"))
        elif word == "RUN":
            step = shlex.split(moved(text, folder))
            ran = subprocess.run(step, cwd=work, env=environment, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, f"{text}\n{ran.stdout[-2000:]}\n{ran.stderr[-4000:]}"


def copy(source: Path, target: Path, *, is_folder: bool) -> None:
    """As COPY does: a folder's content, or a file, to `target` or into it."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_folder:
            target.mkdir(exist_ok=True)
        shutil.copy2(source, target / source.name if is_folder else target)


def package_index() -> dict[str, str]:
    """How this machine reaches packages; the image's builder has its own way."""
    names = [name for name in os.environ if name.startswith(("PIP_", "XDG_")) or name.lower().endswith("_proxy")]
    return {name: os.environ[name] for name in ["HOME", *names]}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the build stage's steps were done."""
    folder = tmp_path_factory.mktemp("image")
    do(BUILD, folder)
    return folder


@pytest.fixture
def environment(installed: Path) -> dict[str, str]:
    """What ENV sets, and nothing of this process."""
    said = {name: moved(value, installed) for name, value in FINAL.environment().items()}
    return {**said, "PATH": said["PATH"].replace("$PATH", "/usr/bin:/bin")}


@pytest.fixture
def served(installed: Path, environment: dict[str, str]) -> Iterator[str]:
    """Where ENTRYPOINT and CMD answer, on a port that is free."""
    command = [*FINAL.command("ENTRYPOINT"), *FINAL.command("CMD")]
    command[command.index("--port") + 1] = "0"
    command[command.index("--host") + 1] = "127.0.0.1"
    process = subprocess.Popen(
        [*command, "--json"], env=environment, cwd=installed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        yield json.loads("".join(lines))["url"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=START_SECONDS) == 0
    finally:
        process.kill()
        process.communicate()


def test_the_image_serves(served: str, installed: Path, environment: dict[str, str]) -> None:
    with urllib.request.urlopen(f"{served}/readyz", timeout=START_SECONDS) as answer:
        assert answer.status == 200
    check = [part.replace("http://127.0.0.1:8000", served) for part in FINAL.command("HEALTHCHECK")]
    subprocess.run(check, env=environment, check=True, timeout=START_SECONDS)
    assert (installed / "home" / "millgrade.db").exists()


def test_the_image_is_whole_and_has_no_gpu_kernels(installed: Path, environment: dict[str, str]) -> None:
    ran = subprocess.run(
        ["millgrade", "doctor", "--json"], env=environment, cwd=installed, capture_output=True, text=True, check=False
    )
    levels = {(finding["check"], finding["level"]) for finding in json.loads(ran.stdout)["findings"]}
    assert ("libraries", "ok") in levels
    packages = {path.name.split("-")[0] for path in (installed / "venv").glob("lib/python3*/site-packages/*.dist-info")}
    assert "xgboost_cpu" in packages
    assert not {name for name in packages if name.startswith("nvidia")}
    assert not {"pytest", "hatchling"} & packages
