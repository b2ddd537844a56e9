"""Tell Debrief which conversation, user and outcome an agent's telemetry belongs to.

    import debrief

    debrief.init("support-agent")
    with debrief.conversation(chat_id, user=user_id, channel="web"):
        answer = agent.run(message)

Nothing here raises, waits for the network or needs more memory than a fixed bound.
"""

from debrief.events import correction, decision, feedback, outcome, respond, review
from debrief.scope import Conversation, conversation
from debrief.setup import dropped, flush, init, shutdown

__all__ = [
    "Conversation",
    "conversation",
    "correction",
    "decision",
    "dropped",
    "feedback",
    "flush",
    "init",
    "outcome",
    "respond",
    "review",
    "shutdown",
]
