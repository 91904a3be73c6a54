"""A Dockerfile's instructions, read well enough to do by hand what an engine would do with them."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    """One FROM and what follows it."""

    image: str
    name: str | None
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """The arguments of every instruction of that name."""
        return [text for name, text in self.instructions if name == word]

    def only(self, word: str) -> str:
        """The arguments of the one instruction of that name."""
        (text,) = self.all(word)
        return text

    def environment(self) -> dict[str, str]:
        """Every variable that ENV sets."""
        return dict(part.split("=", 1) for text in self.all("ENV") for part in shlex.split(text))

    def command(self, word: str) -> list[str]:
        """An ENTRYPOINT, CMD or HEALTHCHECK in exec form."""
        return list(json.loads(self.only(word).partition("[")[1] + self.only(word).partition("[")[2]))


def read_stages(path: Path) -> list[Stage]:
    """The stages in order."""
    stages: list[Stage] = []
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, text = line.strip().partition(" ")
        if word == "FROM":
            image, _, name = text.partition(" AS ")
            stages.append(Stage(image=image, name=name or None))
        elif word:
            stages[-1].instructions.append((word, text.strip()))
    return stages
