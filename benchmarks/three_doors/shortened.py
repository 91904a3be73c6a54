"""JSON as the exhibit prints it: whole where it matters, the rest cut with a note of what was left out."""

from __future__ import annotations

import json
import re
from typing import Any

WIDTH = 150
DIGITS_SHOWN = 12
HASH = re.compile(r"[0-9a-f]{64}")
WHOLE = frozenset({"reasons", "capacities", "price_lines", "factors", "loadings", "pd_steps"})
"""Lists that are shown with all their items; of others the first."""


def shortened(value: Any, *, name: str = "", keep: frozenset[str] = frozenset()) -> Any:
    """`value` without most items of its long lists; of `features` only those in `keep`; hashes by their first digits."""
    if isinstance(value, dict):
        return _members(value, keep=keep, is_cut=name == "features")
    if isinstance(value, list):
        shown = [shortened(item, keep=keep) for item in (value if name in WHOLE else value[:1])]
        left_out = len(value) - len(shown)
        return [*shown, f"… {left_out} more"] if left_out else shown
    if isinstance(value, str) and HASH.fullmatch(value):
        return value[:DIGITS_SHOWN] + "…"
    return value


def laid_out(value: Any, *, indent: int = 0) -> str:
    """JSON with each object and list on one line where it fits."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= WIDTH or not isinstance(value, dict | list):
        return flat
    if isinstance(value, dict):
        named = value.items()
        items = [f"{json.dumps(name, ensure_ascii=False)}: {laid_out(item, indent=indent + 1)}" for name, item in named]
    else:
        items = [laid_out(item, indent=indent + 1) for item in value]
    pad = "\n" + " " * indent
    return flat[0] + f"{pad} " + f",{pad} ".join(items) + pad + flat[-1]


def _members(value: dict[str, Any], *, keep: frozenset[str], is_cut: bool) -> dict[str, Any]:
    shown = {key: shortened(item, name=key, keep=keep) for key, item in value.items() if not is_cut or key in keep}
    left_out = len(value) - len(shown)
    return {**shown, "…": f"{left_out} more"} if left_out else shown
