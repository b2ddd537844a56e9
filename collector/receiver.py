"""The OTLP receiver: HTTP and gRPC in, rows in the store out, acknowledged when they are durable.

Takes /v1/traces, /v1/logs and /v1/metrics in protobuf or JSON, the same three services by gRPC, and
plain JSON events at /v1/events. Refuses to listen beyond this machine without a bearer token.
Nothing of a conversation reaches the log.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pyarrow as pa

from collector.errors import Misconfigured, StoreError
from collector.intake import Intake
from collector.listening import (
    Address,
    Options,
    add_options,
    check_exposure,
    check_tls,
    options_of,
    parse_address,
)
from collector.otlp_grpc import grpc_server
from collector.otlp_http import http_app, http_server
from collector.redaction import Redactor
from collector.store import Store, open_store
from collector.store.writer import GroupWriter
from collector.tokens import Tokens

_log = logging.getLogger(__name__)

_OBJECTS_BETWEEN_COLLECTIONS = 100_000
DRAIN_S = 10.0
"""How long each port of a stopping collector waits for requests that are under way."""


def wall_clock() -> datetime:
    """The time of this machine, UTC."""
    return datetime.fromtimestamp(time.time(), tz=UTC)


def serve(
    store_location: str,
    options: Options | None = None,
    *,
    clock: Callable[[], datetime] = wall_clock,
    redactor: Redactor | None = None,
) -> None:
    """Receive until SIGTERM or SIGINT, then finish what is under way and return.

    Prints one line to standard error when both ports answer. The redactor is that of the store;
    another one is only given to measure what redaction costs.

    Raises:
        Misconfigured: an address is wrong, taken, or open to the network without a token; a token
            file or a certificate cannot be used.
        StoreError: the store cannot be opened or written.
    """
    options = options or Options()
    addresses = parse_address(options.http), parse_address(options.grpc)
    tokens = Tokens(options.token, options.token_file)
    for warning in check_exposure(addresses, tokens, options):
        _log.warning(warning)
    tls = check_tls(options)
    store = open_store(store_location, create=True)
    store.check_writable()
    redact = redactor or store.redactor(key=options.redaction_key, personal=options.personal)
    # Arrow's own allocator keeps what a burst of requests needed; this one gives it back.
    pa.set_memory_pool(pa.system_memory_pool())
    redact.text("")  # compiles its filters, for which the first sender would wait half a second
    # A request makes a hundred thousand objects, none in a circle: looking for circles after each
    # few hundred is a tenth of all work.
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        asyncio.run(_serve(store, redact, addresses, options, tokens, tls, clock))
    finally:
        gc.unfreeze()  # or DuckDB complains of leaks in sixty lines when the process ends


async def _serve(
    store: Store,
    redact: Redactor,
    addresses: tuple[Address, Address],
    options: Options,
    tokens: Tokens,
    tls: tuple[bytes, bytes] | None,
    clock: Callable[[], datetime],
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    writer = GroupWriter(store, clock=clock)
    intake = Intake(writer, redact, clock=clock, max_request_bytes=options.max_request_bytes)
    app = http_app(intake, store, tokens, cors_origins=options.cors_origins)
    http, grpc = addresses
    try:
        async with (
            http_server(app, http, options, drain_s=DRAIN_S) as http_port,
            grpc_server(intake, tokens, grpc, tls=tls, drain_s=DRAIN_S) as grpc_port,
        ):
            print(
                f"debrief collector ready: http={http[0]}:{http_port} "
                f"grpc={grpc[0]}:{grpc_port} store={store.address}",
                file=sys.stderr,
                flush=True,
            )
            await stop.wait()
            _log.info("stopping")
    finally:
        intake.close()
        if not await asyncio.to_thread(writer.close, timeout_s=DRAIN_S):
            _log.error("rows were still being written when the collector stopped")


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m collector.receiver`: the collector alone, without the rest of the command line."""
    parser = argparse.ArgumentParser(prog="collector.receiver", description=__doc__)
    parser.add_argument("--store", required=True)
    parser.add_argument("--token")
    add_options(parser)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    try:
        serve(given.store, options_of(given, token=given.token))
    except Misconfigured as error:
        print(error, file=sys.stderr)
        return 2
    except StoreError as error:
        print(error, file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
