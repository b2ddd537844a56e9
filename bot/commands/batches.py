"""Many questions to the model at half the price: one batch a night, whatever happens to the run.

A batch that is not done in time, or whose run was killed, is picked up by the next run: its
questions wait in STORE/derived/batches, its answers land where every answer is kept.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.derived import keep_reply, kept_reply, replace_file, reply_key
from bot.intents.reading import AskMany
from bot.records import RenderedPrompt, Reply, Skipped
from collector.store import Store

if TYPE_CHECKING:
    from bot.model import Model

PENDING = "derived/batches"
WAIT_S = 3_600.0
"""Most batches end within the hour (the service's own words); what does not waits for tomorrow."""
POLL_S = 30.0


def asking_in_batches(
    model: Model,
    store: Store,
    models: Sequence[str],
    *,
    wait_s: float = WAIT_S,
    poll_s: float = POLL_S,
    sleep: Callable[[float], None] = time.sleep,
) -> AskMany:
    """`AskMany` by batches. `models` are the ids that the roles stand for.

    What an earlier run asked is answered from its batch. At most `wait_s` is waited; a question
    whose answer is still to come is `Skipped` with the code pending, one that the budget does not
    pay for with the code budget.
    """

    def ask_many(prompts: Sequence[RenderedPrompt]) -> list[Reply | Skipped]:
        keys = [reply_key(prompt, models) for prompt in prompts]
        waiting = _collect(model, store)
        new = {
            key: prompt
            for key, prompt in zip(keys, prompts, strict=True)
            if key not in waiting and kept_reply(store, key) is None
        }
        if new:
            batch_id, sent = model.send_batch(new)
            if sent:
                _put_down(store, batch_id, {key: new[key] for key in sent})
                waiting = _collect(model, store)
        for _ in range(int(wait_s / poll_s)):
            if not waiting & set(keys):
                break
            sleep(poll_s)
            waiting = _collect(model, store)
        return [
            kept_reply(store, key) or _why_not(key in waiting, prompt)
            for key, prompt in zip(keys, prompts, strict=True)
        ]

    return ask_many


def _collect(model: Model, store: Store) -> set[str]:
    """Take in the batches that are done; gives the keys of those that are not."""
    waiting: set[str] = set()
    for path in sorted((store.root / PENDING).glob("*.json")):
        prompts = _questions(path)
        replies = model.batch_replies(path.stem, prompts) if prompts else {}
        if replies is None:
            waiting |= prompts.keys()
            continue
        for key, reply in replies.items():
            if isinstance(reply, Reply):
                keep_reply(store, key, reply)
        path.unlink(missing_ok=True)  # last: killed before, the same is taken in once more
    return waiting


def _put_down(store: Store, batch_id: str, prompts: dict[str, RenderedPrompt]) -> None:
    text = json.dumps({key: asdict(prompt) for key, prompt in prompts.items()})
    path = store.root / PENDING / f"{batch_id}.json"
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def _questions(path: Path) -> dict[str, RenderedPrompt]:
    with suppress(OSError, ValueError, TypeError, AttributeError):
        return {key: RenderedPrompt(**said) for key, said in json.loads(path.read_bytes()).items()}
    return {}


def _why_not(is_pending: bool, prompt: RenderedPrompt) -> Skipped:
    what = f"model call {prompt.name}"
    if is_pending:
        reason = "Its batch is not done yet; the next run takes the answer in."
        return Skipped(what=what, code="pending", reason=reason)
    reason = "The batch held no answer that could be used, or the budget did not pay for it."
    return Skipped(what=what, code="batch", reason=reason)
