"""Work that is handed to a thread stays in its conversation.

Context variables follow asyncio tasks by themselves, but neither `Thread` nor `ThreadPoolExecutor`
(without which no agent runs its tools at the same time) takes them along before Python 3.14.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import wraps
from typing import Any

from debrief.scope import Conversation, current, enter, leave

_followed: list[object] = []
"""What was wrapped already, so that a second `init` does not wrap it again."""


def follow_threads() -> None:
    """Wrap `Thread.start` and `ThreadPoolExecutor.submit`, once in a process.

    Outside a conversation both do exactly what they did before.
    """
    if _followed:
        return
    start: Callable[..., None] = threading.Thread.start
    submit: Callable[..., Future[Any]] = ThreadPoolExecutor.submit
    _followed.extend((start, submit))

    @wraps(start)
    def start_inside(self: threading.Thread) -> None:
        conversation = current()
        if conversation is not None:
            # While the block is open: a worker that lives on must not keep its first conversation.
            self.run = inside(conversation, self.run, while_open=True)  # type: ignore[method-assign]
        start(self)

    @wraps(submit)
    def submit_inside(
        self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        conversation = current()
        if conversation is None:
            return submit(self, fn, *args, **kwargs)
        # A worker that is started for this task belongs to nobody, only the task does.
        token = enter(None)
        try:
            return submit(self, inside(conversation, fn), *args, **kwargs)
        finally:
            leave(token)

    threading.Thread.start = start_inside  # type: ignore[method-assign]
    ThreadPoolExecutor.submit = submit_inside  # type: ignore[assignment,method-assign]


def inside(
    conversation: Conversation, function: Callable[..., Any], *, while_open: bool = False
) -> Callable[..., Any]:
    """The function, as if it were called in that conversation's block."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        token = enter(conversation, while_open=while_open)
        try:
            return function(*args, **kwargs)
        finally:
            leave(token)

    return run
