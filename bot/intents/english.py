"""Cues and empty words of English: what `naming` knows about the language.

Other languages lose the verb-and-object names and keep the lists of telling words.
"""

from __future__ import annotations

import re

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

WISH = re.compile(
    r"\b(?:(?:want|wanted|need|needed|like|love|wish|try|trying|tried|looking|hoping|able) to"
    r"|wanna|help me(?: to)?|how (?:do|can|could|should) i|(?:can|could|may) (?:i|you)|please)"
    r"(?: just| also| please| still)*\s+([^\W\d_]+)(?=((?:\s+[^\W\d_]+(?:['’-][^\W\d_]+)*){1,8}))",  # noqa: RUF001
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
LINKS = frozenset({"for", "from", "in", "of", "on", "to", "with"})
"""Between an object and what it is about: "get a quote for condo insurance"."""
_NEGATIONS = "aren't can't cannot didn't doesn't don't hasn't haven't isn't not wasn't won't"
NEGATIONS = frozenset(_NEGATIONS.split(" "))
PARTICLES = frozenset({"back", "down", "in", "off", "out", "up"})
"""Part of the verb before them: "set up"."""
_TAILS = "code email information issue name number option question status time"
TAILS = frozenset(_TAILS.split())
"""Say nothing alone, and name a thing behind a word that does: "change a security question"."""
QUESTION = re.compile(
    r"\b(?:how|what|when|where|which|who|why)\b|^\W*(?:am|are|do|does|did|has|have|is|may|should"
    r"|was|were)\b|\b(?:can|could|will|would) (?!you\b)",
    re.IGNORECASE,
)
"""A user asks something; "can you" asks for something."""
ENGLISH = re.compile(r"\b(?:the|my|this|is|and|have|not|it)\b", re.IGNORECASE)
"""Stands in nearly every English message, and hardly in one of another language."""
GERMAN = re.compile(r"\b(?:ich|und|nicht|der|das|ist|mein|meine|meinen|einen?)\b", re.IGNORECASE)
"""Stands in nearly every German message: there, every noun has a capital."""
ABOUT, HELP = "ask about {}", "get help with {}"
"""Names of groups in which nobody says a verb: they ask, or they tell what is wrong."""

# scikit-learn's list of empty words holds some that name things users come for.
_FULL_WORDS = """
amount bill bottom call cancel computer cry describe detail empty fill find fire front full interest
move name part serious show side system
"""
_STOP_WORDS = ENGLISH_STOP_WORDS - set(_FULL_WORDS.split())
LIGHT_VERBS = frozenset({"get", "give", "make", "put", "take"})
"""They say something with an object that says it: "get quote for life insurance"."""

LOOKING_VERBS = frozenset(
    {"calculate", "check", "find", "get", "list", "lookup", "read", "search", "show", "think"}
)
"""A tool that begins with one looks something up: that is how, and not what was wanted."""

_VERBS = """
ask assist call confirm consider continue describe did does explain going got help know let look
mention name proceed provide resolve say share speak start talk tell thank think try understand use
verify wait
"""
EMPTY_VERBS = (_STOP_WORDS | set(_VERBS.split())) - LIGHT_VERBS
"""Verbs that say nothing about an intent."""

_WORDS = """
absolutely actually ahead alright annoyed appreciate assist assistance available best better btw
can't cannot confirm correct could currently definitely detail details did didn't different
disappointed does doesn't doing don't double-check ensure exactly frustrated frustrating future
getting going good got guess handy happened happy having he'd he's hello help hi hmm hoping i'd i'll
i'm i've information it's just kind kindly know let let's like little long look looking lot make
matter maybe moment need needed new nice okay one perfect possible prefer preferred proceed process
provide question quick quickly really recent recently remember right said say soon sorry sounds
start stuff sure thank thanks that's there's they're thing things think today told tried trying
unacceptable understand unfortunately upset use user using wanna want wanted wants way we're went
what's won't work works would yeah yes you're zip
"""
EMPTY_WORDS = _STOP_WORDS | frozenset(_WORDS.split())
"""Words that say nothing about an intent."""
