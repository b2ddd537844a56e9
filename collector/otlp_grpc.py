"""The gRPC side of the receiver: the three services of OTLP, from bytes to bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from grpc import (
    method_handlers_generic_handler,
    ssl_server_credentials,
    unary_unary_rpc_method_handler,
)
from grpc.aio import Server as GrpcServer
from grpc.aio import server as new_server

from collector.answers import answer_for, export_body, status_details
from collector.intake import Body, Intake, Signal
from collector.listening import Address, not_free
from collector.tokens import Tokens

_SERVICES: dict[Signal, str] = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}


@asynccontextmanager
async def grpc_server(
    intake: Intake,
    tokens: Tokens,
    address: Address,
    *,
    tls: tuple[bytes, bytes] | None,
    drain_s: float,
) -> AsyncIterator[int]:
    """Run the three services; gives the port. On leaving, requests under way are finished.

    Raises:
        Misconfigured: the address is taken or not of this machine.
    """
    server: GrpcServer = new_server(
        options=[
            ("grpc.max_receive_message_length", intake.max_request_bytes),
            ("grpc.so_reuseport", 0),  # two collectors on one port are a mistake
        ],
    )
    for name, service in _SERVICES.items():
        method = unary_unary_rpc_method_handler(_export(name, intake, tokens))
        server.add_generic_rpc_handlers(
            (method_handlers_generic_handler(service, {"Export": method}),)
        )
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    target = f"{host}:{address[1]}"
    try:
        if tls:
            port = server.add_secure_port(target, ssl_server_credentials([tls]))
        else:
            port = server.add_insecure_port(target)
    except RuntimeError as error:
        raise not_free(address, "it cannot be bound") from error
    await server.start()
    try:
        yield port
    finally:
        await server.stop(drain_s)


def _export(signal: Signal, intake: Intake, tokens: Tokens) -> Callable[..., Any]:
    """The method Export of one service."""

    async def export(body: bytes, context: Any) -> bytes:
        metadata = dict(context.invocation_metadata() or ())
        try:
            with intake.metrics.request(signal, "grpc"):
                tokens.check(metadata.get("authorization"))
                with intake.receiving() as more:
                    more(len(body))
                    result = await intake.take(signal, Body(content=body))
        except Exception as error:  # noqa: BLE001 -- answer_for logs what it does not know
            answer = answer_for(error)
            await context.abort(answer.grpc_status, answer.message, status_details(answer))
        return export_body(signal, result, json=False)

    return export
