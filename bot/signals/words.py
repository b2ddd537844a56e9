"""The words that signals look for, in a few languages, and how to look for them quickly.

Structure comes first; words only where it says too little. Each pattern is searched in what one
message says, never in what it pastes: `searched` bounds that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import pyarrow as pa

from collector.filters import Filters

SEARCHED_CHARS = 2000
"""Of each message that are searched for words: what people mean stands in what they wrote, and a
pasted document is bounded so."""
MARKUP_ONLY = re.compile(r"\s*(?:<[^<>]*>|###[^#]*###)\s*", re.S)
"""A placeholder such as <SILENCE> or ###STOP### instead of words."""


def _phrases(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in alternatives), re.I)


CORRECTS = _phrases(  # at the start of the turn
    r"^\W*(?:no|nope|hm+|wait|sorry)?\W*(?:that|this|it)(?:'s| is| was|'d be)? ?(?:not|n't) "
    r"(?:what|right|correct|it\b|the one|how)",
    r"^\W*(?:no|nope|wait)\b\W*(?:that|this|it)(?:'s| is| was) (?:the )?(?:wrong|incorrect|not)",
    r"^\W*(?:no|nope|wait|sorry)?\W*(?:i (?:meant|said|asked)|not what i)\b",
    r"^\W*(?:nein|ne)\b\W*(?:das|ich|so|nicht)\b.{0,20}\b(?:nicht|falsch|meinte)\b",
    r"^\W*ich (?:meinte|habe gesagt|wollte doch)\b",
    r"^\W*non\b\W*(?:ce n'est pas|c'est pas|je voulais|j'ai dit)\b",
    r"^\W*(?:je voulais dire)\b",
    r"^\W*no\b\W*(?:eso|esto|no) (?:no )?(?:es|era)\b",
    r"^\W*(?:quise decir|me refería)\b",
)
POINTS_OUT = _phrases(
    r"\b(?:that|this|it|which|your answer)(?:'s| is| was| looks?) (?:still |just |simply )?"
    r"(?:(?:the )?wrong|incorrect|false|not (?:right|correct|true))\b",
    r"\byou(?:'re| are| were|r) (?:wrong|mistaken|not making (?:any )?sense)\b",
    r"\byou (?:\w+ ){1,3}the wrong \w+",
    r"\byou (?:made an? (?:mistake|error)|misunderst|got (?:it|that) wrong|aren't making)",
    r"\b(?:that|this|it)? ?(?:does(?:n'?t| not)|did(?:n'?t| not)|not|isn'?t) (?:even )?"
    r"(?:mak(?:e|ing) (?:any )?sense|help\b)",
    r"\bmak(?:es?|ing) no sense\b",
    r"^\W*(?:that |this |it |still )?(?:did(?:n'?t| not)|does(?:n'?t| not)|is(?:n'?t| not)|not) "
    r"work(?:ing)?\b",
    r"^\W*(?:you(?:'re|r| are) )?doing (?:it|this|that) wrong\b",
    r"\bwhat (?:does|do|has|have) (?:that|this|it) (?:have |got )?to do with\b",
    r"^\W*(?:u[hm]+|huh|sorry|wait|hm+)?\W*(?:what|huh)\W*\?\W*$",
    r"^\W*wrong (?:answer|order|one|date|person|item|account|number)\b",
    r"^\W*what (?:do you mean|are you talking about|does (?:that|this) mean)\W*(?:[?!.]|$)",
    r"\b(?:das|dies|es) (?:ist|war|stimmt) (?:doch |leider |so )?"
    r"(?:falsch|nicht(?: (?:richtig|korrekt))?)\W*$",
    r"\b(?:funktioniert|geht) (?:immer noch |leider |so )?nicht\b",
    r"\b(?:c'est faux|ce n'est pas (?:juste|correct)|ça ne marche pas)\b",
    r"\b(?:está mal|es incorrecto|no es correcto|no funciona)\b",
)
WANTS_A_PERSON = _phrases(
    r"\b(?:speak|talk|chat|connect|transfer|put|escalate|get|reach|forward|hand)\b.{0,30}"
    r"\b(?:human|(?:real|live|actual) (?:person|agent|someone)|representative|supervisor|manager"
    r"|(?:human|live|customer service) (?:agent|rep)|operator)\b",
    r"\b(?:transfer|forward|escalate) me\b",
    r"\b(?:want|need|like) (?:a|an) (?:human|real person|operator|representative|supervisor)\b",
    r"^\W*(?:human|agent|operator|representative|(?:a )?real person)(?: please)?\W*$",
    r"\b(?:mit|an|zu) (?:einem|einen|einer|eine) (?:echten |richtigen )?"
    r"(?:menschen|mitarbeiter(?:in)?|person|kollegen)\b",
    r"\b(?:parler|passer|joindre)\b.{0,20}\b(?:humain|conseiller|personne réelle|responsable)\b",
    r"\b(?:hablar|comunicar(?:me)?|pasar(?:me)?)\b.{0,20}"
    r"\b(?:humano|persona|agente|supervisor|representante)\b",
)
REFUSES = _phrases(  # at the start of the answer
    r"^\W*(?:(?:i'm|i am) (?:very |so |really )?(?:sorry|afraid)[,.!]? ?(?:but )?(?:that )?)?"
    r"(?:unfortunately,? )?i(?:'m| am)? (?:cannot|can't|can not|unable to|not able to|won't"
    r"|not allowed to|not permitted to)\b",
    r"^\W*(?:es tut mir leid|leider).{0,30}\b(?:kann ich|ich kann)\b.{0,60}\bnicht\b",
    r"^\W*(?:désolée?|malheureusement).{0,20}\bje ne (?:peux|suis) pas\b",
    r"^\W*(?:lo siento|lamentablemente).{0,20}\bno (?:puedo|es posible)\b",
)
TAKES_LEAVE = _phrases(
    r"\b(?:thanks?|thank you|thx|cheers|goodbye|bye|that's all|that'?ll be all|that is all"
    r"|no that's it|nothing else|have a (?:nice|good|great|wonderful) \w+|perfect|great)\b",
    r"\b(?:danke|tschüss|das war's|merci|au revoir|c'est tout|gracias|adiós|eso es todo)\b",
)
OFFERS_MORE = _phrases(
    r"\b(?:anything|something|what) else\b",
    r"\bhow (?:can|may) i (?:help|assist) you\b",
    r"\b(?:sonst noch|noch etwas|autre chose|algo más)\b",
)
ENDS_ITSELF = re.compile(r"###[A-Z -]+###\s*$")
"""The mark by which a simulated customer says that it is done; real ones have other words."""
PROMISES = _phrases(
    r"\b(?:i'll|i will|i am going to|i'm going to|let me) (?:now |just |quickly |go ahead and )?"
    r"(?:check|look|find|search|process|cancel|book|change|update|modify|arrange|send|submit|issue"
    r"|start|begin|proceed|get|verify|review|transfer|connect|escalate|open|create|place|refund)\b",
    r"\b(?:one moment|just a moment|hold on|hang on|please wait|bear with me"
    r"|give me a (?:moment|second))\b",
    r"\b(?:ich werde|ich prüfe|ich schaue|lassen sie mich|einen moment|moment bitte)\b",
    r"\b(?:je vais|laissez-moi|un instant|un moment)\b",
    r"\b(?:voy a|déjame|permítame|un momento)\b",
)
"""An agent that says what it is about to do."""
LEFT_TO_OTHERS = _phrases(
    r"\b(?:e-?mail|contact|reach out|get back|be in touch|follow up|call you|notify|update you|"
    r"within \d|in the next|shortly|tomorrow|business days?|anything else"
    r"|(?:once|when|if|after|as soon as) (?:you|your|the|i|it|we))\b",
)
"""What is promised for later, or on a condition, may well happen where no transcript shows it."""


def searched(text: str) -> str:
    """The part of a message that is searched, with plain apostrophes."""
    return text[:SEARCHED_CHARS].replace("\u2019", "'")


def pointing_out_or_wanting(texts: Sequence[str]) -> tuple[set[int], set[int]]:
    """Which texts may point out an error, and which may ask for a person; some too many.

    Two patterns with free distances between words are slow, and nearly nothing holds them: one scan
    of all texts tells where it is worth to look.
    """
    pointing_out, wanting = _filters().hits(
        pa.array([_storable(text) for text in texts], pa.string())
    )
    return pointing_out, wanting


@cache
def _filters() -> Filters:
    """What may point out an error or ask for a person; compiled at first use, in a tenth of 1 s.

    Looser than the patterns themselves, so that they compile quickly: without anchors, with any
    character for one that is not ASCII, and any distance for a bounded one. `re` has the last word.
    """
    looser = {r"\\b|[$^]|\\W\*": "", r"\{0,\d+\}": "*", r"\\w": r"\\S", r"[^\x00-\x7f]": "."}
    patterns = [POINTS_OUT.pattern, WANTS_A_PERSON.pattern]
    for exact, loose in looser.items():
        patterns = [re.sub(exact, loose, one) for one in patterns]
    return Filters([f"(?i){one}" for one in patterns], words=False)


def _storable(text: str) -> str:
    """Without halves of surrogate pairs, which no encoding has."""
    return text.encode(errors="replace").decode()


def takes_leave(text: str) -> bool:
    """Whether a user says goodbye or thank you, and asks nothing more."""
    text = text[-SEARCHED_CHARS:]
    return "?" not in text and TAKES_LEAVE.search(text) is not None
