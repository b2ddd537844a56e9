"""Cues and empty words of English: what `naming` knows about the language.

Other languages lose the verb-and-object names and keep the lists of telling words.
"""

from __future__ import annotations

import re

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

WISH = re.compile(
    r"\b(?:(?:want|wanted|need|needed|like|love|wish|try|trying|tried|looking|hoping|able) to"
    r"|wanna|help me(?: to)?|how (?:do|can|could|should) i|(?:can|could|may) (?:i|you)|please)"
    r"(?: just| also| please| still)*\s+([^\W\d_]+)((?:\s+[^\W\d_]+(?:['’-][^\W\d_]+)*){1,6})",  # noqa: RUF001
    re.IGNORECASE,
)
"""A user says what they want: group 1 is the verb, group 2 what follows it."""

INTRODUCED = re.compile(
    r"\b(?:name is|name's|name:|mein name ist|ich hei(?:ß|ss)e|je m'appelle|me llamo)"
    r"((?:\s+[^\W\d_]+){1,3})",
    re.IGNORECASE,
)
"""A user says their name (group 1); the commonest forms of four languages."""

_DETERMINERS = """
a all an any both current entire existing her his my new our recent some that the their this those
upcoming whole
"""
PASSED_OVER = frozenset(_DETERMINERS.split())
"""Between a verb and its object."""

_VERBS = """
ask assist confirm consider continue did does explain going got help know let look make mention
proceed provide resolve say share speak start talk tell thank think try understand use verify wait
"""
EMPTY_VERBS = ENGLISH_STOP_WORDS - {"cancel", "find", "move", "fill"} | frozenset(_VERBS.split())
"""Verbs that say nothing about an intent."""

_WORDS = """
actually ahead assist assistance available best better btw can't cannot correct could did didn't
different does doesn't doing don't double-check currently ensure exactly future going good got guess
having he'd he's hello help hi hmm hoping i'd i'll i'm i've information it's just kind kindly know
let let's like little long look looking lot make matter maybe moment need needed new okay one
perfect possible prefer preferred proceed process provide question quick quickly really right said
say soon sounds start stuff sure thank thanks that's there's they're thing things think today told
tried trying understand use user using want wanted wants way we're went what's won't work works
would yeah yes you're zip
"""
EMPTY_WORDS = ENGLISH_STOP_WORDS | frozenset(_WORDS.split())
"""Words that say nothing about an intent."""
