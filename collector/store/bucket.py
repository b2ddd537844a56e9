"""Files of a store in an object store: `s3://`, and by the same seam `gs://`.

A PUT is the commit: an object is visible whole or not at all. Readers work on copies in a folder of
this machine; files never change, so a copy stays good for as long as its original is listed.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from collector.errors import Misconfigured, StoreError
from collector.store.files import DataFile, data_file

_T = TypeVar("_T")

_OPTIONS = ("endpoint_override", "region", "scheme", "cache", "cache_gb")
_DOWNLOADS = 8
_CHUNK_BYTES = 4 * 2**20
_CACHE_GB = 20.0
_GRACE_S = 60.0
_ATTEMPTS = 2
_CONNECT_TIMEOUT_S = 3.0
_REQUEST_TIMEOUT_S = 5.0
_SETTLE_S = 3.0
"""Longer than two clocks of one object store differ, and than one listing is behind."""


def open_bucket(address: str) -> Bucket:
    """Open `s3://bucket/prefix?region=..&endpoint_override=HOST:PORT&scheme=http&cache=DIR`.

    Credentials are those of the usual AWS or Google environment.

    Raises:
        Misconfigured: the address is not of that form, or there is no such bucket.
        StoreError: the object store does not answer.
    """
    parts = urlsplit(address)
    options = dict(parse_qsl(parts.query))
    if parts.username or parts.password or not parts.hostname:
        raise Misconfigured(
            f"{parts.scheme}:// needs the name of a bucket and no credentials: write "
            "s3://bucket/prefix and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise Misconfigured(
            f"{unknown[0]!r} is no option of a store in a bucket; there are {', '.join(_OPTIONS)}"
        )
    name = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
    # Two services may each have a bucket of that name.
    place = hashlib.sha256(f"{name} {options.get('endpoint_override')}".encode()).hexdigest()[:16]
    bucket = Bucket(
        address=name,
        root=Path(options.get("cache", "~/.cache/debrief")).expanduser().absolute() / place,
        prefix=f"{parts.netloc}{parts.path}".rstrip("/"),
        filesystem=_filesystem(parts.scheme, options),
        cache_bytes=int(_gigabytes(options.get("cache_gb")) * 2**30),
    )
    if bucket.info(parts.netloc).type == pafs.FileType.NotFound:
        raise Misconfigured(f"there is no bucket {parts.netloc!r}, or it may not be listed")
    return bucket


def _filesystem(scheme: str, options: Mapping[str, str]) -> pafs.FileSystem:
    endpoint = {key: options[key] for key in ("endpoint_override", "scheme") if key in options}
    if scheme == "gs":
        limit = timedelta(seconds=_ATTEMPTS * _REQUEST_TIMEOUT_S)
        return pafs.GcsFileSystem(**endpoint, retry_time_limit=limit)
    return pafs.S3FileSystem(
        **endpoint,
        region=options.get("region"),
        connect_timeout=_CONNECT_TIMEOUT_S,
        request_timeout=_REQUEST_TIMEOUT_S,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        # Without it each file is a multipart upload: three requests where one would do.
        allow_delayed_open=True,
    )


def _gigabytes(text: str | None) -> float:
    try:
        return float(text) if text else _CACHE_GB
    except ValueError:
        raise Misconfigured(f"cache_gb={text!r} is no number; write it like cache_gb=20") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """See `Files`."""

    address: str
    root: Path
    """Where the copies are. They hold what the store holds, so only their owner may read them."""
    prefix: str
    """Bucket and path."""
    filesystem: pafs.FileSystem = field(repr=False)
    cache_bytes: int
    """Copies are kept up to this size; a reading that needs more has more while it lasts."""
    grace_s: float = _GRACE_S

    def list(self, table: str) -> list[DataFile]:
        started = time.time()
        selector = pafs.FileSelector(f"{self.prefix}/{table}", recursive=True, allow_not_found=True)
        infos = self._ask(lambda: self.filesystem.get_file_info(selector), f"list {table}")
        found = [
            data_file(info.path.removeprefix(f"{self.prefix}/"), info.size)
            for info in infos
            if info.type == pafs.FileType.File
        ]
        files = sorted(file for file in found if file)
        self._forget(table, {file.name for file in files}, started)
        return files

    def fetch(self, files: Sequence[DataFile]) -> None:
        missing = [file for file in files if not (self.root / file.name).exists()]
        if missing and missing[0].name.startswith("erasures/"):
            # This machine hears of an erasure: what was derived here may rest on erased words.
            shutil.rmtree(self.root / "derived", ignore_errors=True)
        if missing:
            self._make_folder(self.root)
            with ThreadPoolExecutor(_DOWNLOADS) as pool:
                list(pool.map(self._copy, missing))
            self._evict({file.name for file in files})

    def open(self, file: DataFile) -> pa.NativeFile:
        return self.filesystem.open_input_file(f"{self.prefix}/{file.name}")

    def write(self, name: str, content: pa.Buffer | bytes) -> None:
        def put() -> None:
            # A part that failed makes closing fail, so a torn object never appears.
            with self.filesystem.open_output_stream(f"{self.prefix}/{name}") as stream:
                stream.write(content)

        self._ask(put, f"write {name}")

    def remove(self, files: Sequence[DataFile]) -> None:
        def remove(file: DataFile) -> None:
            with suppress(FileNotFoundError):
                self.filesystem.delete_file(f"{self.prefix}/{file.name}")
            (self.root / file.name).unlink(missing_ok=True)

        with ThreadPoolExecutor(_DOWNLOADS) as pool:
            self._ask(lambda: list(pool.map(remove, files)), "remove files")

    def remove_leftovers(self, table: str, before: date) -> None:
        """There are none: an upload that was cut short is no object."""

    def read_or_create(self, name: str, content: bytes) -> bytes:
        """See `Files`. pyarrow has no conditional PUT, so whoever finds nothing offers a content of
        its own, waits until all offers of that moment can be seen, and takes the oldest.
        """
        path = f"{self.prefix}/{name}"
        offers = pafs.FileSelector(path, allow_not_found=True)

        def oldest() -> str | None:
            # The name itself is an object where a folder was copied into the bucket.
            infos = [self.filesystem.get_file_info(path), *self.filesystem.get_file_info(offers)]
            files = [info for info in infos if info.type == pafs.FileType.File]
            first = min(files, key=lambda info: (info.mtime_ns, info.path), default=None)
            return first.path if first else None

        found = self._ask(oldest, f"read {name}")
        if found is None:
            self.write(f"{name}/{secrets.token_hex(8)}", content)
            time.sleep(_SETTLE_S)
            found = self._ask(oldest, f"read {name}")

        def read() -> bytes:
            with self.filesystem.open_input_stream(found) as stream:
                return bytes(stream.read())

        return self._ask(read, f"read {name}")

    def check_writable(self) -> None:
        self.write(".probe", b"probe")

    def info(self, path: str) -> pafs.FileInfo:
        """What is known of a path of the file system."""
        return self._ask(lambda: self.filesystem.get_file_info(path), "open the bucket")

    def _ask(self, request: Callable[[], _T], what: str) -> _T:
        try:
            return request()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreError(
                f"cannot {what} in {self.address}: {str(error).splitlines()[0]}; correct the "
                "credentials, permissions or network, or try again"
            ) from error

    def _copy(self, file: DataFile) -> None:
        """Fetch one file, whole or not at all."""
        path = self.root / file.name
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        self._make_folder(path.parent)

        def download() -> None:
            with (
                self.filesystem.open_input_stream(f"{self.prefix}/{file.name}") as source,
                draft.open("wb") as copy,
            ):
                shutil.copyfileobj(source, copy, _CHUNK_BYTES)
            draft.replace(path)

        try:
            self._ask(download, f"read {file.name}")
        finally:
            draft.unlink(missing_ok=True)

    def _make_folder(self, folder: Path) -> None:
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot keep copies of {self.address} in {self.root}: {error.strerror}; give a "
                "folder you may write to by cache=DIR in the address of the store"
            ) from error

    def _forget(self, table: str, names: set[str], listed_at: float) -> None:
        """Remove copies of what the bucket has no more, which may have been erased."""
        for path in (self.root / table).glob("date=*/*"):
            with suppress(FileNotFoundError):
                is_listed = f"{table}/{path.parent.name}/{path.name}" in names
                if not is_listed and path.stat().st_mtime < listed_at:
                    path.unlink()

    def _evict(self, needed: set[str]) -> None:
        """Remove the oldest copies that are over the bound and not needed now."""
        copies = []
        for path in self.root.glob("*/date=*/*.parquet"):
            with suppress(FileNotFoundError):
                copies.append((path.stat().st_mtime, path.stat().st_size, path))
        size = sum(copy[1] for copy in copies)
        for _, size_bytes, path in sorted(copies):
            if size <= self.cache_bytes:
                return
            if path.relative_to(self.root).as_posix() not in needed:
                path.unlink(missing_ok=True)
                size -= size_bytes
