"""What signals and edits tell: against what people annotated, and how fast they are found.

    python bench/signals.py [--only signals|eurtad|betold|corrections]   (minutes; DEBRIEF_SAMPLES)

Real data: user reactions annotated in EURTAD (turn level), real phone calls whose callers hung up
or were forwarded (BETOLD; texts were removed, only intents are left), writers' edits of model
paragraphs with their reasons (LAMP). The product never sees an annotation. Models here are logistic
regressions, cross-validated by group, and stand for what the features could tell at best. Writes
bench/results/signals.md, each section on its own.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, cycle, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from bot.edit_types import edit_types
from bot.records import Signal
from bot.signals import find_signals
from bot.statistics import failure_rate
from collector.records import Completeness, Conversation, Message, ToolCall

ROOT = Path(__file__).parent.parent
SAMPLES = Path(os.environ.get("DEBRIEF_SAMPLES", ROOT / ".." / "shared" / "data"))
RESULTS = ROOT / "bench" / "results" / "signals.md"

CONVERSATIONS = 100_000
REACTIONS = {"error_pointed_out", "quick_correction", "reformulation", "repeated_query"}
SEEDS = range(5)
FOLDS = 5
RESAMPLES = 1000
Features = NDArray[np.float64] | list[list[str]]


def records(name: str) -> list[dict[str, Any]]:
    with gzip.open(SAMPLES / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def conversation_of(record: dict[str, Any]) -> Conversation:
    """A conversation as the collector would give it, without what nobody but the data set knows."""
    complete = Completeness(text=True, system=True, tool_results=True, times=False)
    messages = [_message(one) for one in record["messages"] if one["role"] != "system"]
    return Conversation(
        conversation_id=str(record["id"]),
        agent=str(record.get("agent", "unknown")),
        messages=tuple(messages),
        completeness=complete,
    )


def _message(raw: dict[str, Any]) -> Message:
    calls = [
        ToolCall(id=str(call["id"]), name=call["name"], arguments=_json(call["arguments"]))
        for call in raw.get("tool_calls") or ()
    ]
    error = raw.get("error")
    return Message(
        role=raw["role"],
        text=raw["content"],
        tool_calls=tuple(calls),
        result=_json(raw["content"]) if raw["role"] == "tool" else None,
        error=error if isinstance(error, str) else None,
    )


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


# -- speed ----------------------------------------------------------------------------------------


def signals() -> Iterator[str]:
    """All signals of 100,000 conversations: the real ones, repeated."""
    files = sorted((SAMPLES / "conversations").glob("*.jsonl.gz"))
    real = [conversation_of(one) for path in files for one in records(f"conversations/{path.name}")]
    mean_messages = sum(len(one.messages) for one in real) / len(real)
    find_signals(real[0])  # Patterns are compiled once.
    found: Counter[str] = Counter()
    started, cpu = time.perf_counter(), time.process_time()
    for conversation in islice(cycle(real), CONVERSATIONS):
        found.update({signal.kind for signal in find_signals(conversation)})
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield "## All signals"
    yield ""
    yield (
        f"The {len(real):,} real conversations of the data, repeated; {mean_messages:.0f} messages "
        "each on average. One process, as in the product; goal: 60 s, 2 GB."
    )
    yield ""
    yield "| conversations | CPU s | wall s | ms each | peak of the process, MB |"
    yield "|---:|---:|---:|---:|---:|"
    yield (
        f"| {CONVERSATIONS:,} | {cpu_s:.1f} | {wall_s:.1f} | {1000 * cpu_s / CONVERSATIONS:.2f} "
        f"| {peak_mb:.0f} |"
    )
    yield ""
    yield "| signal | share of these conversations |"
    yield "|---|---:|"
    for kind, count in found.most_common():
        yield f"| {kind} | {count / CONVERSATIONS:.2%} |"
    yield ""


# -- eurtad ---------------------------------------------------------------------------------------


def eurtad() -> Iterator[str]:
    """Does the user's last turn react to an error of the agent?"""
    turns = records("signals/eurtad_turns.jsonl.gz")
    rows = [(turn, _reaction(turn), bool(_kinds_of_last(turn) & REACTIONS)) for turn in turns]
    yield "## Users who point out an error or ask again (EURTAD)"
    yield ""
    yield (
        "Positive: turns that follow an annotated error and do not ignore it. Signals: "
        f"{', '.join(sorted(REACTIONS))}, of the last turn. `self` is the Self-Feeding data, of "
        "which nearly all turns are positive."
    )
    yield ""
    yield "| turns | positive | found | precision (95 %) | recall (95 %) | F1 |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name, chosen in (
        ("all", rows),
        ("without `self`", [row for row in rows if row[0]["dataset"] != "self"]),
    ):
        positive = sum(reaction is not None for _, reaction, _ in chosen)
        found = sum(hit for *_, hit in chosen)
        right = sum(hit and reaction is not None for _, reaction, hit in chosen)
        f1 = 2 * right / (positive + found)
        yield (
            f"| {name}: {len(chosen)} | {positive} | {found} | {_rate(right, found)} "
            f"| {_rate(right, positive)} | {f1:.2f} |"
        )
    yield ""
    yield "| reaction | turns | found |"
    yield "|---|---:|---:|"
    for name in sorted({reaction for _, reaction, _ in rows if reaction}):
        own = [hit for _, reaction, hit in rows if reaction == name]
        yield f"| {name} | {len(own)} | {sum(own)} |"
    yield ""


def _reaction(turn: dict[str, Any]) -> str | None:
    """What the user did about the error; None where there was none, or nothing was done."""
    label = turn["label"]
    reaction = label["user_reaction"] if label["system_error"] else None
    return None if reaction == "Ignore and Continue" else reaction


def _kinds_of_last(turn: dict[str, Any]) -> set[str]:
    conversation = conversation_of({"id": turn["id"], **turn})
    last = len(conversation.messages) - 1
    return {one.kind for one in find_signals(conversation) if one.message_index == last}


def _rate(count: int, total: int) -> str:
    estimate = failure_rate(count, total)
    return f"{estimate.rate:.2f} ({estimate.interval.low:.2f}–{estimate.interval.high:.2f})"  # noqa: RUF001


# -- betold ---------------------------------------------------------------------------------------


def betold() -> Iterator[str]:
    """Will the caller hang up or be forwarded? Told from the first part of the call."""
    calls = records("conversations/betold_calls.jsonl.gz")
    lost = np.array([bool(call["outcome"]["late_user_forward_or_hangup"]) for call in calls])
    groups = [call["labels"]["split_group"] for call in calls]
    yield "## Calls that end in a hang-up or a forward (BETOLD)"
    yield ""
    yield (
        f"{len(calls):,} calls, {lost.mean():.0%} of them lost. The texts of this data were "
        "removed, so signals that need words say nothing; what is left is the shape of the "
        "dialogue: turns, what is said again by whom, turns in a row, entities given, signals and "
        f"where they are. AUC of out-of-fold scores, mean of {len(SEEDS)} seeds on the same "
        f"{FOLDS} folds by caller; the interval is a bootstrap over calls of the difference to the "
        "bag of words. Half of a call is known only in hindsight: its length tells something."
    )
    yield ""
    yield (
        "| first part | length | bag of words | ours: shape and signals | ours and words "
        "| ours less words (95 %) |"
    )
    yield "|---|---:|---:|---:|---:|---:|"
    parts: dict[str, Callable[[list[Any]], list[Any]]] = {
        "10 messages": lambda messages: messages[:10],
        "half": lambda messages: messages[: len(messages) // 2],
        "all but the last two": lambda messages: messages[:-2],
    }
    for name, part in parts.items():
        beginnings = [{**call, "messages": part(call["messages"])} for call in calls]
        yield f"| {name} | " + " | ".join(_aucs(beginnings, lost, groups)) + " |"
    yield ""


def _aucs(
    calls: Sequence[dict[str, Any]], lost: NDArray[np.bool_], groups: Sequence[str]
) -> list[str]:
    words = [_acts(call) for call in calls]
    shape = np.array([_shape(conversation_of(call)) for call in calls], dtype=np.float64)
    length = np.array([[len(call["messages"])] for call in calls], dtype=np.float64)
    sets: dict[str, list[Features]] = {
        "length": [length],
        "words": [words],
        "ours": [shape],
        "both": [shape, words],
    }
    scores = {
        name: [_scores(own, lost, groups, seed) for seed in SEEDS] for name, own in sets.items()
    }
    aucs = [f"{np.mean([roc_auc_score(lost, one) for one in scores[name]]):.3f}" for name in sets]
    mean = {name: np.mean(scores[name], axis=0) for name in ("ours", "words")}
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(RESAMPLES):
        rows = rng.integers(len(lost), size=len(lost))
        pair = [roc_auc_score(lost[rows], mean[name][rows]) for name in ("ours", "words")]
        differences.append(pair[0] - pair[1])
    low, high = np.percentile(differences, [2.5, 97.5])
    return [*aucs, f"{np.mean(differences):+.3f} ({low:+.3f} … {high:+.3f})"]


def _acts(call: dict[str, Any]) -> list[str]:
    return [word for one in call["messages"] for word in re.findall(r"\w+", one["content"])]


def _shape(conversation: Conversation) -> list[float]:
    """The form of a dialogue, in any language and without its words."""
    messages = conversation.messages
    agent = [one.text or "" for one in messages if one.role == "assistant"]
    users = [one.text or "" for one in messages if one.role == "user"]
    in_a_row = [
        sum(one.role == role and other.role == role for one, other in pairwise(messages))
        for role in ("assistant", "user")
    ]
    given = [text.count(",") + (":" in text) for text in users]
    found = find_signals(conversation)
    return [
        len(messages),
        len(users) / max(1, len(messages)),
        *in_a_row,
        *_repeats(agent),
        *_repeats(users),
        float(np.mean(given or [0])),
        sum(count == 0 for count in given),
        *_signal_features(found, len(messages)),
    ]


def _repeats(texts: Sequence[str]) -> list[float]:
    """Said again at all, at once, most often, and since when nothing new was said."""
    first_seen: dict[str, int] = {}
    for at, text in enumerate(texts):
        first_seen.setdefault(text, at)
    at_once = sum(one == other for one, other in pairwise(texts))
    most = max(Counter(texts).values(), default=0)
    newest = max(first_seen.values(), default=-1)
    return [len(texts) - len(first_seen), at_once, most, len(texts) - 1 - newest]


def _signal_features(found: Sequence[Signal], messages: int) -> list[float]:
    last = max((one.message_index for one in found), default=-1)
    return [len(found), len({one.kind for one in found}), (last + 1) / max(1, messages)]


def _scores(
    sets: Sequence[Features], target: NDArray[Any], groups: Sequence[str], seed: int
) -> NDArray[np.float64]:
    """Out-of-fold probabilities of a logistic regression."""
    scores = np.zeros(len(target))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(np.zeros(len(target)), target, groups):
        fitted, seen = _matrices(sets, train, test)
        model = LogisticRegression(C=0.1, max_iter=1000).fit(fitted, target[train])
        scores[test] = model.predict_proba(seen)[:, 1]
    return scores


def _matrices(
    sets: Sequence[Features], train: NDArray[Any], test: NDArray[Any]
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Numbers standardised, words as log counts, both fitted on the training part only."""
    fitted, seen = [], []
    for own in sets:
        if isinstance(own, np.ndarray):
            scaler = StandardScaler().fit(own[train])
            parts = [sparse.csr_matrix(scaler.transform(own[rows])) for rows in (train, test)]
        else:
            counter = CountVectorizer(analyzer=lambda words: words, min_df=2)
            parts = [
                counter.fit_transform([own[row] for row in train]).log1p(),
                counter.transform([own[row] for row in test]).log1p(),
            ]
        fitted.append(parts[0])
        seen.append(parts[1])
    return sparse.hstack(fitted).tocsr(), sparse.hstack(seen).tocsr()


# -- corrections ----------------------------------------------------------------------------------


def corrections() -> Iterator[str]:
    """Why did the writer make this edit?"""
    paragraphs = records("corrections/lamp_edits.jsonl.gz")
    rows = [
        (one["before"], one["editor"], edit, _reason(edit["reason"]))
        for one in paragraphs
        for edit in one["edits"]
    ]
    reasons = np.array([reason for *_, reason in rows])
    groups = [before for before, *_ in rows]
    majority, count = Counter(reasons.tolist()).most_common(1)[0]
    yield "## Why writers edit (LAMP)"
    yield ""
    yield (
        f"{len(rows)} edits of {len(set(groups))} paragraphs by {len({row[1] for row in rows})} "
        f"writers, {len(set(reasons))} reasons; cross-validated by paragraph ({FOLDS} folds, mean "
        f"of {len(SEEDS)} orders). The majority is `{majority}`. Writers agree as far as κ says on "
        "edits of the same place (half of the characters of both shared) by two of them."
    )
    yield ""
    yield "| told from | accuracy | κ |"
    yield "|---|---:|---:|"
    yield f"| the majority | {count / len(rows):.2f} | 0.00 |"
    edits = [edit for _, _, edit, _ in rows]
    shapes = np.array([_edit_shape(edit, before) for before, _, edit, _ in rows])
    types = [list(edit_types(one["original"], one["edited"])) or ["none"] for one in edits]
    words = [_edit_words(one) for one in edits]
    sets: dict[str, list[Features]] = {
        "the types of the edit": [types],
        "types and shape": [types, shapes],
        "types, shape and words": [types, shapes, words],
    }
    for name, own in sets.items():
        told = [_told(own, reasons, groups, seed) for seed in SEEDS]
        accuracy = np.mean([np.mean(one == reasons) for one in told])
        kappa = np.mean([cohen_kappa_score(reasons, one) for one in told])
        yield f"| {name} | {accuracy:.2f} | {kappa:.2f} |"
    pairs = list(_same_places(rows))
    agreed = np.mean([one == other for one, other in pairs])
    kappa = cohen_kappa_score(*zip(*pairs, strict=True))
    yield f"| another writer, same place ({len(pairs)} pairs) | {agreed:.2f} | {kappa:.2f} |"
    yield ""


def _reason(text: str) -> str:
    """One spelling; the three edits about tense are one reason."""
    name = re.sub(r"\s*/\s*", "/", text.split(" (")[0])
    return "Tense Inconsistency" if name.startswith("Tense") else name


def _edit_shape(edit: dict[str, str], paragraph: str) -> list[float]:
    """How much went, came and stayed, where, and with which marks."""
    old, new = edit["original"], edit["edited"]
    before, after = re.findall(r"\w+", old.lower()), re.findall(r"\w+", new.lower())
    kept = (Counter(before) & Counter(after)).total()
    place = paragraph.find(old)
    marks = [new.count(mark) - old.count(mark) for mark in ",.;—'\""]
    return [
        len(before),
        len(after),
        len(after) - len(before),
        kept / max(1, len(before)),
        kept / max(1, len(after)),
        float(not after),
        float(not before),
        float(len(before) == len(after) == 1),
        place / max(1, len(paragraph)),
        float(place >= 0 and old.strip().endswith(".")),
        np.mean([len(word) for word in before] or [0]),
        np.mean([len(word) for word in after] or [0]),
        sum(word.endswith("ing") for word in before) - sum(word.endswith("ing") for word in after),
        sum(word.endswith("ly") for word in before) - sum(word.endswith("ly") for word in after),
        *marks,
    ]


def _edit_words(edit: dict[str, str]) -> list[str]:
    """Words that went and that came."""
    before = Counter(re.findall(r"\w+", edit["original"].lower()))
    after = Counter(re.findall(r"\w+", edit["edited"].lower()))
    return [f"-{word}" for word in before - after] + [f"+{word}" for word in after - before]


def _told(
    sets: Sequence[Features], reasons: NDArray[Any], groups: Sequence[str], seed: int
) -> NDArray[Any]:
    told = np.empty_like(reasons)
    folds = GroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(np.zeros(len(reasons)), reasons, groups):
        fitted, seen = _matrices(sets, train, test)
        model = LogisticRegression(C=0.3, max_iter=2000).fit(fitted, reasons[train])
        told[test] = model.predict(seen)
    return told


def _same_places(rows: Sequence[tuple[str, str, dict[str, str], str]]) -> Iterator[tuple[str, str]]:
    """Reasons of two writers for edits that share at least half of the characters of both."""
    for one, other in combinations(rows, 2):
        if one[0] != other[0] or one[1] == other[1]:
            continue
        spans = [_span(row[0], row[2]["original"]) for row in (one, other)]
        shared = len(set(spans[0]) & set(spans[1]))
        if shared and 2 * shared >= max(map(len, spans)):
            yield one[3], other[3]


def _span(paragraph: str, original: str) -> range:
    """Where the edited words stand; empty where that is not in one place."""
    start = paragraph.find(original)
    known = bool(original.strip()) and paragraph.count(original) == 1
    return range(start, start + len(original)) if known else range(0)


SECTIONS: dict[str, Callable[[], Iterator[str]]] = {
    "signals": signals,
    "eurtad": eurtad,
    "betold": betold,
    "corrections": corrections,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", choices=tuple(SECTIONS), action="append")
    chosen = parser.parse_args().only or list(SECTIONS)
    kept = _kept()
    for name in chosen:
        lines = list(SECTIONS[name]())
        print("\n".join(lines), flush=True)
        kept[name] = "\n".join(lines).strip()
    head = ["# What signals and edits tell", "", "2 cores, Python 3.11.", ""]
    parts = [kept[name] + "\n" for name in SECTIONS if name in kept]
    RESULTS.write_text("\n".join([*head, *parts]).rstrip() + "\n", encoding="utf-8")


def _kept() -> dict[str, str]:
    """The sections of the last results, in the order of SECTIONS, by their headings."""
    if not RESULTS.exists():
        return {}
    headings = {
        "signals": "## All signals",
        "eurtad": "## Users who",
        "betold": "## Calls that",
        "corrections": "## Why writers",
    }
    parts = re.split(r"(?m)^(?=## )", RESULTS.read_text(encoding="utf-8"))
    return {
        name: part.strip()
        for name, heading in headings.items()
        for part in parts
        if part.startswith(heading)
    }


if __name__ == "__main__":
    main()
