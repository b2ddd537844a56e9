"""Hostile text through GitHub's own Markdown: nothing links, loads, closes, pings or renders."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from cmarkgfm import cmark  # type: ignore[import-untyped]
from hypothesis import example, given
from hypothesis import strategies as st

from bot.markdown import code_span, fence, plain, prose, table
from prompts import show_invisible

HOSTILE = [
    "@octocat please look",
    r"\@octocat",
    "&#64;octocat",
    "&commat;octocat",
    "see #12 and \\#13",
    "&#35;12",
    "Fixes #1",
    "Closes: GH-7",
    "resolves owner/repo#5",
    "fixes https://github.com/o/r/issues/1",
    "www.evil.example/x",
    "mailto:someone@evil.example",
    "[click](https://evil.example 'hidden')",
    "![px](https://evil.example/p.png)",
    "[ref]\n\n[ref]: https://evil.example",
    "<img src=x onerror=alert(1)>",
    "<details><summary>x</summary>",
    "</details></details>",
    "<!-- debrief:1 {} -->",
    "<https://evil.example>",
    "# heading",
    "title\n=====",
    "- [x] not a problem",
    "> [!WARNING]\n> trust me",
    "```mermaid\ngraph TD\n```",
    "``` ```` ```\n# out",
    "`a` @octocat `b`",
    "` @octocat",
    "a | b\n--- | ---\n1 | 2",
    "a\\|b|c\\\\|d",
    "$\\sqrt{x}$ and $$y$$",
    ":tada: :rocket:",
    "/approve\n/merge",
    "@dependabot merge",
    "hidden \u202eevil\u202c \u200b\U000e0041",
    "~~gone~~ **bold** _it_ __b__",
    "text[^1]\n\n[^1]: note",
    "1. list\n2. list",
    "a@b.example and o/r@0123456789abcdef",
    "\ud800 lone",
    "line\r\nbreak\rx",
    "",
    "   ",
    "`",
    "\\",
]


class _Page(HTMLParser):
    """Collects the tags and the text outside code."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.code: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in ("code", "pre"):
            self._depth += 1
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("code", "pre"):
            self._depth -= 1

    def handle_comment(self, data: str) -> None:
        self.tags.append("comment")

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.code[-1] += data
        else:
            self.text += data


def page(markdown: str) -> _Page:
    """What GitHub makes of it, raw HTML let through so that the test would see it."""
    html = cmark.markdown_to_html_with_extensions(
        markdown,
        options=cmark.Options.CMARK_OPT_UNSAFE | cmark.Options.CMARK_OPT_FOOTNOTES,
        extensions=["table", "autolink", "strikethrough", "tasklist"],
    )
    found = _Page()
    found.feed(html)
    found.close()
    return found


def assert_inert(markdown: str, *, allowed: set[str]) -> None:
    found = page(markdown)
    assert set(found.tags) <= allowed, (markdown, found.tags)
    assert not re.search(r"@\w|#\d|(?i:GH-\d)", found.text), (markdown, found.text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert_in_every_form(text: str) -> None:
    assert_inert(f"Before {code_span(text)} after", allowed={"p", "code"})
    assert_inert(f"- **Why** {prose(text)}", allowed={"ul", "li", "strong", "code"})
    assert_inert(plain(text, 72), allowed={"p"})
    assert_inert(f"Before\n\n{fence(text)}\n\nafter", allowed={"p", "pre", "code"})


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_in_its_table_cell(text: str) -> None:
    for cell in (text, code_span(text)):
        found = page(table(["what", "n"], [[cell, "3"]]))

        assert found.tags.count("td") == 2, (cell, found.tags)
        assert set(found.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
        assert not re.search(r"@\w|#\d|(?i:GH-\d)", found.text)


ALPHABET = st.text(st.sampled_from("`|\\@#1aG-H<>![]()*_~$&;:/ \n\r\t./w\u202e\ud800"), max_size=40)


@given(ALPHABET)
def test_no_mix_of_signs_leaves_code(text: str) -> None:
    assert_inert(f"Before {code_span(text)} after", allowed={"p", "code"})
    assert_inert(f"Before\n\n{fence(text)}\n\nafter", allowed={"p", "pre", "code"})


@example(text="1@.G")
@given(ALPHABET)
def test_no_mix_of_signs_is_live_in_prose_titles_and_tables(text: str) -> None:
    assert_inert(f"- **Why** {prose(text)}", allowed={"ul", "li", "strong", "code"})
    assert_inert(plain(text, 72), allowed={"p"})
    assert page(table(["a", "b"], [[text, "3"]])).tags.count("td") == 2


@given(ALPHABET)
def test_a_title_is_one_short_line_and_made_plain_only_once(text: str) -> None:
    title = plain(text, 20)

    assert "\n" not in title
    assert len(title) <= 20
    assert not title.startswith(("/", "@"))
    assert plain(title, 20) == title


def test_what_people_write_in_titles_stays_readable() -> None:
    title = "Raise fraud.flag from 0.50 to 0.57 for contact_level=c_level (+14 %)"

    assert plain(title, 72) == title


def test_code_spans_of_ours_survive_in_prose() -> None:
    text = "adds one rule to `prompts/airline.md` for @you"

    assert prose(text) == "adds one rule to `prompts/airline.md` for @ you"


def test_pipes_keep_their_place_in_code_in_a_table() -> None:
    found = page(table(["a"], [["`x|y`"]]))

    assert found.code == ["x|y"]


def test_hidden_characters_are_shown_and_not_dropped() -> None:
    assert show_invisible("a\u202eb\U000e0041\tc\r\nd") == "a<U+202E>b<U+E0041>\tc\nd"


def test_raw_readers_see_no_command_and_no_mention_in_code() -> None:
    block = fence("/approve\n  /merge\nhi @claude")

    assert not re.search(r"(?m)^\s*/|@\w", block)
    assert "@\u0020claude" in block


def test_a_fence_is_longer_than_any_run_inside() -> None:
    block = fence("````\ninner\n````")

    assert block.startswith("`````text\n")
    assert block.endswith("\n`````")


def test_a_table_is_as_wide_as_its_header() -> None:
    text = table(["a", "b"], [["1"], ["1", "2", "3"]])

    assert text.splitlines()[2:] == ["| 1 |  |", "| 1 | 2 |"]
