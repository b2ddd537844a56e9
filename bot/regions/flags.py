"""Which number of a feature flag is live: users get the default, not the other variants.

Takes the data of a file; gives the flag's path for the path of its live value. Knows the files of
LaunchDarkly (`variations`, `fallthrough`), flagd and OpenFeature (`variants`, `defaultVariant`),
GrowthBook (`defaultValue`) and Unleash (a list of `variants` with a `payload`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.regions.structure import entry_names
from collector.records import Json

_DEEPEST = 20


def live_values(data: Json) -> dict[str, str]:
    """Path of a live value, as `structure.leaves` names it, to the path of its flag."""
    return dict(_walk(data, ""))


def _walk(value: Json, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        live = _live(value)
        if live and path:
            yield f"{path}.{live}", path
    for name, inner in entry_names(value):
        yield from _walk(inner, f"{path}.{name}" if path else name, depth + 1)


def _live(flag: Mapping[str, Json]) -> str:
    """The path inside a flag of the value that users get; empty where this is no flag."""
    variants, default = flag.get("variants"), flag.get("defaultVariant")
    if isinstance(variants, dict) and isinstance(default, str) and default in variants:
        return f"variants.{default}"
    if isinstance(flag.get("variations"), list):
        served = flag.get("fallthrough") if flag.get("on", True) else flag.get("offVariation")
        number = served.get("variation") if isinstance(served, dict) else served
        return f"variations.{number}" if isinstance(number, int) else ""
    if "defaultValue" in flag:
        return "defaultValue"
    if isinstance(variants, list) and len(variants) == 1:
        ((name, only),) = entry_names(variants)
        has_payload = isinstance(only, dict) and isinstance(only.get("payload"), dict)
        return f"variants.{name}.payload.value" if has_payload else ""
    return ""
