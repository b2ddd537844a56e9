"""The one module that talks to a model: retries, budget, schema check, ledger.

Takes rendered prompts, gives replies or `Skipped`; refuses what the budget no longer pays.
A reply that does not follow its schema is asked for once more, with the reason. What a model
writes never reaches a log line or an error message; nor does the key.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import anthropic
import jsonschema
import orjson
from anthropic.types import Message, TextBlockParam
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from anthropic.types.messages import MessageBatchResult
from anthropic.types.messages.batch_create_params import Request as BatchRequest

import prompts
from bot.errors import CredentialsError, ModelError, SettingsError
from bot.figures import dollars
from bot.records import ModelCost, RenderedPrompt, Reply, Skipped
from bot.rendering import render_prompt
from bot.settings import ModelSettings
from collector.records import Json

_DEFAULTS = ModelSettings()
BASE_URL = "https://api.anthropic.com"

PRICES_USD = {"haiku": (1.0, 5.0), "sonnet": (3.0, 15.0), "opus": (5.0, 25.0)}
"""US dollars per million input and output tokens, by the family that the model's id names.

An assumption: the published prices of these families' 4.5 and 4.6 models, early 2026. The settings
(`model.prices`) overrule it by model id."""
UNKNOWN_PRICE_USD = (15.0, 75.0)
"""For an id without a known family: the dearest ever published, so that a budget errs to less."""
CACHE_WRITE, CACHE_READ = 1.25, 0.1
"""Price of a cached input token relative to a plain one (5-minute cache)."""
BATCH_SHARE = 0.5
"""Price of a call in a batch relative to one that is answered at once."""
BYTES_PER_TOKEN = 3.5
"""Of UTF-8: fewer than most texts need, so that the estimate errs to more tokens."""

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)\n\s*```", re.DOTALL)
_NO_MESSAGE = (
    "the model's service answered with something else than a message; check ANTHROPIC_BASE_URL"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCall:
    """One call that was paid for: a row of the table `runs`."""

    prompt: str
    prompt_sha256: str
    role: str
    model: str
    stop_reason: str
    input_tokens: int
    """Those read from and written to the cache included."""
    output_tokens: int
    usd: float


class Model:
    """A connection with a budget. `ask` is an `Ask`."""

    is_estimate = False
    """It makes no call."""

    def __init__(
        self,
        *,
        api_key: str,
        budget_usd: float,
        budget_tokens: int | None = None,
        base_url: str | None = None,
        reader: str = _DEFAULTS.reader,
        writer: str = _DEFAULTS.writer,
        judge: str = _DEFAULTS.judge,
        prices_usd: Mapping[str, tuple[float, float]] | None = None,
        timeout_s: float = 120.0,
        max_retries: int = 2,
    ) -> None:
        """`base_url` None is Anthropic's own; `prices_usd` maps a model id to US dollars per
        million input and output tokens.

        Raises:
            CredentialsError: the key is empty or cannot be sent.
        """
        self._key = api_key.strip()
        if not re.fullmatch(r"[\x21-\x7e]+", self._key):
            raise CredentialsError(
                "ANTHROPIC_API_KEY is empty or holds blanks or signs that no key has; set it anew"
            )
        self._models = {"reader": reader, "writer": writer, "judge": judge}
        self._prices_usd = dict(prices_usd or {})
        self._budget_usd = budget_usd
        self._budget_tokens = budget_tokens
        self._structured: bool | None = None  # None: this server has not shown it yet
        self._client = anthropic.Anthropic(
            api_key=self._key,
            base_url=base_url or BASE_URL,
            timeout=timeout_s,
            max_retries=max_retries,
            # Else the collector would record our own analysis as conversations of an agent.
            open_telemetry=False,
        )
        self.ledger: list[ModelCall] = []

    @property
    def cost(self) -> ModelCost:
        """What was spent so far."""
        return _total(self.ledger)

    def estimate(self, prompt: RenderedPrompt) -> ModelCost:
        """What one call can cost at most: its length, and all of `max_tokens`."""
        text = prompt.system + prompt.cached + prompt.user + str(prompt.schema or "")
        tokens = int(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN) + 1
        price_in, price_out = self._price(self._models[prompt.role])
        usd = (tokens * price_in * CACHE_WRITE + prompt.max_tokens * price_out) / 1e6
        return ModelCost(calls=1, input_tokens=tokens, output_tokens=prompt.max_tokens, usd=usd)

    def check(self) -> None:
        """Ask the service whether it knows the key and the models. Costs nothing.

        Raises:
            CredentialsError, SettingsError, ModelError: as `ask`.
        """
        for model in sorted(set(self._models.values())):
            try:
                self._client.models.retrieve(model)
            except anthropic.APIError as error:
                raise self._as_ours(error, model) from None

    def ask(self, prompt: RenderedPrompt) -> Reply | Skipped:
        """One reply that follows the prompt's schema, after at most one repair.

        `Skipped` has the code budget, model_refused, cut_off, bad_request or bad_reply.

        Raises:
            CredentialsError: the service did not accept the key.
            SettingsError: the service does not know the model.
            ModelError: no answer after the retries.
        """
        first = len(self.ledger)
        message = self._send(prompt)
        if isinstance(message, Skipped):
            return message
        value, wrong = _read(prompt, message)
        if wrong is not None and not wrong.final:
            _log.info("reply did not follow its schema", extra={"prompt": prompt.name})
            message = self._send(_repair(prompt, message, wrong), has_schema_text=True)
            if isinstance(message, Skipped):
                return message
            value, wrong = _read(prompt, message)
        if wrong is not None:
            return Skipped(what=f"model call {prompt.name}", code=wrong.code, reason=wrong.reason)
        return Reply(
            text=_text(message),
            data=value,
            model=message.model,
            stop_reason=message.stop_reason or "",
            cost=_total(self.ledger[first:]),
        )

    def _send(self, prompt: RenderedPrompt, *, has_schema_text: bool = False) -> Message | Skipped:
        """One paid call, within the budget; without structured output where the server has none."""
        short = self._over_budget(prompt)
        if short is not None:
            return short
        if prompt.schema is None:
            return self._answered(prompt)
        plain = prompt if has_schema_text else _plain(prompt)
        if self._structured is False:
            return self._answered(plain)
        message = self._answered(prompt, schema=prompt.schema)
        if isinstance(message, Message):
            self._structured = True
        elif self._structured is None:
            # The wording of a 400 differs from server to server: try without, and see.
            message = self._answered(plain)
            if isinstance(message, Message):
                self._structured = False
                _log.info("the server has no structured output; replies are read as plain JSON")
        return message

    def _answered(
        self, prompt: RenderedPrompt, *, schema: Mapping[str, Json] | None = None
    ) -> Message | Skipped:
        model = self._models[prompt.role]
        try:
            message = self._client.messages.create(**self._request(prompt, schema))
        except (anthropic.BadRequestError, anthropic.ContentTooLargeError) as error:
            return Skipped(
                what=f"model call {prompt.name}",
                code="bad_request",
                reason=f"The model's service refused the request: {self._said(error)}.",
            )
        except anthropic.APIError as error:
            raise self._as_ours(error, model) from None  # the chain would carry the request
        except (json.JSONDecodeError, UnicodeDecodeError):
            # The SDK lets a 200 with a broken JSON body through as the decoder's own error.
            raise ModelError(_NO_MESSAGE) from None
        if not isinstance(message, Message) or not isinstance(message.content, list):
            raise ModelError(_NO_MESSAGE)
        self.ledger.append(self._paid(prompt, model, message))
        return message

    def _request(
        self, prompt: RenderedPrompt, schema: Mapping[str, Json] | None
    ) -> MessageCreateParamsNonStreaming:
        """What repeats from call to call comes first and is marked to be cached."""
        content: str | list[TextBlockParam] = prompt.user
        if prompt.cached:
            content = [
                {"type": "text", "text": prompt.cached, "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": prompt.user},
            ]
        request: MessageCreateParamsNonStreaming = {
            "model": self._models[prompt.role],
            "max_tokens": prompt.max_tokens,
            "system": [
                {"type": "text", "text": prompt.system, "cache_control": {"type": "ephemeral"}}
            ],
            "messages": [{"role": "user", "content": content}],
        }
        if schema is not None:
            request["output_config"] = {"format": {"type": "json_schema", "schema": dict(schema)}}
        return request

    # -- batches: half the price, up to a day ----------------------------------------------------

    def send_batch(self, prompts: Mapping[str, RenderedPrompt]) -> tuple[str, tuple[str, ...]]:
        """Send as many of the prompts as the budget pays; gives the batch's id and their keys.

        The id is empty where the budget pays none. Keys have letters, digits, `_` and `-`.

        Raises:
            CredentialsError, SettingsError, ModelError: as `ask`.
        """
        spent, sent = self.cost, list[str]()
        planned = ModelCost()
        for key, prompt in prompts.items():
            more = self.estimate(prompt)
            more = replace(more, usd=more.usd * BATCH_SHARE)
            if self._short_of(spent + planned, more) is not None:
                break
            planned += more
            sent.append(key)
        if not sent:
            return "", ()
        requests: list[BatchRequest] = [
            {"custom_id": key, "params": self._request(prompts[key], prompts[key].schema)}
            for key in sent
        ]
        model = self._models[prompts[sent[0]].role]
        try:
            return self._client.messages.batches.create(requests=requests).id, tuple(sent)
        except anthropic.APIError as error:
            raise self._as_ours(error, model) from None

    def batch_replies(
        self, batch_id: str, prompts: Mapping[str, RenderedPrompt]
    ) -> dict[str, Reply | Skipped] | None:
        """What a batch gave for the keys of `prompts`, or None while it is not done.

        A batch that the service does not know any more gives `Skipped` with the code batch_lost.

        Raises:
            CredentialsError, ModelError: as `ask`.
        """
        replies: dict[str, Reply | Skipped] = {}
        try:
            batch = self._client.messages.batches.retrieve(batch_id)
            if batch.processing_status != "ended":
                return None
            for one in self._client.messages.batches.results(batch_id):
                if one.custom_id in prompts:
                    prompt = prompts[one.custom_id]
                    replies[one.custom_id] = self._from_batch(prompt, one.result)
        except anthropic.NotFoundError:
            _log.warning("the model's service does not know batch %s any more", batch_id)
        except anthropic.APIError as error:
            raise self._as_ours(error, "") from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise ModelError(_NO_MESSAGE) from None
        lost = "The batch gave no result for it; it is asked again."
        return {
            key: replies.get(key)
            or Skipped(what=f"model call {prompt.name}", code="batch_lost", reason=lost)
            for key, prompt in prompts.items()
        }

    def _from_batch(self, prompt: RenderedPrompt, result: MessageBatchResult) -> Reply | Skipped:
        what = f"model call {prompt.name}"
        if result.type != "succeeded":
            reason = f"In its batch this request was {result.type}."
            return Skipped(what=what, code=f"batch_{result.type}", reason=reason)
        message = result.message
        paid = self._paid(prompt, self._models[prompt.role], message)
        self.ledger.append(replace(paid, usd=paid.usd * BATCH_SHARE))
        value, wrong = _read(prompt, message)
        if wrong is not None:
            reason = wrong.reason.replace("Two replies in a row were", "The reply was")
            reason = reason.replace("Two replies in a row broke", "The reply broke")
            return Skipped(what=what, code=wrong.code, reason=reason)
        return Reply(
            text=_text(message),
            data=value,
            model=message.model,
            stop_reason=message.stop_reason or "",
            cost=_total(self.ledger[-1:]),
        )

    def _over_budget(self, prompt: RenderedPrompt) -> Skipped | None:
        short = self._short_of(self.cost, self.estimate(prompt))
        if short is None:
            return None
        return Skipped(what=f"model call {prompt.name}", code="budget", reason=short)

    def _short_of(self, spent: ModelCost, more: ModelCost) -> str | None:
        """Why the budget does not pay for `more`, or None."""
        tokens = spent.input_tokens + spent.output_tokens
        more_tokens = more.input_tokens + more.output_tokens
        if spent.usd + more.usd > self._budget_usd:
            return (
                f"The budget of a run is {dollars(self._budget_usd)}: {dollars(spent.usd)} are "
                f"spent, and this call may cost {dollars(more.usd)}; raise model.budget_usd."
            )
        if self._budget_tokens is not None and tokens + more_tokens > self._budget_tokens:
            return (
                f"{tokens:,} of {self._budget_tokens:,} tokens are spent and this call could take "
                f"{more_tokens:,}."
            )
        return None

    def _paid(self, prompt: RenderedPrompt, model: str, message: Message) -> ModelCall:
        # Compatible servers leave usage out or fill it in part: the estimate stands in.
        usage, guess = message.usage, self.estimate(prompt)
        written = getattr(usage, "cache_creation_input_tokens", None) or 0
        read = getattr(usage, "cache_read_input_tokens", None) or 0
        counted = getattr(usage, "input_tokens", None)
        plain = guess.input_tokens if counted is None else counted
        output = getattr(usage, "output_tokens", None)
        output = guess.output_tokens if output is None else output
        price_in, price_out = self._price(model)
        weighted = plain + written * CACHE_WRITE + read * CACHE_READ
        return ModelCall(
            prompt=prompt.name,
            prompt_sha256=prompt.sha256,
            role=prompt.role,
            model=model,
            stop_reason=message.stop_reason or "",
            input_tokens=plain + written + read,
            output_tokens=output,
            usd=(weighted * price_in + output * price_out) / 1e6,
        )

    def _price(self, model: str) -> tuple[float, float]:
        if model in self._prices_usd:
            return self._prices_usd[model]
        families = (price for family, price in PRICES_USD.items() if family in model)
        return next(families, UNKNOWN_PRICE_USD)

    def _as_ours(self, error: anthropic.APIError, model: str) -> Exception:
        said = self._said(error)
        if isinstance(error, (anthropic.AuthenticationError, anthropic.PermissionDeniedError)):
            return CredentialsError(
                f"the model's service did not accept the key ({said}); check ANTHROPIC_API_KEY"
            )
        if isinstance(error, anthropic.NotFoundError):
            return SettingsError(
                f"the model's service does not know the model {model!r} ({said}); "
                "set model.reader, model.writer and model.judge in .github/debrief.yml"
            )
        return ModelError(
            f"the model's service gave no answer ({said}, {self._client.max_retries} retries "
            "included); run again later"
        )

    def _said(self, error: anthropic.APIError) -> str:
        """Status and message of the service, short, without the key if it was sent back."""
        if not isinstance(error, anthropic.APIStatusError):
            return type(error).__name__
        words = prompts.show_invisible(str(error.api_message or "")).replace("\n", " ")
        words = words.replace(self._key, "…")[:200]
        return f"HTTP {error.status_code}" + (f": {words}" if words else "")


class Estimator(Model):
    """Adds up what calls could cost at most, and makes none."""

    is_estimate = True

    _estimated = ModelCost()

    @property
    def cost(self) -> ModelCost:
        """What the calls that were asked for could cost at most."""
        return self._estimated

    def ask(self, prompt: RenderedPrompt) -> Reply | Skipped:
        """`Skipped` with the code estimate, whatever is asked."""
        self._estimated += self.estimate(prompt)
        reason = "Only estimated; nothing was asked."
        return Skipped(what=f"model call {prompt.name}", code="estimate", reason=reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wrong:
    """Why a message is no reply."""

    code: str
    reason: str
    detail: str = ""
    """For the model only: may hold words of the rejected reply."""
    final: bool = False
    """Asking again would not help."""


def _read(prompt: RenderedPrompt, message: Message) -> tuple[Json, _Wrong | None]:
    """The checked value of a message, or what is wrong with it."""
    if message.stop_reason == "refusal":
        return None, _Wrong(code="model_refused", reason="The model refused to answer.", final=True)
    if message.stop_reason in ("max_tokens", "model_context_window_exceeded"):
        reason = (
            f"The reply was cut off ({message.stop_reason}, at most {prompt.max_tokens} tokens)."
        )
        return None, _Wrong(code="cut_off", reason=reason, final=True)
    text = _text(message)
    if prompt.schema is None:
        blank = _Wrong(code="bad_reply", reason="The reply was empty.", final=True)
        return None, None if text.strip() else blank
    try:
        value: Json = orjson.loads(_unfenced(text))
    except orjson.JSONDecodeError as error:
        reason = "Two replies in a row were no JSON."
        return None, _Wrong(code="bad_reply", reason=reason, detail=f"It is no JSON: {error}")
    found = jsonschema.Draft202012Validator(prompt.schema).iter_errors(value)
    worst = jsonschema.exceptions.best_match(found)
    if worst is None:
        return value, None
    return None, _Wrong(
        code="bad_reply",
        reason=f"Two replies in a row broke the schema (at {worst.json_path}: {worst.validator}).",
        detail=f"At {worst.json_path}: {worst.message[:300]}",
    )


def _text(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def _unfenced(text: str) -> str:
    """The content of the only code fence, where the reply is not JSON from its first sign on."""
    fences = _FENCE.findall(text)
    return fences[0] if len(fences) == 1 and text.lstrip()[:1] not in ("{", "[") else text


def _plain(prompt: RenderedPrompt) -> RenderedPrompt:
    """The same request with the schema in words, for servers without structured output."""
    more = render_prompt("model/plain_json", schema=_schema_text(prompt))
    return _joined(prompt, more)


def _repair(prompt: RenderedPrompt, rejected: Message, wrong: _Wrong) -> RenderedPrompt:
    more = render_prompt(
        "model/repair",
        schema=_schema_text(prompt),
        rejected_reply=_text(rejected)[:4_000],
        reason=wrong.detail,
    )
    return _joined(prompt, more)


def _schema_text(prompt: RenderedPrompt) -> str:
    return orjson.dumps(prompt.schema, option=orjson.OPT_INDENT_2).decode()


def _joined(prompt: RenderedPrompt, more: RenderedPrompt) -> RenderedPrompt:
    return RenderedPrompt(
        name=prompt.name,
        sha256=prompt.sha256,
        role=prompt.role,
        system=f"{prompt.system}\n\n{more.system}",
        user=f"{prompt.user}\n\n{more.user}",
        max_tokens=prompt.max_tokens,
        schema=prompt.schema,
        cached=prompt.cached,
    )


def _total(calls: list[ModelCall]) -> ModelCost:
    return ModelCost(
        calls=len(calls),
        input_tokens=sum(call.input_tokens for call in calls),
        output_tokens=sum(call.output_tokens for call in calls),
        usd=sum(call.usd for call in calls),
    )
