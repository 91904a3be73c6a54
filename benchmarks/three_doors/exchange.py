"""One request and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and what came back; `kind` is how the page shows the key, None without one."""

    kind: str | None
    method: str
    path: str
    body: dict[str, Any] | None
    status: int
    phrase: str
    content: bytes
    json: dict[str, Any]

    def without_request_id(self) -> bytes:
        """The answer's bytes but for the id of the request, which is never the same."""
        return self.content.replace(str(self.json.get("request_id", "")).encode() or b"\x00", b"")


def ask(client: httpx.Client, key: str | None, method: str, path: str, body: dict[str, Any] | None = None) -> Exchange:
    """One request with a key, or without one."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    answer = client.request(method, path, json=body, headers=headers)
    return Exchange(
        kind=None if key is None else key.rsplit("_", 2)[0] + "_…",
        method=method,
        path=path,
        body=body,
        status=answer.status_code,
        phrase=answer.reason_phrase,
        content=answer.content,
        json=answer.json(),
    )
