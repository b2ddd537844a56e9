"""A bundle on disk: plan.json, bodies and patches in one folder, whole or not there.

The reader is another job with other rights, so it trusts nothing: every field is checked, every
path stays inside the folder.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from bot.errors import UsageError
from bot.records import Edit, Operation, Plan, Skipped

PLAN_FILE = "plan.json"
_ENTRIES = {PLAN_FILE, "bodies", "patches"}
_TEXT_LIMIT = 4_000_000


def write_bundle(
    out: Path, plan: Plan, bodies: Mapping[str, str], patches: Mapping[str, str]
) -> None:
    """Write the bundle to the folder `out`, replacing a bundle that is there.

    `bodies` by `Operation.body_file`; `patches` by operation id, for people and `git apply`.

    Raises:
        UsageError: `out` is something else than a bundle or an empty folder, or a name leaves it.
    """
    _refuse_other_folders(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for name, text in bodies.items():
            _write(draft, name, text)
        for id, text in patches.items():
            _write(draft, f"patches/{id}.patch", text)
        _write(draft, PLAN_FILE, _plan_json(plan))
        read_bundle(draft)  # what we would refuse to read is not written either
        draft.chmod(0o755)
        _swap(draft, out)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def read_bundle(path: Path) -> Plan:
    """Read and check plan.json and that each body is there.

    Raises:
        UsageError: no bundle, another schema, or a field that is not what it must be.
    """
    try:
        text = (path / PLAN_FILE).read_text(encoding="utf-8")
        plan = _PlanModel.model_validate_json(text)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{path} is no bundle: it has no {PLAN_FILE}; name the folder that `debrief propose "
            "--out` wrote"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path / PLAN_FILE} cannot be read: {error}; write it again") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{path / PLAN_FILE}, {where or 'document'}: {first['msg']}; write the bundle again "
            "with this version of Debrief"
        ) from None
    for operation in plan.operations:
        read_body(path, operation.body_file)
    return plan.record()


def read_body(path: Path, body_file: str) -> str:
    """The text of one body of the bundle at `path`.

    Raises:
        UsageError: the name leaves the bundle, or there is no such file.
    """
    place = _inside(path, body_file)
    try:
        text = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"body {body_file!r:.80} of {path} cannot be read: {error}") from None
    if len(text) > _TEXT_LIMIT:
        raise UsageError(f"body {body_file!r:.80} of {path} has {len(text):,} characters")
    return text


def _refuse_other_folders(out: Path) -> None:
    """A folder with anything of somebody else's in it is never replaced."""
    if not out.exists():
        return
    if not out.is_dir() or {one.name for one in out.iterdir()} - _ENTRIES:
        raise UsageError(f"{out} is there and is no bundle; name another folder with --out")


def _swap(draft: Path, out: Path) -> None:
    """Put `draft` in the place of `out`; at no moment is half a bundle there."""
    if not out.exists():
        draft.rename(out)
        return
    former = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    out.rename(former)  # onto an empty folder
    draft.rename(out)
    shutil.rmtree(former)


def _write(folder: Path, name: str, text: str) -> None:
    place = _inside(folder, name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")


def _inside(folder: Path, name: str) -> Path:
    """A path under `folder`, symbolic links followed."""
    try:
        place = (folder / _relative(name)).resolve()
    except ValueError as error:
        raise UsageError(f"{name!r:.80} is no name inside a bundle: {error}") from None
    if not place.is_relative_to(folder.resolve()):
        raise UsageError(f"{name!r:.80} leads out of the bundle {folder}; write the bundle again")
    return place


def _plan_json(plan: Plan) -> str:
    values = dataclasses.asdict(plan)
    for one in values["left_out"]:
        if one["pattern_id"] is None:
            del one["pattern_id"]
        if not one["detail"]:
            del one["detail"]
    return json.dumps(values, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


# -- what plan.json may hold ---------------------------------------------------------------------


def _relative(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or "\0" in path or ".." in parts:
        raise ValueError("a relative path with forward slashes and without .. is expected")
    return path


_Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
_Branch = Annotated[str, Field(pattern=r"^(debrief/[a-z0-9][a-z0-9._-]{0,63})?$")]
_Path = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_relative)]
_Line = Annotated[str, Field(max_length=500)]


# Patterns are Rust's: there `$` is the end of the text, not also before a last newline.
class _Model(BaseModel):
    # Other keys may be added by later versions: they are ignored, never carried out.
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _EditModel(_Model):
    path: _Path
    base_blob: Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")] | None
    old: Annotated[str, Field(max_length=_TEXT_LIMIT)]
    new: Annotated[str, Field(max_length=_TEXT_LIMIT)]


class _OperationModel(_Model):
    op: Literal[
        "open", "update", "label", "close", "comment", "verdict", "issue", "answer", "evidence"
    ]
    id: _Id
    kind: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
    branch: _Branch
    title: Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\r\n]*$")]
    body_file: _Path
    labels: tuple[Annotated[str, Field(min_length=1, max_length=50)], ...] = ()
    edits: tuple[_EditModel, ...] = ()
    evidence: dict[str, JsonValue] = {}
    prediction: dict[str, JsonValue] | None = None
    fingerprint: _Line = ""
    pattern_id: _Line = ""
    agent: _Line = ""
    reference: _Line | None = None
    superseded_by: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9._-]{0,63})?$")] = ""
    request: dict[str, JsonValue] = {}
    is_draft: bool = False

    def record(self) -> Operation:
        plain = {name: getattr(self, name) for name in type(self).model_fields}
        edits = tuple(Edit(**edit.model_dump()) for edit in self.edits)
        return Operation(**{**plain, "edits": edits})


class _SkippedModel(_Model):
    what: str
    code: str = "unknown"
    reason: str
    pattern_id: str | None = None
    detail: str = ""


class _PlanModel(_Model):
    schema_: Literal[1] = Field(alias="schema")
    target: _Line
    base_sha: Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
    base_branch: Annotated[str, Field(min_length=1, max_length=255)]
    settings_sha: _Line
    operations: tuple[_OperationModel, ...]
    left_out: tuple[_SkippedModel, ...]

    def record(self) -> Plan:
        return Plan(
            schema=self.schema_,
            target=self.target,
            base_sha=self.base_sha,
            base_branch=self.base_branch,
            settings_sha=self.settings_sha,
            operations=tuple(operation.record() for operation in self.operations),
            left_out=tuple(Skipped(**one.model_dump()) for one in self.left_out),
        )
