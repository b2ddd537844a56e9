"""Which version of the repository's prompts and tools served a conversation.

Takes texts that were captured in production and the watched files through their history; gives for
each where it comes from: file, region, commits. Refuses to guess: what resembles no file is `none`.
Costs some milliseconds a text, and no model call.
"""

from bot.versions.captured import find_matches
from bot.versions.index import Index, build_index
from bot.versions.instances import match_texts
from bot.versions.live import seen_live, version_names
from bot.versions.match import match_text
from bot.versions.serving import Gathered, Serving, drift, servings

__all__ = [
    "Gathered",
    "Index",
    "Serving",
    "build_index",
    "drift",
    "find_matches",
    "match_text",
    "match_texts",
    "seen_live",
    "servings",
    "version_names",
]
