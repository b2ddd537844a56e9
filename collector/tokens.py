"""Who may send: bearer tokens, several, to be revoked while the collector runs.

A list of tokens has one a line, `TOKEN` or `NAME TOKEN`; `#` starts a comment. The name tells
people which line to remove. The name `metrics` reads /metrics and cannot send; all others only
send.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from pathlib import Path
from typing import Literal, TypeAlias

from collector.errors import Misconfigured, StoreError, Unauthorized

_log = logging.getLogger(__name__)

Right: TypeAlias = Literal["send", "metrics"]
_METRICS = "metrics"


class Tokens:
    """The tokens that are valid now."""

    def __init__(self, text: str | None = None, file: Path | None = None) -> None:
        """Tokens of a text stay; those of a file are read again whenever the file changes.

        Raises:
            Misconfigured: the text or file has no token, or the file cannot be read.
        """
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._of_file: list[tuple[Right, bytes]] = []
        try:
            self._fixed = _parse(text or "")
            self._read_again()
        except ValueError as error:
            raise Misconfigured(f"DEBRIEF_COLLECTOR_TOKEN, {error}") from error
        except StoreError as error:
            raise Misconfigured(str(error)) from error
        if (text is not None or file) and not self._known:
            raise Misconfigured(
                f"{file or 'DEBRIEF_COLLECTOR_TOKEN'} has no token; write one a line, for example "
                "made by `openssl rand -hex 32`"
            )

    @property
    def are_required(self) -> bool:
        """Whether senders need one."""
        return bool(self._fixed) or self._file is not None

    def check(self, header: str | bytes | None, right: Right = "send") -> None:
        """Let pass whoever has the right, by the value of `Authorization`.

        Raises:
            Unauthorized: the token is missing, unknown, or for something else.
            StoreError: the file of tokens cannot be read now; the sender should keep its data.
        """
        if not self.are_required:
            return
        self._read_again()
        given = (header.decode("latin-1") if isinstance(header, bytes) else header) or ""
        scheme, _, value = given.partition(" ")
        digest = _digest(value.strip())
        # All are compared, and digests only, so that the time says nothing about any token.
        matches = [hmac.compare_digest(digest, known) for _, known in self._known]
        rights = {right for (right, _), is_it in zip(self._known, matches, strict=True) if is_it}
        if scheme.lower() == "bearer" and right in rights:
            return
        raise Unauthorized(
            "the bearer token is missing or wrong; set the header `Authorization: Bearer …` of the "
            "exporter (OTEL_EXPORTER_OTLP_HEADERS)"
            if right == "send"
            else "/metrics needs the token named `metrics` of the collector's list of tokens"
        )

    @property
    def _known(self) -> list[tuple[Right, bytes]]:
        return self._fixed + self._of_file

    def _read_again(self) -> None:
        if self._file is None:
            return
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self._stamp:
                return
            self._of_file = _parse(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            self._stamp = None
            raise StoreError(
                f"the file of tokens {self._file} cannot be read: {error}; correct it, nobody can "
                "send until then"
            ) from error
        self._stamp = stamp
        _log.info("tokens read: %d", len(self._of_file))


def _parse(text: str) -> list[tuple[Right, bytes]]:
    """Rights and digests of tokens; the tokens themselves are not kept.

    Raises:
        ValueError: a line has more than two words.
    """
    known: list[tuple[Right, bytes]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if len(words) > 2:
            raise ValueError(f"line {number}: {len(words)} words; write TOKEN or NAME TOKEN")
        if words:
            right: Right = "metrics" if len(words) == 2 and words[0] == _METRICS else "send"
            known.append((right, _digest(words[-1])))
    return known


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
