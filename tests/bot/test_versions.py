"""Which commit a captured prompt was made of: texts that fill in, cut, fold, join and pretend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.records import CapturedText, FileHistory, HistoryCommit, Live, VersionMatch
from bot.versions import (
    build_index,
    match_text,
    match_texts,
    seen_live,
    version_names,
)
from bot.versions.templates import canonical, template_of

Step = Mapping[str, str | None]
START = datetime(2026, 11, 1, tzinfo=UTC)
RULES = (
    "Look every order up before you answer, even if the customer is in a hurry.",
    "Never promise a refund before the order was found in the system.",
    "Answer in the language of the customer and keep it brief.",
    "Close with a short summary of what was done for the customer.",
    "Hand over to a person when the customer asks for one twice.",
)
SUPPORT = "You are OrderBot, the support assistant of {company}.\n" + "\n".join(
    f"- {rule}" for rule in RULES
)
SALES = (
    "You sell lamps to small offices.\nAsk for the number of desks first.\n"
    "Offer the catalogue with the prices of this season.\nDo not give discounts of your own."
)


def a_history(*steps: Step, is_whole: bool = True) -> FileHistory:
    """One commit an hour; each step says which files it wrote, or None for a deleted one."""
    texts = {f"blob {text}": text for step in steps for text in step.values() if text is not None}
    return FileHistory(
        branch="main",
        commits=tuple(
            HistoryCommit(
                sha=f"{number:012x}".ljust(40, "0"),
                at=START + timedelta(hours=number),
                files={path: text and f"blob {text}" for path, text in step.items()},
            )
            for number, step in enumerate(steps)
        ),
        texts=texts,
        is_whole=is_whole,
    )


def a_text(text: str, **more: object) -> CapturedText:
    known = {"agent": "a", "kind": "system", "name": "", "conversations": 1}
    times = {"first_at": None, "last_at": None}
    return CapturedText(text=text, **{**known, **times, **more})  # type: ignore[arg-type]


def match(text: str, *steps: Step, **more: object) -> VersionMatch:
    return match_text(a_text(text, **more), build_index(a_history(*steps)))


def commits(found: VersionMatch) -> list[tuple[int, int]]:
    """First and last commit of each range, by number."""
    return [(int(one.first_sha[:12], 16), int(one.last_sha[:12], 16)) for one in found.ranges]


def rendered(template: str = SUPPORT, company: str = "Acme Lamps") -> str:
    return template.replace("{company}", company)


# -- one file --------------------------------------------------------------------------------------


def test_a_rendered_prompt_leads_to_its_file_and_commits() -> None:
    newer = SUPPORT.replace("twice", "once")

    found = match(rendered(), {"p.md": SUPPORT}, {"x.md": SALES}, {"p.md": newer})

    assert found.result == "exact"
    assert [part.path for part in found.parts] == ["p.md"]
    assert commits(found) == [(0, 1)]
    assert found.version == f"{0:012x}"
    assert found.served is not None
    assert found.served.until == START + timedelta(hours=2)


def test_one_word_tells_two_commits_apart() -> None:
    newer = SUPPORT.replace("twice", "once")
    steps = ({"p.md": SUPPORT}, {"p.md": newer})

    assert commits(match(rendered(), *steps)) == [(0, 0)]
    assert commits(match(rendered(newer), *steps)) == [(1, 1)]


@pytest.mark.parametrize(
    "newer",
    [
        pytest.param(SUPPORT + "\n- Be kind.", id="a-rule-added-at-the-end"),
        pytest.param("Be kind.\n" + SUPPORT, id="a-rule-added-at-the-start"),
        pytest.param(SUPPORT.replace(f"- {RULES[1]}\n", ""), id="a-rule-removed"),
        pytest.param(SUPPORT.replace("brief", "short"), id="a-word-changed"),
        pytest.param(SUPPORT.replace("OrderBot, the", "OrderBot, the best"), id="by-the-gap"),
        pytest.param("\n".join(reversed(SUPPORT.splitlines())), id="other-order"),
        pytest.param(SUPPORT.replace(".", "!"), id="other-punctuation"),
    ],
)
def test_an_edit_is_seen_from_both_sides(newer: str) -> None:
    steps = ({"p.md": SUPPORT}, {"p.md": newer}, {"other.md": SALES})

    assert commits(match(rendered(), *steps)) == [(0, 0)]
    assert commits(match(rendered(newer), *steps)) == [(1, 2)]


def test_texts_that_render_alike_give_the_wider_range() -> None:
    renamed = SUPPORT.replace("{company}", "{{ shop }}")

    found = match(rendered(), {"p.md": SUPPORT}, {"p.md": renamed}, {"p.md": SALES})

    assert commits(found) == [(0, 1)]


def test_a_change_taken_back_gives_two_ranges_and_the_time_chooses() -> None:
    steps = ({"p.md": SUPPORT}, {"p.md": SALES}, {"p.md": SUPPORT})

    early = match(rendered(), *steps, first_at=START + timedelta(minutes=30))
    late = match(rendered(), *steps, first_at=START + timedelta(days=1))

    assert commits(early) == commits(late) == [(0, 0), (2, 2)]
    assert (early.version, late.version) == (f"{0:012x}", f"{2:012x}")


def test_a_renamed_file_stays_one_text() -> None:
    found = match(rendered(), {"old.md": SUPPORT}, {"old.md": None, "new.md": SUPPORT})

    assert commits(found) == [(0, 1)]
    assert found.parts[0].path == "new.md"
    assert found.parts[0].also_in == ("old.md",)


def test_a_deleted_file_ends_its_range() -> None:
    assert commits(match(rendered(), {"p.md": SUPPORT}, {"p.md": None})) == [(0, 0)]


# -- what is filled in -----------------------------------------------------------------------------

MARKS = ["{company}", "{{company}}", "{{ company }}", "${company}", "%(company)s", "%s"]
MARKS += ["<company>", "<<company>>", "{0}", "{}", "$company", "__COMPANY__", "{company!r:>10}"]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("Zoë & Sons", id="short"),
        pytest.param("lorem ipsum dolor " * 400, id="long"),
        pytest.param("}{%s{{x}}<a> $1 \\1 (a+)+$", id="marks"),
        pytest.param(RULES[3], id="a-rule-of-the-prompt"),
        pytest.param("- " + RULES[0] + " - " + RULES[1], id="two-rules"),
        pytest.param(SALES, id="another-prompt"),
    ],
)
def test_any_value_may_stand_at_any_mark(mark: str, value: str) -> None:
    template = SUPPORT.replace("{company}", mark)
    newer = template.replace("brief", "short")

    found = match(template.replace(mark, value), {"p.md": template}, {"p.md": newer})

    assert found.result == "exact"
    assert commits(found) == [(0, 0)]


def test_a_mark_that_was_never_filled_in_stands_for_itself() -> None:
    steps = ({"p.md": SUPPORT}, {"p.md": SUPPORT.replace("{company}", "{shop}")})

    assert commits(match(SUPPORT, *steps)) == [(0, 0)]


def test_text_that_touches_a_mark_may_become_one_word() -> None:
    template = SUPPORT + "\nThe limit is {amount}USD for order A-{order}."

    found = match(
        rendered(template).replace("{amount}", "20").replace("{order}", "1001"),
        {"p.md": template},
    )

    assert found.result == "exact"


@pytest.mark.parametrize("is_vip", [True, False])
def test_what_a_condition_leaves_out_is_not_missing(is_vip: bool) -> None:
    block = "{% if vip %}Offer an upgrade before anything else.{% endif %}"
    template = SUPPORT + f"\n{block}\nThank the customer at the end of the talk."
    shown = "Offer an upgrade before anything else." if is_vip else ""

    found = match(rendered(template).replace(block, shown), {"p.j2": template}, {"p.j2": SALES})

    assert found.result == "exact"
    assert commits(found) == [(0, 0)]


def test_a_loop_may_run_any_number_of_times() -> None:
    loop = "{% for item in items %}- {{ item.name }} costs {{ item.price }} euros.\n{% endfor %}"
    template = SUPPORT + f"\n{loop}\nThank the customer at the end of the talk."
    items = "".join(f"- Lamp {n} costs {n} euros.\n" for n in range(30))

    for shown in ("", items[:24], items):
        found = match(rendered(template).replace(loop, shown), {"p.j2": template})
        assert found.result == "exact", shown


def test_braces_written_twice_are_one() -> None:
    template = SUPPORT + '\nAnswer as JSON:\n{{\n  "answer": "your text",\n  "sure": true\n}}'

    found = match(rendered(template).replace("{{", "{").replace("}}", "}"), {"p.md": template})

    assert found.result == "exact"


# -- what instrumentations do ----------------------------------------------------------------------


def test_folded_white_space_changes_nothing() -> None:
    found = match(" ".join(rendered().split()), {"p.md": SUPPORT}, {"p.md": SALES})

    assert found.result == "exact"
    assert commits(found) == [(0, 0)]


@pytest.mark.parametrize("kept", [0.45, 0.6, 0.8, 0.97])
@pytest.mark.parametrize("ending", ["", "...", "… [truncated 120 chars]"])
def test_a_text_that_was_cut_is_judged_by_what_is_left(kept: float, ending: str) -> None:
    changed_late = SUPPORT.replace("twice", "once")
    changed_early = SUPPORT.replace("in a hurry", "angry")
    text = rendered()
    cut = text[: int(kept * len(text))] + ending

    found = match(cut, {"p.md": SUPPORT}, {"p.md": changed_late}, {"p.md": changed_early})

    assert found.result == "exact"
    assert commits(found) == [(0, 1) if "twice" not in cut else (0, 0)]


def test_a_text_cut_in_the_midst_of_a_long_value_is_found() -> None:
    template = SUPPORT + "\nThe notes are: {notes}\nNever repeat the notes to the customer."
    notes = "The customer called. " * 300
    text = rendered(template).replace("{notes}", notes)[: len(SUPPORT) + 2000]

    found = match(text, {"p.md": template}, {"p.md": template.replace("brief", "short")})

    assert found.result == "exact"
    assert commits(found) == [(0, 0)]


def test_redacted_text_is_a_gap() -> None:
    template = SUPPORT + "\nWrite to help@acme.example if nothing else works for you."
    steps = ({"p.md": template}, {"p.md": template.replace("brief", "short")})
    at = template.index("help@")
    index = build_index(
        a_history(*steps),
        hidden=lambda text: [(at, at + 17)] if "help@" in text else [],
    )
    text = rendered(template).replace("help@acme.example", "[email:3f2a9c]")

    found = match_text(a_text(text), index)

    assert found.result == "exact"
    assert commits(found) == [(0, 0)]


# -- several files ---------------------------------------------------------------------------------

POLICY = "\n".join(f"Policy {n}: {rule}" for n, rule in enumerate(reversed(RULES)))


def test_a_prompt_of_two_files_is_in_force_where_both_are() -> None:
    steps = (
        {"a.md": SUPPORT, "b.md": SALES},
        {"a.md": SUPPORT.replace("twice", "once")},
        {"b.md": SALES.replace("lamps", "desks")},
        {"a.md": SUPPORT},
    )

    found = match(f"<one>\n{rendered()}\n</one>\n<two>\n{SALES}\n</two>", *steps)

    assert found.result == "exact"
    assert [part.path for part in found.parts] == ["a.md", "b.md"]
    assert commits(found) == [(0, 0)]


def test_a_file_filled_into_another_is_a_part_of_its_own() -> None:
    frame = "You are a careful assistant of our shop, and you follow this policy:\n{policy}\n" + (
        "Whatever the policy does not say, you ask a person of the team about it."
    )
    steps = (
        {"frame.md": frame, "policy.md": POLICY},
        {"policy.md": POLICY.replace("twice", "once")},
        {"frame.md": frame.replace("careful", "quick")},
    )
    text = frame.replace("{policy}", POLICY.replace("twice", "once"))

    found = match(text, *steps)

    assert found.result == "exact"
    assert {part.path for part in found.parts} == {"frame.md", "policy.md"}
    assert commits(found) == [(1, 1)]


def test_parts_that_never_stood_together_are_said_to_be_edited() -> None:
    steps = (
        {"a.md": SUPPORT, "b.md": SALES},
        {"a.md": SUPPORT.replace("twice", "once"), "b.md": SALES.replace("lamps", "desks")},
    )

    found = match(f"{rendered()}\n\n{SALES.replace('lamps', 'desks')}", *steps)

    assert found.result == "edited"
    assert found.ranges == ()
    assert "no commit has all of these texts together" in found.why


def test_a_framework_around_a_prompt_does_not_hide_it() -> None:
    around = "The framework explains how to call a tool in a hundred words or more. " * 60

    found = match(f"{around}\n{rendered()}\n{around}", {"p.md": SUPPORT}, {"p.md": SALES})

    assert found.result == "exact"
    assert commits(found) == [(0, 0)]


# -- no match --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("You are a helpful assistant.", id="short"),
        pytest.param(SALES, id="of-another-agent"),
        pytest.param("\n".join(RULES[:1]) + "\n" + SALES * 3, id="one-sentence-in-common"),
        pytest.param("word " * 5000, id="one-word"),
        pytest.param("{company} " * 500, id="marks"),
    ],
)
def test_what_is_not_ours_has_no_match(text: str) -> None:
    found = match(text, {"p.md": SUPPORT, "open.md": "{system}", "tiny.md": "You are {x}. {y}"})

    assert found.result == "none"
    assert (found.ranges, found.served, found.version) == ((), None, None)


def test_a_text_of_production_that_no_commit_has_names_the_nearest_and_the_difference() -> None:
    hot = rendered().replace(RULES[1], "Refunds are fine up to twenty euros.")

    found = match(hot, {"p.md": SALES}, {"p.md": SUPPORT}, {"p.md": SUPPORT + "\n- Be kind."})

    assert found.result == "edited"
    assert commits(found) == [(1, 1)]
    assert found.version is None
    (part,) = found.parts
    assert part.missing == (canonical(f"- {RULES[1]}").strip(),)
    assert part.added == ("- Refunds are fine up to twenty euros .",)


def test_a_short_prompt_counts_where_it_is_all() -> None:
    steps = ({"p.md": "Answer in one short sentence."}, {"p.md": "Answer in two sentences."})

    found = match("Answer in one short sentence.", *steps)

    assert found.result == "exact"
    assert commits(found) == [(0, 0)]


# -- forms of files --------------------------------------------------------------------------------

FORMS = {
    "agents.yaml": (
        "agents:\n  support:\n    prompt: |\n"
        + "".join(f"      {line}\n" for line in SUPPORT.splitlines()),
        "agents.support.prompt",
    ),
    "agents.json": (
        '{"agents": [{"prompt": "' + SUPPORT.replace("\n", "\\n") + '"}]}',
        "agents[0].prompt",
    ),
    "agents.toml": (f'[support]\nprompt = """\n{SUPPORT}\n"""\n', "support.prompt"),
    "prompts.py": (f'import os\n\nSUPPORT = """{SUPPORT}"""\n', "SUPPORT"),
    "agent.py": (
        "def prompt(company):\n    return (\n"
        + "".join(f"        f{line + chr(10)!r}\n" for line in SUPPORT.splitlines())
        + "    )\n",
        "prompt",
    ),
    "list.py": (f'RULES = "\\n".join({SUPPORT.splitlines()!r})\n', "RULES"),
    "agent.ts": (
        "export const support = `" + SUPPORT.replace("{company}", "${company}") + "`;\n",
        "support",
    ),
    "plus.ts": (
        "const support = "
        + " +\n  ".join(
            repr(line + "\n").replace("{company}", "' + company + '")
            for line in SUPPORT.splitlines()
        )
        + ";\n",
        "support",
    ),
    "all.md": (f"# Sales\n\n{SALES}\n\n# Support\n\n{SUPPORT}\n", "# Support"),
    "front.md": (f"---\nmodel: small\n---\n{SUPPORT}\n", ""),
}


@pytest.mark.parametrize("path", list(FORMS))
def test_a_prompt_is_found_in_every_form_of_file(path: str) -> None:
    content, region = FORMS[path]
    newer = content.replace("twice", "once")

    for step, text in enumerate((rendered(), rendered().replace("twice", "once"))):
        found = match(text, {path: content}, {path: newer})
        assert found.result == "exact"
        assert commits(found) == [(step, step)]
        assert (found.parts[0].path, found.parts[0].region) == (path, region)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        pytest.param("a.py", "def broken(:\n" + SUPPORT, id="python"),
        pytest.param("a.json", "{" + SUPPORT, id="json"),
        pytest.param("a.yaml", "a: [1\nb: {" + SUPPORT, id="yaml"),
        pytest.param("a.toml", "= " + SUPPORT, id="toml"),
        pytest.param("a.ts", "`" * 7 + "${" * 500, id="typescript"),
        pytest.param(
            "b.yaml",
            "a: &a [x, x]\n"
            + "".join(
                f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n"
                for n in range(12)
            ),
            id="laughs",
        ),
        pytest.param("c.json", "[" * 5000 + "]" * 5000, id="deep"),
        pytest.param("d.py", "x = " + "+".join(["'a b c d'"] * 3000), id="sum"),
    ],
)
def test_a_file_that_does_not_parse_stops_nothing(path: str, content: str) -> None:
    found = match(rendered(), {path: content, "p.md": SUPPORT})

    assert found.result == "exact"
    assert "p.md" in (found.parts[0].path, *found.parts[0].also_in)


# -- laws ------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["order", "refund", "lamp", "never", "always", "customer", "brief", "ask"])
SENTENCE = st.lists(WORDS, min_size=4, max_size=9).map(lambda words: " ".join(words) + ".")


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(SENTENCE, min_size=4, max_size=12, unique=True),
    value=st.text(max_size=200),
    at=st.integers(min_value=0, max_value=3),
)
def test_what_a_template_renders_is_always_its_own(lines: list[str], value: str, at: int) -> None:
    template = "\n".join([*lines[:at], "The customer is {x} today.", *lines[at:]])

    found = match(template.replace("{x}", value), {"p.md": template})

    assert found.result == "exact"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_no_template_takes_words_that_are_not_there(text: str) -> None:
    pieces = template_of(text).pieces

    assert all(piece.text.split() for piece in pieces)
    assert all(piece.weight > 0 for piece in pieces)


def test_a_hostile_text_takes_no_longer_than_its_length() -> None:
    words = canonical(SUPPORT).split()
    text = " ".join(words[number * number % 101 % len(words)] for number in range(60_000))
    repeated = (RULES[0] + " ") * 3_000

    for hostile in (text, repeated, "- " * 100_000):
        match(hostile, {"p.md": SUPPORT}, {"p.md": SUPPORT + "\n- Be kind."})


# -- many instances of a few templates -----------------------------------------------------------

VALUES = ["Acme", "Zoë & Sons, Ltd.", "", "the shop of 12:30", "days", "{company}", RULES[1]]
VALUES += ["a. b. c.", "x " * 400, "Be kind.", "…", "...", "twice", ".", "You are OrderBot"]


@pytest.mark.parametrize("tail", ["", " Be kind.", " days", " {x} days."])
def test_instances_of_a_template_are_matched_as_each_alone(tail: str) -> None:
    template = SUPPORT.replace("{company}.", "{company}" + tail)
    steps = (
        {"p.md": SUPPORT},
        {"p.md": template},
        {"p.md": template.replace("brief", "short")},
        {"q.md": SALES},
    )
    index = build_index(a_history(*steps))
    texts = [
        a_text(step["p.md"].replace("{company}", value).replace("{x}", value[:5]))
        for value in (*VALUES, *reversed(VALUES))
        for step in steps[:3]
    ]

    together = list(match_texts(texts, index))

    assert [one.captured for one in together] == texts
    for one, alone in zip(together, (match_text(text, index) for text in texts), strict=True):
        assert (one.result, commits(one)) == (alone.result, commits(alone)), one.captured.text[:90]


# -- going live ------------------------------------------------------------------------------------


def live(*texts: tuple[str, float], steps: Sequence[Step], sha: int) -> Live:
    history = a_history(*steps)
    index = build_index(history)
    matches = [
        match_text(a_text(text, first_at=at, last_at=at), index)
        for text, at in ((text, START + timedelta(hours=hours)) for text, hours in texts)
    ]
    return seen_live(matches, history.commits[sha].sha, history)


NEWER = SUPPORT.replace("twice", "once")
STEPS = ({"p.md": SUPPORT}, {"p.md": NEWER}, {"p.md": NEWER + "\n- Be kind."}, {"x.txt": "Other."})


def test_a_merge_is_live_when_its_text_is_first_seen() -> None:
    found = live((rendered(), 0.5), (rendered(NEWER), 9), steps=STEPS, sha=1)

    assert found == Live(
        is_visible=True, at=START + timedelta(hours=9), last_at=START + timedelta(hours=9)
    )


def test_a_merge_is_live_also_when_only_a_later_text_is_seen() -> None:
    later = (rendered(NEWER) + "\n- Be kind.", 5)

    found = live(later, (rendered(), 7), steps=STEPS, sha=1)

    assert found == Live(
        is_visible=True, at=START + timedelta(hours=5), last_at=START + timedelta(hours=7)
    )


def test_a_merge_whose_text_nobody_saw_is_not_live() -> None:
    assert live((rendered(), 9), steps=STEPS, sha=1) == Live(
        is_visible=True, at=None, last_at=START + timedelta(hours=9)
    )


def test_a_commit_that_changed_no_captured_file_cannot_be_seen() -> None:
    assert live((rendered(), 9), steps=STEPS, sha=3) == Live(
        is_visible=False, at=None, last_at=START + timedelta(hours=9)
    )


def test_a_text_that_came_back_serves_now_but_since_when_is_not_seen() -> None:
    """As a retirement or a rollback leaves it: older commits have the same text."""
    steps = ({"p.md": SUPPORT}, {"p.md": NEWER}, {"p.md": SUPPORT})

    back = live((rendered(NEWER), 5), (rendered(), 9), steps=steps, sha=2)
    not_yet = live((rendered(), 5), (rendered(NEWER), 9), steps=steps, sha=2)

    assert (back.is_visible, back.at) == (False, None)
    assert (not_yet.is_visible, not_yet.at) == (True, None)


def test_a_commit_of_another_branch_cannot_be_seen() -> None:
    history = a_history(*STEPS)

    assert seen_live([], "f" * 40, history) == Live(is_visible=False, at=None, last_at=None)


def test_conversations_without_a_version_get_the_name_of_a_commit() -> None:
    index = build_index(a_history(*STEPS))
    texts = [rendered(), rendered(NEWER), SALES, rendered().replace("brief", "short")]

    names = version_names(match_text(a_text(text), index) for text in texts)

    assert names == {("a", texts[0]): f"{0:012x}", ("a", texts[1]): f"{1:012x}"}
