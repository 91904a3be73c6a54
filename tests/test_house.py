"""The house is as its plan says: the README's tree is the tree, documents exist, words are complete."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def tracked_folders() -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return {path.split("/")[0] for path in listed if "/" in path and not path.startswith(".")}


def test_the_readmes_tree_is_the_tree() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^[├└]── (\w+)/", readme, flags=re.MULTILINE))
    assert drawn == tracked_folders()


def test_test_files_are_told_apart_by_name() -> None:
    """pytest imports them by their own names: of two alike, one would not be run."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    "page",
    [*sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md")), "README.md", "CONTRIBUTING.md"],
)
def test_every_link_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [target for target in targets if target and "://" not in target]
    missing = [target for target in local if not (ROOT / page).parent.joinpath(target).exists()]
    assert missing == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_has_hashes_and_no_index_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    pinned = re.findall(r"^[\w.\[\]-]+==", text, flags=re.MULTILINE)
    assert pinned
    assert len(re.findall(r"--hash=sha256:", text)) >= len(pinned)
    assert not re.search(r"https?://|file:|index-url", text)


def test_every_module_of_the_contracts_room_is_checked_for_sql() -> None:
    """import-linter lists the modules that may not import SQL; a new one must not be forgotten."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (contract,) = (item for item in linter["contracts"] if item.get("forbidden_modules") == ["sqlalchemy"])
    rooms = {path.name.removesuffix(".py") for path in (ROOT / "data_contracts").iterdir() if path.name[0] not in "_."}
    with_python = {name for name in rooms if (ROOT / "data_contracts" / f"{name}.py").exists()}
    with_python |= {name for name in rooms if (ROOT / "data_contracts" / name / "__init__.py").exists()}
    listed = {name.removeprefix("data_contracts.") for name in contract["source_modules"] if "data_contracts." in name}
    assert with_python - {"observations", "evidence"} == listed


@pytest.mark.parametrize("record", sorted(path.name for path in (ROOT / "docs" / "decisions").glob("0*.md")))
def test_a_decision_record_names_a_check_that_exists(record: str) -> None:
    text = (ROOT / "docs" / "decisions" / record).read_text(encoding="utf-8")
    assert record in (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    checks = re.findall(r"`(tests/[\w/.]+)`", text.split("**Check.**")[1])
    assert [check for check in checks if not (ROOT / check).exists()] == []
