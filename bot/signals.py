"""Signals: what a conversation itself shows about how it went, found without a model.

Takes one `Conversation`, gives `Signal`s; refuses nothing; costs under a millisecond. Words are
looked for in few languages and only where structure says too little; evidence is in our words, so
no text of a stranger travels on.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from bot.records import Signal, SignalKind
from collector.filters import Filters
from collector.records import Conversation, Event, Message

SIMILAR = 0.8
"""Cosine of two user turns above which one says the other again."""
REPEATS = 3
"""So many similar user turns, or equal tool calls, are a repetition."""
COMPARED_CHARS = 400
"""Of each user turn; a long paste repeats its beginning."""
SEARCHED_CHARS = 2000
"""Of each message that are searched for words: what people mean stands in what they wrote, and a
pasted document is bounded so."""
COMPARED_TURNS = 40
"""Newest user turns that are compared with one another, so that cost stays bounded."""
SHORT_WORDS = 4
"""A turn of fewer words ("yes please") says too little to be a request."""

_MARKUP_ONLY = re.compile(r"\s*(?:<[^<>]*>|###[^#]*###)\s*", re.S)
"""A placeholder such as <SILENCE> or ###STOP### instead of words."""
_DIGIT = re.compile(r"\d")
_WORDS = re.compile(r"\w+")


def _phrases(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in alternatives), re.I)


_CORRECTS = _phrases(  # at the start of the turn
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
_POINTS_OUT = _phrases(
    r"\b(?:that|this|it|which|your answer)(?:'s| is| was| looks?) (?:still |just |simply )?"
    r"(?:(?:the )?wrong|incorrect|false|not (?:right|correct|true))\b",
    r"\byou(?:'re| are| were|r) (?:wrong|mistaken|not making (?:any )?sense)\b",
    r"\byou (?:\w+ ){1,3}the wrong \w+",
    r"\byou (?:made an? (?:mistake|error)|misunderst|got (?:it|that) wrong|aren't making)",
    r"\b(?:that|this|it)? ?(?:does(?:n't| not)|did(?:n't| not)|not|isn't) (?:even )?"
    r"(?:mak(?:e|ing) (?:any )?sense|help\b)",
    r"^\W*(?:that |this |it |still )?(?:did(?:n't| not)|does(?:n't| not)|is(?:n't| not)|not) "
    r"work(?:ing)?\b",
    r"^\W*wrong (?:answer|order|one|date|person|item|account|number)\b",
    r"^\W*(?:what (?:do you mean|are you talking about|does (?:that|this) mean))\W*$",
    r"\b(?:das|dies|es) (?:ist|war|stimmt) (?:doch |leider |so )?"
    r"(?:falsch|nicht(?: (?:richtig|korrekt))?)\W*$",
    r"\b(?:funktioniert|geht) (?:immer noch |leider |so )?nicht\b",
    r"\b(?:c'est faux|ce n'est pas (?:juste|correct)|ça ne marche pas)\b",
    r"\b(?:está mal|es incorrecto|no es correcto|no funciona)\b",
)
_WANTS_A_PERSON = _phrases(
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
_REFUSES = _phrases(  # at the start of the answer
    r"^\W*(?:(?:i'm|i am) (?:very |so |really )?(?:sorry|afraid)[,.!]? ?(?:but )?(?:that )?)?"
    r"(?:unfortunately,? )?i(?:'m| am)? (?:cannot|can't|can not|unable to|not able to|won't"
    r"|not allowed to|not permitted to)\b",
    r"^\W*(?:es tut mir leid|leider).{0,30}\b(?:kann ich|ich kann)\b.{0,60}\bnicht\b",
    r"^\W*(?:désolée?|malheureusement).{0,20}\bje ne (?:peux|suis) pas\b",
    r"^\W*(?:lo siento|lamentablemente).{0,20}\bno (?:puedo|es posible)\b",
)
_TAKES_LEAVE = _phrases(
    r"\b(?:thanks?|thank you|thx|cheers|goodbye|bye|that's all|that'?ll be all|that is all"
    r"|no that's it|nothing else|have a (?:nice|good|great|wonderful) \w+|perfect|great)\b",
    r"\b(?:danke|tschüss|das war's|merci|au revoir|c'est tout|gracias|adiós|eso es todo)\b",
)
_OFFERS_MORE = _phrases(
    r"\b(?:anything|something|what) else\b",
    r"\bhow (?:can|may) i (?:help|assist) you\b",
    r"\b(?:sonst noch|noch etwas|autre chose|algo más)\b",
)
_ENDS_ITSELF = re.compile(r"###[A-Z -]+###\s*$")
"""The mark by which a simulated customer says that it is done; real ones have other words."""
_HANDS_OVER = re.compile(
    r"(?:transfer|escalate|hand_?(?:off|over)|forward|connect)\w*_(?:human|agent|person|support"
    r"|clinician|operator|supervisor|representative|staff)|^escalate$|human_handoff",
    re.I,
)
_ERROR_TEXT = re.compile(
    r"\s*(?:#[^\n]{0,40}=\s*)?[\"']?(?:error|exception|traceback|failed)\b", re.I
)
_WRAPPERS = frozenset({"message", "response", "answer", "reply", "text", "content", "output"})
_FENCE = re.compile(r"\s*```(?:json)?\s*(\{.*\})\s*```\s*", re.S)

_FEEDBACK_NAMES = re.compile(
    r"feedback|thumb|rating|csat|satisfaction|\bstars?\b|\blikes?\b|helpful", re.I
)
_STARS = re.compile(r"star|csat|rating", re.I)
_NEGATIVE_LABELS = frozenset(
    {
        *("negative", "bad", "poor", "down", "thumbs_down", "thumbs-down", "thumbsdown"),
        *("dislike", "disliked", "unhelpful", "not_helpful", "unsatisfied", "dissatisfied", "no"),
    }
)


def find_signals(conversation: Conversation) -> tuple[Signal, ...]:
    """All signals of one conversation, by message. The same conversation gives the same signals."""
    found = [
        *_of_tools(conversation.messages),
        *_of_ratings(conversation),
    ]
    if conversation.completeness.text:
        turns = _turns(conversation.messages)
        found += [
            *_of_similar_turns(turns, conversation.messages),
            *_of_words(turns, conversation.messages),
            *_of_answers(conversation.messages),
            *_of_the_end(conversation),
        ]
    else:
        found += _cut_off(conversation.messages)
    return tuple(sorted(found, key=lambda signal: (signal.message_index, signal.kind)))


# -- user turns -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Turn:
    """One user message, prepared for comparing."""

    index: int
    text: str
    folded: str
    grams: Mapping[str, int]
    norm: float
    numbers: frozenset[str]


def _turns(messages: Sequence[Message]) -> list[_Turn]:
    turns = []
    for index, message in enumerate(messages):
        if message.role != "user" or not message.text or _MARKUP_ONLY.fullmatch(message.text):
            continue
        text = _searched(message.text)
        words = _WORDS.findall(text[:COMPARED_CHARS].lower())
        folded = " ".join(words)
        grams = Counter([folded[at : at + 3] for at in range(len(folded) - 2)])
        turns.append(
            _Turn(
                index=index,
                text=text,
                folded=folded,
                grams=grams,
                norm=math.sqrt(sum([count * count for count in grams.values()])),
                numbers=frozenset([w for w in words if not w.isalpha() and _DIGIT.search(w)]),
            )
        )
    return turns


def _searched(text: str) -> str:
    return text[:SEARCHED_CHARS].replace("\u2019", "'")


def _storable(text: str) -> str:
    """Without halves of surrogate pairs, which no encoding has."""
    return text.encode(errors="replace").decode()


def _similarity(one: _Turn, other: _Turn) -> float:
    """Cosine of character 3-gram counts, 0..1.

    Two turns that each have a number which the other lacks ask about two things, so they are 0.
    """
    if one.numbers - other.numbers and other.numbers - one.numbers:
        return 0.0
    if not one.norm or not other.norm:
        return 0.0
    a, b = one.grams, other.grams
    return sum([a[gram] * b[gram] for gram in a.keys() & b.keys()]) / (one.norm * other.norm)


def _of_similar_turns(turns: Sequence[_Turn], messages: Sequence[Message]) -> Iterator[Signal]:
    requests = [turn for turn in turns if len(turn.folded.split()) >= SHORT_WORDS]
    requests = requests[-COMPARED_TURNS:]
    counted: set[int] = set()
    for at, turn in enumerate(requests):
        alike = [(_similarity(turn, earlier), earlier) for earlier in requests[:at]]
        alike = [(score, earlier) for score, earlier in alike if score > SIMILAR]
        if not alike:
            continue
        score, earlier = max(alike, key=lambda pair: (pair[0], pair[1].index))
        if earlier.folded != turn.folded and _answered(messages, earlier.index, turn.index):
            evidence = f"similarity {score:.2f} with message {earlier.index}"
            yield Signal(kind="reformulation", message_index=turn.index, evidence=evidence)
        group = {turn.index, *(one.index for _, one in alike)}
        if len(group) >= REPEATS and not group & counted:
            counted |= group
            evidence = f"{len(group)} similar requests: messages {_listed(sorted(group))}"
            yield Signal(kind="repeated_query", message_index=turn.index, evidence=evidence)


def _answered(messages: Sequence[Message], start: int, end: int) -> bool:
    return any(one.role == "assistant" and one.text for one in messages[start + 1 : end])


@cache
def _filters() -> Filters:
    """What may point out an error or ask for a person; compiled at first use, in a tenth of 1 s.

    Looser than the patterns themselves, so that they compile quickly: without anchors, with any
    character for one that is not ASCII, and any distance for a bounded one. `re` has the last word.
    """
    looser = {r"\\b|[$^]|\\W\*": "", r"\{0,\d+\}": "*", r"\\w": r"\\S", r"[^\x00-\x7f]": "."}
    patterns = [_POINTS_OUT.pattern, _WANTS_A_PERSON.pattern]
    for exact, loose in looser.items():
        patterns = [re.sub(exact, loose, one) for one in patterns]
    return Filters([f"(?i){one}" for one in patterns], words=False)


def _of_words(turns: Sequence[_Turn], messages: Sequence[Message]) -> Iterator[Signal]:
    texts = pa.array([_storable(turn.text) for turn in turns], pa.string())
    pointing_out, wanting = _filters().hits(texts)
    for at, turn in enumerate(turns):
        before = messages[turn.index - 1] if turn.index else None
        after_answer = before is not None and before.role == "assistant" and bool(before.text)
        if after_answer and _CORRECTS.search(turn.text):
            yield _said("quick_correction", turn, "takes back or restates right after the answer")
        if after_answer and at in pointing_out and _POINTS_OUT.search(turn.text):
            yield _said("error_pointed_out", turn, "says that the answer is wrong or unclear")
        if at in wanting and _WANTS_A_PERSON.search(turn.text):
            yield _said("escalation_request", turn, "asks for a person")


def _said(kind: SignalKind, turn: _Turn, what: str) -> Signal:
    return Signal(kind=kind, message_index=turn.index, evidence=f"the user {what}")


# -- tools ----------------------------------------------------------------------------------------


def _of_tools(messages: Sequence[Message]) -> Iterator[Signal]:
    asked: dict[tuple[str, str], list[int]] = {}
    for index, message in enumerate(messages):
        for call in message.tool_calls:
            arguments = json.dumps(call.arguments, sort_keys=True, default=str)
            asked.setdefault((call.name, arguments), []).append(index)
            if _HANDS_OVER.search(call.name):
                evidence = "a tool that hands over to a person was called"
                yield Signal(kind="escalation_request", message_index=index, evidence=evidence)
        if message.role == "tool" and (why := _tool_failure(message)):
            yield Signal(kind="tool_error", message_index=index, evidence=why)
    for indexes in asked.values():
        if len(indexes) >= REPEATS:
            evidence = (
                f"one tool called {len(indexes)} times with the same arguments: "
                f"messages {_listed(indexes)}"
            )
            yield Signal(kind="tool_loop", message_index=indexes[-1], evidence=evidence)


def _tool_failure(message: Message) -> str | None:
    if message.error:
        return "the tool reported an error"
    result = message.result if message.result is not None else message.text
    if isinstance(result, str) and _ERROR_TEXT.match(result):
        return "the tool's result begins with an error"
    if isinstance(result, dict):
        if result.get("error") or result.get("isError") or result.get("is_error"):
            return "the tool's result names an error"
        if str(result.get("status", "")).lower() in {"error", "failed", "failure"}:
            return "the tool's result has the status of an error"
    return None


# -- answers --------------------------------------------------------------------------------------


def _of_answers(messages: Sequence[Message]) -> Iterator[Signal]:
    yield from _cut_off(messages)
    plain = any(message.role == "user" and not _wrapped(message.text) for message in messages)
    for index, message in enumerate(messages):
        if message.role != "assistant":
            continue
        text = _searched(message.text or "")
        if not (message.text or "").strip():
            if not message.tool_calls and message.finish_reason not in {"length", "tool_calls"}:
                evidence = "an answer without text and without a tool call"
                yield Signal(kind="empty_answer", message_index=index, evidence=evidence)
        elif message.finish_reason == "content_filter":
            evidence = "a content filter stopped the answer"
            yield Signal(kind="refusal", message_index=index, evidence=evidence)
        elif _REFUSES.search(text):
            evidence = "the answer begins by saying that it cannot be done"
            yield Signal(kind="refusal", message_index=index, evidence=evidence)
        if plain and (key := _wrapped(message.text)):
            evidence = f"the answer is wrapped as JSON under the key {key}, the user's text is not"
            yield Signal(kind="broken_format", message_index=index, evidence=evidence)


def _cut_off(messages: Sequence[Message]) -> Iterator[Signal]:
    for index, message in enumerate(messages):
        if message.role == "assistant" and message.finish_reason == "length":
            evidence = "the answer stopped at the token limit"
            yield Signal(kind="cut_off_answer", message_index=index, evidence=evidence)


def _wrapped(text: str | None) -> str | None:
    """The key under which JSON text holds what was meant for a person, else None."""
    if not text or "{" not in text[:12]:
        return None
    fenced = _FENCE.fullmatch(text)
    try:
        value = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or len(value) > 3:
        return None
    return next((key for key in value if key in _WRAPPERS and " " in str(value[key]).strip()), None)


# -- the end --------------------------------------------------------------------------------------


def _of_the_end(conversation: Conversation) -> Iterator[Signal]:
    """Abandonment, only where the transcript proves it: nobody answers what stands last."""
    messages = conversation.messages
    if not messages or any(_HANDS_OVER.search(c.name) for m in messages for c in m.tool_calls):
        return
    why = _loose_end(conversation, messages[-1])
    if why:
        yield Signal(kind="abandonment", message_index=len(messages) - 1, evidence=why)


_REVIEWS = frozenset({"debrief.review", "debrief.correction"})


def _was_reviewed(conversation: Conversation) -> bool:
    return any(event.name in _REVIEWS for event in conversation.events)


def _loose_end(conversation: Conversation, last: Message) -> str | None:
    if last.role == "user":
        text = (last.text or "")[-SEARCHED_CHARS:]
        if not text or _MARKUP_ONLY.fullmatch(text) or _ENDS_ITSELF.search(text):
            return None
        if _takes_leave(text) or _WANTS_A_PERSON.search(text):
            return None  # a person may have gone on where this transcript ends
        failed = "; the model call failed" if conversation.errors else ""
        return f"the conversation ends on a user turn that got no answer{failed}"
    if last.role == "tool":
        failed = "a failed tool" if _tool_failure(last) else "a tool result"
        return f"the conversation ends on {failed} without an answer"
    text = (last.text or "").rstrip(" *_\"'\n)")
    if last.tool_calls and not text:
        return "the conversation ends on a tool call"
    if _was_reviewed(conversation):
        return None  # a draft for a reviewer may end with a question to its reader
    if text.endswith(("?", "？", "؟")) and not _OFFERS_MORE.search(text[-120:]):  # noqa: RUF001
        said = [message for message in conversation.messages if message.role == "user"]
        if said and not _takes_leave(said[-1].text or ""):
            return "the assistant's last question got no answer"
    return None


def _takes_leave(text: str) -> bool:
    text = text[-SEARCHED_CHARS:]
    return "?" not in text and _TAKES_LEAVE.search(text) is not None


# -- ratings --------------------------------------------------------------------------------------


def _of_ratings(conversation: Conversation) -> Iterator[Signal]:
    for event in conversation.events:
        why = _negative(event)
        if why:
            index = _message_before(conversation.messages, event)
            yield Signal(kind="negative_rating", message_index=index, evidence=why)


def _negative(event: Event) -> str | None:
    if event.name == "debrief.review":
        action = event.value("action", "review.action")
        usable = event.value("usable", "review.usable")
        if action == "rejected":
            return "a reviewer rejected the answer"
        return "a reviewer called the answer not usable" if usable is False else None
    if event.name != "gen_ai.evaluation.result":
        return None
    name = str(event.value("gen_ai.evaluation.name", "evaluation.name", "name") or "")
    if not _FEEDBACK_NAMES.search(name):
        return None  # an evaluator's score: its scale and direction are not known here
    label = event.value("gen_ai.evaluation.score.label", "score.label", "label")
    if isinstance(label, str):
        return "a negative rating by label" if label.strip().lower() in _NEGATIVE_LABELS else None
    value = event.value("gen_ai.evaluation.score.value", "score.value", "value")
    if isinstance(value, bool):
        return None if value else "a negative rating"
    if isinstance(value, int | float):
        stars = _STARS.search(name) and value >= 1 and "thumb" not in name.lower()
        if value < 0.5 or (stars and value in (1, 2)):
            return f"a negative rating: {value:g}"
    return None


def _message_before(messages: Sequence[Message], event: Event) -> int:
    """The last answer that the rating can be about."""
    for index in range(len(messages) - 1, -1, -1):
        at = messages[index].at
        if messages[index].role == "assistant" and (
            at is None or event.at is None or at <= event.at
        ):
            return index
    return max(0, len(messages) - 1)


def _listed(indexes: Sequence[int]) -> str:
    return ", ".join(map(str, indexes[:6])) + (", …" if len(indexes) > 6 else "")
