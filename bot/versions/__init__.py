"""Which version of the repository's prompts and tools served a conversation.

Takes texts that were captured in production and the watched files through their history; gives for
each where it comes from: file, region, commits. Refuses to guess: what resembles no file is `none`.
Costs some milliseconds a text, and no model call.
"""

from bot.versions.index import Index, build_index
from bot.versions.instances import match_texts
from bot.versions.match import match_text, seen_live
from bot.versions.serving import Gathered, Serving, drift, servings

__all__ = [
    "Gathered",
    "Index",
    "Serving",
    "build_index",
    "drift",
    "match_text",
    "match_texts",
    "seen_live",
    "servings",
]
