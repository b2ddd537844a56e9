"""Takes a compressed body, gives what it was before, and never more than a limit of it."""

from __future__ import annotations

import zlib

import pyarrow as pa

from collector.errors import BadRequest, TooLarge

_RAW, _GZIP_OR_ZLIB = -15, 47  # `wbits` of zlib


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """The body before compression, at most `limit` bytes of it.

    Raises:
        BadRequest: the encoding is not known, or the body is not compressed that way.
        TooLarge: there is more.
    """
    match encoding:
        case "" | "identity":
            return body
        case "gzip" | "x-gzip" | "deflate":
            return _by_zlib(body, encoding, limit)
        case "zstd":
            return _by_zstd(body, limit)
    raise BadRequest(
        f"Content-Encoding {encoding[:40]!r} is not known; send gzip, deflate, zstd or none"
    )


def _by_zlib(body: bytes, encoding: str, limit: int) -> bytes:
    parts, size = [], 0
    while body:
        # Some senders of "deflate" leave out the zlib header that RFC 9110 wants.
        is_raw = encoding == "deflate" and not _has_zlib_header(body)
        stream = zlib.decompressobj(_RAW if is_raw else _GZIP_OR_ZLIB)
        try:
            parts.append(stream.decompress(body, limit - size + 1))
        except zlib.error as error:
            raise BadRequest(f"the body is not {encoding}: {error}; check the exporter") from error
        size += len(parts[-1])
        _check_size(size, limit)
        if not stream.eof:
            raise BadRequest(f"the {encoding} body is cut off; check what lies in between")
        body = stream.unused_data  # gzip may hold several members
    return b"".join(parts)


def _has_zlib_header(body: bytes) -> bool:
    """RFC 1950: method 8, and the first two bytes are a multiple of 31."""
    return body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0


def _by_zstd(body: bytes, limit: int) -> bytes:
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), "zstd") as stream:
            content: bytes = stream.read(limit + 1)
    except OSError as error:
        raise BadRequest(f"the body is not zstd: {error}; check the exporter") from error
    _check_size(len(content), limit)
    return content


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"the request is over {limit} bytes; export smaller batches")
