"""How a collector listens: addresses, tokens, TLS, and what it takes to be open to the network."""

from __future__ import annotations

import argparse
import ipaddress
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from collector.errors import Misconfigured
from collector.tokens import Tokens

DEFAULT_HTTP = "127.0.0.1:4318"
DEFAULT_GRPC = "127.0.0.1:4317"
MAX_REQUEST_MB = 32
"""Exporters batch far below this."""

Address = tuple[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What one collector was asked to do."""

    http: str = DEFAULT_HTTP
    grpc: str = DEFAULT_GRPC
    """`HOST:PORT`; port 0 takes a free one."""
    token: str | None = field(default=None, repr=False)
    """A token, or several as `collector.tokens` reads them."""
    token_file: Path | None = None
    """More of them, read again whenever the file changes."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    """PEM, for both ports; the certificate with its chain."""
    cors_origins: tuple[str, ...] = ()
    """Web pages that may send, such as `https://shop.example.com`; `*` means all."""
    is_insecure: bool = False
    """Listen beyond this machine even without a token."""
    personal: bool = True
    """Also replace personal data; secrets always are."""
    redaction_key: bytes | None = field(default=None, repr=False)
    """Instead of the key that the store keeps."""
    max_request_bytes: int = MAX_REQUEST_MB * 2**20
    """Of one request, before and after decompression."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of a command that listens; `options_of` reads them."""
    parser.add_argument("--http", default=DEFAULT_HTTP, metavar="HOST:PORT")
    parser.add_argument("--grpc", default=DEFAULT_GRPC, metavar="HOST:PORT")
    parser.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="bearer tokens, one a line as TOKEN or NAME TOKEN; read again when it changes",
    )
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="PEM, with its chain")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="PEM")
    parser.add_argument(
        "--cors-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a web page that may send, such as https://shop.example.com; may repeat",
    )
    parser.add_argument("--max-request-mb", type=int, default=MAX_REQUEST_MB, metavar="MB")
    parser.add_argument(
        "--insecure", action="store_true", help="listen beyond this machine without a token"
    )


def options_of(
    given: argparse.Namespace, *, token: str | None, redaction_key: bytes | None = None
) -> Options:
    """The options that a command line with `add_options` was given."""
    return Options(
        http=given.http,
        grpc=given.grpc,
        token=token,
        token_file=given.token_file,
        tls_cert=given.tls_cert,
        tls_key=given.tls_key,
        cors_origins=tuple(given.cors_origin),
        is_insecure=given.insecure,
        redaction_key=redaction_key,
        max_request_bytes=given.max_request_mb * 2**20,
    )


def parse_address(text: str) -> Address:
    """Host and port of `HOST:PORT` or `[V6]:PORT`; without a host, this machine only.

    Raises:
        Misconfigured: it is neither.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not port.isdigit() or int(port) > 65535:
        raise Misconfigured(f"{text!r} is no address; write HOST:PORT, for example 127.0.0.1:4318")
    return host, int(port)


def check_exposure(addresses: tuple[Address, ...], tokens: Tokens, options: Options) -> list[str]:
    """Warnings for ports that are open to the network.

    Raises:
        Misconfigured: one is, without a token, and nobody said that this is meant.
    """
    public = sorted({host for host, _ in addresses if not _is_loopback(host)})
    if not public:
        return []
    if not tokens.are_required and not options.is_insecure:
        raise Misconfigured(
            f"{public[0]} is open to the network and no token is set; set DEBRIEF_COLLECTOR_TOKEN "
            "or --token-file and send it as `Authorization: Bearer …`, or listen on 127.0.0.1; "
            "--insecure listens nevertheless"
        )
    warnings = []
    if not tokens.are_required:
        warnings.append(f"{public[0]} is open to the network and anybody may send")
    if options.tls_cert is None:
        warnings.append(
            f"{public[0]} is open to the network without TLS: tokens and conversations can be read "
            "on the way, unless something in front encrypts"
        )
    return warnings


def check_tls(options: Options) -> tuple[bytes, bytes] | None:
    """Key and certificate as PEM, None where none are asked for.

    Raises:
        Misconfigured: one is missing, cannot be read, or they do not belong together.
    """
    if options.tls_cert is None and options.tls_key is None:
        return None
    if options.tls_cert is None or options.tls_key is None:
        raise Misconfigured("TLS needs both --tls-cert and --tls-key")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            options.tls_cert, options.tls_key, password=""
        )
        return options.tls_key.read_bytes(), options.tls_cert.read_bytes()
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(
            f"the certificate {options.tls_cert} and the key {options.tls_key} cannot be used: "
            f"{error}; both must be PEM, without a passphrase, and belong together"
        ) from error


def listen(address: Address) -> socket.socket:
    """A socket that is bound to an address.

    Raises:
        Misconfigured: the address is taken or not of this machine.
    """
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise not_free(address, error.strerror) from error
    return listener


def not_free(address: Address, reason: str | None) -> Misconfigured:
    """The error that says so."""
    return Misconfigured(
        f"cannot listen on {address[0]}:{address[1]}: {reason}; is another collector running? "
        "Choose another port or 0"
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
