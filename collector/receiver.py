"""The OTLP receiver: HTTP and gRPC in, rows in the store out, acknowledged when they are durable.

Takes /v1/traces, /v1/logs and /v1/metrics in protobuf or JSON, the same three services by gRPC, and
plain JSON events at /v1/events. Refuses to listen beyond this machine without a bearer token.
Nothing of a conversation reaches the log.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import ipaddress
import logging
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

import uvicorn
from grpc import (  # type: ignore[import-untyped]  # ships no types
    method_handlers_generic_handler,
    unary_unary_rpc_method_handler,
)
from grpc.aio import Server as GrpcServer  # type: ignore[import-untyped]
from grpc.aio import server as grpc_server
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collector.answers import Answer, answer_for, error_body, export_body
from collector.errors import BadRequest, Misconfigured, StoreError, TooLarge, Unauthorized
from collector.intake import Intake, Signal, inflate
from collector.redaction import Redactor
from collector.store import Store, open_store
from collector.store.writer import GroupWriter

_log = logging.getLogger(__name__)

PROTOBUF_TYPE = "application/x-protobuf"
JSON_TYPE = "application/json"
MAX_REQUEST_BYTES = 32 * 2**20
"""After decompression too; exporters batch far below this."""
DRAIN_S = 10.0
"""How long a stopping collector waits for requests that are under way."""
_START_S = 10.0
_SERVICES: dict[Signal, str] = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}


def wall_clock() -> datetime:
    """The time of this machine, UTC."""
    return datetime.fromtimestamp(time.time(), tz=UTC)


def serve(
    store_location: str,
    *,
    http: str = "127.0.0.1:4318",
    grpc: str = "127.0.0.1:4317",
    token: str | None = None,
    personal: bool = True,
    redaction_key: bytes | None = None,
    max_request_bytes: int = MAX_REQUEST_BYTES,
    clock: Callable[[], datetime] = wall_clock,
) -> None:
    """Receive until SIGTERM or SIGINT, then finish what is under way and return.

    Prints one line to standard error when both ports answer; port 0 takes a free one. `personal`
    also replaces personal data; `redaction_key` overrides the key that the store keeps.

    Raises:
        Misconfigured: an address is wrong, taken, or open to the network without a `token`.
        StoreError: the store cannot be opened or written.
    """
    http_address, grpc_address = parse_address(http), parse_address(grpc)
    if token is None:
        for host, _ in (http_address, grpc_address):
            _require_loopback(host)
    store = open_store(store_location, create=True)
    store.check_writable()
    redact = store.redactor(key=redaction_key, personal=personal)
    asyncio.run(_serve(store, redact, http_address, grpc_address, token, max_request_bytes, clock))


async def _serve(
    store: Store,
    redact: Redactor,
    http_address: tuple[str, int],
    grpc_address: tuple[str, int],
    token: str | None,
    max_request_bytes: int,
    clock: Callable[[], datetime],
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    writer = GroupWriter(store, clock=clock)
    intake = Intake(writer, redact, clock=clock, max_request_bytes=max_request_bytes)
    try:
        async with (
            _http_server(http_app(intake, store, token), http_address) as http_port,
            _grpc_server(intake, grpc_address, token, max_request_bytes) as grpc_port,
        ):
            print(
                f"debrief collector ready: http={http_address[0]}:{http_port} "
                f"grpc={grpc_address[0]}:{grpc_port} store={store.root}",
                file=sys.stderr,
                flush=True,
            )
            await stop.wait()
            _log.info("stopping")
    finally:
        intake.close()
        if not await asyncio.to_thread(writer.close, timeout_s=DRAIN_S):
            _log.error("rows were still being written when the collector stopped")


# ---- HTTP ---------------------------------------------------------------------------------------


def http_app(intake: Intake, store: Store, token: str | None) -> Starlette:
    """The HTTP side as an ASGI application."""

    def export(signal: Signal) -> Route:
        async def endpoint(request: Request) -> Response:
            return await _export(request, signal, intake, token)

        return Route(f"/v1/{signal}", endpoint, methods=["POST"])

    async def events(request: Request) -> Response:
        try:
            _check_token(request.headers.get("authorization"), token)
            accepted, refused = await intake.take_events(await _body(request, intake))
        except Exception as error:  # noqa: BLE001 -- answer_for logs what it does not know
            return _refusal(answer_for(error), JSON_TYPE)
        status = 400 if refused and not accepted else 200
        return JSONResponse({"accepted": accepted, "refused": refused}, status_code=status)

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        try:
            await asyncio.to_thread(store.check_writable)
        except StoreError as error:
            return _refusal(answer_for(error), JSON_TYPE)
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            *(export(signal) for signal in _SERVICES),
            Route("/v1/events", events, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ]
    )


async def _export(request: Request, signal: Signal, intake: Intake, token: str | None) -> Response:
    """Answer one OTLP export in the content type of the request."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = content_type == JSON_TYPE
    try:
        _check_token(request.headers.get("authorization"), token)
        if not is_json and content_type != PROTOBUF_TYPE:
            raise BadRequest(
                f"Content-Type {content_type[:60]!r} is not known; send {PROTOBUF_TYPE} or "
                f"{JSON_TYPE}"
            )
        result = await intake.take(signal, await _body(request, intake), json=is_json)
    except Exception as error:  # noqa: BLE001 -- answer_for logs what it does not know
        return _refusal(answer_for(error), JSON_TYPE if is_json else PROTOBUF_TYPE)
    return Response(
        export_body(signal, result, json=is_json),
        media_type=JSON_TYPE if is_json else PROTOBUF_TYPE,
    )


async def _body(request: Request, intake: Intake) -> bytes:
    """The body as it was before compression."""
    limit = intake.max_request_bytes
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"the request is over {limit} bytes; export smaller batches")
            chunks.append(chunk)
    except ClientDisconnect:
        raise BadRequest("the sender hung up before the request was complete") from None
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    return await asyncio.to_thread(inflate, b"".join(chunks), encoding, limit)


def _refusal(answer: Answer, content_type: str) -> Response:
    headers = {"Retry-After": str(answer.retry_after_s)} if answer.retry_after_s else {}
    if answer.http_status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        error_body(answer, json=content_type == JSON_TYPE),
        status_code=answer.http_status,
        headers=headers,
        media_type=content_type,
    )


class _HttpServer(uvicorn.Server):
    """uvicorn, but signals are ours: it would end the process by the signal and not with 0."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


@asynccontextmanager
async def _http_server(app: Starlette, address: tuple[str, int]) -> AsyncIterator[int]:
    """Run the application; gives the port. On leaving, requests under way are finished."""
    listener = _listen(address)
    server = _HttpServer(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=int(DRAIN_S),
        )
    )
    running = asyncio.create_task(server.serve(sockets=[listener]))
    async with asyncio.timeout(_START_S):
        while not server.started and not running.done():
            await asyncio.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await running


def _listen(address: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _not_free(address, error.strerror) from error
    return listener


# ---- gRPC ---------------------------------------------------------------------------------------


@asynccontextmanager
async def _grpc_server(
    intake: Intake, address: tuple[str, int], token: str | None, max_request_bytes: int
) -> AsyncIterator[int]:
    """Run the three services; gives the port. On leaving, requests under way are finished."""
    server: GrpcServer = grpc_server(
        options=[
            ("grpc.max_receive_message_length", max_request_bytes),
            ("grpc.so_reuseport", 0),  # two collectors on one port are a mistake
        ],
    )
    for name, service in _SERVICES.items():
        method = unary_unary_rpc_method_handler(_grpc_export(name, intake, token))
        server.add_generic_rpc_handlers(
            (method_handlers_generic_handler(service, {"Export": method}),)
        )
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    try:
        port = server.add_insecure_port(f"{host}:{address[1]}")
    except RuntimeError as error:
        raise _not_free(address, "it cannot be bound") from error
    await server.start()
    try:
        yield port
    finally:
        await server.stop(DRAIN_S)


def _grpc_export(signal: Signal, intake: Intake, token: str | None) -> Callable[..., Any]:
    """The method Export of one service, from bytes to bytes."""

    async def export(body: bytes, context: Any) -> bytes:
        metadata = dict(context.invocation_metadata() or ())
        try:
            _check_token(metadata.get("authorization"), token)
            result = await intake.take(signal, body, json=False)
        except Exception as error:  # noqa: BLE001 -- answer_for logs what it does not know
            answer = answer_for(error)
            await context.abort(answer.grpc_status, answer.message)
        return export_body(signal, result, json=False)

    return export


# ---- addresses and tokens -----------------------------------------------------------------------


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` or `[V6]:PORT`; without a host, this machine only.

    Raises:
        Misconfigured: it is neither.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not port.isdigit() or int(port) > 65535:
        raise Misconfigured(f"{text!r} is no address; write HOST:PORT, for example 127.0.0.1:4318")
    return host, int(port)


def _require_loopback(host: str) -> None:
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise Misconfigured(
            f"{host} is open to the network and no token is set; set DEBRIEF_COLLECTOR_TOKEN and "
            "send it as `Authorization: Bearer …`, or listen on 127.0.0.1"
        )


def _check_token(header: str | bytes | None, token: str | None) -> None:
    if token is None:
        return
    given = (header.decode("latin-1") if isinstance(header, bytes) else header) or ""
    scheme, _, value = given.partition(" ")
    is_right = hmac.compare_digest(value.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not is_right:
        raise Unauthorized(
            "the bearer token is missing or wrong; set the header `Authorization: Bearer …` of the "
            "exporter (OTEL_EXPORTER_OTLP_HEADERS)"
        )


def _not_free(address: tuple[str, int], reason: str | None) -> Misconfigured:
    return Misconfigured(
        f"cannot listen on {address[0]}:{address[1]}: {reason}; is another collector running? "
        "Choose another port or 0"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m collector.receiver`: the collector alone, without the rest of the command line."""
    parser = argparse.ArgumentParser(prog="collector.receiver", description=__doc__)
    parser.add_argument("--store", required=True)
    parser.add_argument("--http", default="127.0.0.1:4318")
    parser.add_argument("--grpc", default="127.0.0.1:4317")
    parser.add_argument("--token")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    try:
        serve(given.store, http=given.http, grpc=given.grpc, token=given.token)
    except Misconfigured as error:
        print(error, file=sys.stderr)
        return 2
    except StoreError as error:
        print(error, file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
