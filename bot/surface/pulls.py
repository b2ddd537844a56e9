"""What open pull requests are told: evidence on those of people, the gate's result on ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.bundle.stated import stated_in
from bot.evidence import (
    EvidenceMap,
    Touched,
    changed_lines,
    evidence_comment,
    evidence_title,
    map_of_json,
    touched_by,
)
from bot.github import GitHub
from bot.github.checks import (
    Annotation,
    ChangedFile,
    Check,
    Conclusion,
    changed_files,
    has_check,
    put_check,
)
from bot.github.issues import comments_of, edit_comment
from bot.marker import parse_marker
from bot.records import short_hash

PULLS = 30
"""Open pull requests of one run, the most recently changed first."""
PREFIX = "debrief/"
Did = Callable[[str, str, str, str | None, str | None], None]
"""(op, id, step, reference, url)."""
_CONCLUSIONS: Mapping[str, Conclusion] = {
    "pass": "success",
    "fail": "failure",
    "inconclusive": "neutral",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What one pull request of a person was, or would be, told."""

    touched: tuple[Touched, ...]
    comment: str
    check: Check


@dataclass(frozen=True, kw_only=True)
class PullPages:
    """Writes checks and comments on open pull requests."""

    client: GitHub
    map_text: str

    def write(self, did: Did) -> None:
        found = map_of_json(self.map_text)
        query = {"state": "open", "sort": "updated", "direction": "desc", "per_page": PULLS}
        for item in self.client.get("/pulls", **query) or []:
            number, url = int(item["number"]), str(item.get("html_url", ""))
            if self._is_ours(item):
                written = self._check_ours(item)
            elif found is not None:
                written = self.tell(number, str(item["head"]["sha"]), found)
            else:
                written = None
            if written:
                did("evidence", f"pull-{number}", written, f"#{number}", url)

    def tell(self, number: int, head_sha: str, found: EvidenceMap) -> str | None:
        """Bring comment and check of one person's pull request up to date; what was written."""
        told = self.look(number, head_sha, found)
        said = self._said(number)
        if not told.touched and said is None:
            return None
        steps = []
        if said is None:
            self.client.add_comment(number, told.comment)
            steps.append("comment")
        elif parse_marker(said[1]) != parse_marker(told.comment):
            edit_comment(self.client, said[0], told.comment)
            steps.append("comment")
        if told.touched:
            written = put_check(self.client, head_sha, told.check)
            if written in ("check", "status"):
                steps.append(written)
        return " and ".join(steps) or None

    def look(self, number: int, head_sha: str, found: EvidenceMap) -> Told:
        """What production says about the lines that it changes. Reads only."""
        watched = {file.path for file in found.files}
        files = [one for one in changed_files(self.client, number) if one.path in watched]
        changes = {one.path: changed_lines(one.patch) for one in files}
        texts = self.client.files(head_sha, list(changes)) if changes else {}
        touched = touched_by(found, changes, {path: file.text for path, file in texts.items()})
        comment = evidence_comment(found, touched, number=number)
        text = comment.partition("\n")[2]
        return Told(
            touched=touched,
            comment=comment,
            check=Check(
                conclusion="neutral",
                title=evidence_title(touched) if touched else "No watched file changes",
                summary=text,
                fingerprint=short_hash(head_sha, text, length=16),
                annotations=tuple(_annotation(one) for one in touched),
            ),
        )

    def _is_ours(self, item: Mapping[str, Any]) -> bool:
        home = (item["head"].get("repo") or {}).get("full_name", "")
        own = str(home).lower() == self.client.repository.lower()
        return own and str(item["head"]["ref"]).startswith(PREFIX)

    def _check_ours(self, item: Mapping[str, Any]) -> str | None:
        """The gate's result as a check, from what the body states about itself."""
        body = (item.get("body") or "").replace("\r\n", "\n")
        stated = stated_in(body)
        if stated is None:
            return None
        number, head_sha = int(item["number"]), str(item["head"]["sha"])
        check = Check(
            conclusion=_CONCLUSIONS.get(stated.gate, "neutral"),
            title=f"Gate: {stated.gate}",
            summary=body.partition("\n")[2],
            fingerprint=short_hash(head_sha, stated.fingerprint, stated.gate, length=16),
        )
        if has_check(self.client, head_sha, check.fingerprint):
            return None
        files = changed_files(self.client, number)
        notes = tuple(one for file in files[:50] for one in _lines_of(file, stated.title))
        written = put_check(self.client, head_sha, replace(check, annotations=notes))
        return written if written in ("check", "status") else None

    def _said(self, number: int) -> tuple[int, str] | None:
        """(id, text) of our comment. A stranger can copy its marker, so his does not count."""
        for one in comments_of(self.client, number):
            marker = parse_marker(one.body) or {}
            ours = not one.author.is_person or one.is_member
            if ours and marker.get("comment") == "evidence":
                return one.id, one.body
        return None


def _annotation(touched: Touched) -> Annotation:
    names = [one.name for one in touched.named[:5]]
    about = f"Relied on by: {'; '.join(names)}." if names else "No intent is tied to these lines."
    return Annotation(
        path=touched.path,
        first_line=touched.first_line,
        last_line=touched.last_line,
        title=evidence_title([touched]),
        message=about,
    )


def _lines_of(file: ChangedFile, title: str) -> list[Annotation]:
    """One remark for each run of changed lines."""
    lines = changed_lines(file.patch)
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    return [
        Annotation(
            path=file.path,
            first_line=first,
            last_line=last,
            title="Debrief",
            message=title,
        )
        for first, last in runs
    ]
