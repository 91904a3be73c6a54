"""What the browser tests know of the page they visit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from portal_world import PortalWorld

ARTEFACTS = Path(__file__).parents[2] / "artefacts" / "browser"
"""Where screenshots are kept."""


@dataclass(frozen=True)
class Site:
    """A served page: its address, its world, and one sign-in for each journey."""

    address: str
    world: PortalWorld

    def sign_in_name(self, journey: str, *, thin: bool = False) -> str:
        """A new sign-in for the graded firm, or for the one with a thin history."""
        self.world.add_user(self.world.thin if thin else self.world.graded, journey)
        return journey
