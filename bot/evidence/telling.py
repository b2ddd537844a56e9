"""The comment on a person's pull request, and the line that its check shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.evidence.records import EvidenceMap, Touched, Watch
from bot.figures import count, rate
from bot.markdown import Live, code_span, plain, table
from bot.marker import render_marker
from bot.records import short_hash
from bot.statistics import failure_rate
from collector.records import Json

SHOWN = 12
_SECTIONS = 20
BUDGET = 60_000


def evidence_title(touched: Sequence[Touched]) -> str:
    """One line for the check: `3 measured rates depend on the changed lines, 1 is worse than …`."""
    watches = _distinct(one for part in touched for one in part.named)
    shared = _distinct(one for part in touched for one in part.others)
    if not watches and not shared:
        return "Watched files change; nothing is known of who relies on them yet"
    known, where = (watches, "lines") if watches else (shared, "files")
    verb = "depends" if len(known) == 1 else "depend"
    said = f"{count(len(known), 'measured rate')} {verb} on the changed {where}"
    standing = sum(one.stands for one in known)
    if not standing:
        return said
    return f"{said}, {standing} {'is' if standing == 1 else 'are'} worse than the agent's others"


def evidence_comment(found: EvidenceMap, touched: Sequence[Touched], *, number: int) -> str:
    """The comment of pull request `number`; its marker tells whether it says something new.

    The cases are ids, never text.
    """
    text = _text(found, touched)
    marker: dict[str, Json] = {
        "comment": "evidence",
        "number": number,
        "text": short_hash(text, length=16),
    }
    return f"{render_marker(marker)}\n{text}"


def _text(found: EvidenceMap, touched: Sequence[Touched]) -> str:
    if not touched:
        return "This pull request no longer changes a file that makes an agent what it is.\n"
    parts = [
        f"**{evidence_title(touched)}**",
        f"From {found.window_days} days of conversations, up to {found.at:%Y-%m-%d}. "
        "For your review only: Debrief neither approves nor blocks this change.",
    ]
    watches = _distinct(one for part in touched for one in part.named)
    if watches:
        parts.append(_rates(watches))
        parts.append(_places(touched))
        cases = _cases(watches)
        if cases:
            parts.append(f"**Look at these after the change**\n\n{cases}")
    others = [
        one
        for one in _distinct(one for part in touched for one in part.others)
        if one not in watches
    ]
    if others and watches:
        title = f"Also in the same files ({len(others)})"
        parts.append(f"<details><summary>{title}</summary>\n\n{_rates(others)}\n\n</details>")
    elif others:
        parts += [_places(touched), _rates(others)]
    if not watches and not others:
        parts.append(_places(touched))
    parts.append("The rates are of production before this change; they say nothing of the change.")
    body = "\n\n".join(parts) + "\n"
    return body if len(body) <= BUDGET else "\n\n".join([*parts[:3], parts[-1]]) + "\n"


def _rates(watches: Sequence[Watch]) -> str:
    rows = [
        [
            one.name,
            _rate(one),
            count(one.total, one.unit) if one.total else count(one.conversations, "conversation"),
            ", ".join(filter(None, ["**worse than others**" if one.stands else "", one.trend])),
        ]
        for one in watches[:SHOWN]
    ]
    live = [[name, found, of, Live(said)] for name, found, of, said in rows]
    shown = table(["who relies on it", "fails (95 %)", "of", ""], live)
    more = len(watches) - SHOWN
    return f"{shown}\n\nand {more:,} more" if more > 0 else shown


def _rate(watch: Watch) -> str:
    if not watch.total:
        return "no outcome known"
    found = failure_rate(min(watch.failed, watch.total), watch.total)
    return rate(found.rate, found.interval)


def _places(touched: Sequence[Touched]) -> str:
    lines = []
    for part in touched[:_SECTIONS]:
        where = code_span(part.path[:200])
        section = f", section {code_span(part.section[:120])}" if part.section else ""
        at = f", {_lines(part)}" if part.section else ""
        names = ", ".join(plain(one.name, 60) for one in part.named[:5])
        lines.append(f"- {where}{section}{at}" + (f": {names}" if names else ""))
    if len(touched) > _SECTIONS:
        lines.append(f"- and {len(touched) - _SECTIONS} more")
    return "\n".join(lines)


def _lines(part: Touched) -> str:
    if part.first_line == part.last_line:
        return f"line {part.first_line}"
    return f"lines {part.first_line}\u2013{part.last_line}"


def _cases(watches: Sequence[Watch]) -> str:
    lines = []
    for one in watches[:SHOWN]:
        if one.cases:
            ids = ", ".join(code_span(case[:80]) for case in one.cases)
            lines.append(f"- {plain(one.name, 60)}: {ids}")
    return "\n".join(lines)


def _distinct(watches: Iterable[Watch]) -> list[Watch]:
    found: dict[tuple[str, str], Watch] = {}
    for one in watches:
        found.setdefault((one.agent, one.id), one)
    return list(found.values())
