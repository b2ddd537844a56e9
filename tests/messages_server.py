"""A Messages API on loopback with scripted replies and faults; the real client talks to it.

    with messages_server(lambda asked: says({"present": True})) as server:
        model = Model(api_key=KEY, base_url=server.url, budget_usd=1.0)

Batches run through the same script, when `server.run_batches()` lets them: `server.batches`.

The script is a function of the request; `in_turn(a, b)` makes one of answers in order, the last one
for ever. What was asked is in `server.asked`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "test-key-0123456789"
_KNOWN = {"model", "max_tokens", "messages", "system", "output_config", "stream", "metadata"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request that the server accepted."""

    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def system(self) -> str:
        return "\n".join(block["text"] for block in self.body.get("system", []))

    @property
    def user(self) -> str:
        """The text of the last message."""
        content = self.body["messages"][-1]["content"]
        return content if isinstance(content, str) else "\n".join(b["text"] for b in content)

    @property
    def schema(self) -> dict[str, Any] | None:
        found = self.body.get("output_config", {}).get("format", {}).get("schema")
        return found if isinstance(found, dict) else None

    def between(self, tag: str) -> str:
        """What stands between the first <tag> and </tag> of the user part."""
        return self.user.split(f"<{tag}>\n", 1)[1].split(f"\n</{tag}>", 1)[0]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the server does with one request."""

    text: str = ""
    stop_reason: str = "end_turn"
    status: int = 200
    error_type: str = ""
    usage: dict[str, int | None] | None = None
    """Instead of the counted one (4 characters a token)."""
    body: bytes | None = None
    """Sent as it is, instead of a message."""
    broken: bool = False
    """The connection ends in the middle of the body."""


def says(value: object, **usage: int | None) -> Answer:
    """A normal reply: a string as it is, anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    return Answer(text=text, usage=usage or None)


def fenced(value: object) -> Answer:
    """JSON in a code fence with prose around it, as models without structured output write it."""
    return Answer(text=f"Here it is:\n```json\n{json.dumps(value, indent=1)}\n```\nAnything else?")


def refuses() -> Answer:
    return Answer(text="I can't help with that.", stop_reason="refusal")


def cut_off(text: str = '{"present": tr') -> Answer:
    return Answer(text=text, stop_reason="max_tokens")


def fails(status: int, message: str = "no", error_type: str = "api_error") -> Answer:
    return Answer(status=status, text=message, error_type=error_type)


def breaks_off() -> Answer:
    return Answer(broken=True)


Script = Callable[[Asked], Answer]


def in_turn(*answers: Answer) -> Script:
    """Each request gets the next answer; the last one repeats."""
    left = list(answers)

    def script(asked: Asked) -> Answer:
        return left.pop(0) if len(left) > 1 else left[0]

    return script


@dataclass
class MessagesServer:
    """A running server."""

    script: Script
    key: str = KEY
    structured: bool = True
    """Knows `output_config`; older and compatible servers answer 400."""
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    attempts: int = 0
    """All POSTs, refused ones and retries included."""
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id: the requests, and `results` (lines) once the batch has ended."""
    batches_end_at_once: bool = True

    def run_batches(self) -> None:
        """End the batches that were sent so far."""
        for batch in self.batches.values():
            if batch["results"] is None:
                batch["results"] = [self._result(one) for one in batch["requests"]]

    def _result(self, request: dict[str, Any]) -> dict[str, Any]:
        asked = Asked(headers={}, body=request["params"])
        self.asked.append(asked)
        answer = self.script(asked)
        said = json.loads(_as_json(answer, request["params"]))
        kind = "errored" if answer.status != 200 else "succeeded"
        result = {"error": said} if kind == "errored" else {"message": said}
        return {"custom_id": request["custom_id"], "result": {"type": kind, **result}}


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each reply waits 40 ms for the client's delayed ACK

    def log_message(self, *args: object) -> None:
        """Keep the test output quiet."""

    def _model(self) -> None:
        """`/v1/models/ID`: the key is checked, and a model is known unless its name says no."""
        model = self.path.removeprefix("/v1/models/")
        if self.headers.get("authorization") != f"Bearer {self.server.scripted.key}":
            self._send(fails(401, "invalid bearer token", "authentication_error"), {})
        elif "unknown" in model:
            self._send(fails(404, f"model: {model}", "not_found_error"), {})
        else:
            made = {"id": model, "type": "model", "display_name": model}
            known = {**made, "created_at": "2026-01-01T00:00:00Z"}
            self._send(Answer(body=json.dumps(known).encode()), {})

    def do_POST(self) -> None:
        scripted = self.server.scripted
        scripted.attempts += 1
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.split("?")[0] == "/v1/messages/batches" and self._has_key():
            self._begin_batch(body)
            return
        refusal = self._refusal(body)
        if refusal is not None:
            self._send(refusal, body)
            return
        asked = Asked(headers={k.lower(): v for k, v in self.headers.items()}, body=body)
        scripted.asked.append(asked)
        self._send(scripted.script(asked), body)

    def do_GET(self) -> None:
        if self.path.startswith("/v1/models/"):
            self._model()
            return
        scripted = self.server.scripted
        parts = self.path.split("?")[0].removeprefix("/v1/messages/batches/").split("/")
        batch = scripted.batches.get(parts[0])
        if batch is None or not self._has_key():
            self._send(fails(404, "no such batch", "not_found_error"), {})
        elif parts[1:] == ["results"]:
            lines = "".join(f"{json.dumps(one)}\n" for one in batch["results"] or ())
            self._send(Answer(body=lines.encode()), {})
        else:
            self._send(Answer(body=json.dumps(self._batch(parts[0], batch)).encode()), {})

    def _begin_batch(self, body: dict[str, Any]) -> None:
        scripted = self.server.scripted
        for request in body["requests"]:
            refusal = self._refusal(request["params"], path="/v1/messages")
            if refusal is not None or not re.fullmatch(r"[\w-]{1,64}", request["custom_id"]):
                self._send(refusal or fails(400, "custom_id", "invalid_request_error"), {})
                return
        batch_id = f"msgbatch_{len(scripted.batches) + 1}"
        batch = scripted.batches[batch_id] = {"requests": body["requests"], "results": None}
        if scripted.batches_end_at_once:
            scripted.run_batches()
        self._send(Answer(body=json.dumps(self._batch(batch_id, batch)).encode()), {})

    def _batch(self, batch_id: str, batch: dict[str, Any]) -> dict[str, Any]:
        ended = batch["results"] is not None
        host, port = self.server.server_address[:2]
        url = f"http://{host!s}:{port}/v1/messages/batches/{batch_id}/results"
        done = len(batch["requests"]) if ended else 0
        counts = {"processing": len(batch["requests"]) - done, "succeeded": done}
        return {
            "id": batch_id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts | {"errored": 0, "canceled": 0, "expired": 0},
            "created_at": "2026-11-20T06:00:00Z",
            "expires_at": "2026-11-21T06:00:00Z",
            "ended_at": "2026-11-20T06:30:00Z" if ended else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": url if ended else None,
        }

    def _has_key(self) -> bool:
        return self.headers.get("authorization") == f"Bearer {self.server.scripted.key}"

    def _refusal(self, body: dict[str, Any], *, path: str | None = None) -> Answer | None:
        scripted = self.server.scripted
        if (path or self.path.split("?")[0]) != "/v1/messages":
            return fails(404, "no such path", "not_found_error")
        if not self._has_key():
            return fails(401, "invalid bearer token", "authentication_error")
        if not self.headers.get("anthropic-version"):
            return fails(400, "anthropic-version is missing", "invalid_request_error")
        allowed = _KNOWN if scripted.structured else _KNOWN - {"output_config"}
        wrong = sorted(set(body) - allowed)
        if wrong or not body.get("messages") or body.get("max_tokens", 0) < 1:
            return fails(400, f"invalid request {wrong}", "invalid_request_error")
        return None

    def _send(self, answer: Answer, body: dict[str, Any]) -> None:
        data = answer.body if answer.body is not None else _as_json(answer, body)
        self.send_response(answer.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        if answer.status >= 429:
            self.send_header("retry-after-ms", "1")
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if answer.broken else data)
        self.close_connection = answer.broken


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    scripted: MessagesServer


def _as_json(answer: Answer, body: dict[str, Any]) -> bytes:
    if answer.status != 200:
        error = {"type": answer.error_type, "message": answer.text}
        return json.dumps({"type": "error", "error": error}).encode()
    counted = {
        "input_tokens": len(json.dumps([body.get("system"), body["messages"]])) // 4,
        "output_tokens": max(1, len(answer.text) // 4),
    }
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [{"type": "text", "text": answer.text}],
        "stop_reason": answer.stop_reason,
        "stop_sequence": None,
        "usage": counted if answer.usage is None else answer.usage,
    }
    return json.dumps(message).encode()


@contextmanager
def messages_server(
    script: Script, *, key: str = KEY, structured: bool = True
) -> Iterator[MessagesServer]:
    """Serve `script` on a free port of 127.0.0.1 until the block ends."""
    listener = _Listener(("127.0.0.1", 0), _Handler)
    listener.scripted = MessagesServer(script=script, key=key, structured=structured)
    listener.scripted.url = f"http://127.0.0.1:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield listener.scripted
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join(timeout=5)
