"""The HTTP side of the receiver: OTLP in protobuf and JSON, plain events, health, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import get_args

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collector.answers import Answer, answer_for, error_body, export_body
from collector.errors import BadRequest, Busy
from collector.intake import Body, Intake, Signal
from collector.listening import Address, Options, listen
from collector.metrics import CONTENT_TYPE as METRICS_TYPE
from collector.store import Store
from collector.tokens import Tokens

PROTOBUF_TYPE = "application/x-protobuf"
JSON_TYPE = "application/json"
READ_S = 60.0
"""How long a request may take to arrive."""
_START_S = 10.0
_PREFLIGHT_S = 24 * 3600


def http_app(
    intake: Intake,
    store: Store,
    tokens: Tokens,
    *,
    cors_origins: tuple[str, ...] = (),
) -> Starlette:
    """The HTTP side as an ASGI application."""

    async def events(request: Request) -> Response:
        try:
            with intake.metrics.request("events", "http"):
                tokens.check(request.headers.get("authorization"))
                with intake.receiving() as more:
                    body = await _body(request, more, is_json=True)
                    accepted, refused = await intake.take_events(body)
        except Exception as error:  # noqa: BLE001 -- answer_for logs what it does not know
            return _refusal(answer_for(error), JSON_TYPE)
        status = 400 if refused and not accepted else 200
        return JSONResponse({"accepted": accepted, "refused": refused}, status_code=status)

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        try:
            await asyncio.to_thread(store.check_writable)
        except Exception as error:  # noqa: BLE001 -- answer_for logs what it does not know
            return _refusal(answer_for(error), JSON_TYPE)
        return JSONResponse({"status": "ok"})

    async def metrics(request: Request) -> Response:
        try:
            tokens.check(request.headers.get("authorization"), "metrics")
        except Exception as error:  # noqa: BLE001 -- answer_for logs what it does not know
            return _refusal(answer_for(error), JSON_TYPE)
        return Response(intake.metrics.page(), media_type=METRICS_TYPE)

    return Starlette(
        routes=[
            *(
                Route(f"/v1/{signal}", partial(_export, signal, intake, tokens), methods=["POST"])
                for signal in get_args(Signal)
            ),
            Route("/v1/events", events, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=cors_origins,
                allow_methods=["POST"],
                allow_headers=["*"],  # exporters add headers of their own; cookies are never read
                max_age=_PREFLIGHT_S,
            )
        ]
        if cors_origins
        else [],
    )


async def _export(signal: Signal, intake: Intake, tokens: Tokens, request: Request) -> Response:
    """Answer one OTLP export in the content type of the request."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = content_type == JSON_TYPE
    try:
        with intake.metrics.request(signal, "http"):
            tokens.check(request.headers.get("authorization"))
            if not is_json and content_type != PROTOBUF_TYPE:
                raise BadRequest(
                    f"Content-Type {content_type[:60]!r} is not known; send {PROTOBUF_TYPE} or "
                    f"{JSON_TYPE}"
                )
            with intake.receiving() as more:
                body = await _body(request, more, is_json=is_json)
                result = await intake.take(signal, body)
    except Exception as error:  # noqa: BLE001 -- answer_for logs what it does not know
        return _refusal(answer_for(error), JSON_TYPE if is_json else PROTOBUF_TYPE)
    return Response(
        export_body(signal, result, json=is_json),
        media_type=JSON_TYPE if is_json else PROTOBUF_TYPE,
    )


async def _body(request: Request, more: Callable[[int], None], *, is_json: bool) -> Body:
    chunks = []
    try:
        async with asyncio.timeout(READ_S):
            async for chunk in request.stream():
                more(len(chunk))
                chunks.append(chunk)
    except ClientDisconnect:
        raise BadRequest("the sender hung up before the request was complete") from None
    except TimeoutError:
        raise Busy(f"the request was not complete within {READ_S:.0f} s; send it again") from None
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    return Body(content=b"".join(chunks), encoding=encoding, is_json=is_json)


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


class _Server(uvicorn.Server):
    """uvicorn, but signals are ours: it would end the process by the signal and not with 0."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


@asynccontextmanager
async def http_server(
    app: Starlette, address: Address, options: Options, *, drain_s: float
) -> AsyncIterator[int]:
    """Run the application; gives the port. On leaving, requests under way are finished."""
    listener = listen(address)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            ssl_certfile=options.tls_cert,
            ssl_keyfile=options.tls_key,
            timeout_graceful_shutdown=int(drain_s),
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
