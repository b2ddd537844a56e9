"""Which sections of a prompt speak of a rule."""

from __future__ import annotations

import pytest

from bot.proposals.nearest import nearest_sections
from tests.bot.test_prompt_proposals import Script, propose

PROMPT = """# Shop

Be polite.

## Orders

- Ask for the order number.
- Cancel an order only before it ships.

## Payment

### Gift cards

- A gift card must have enough balance.

### Cards

- Never repeat the number of a credit card.

## 返品

- 配達のあとで受け付けます。
"""


@pytest.mark.parametrize(
    ("rule", "heading"),
    [
        pytest.param("Cancelling is for orders that have not shipped.", "Orders", id="other-forms"),
        pytest.param("Look at the balance first.", "Gift cards", id="a-rare-word"),
        pytest.param("Take credit cards only.", "Cards", id="a-word-of-its-own-line"),
        pytest.param("返品の理由を聞いてください。", "返品", id="no-spaces-between-words"),
        pytest.param("Stay polite with users.", "Shop", id="before-any-section"),
    ],
)
def test_the_section_that_shares_rare_words_comes_first(rule: str, heading: str) -> None:
    assert nearest_sections(PROMPT, rule)[0].heading == heading


def test_a_word_of_the_heading_above_counts_too() -> None:
    found = {one.heading for one in nearest_sections(PROMPT, "Ways of payment")}

    assert found == {"Payment", "Gift cards", "Cards"}


@pytest.mark.parametrize("rule", ["", "zebra quagga"])
def test_a_rule_that_shares_no_word_has_no_nearest_section(rule: str) -> None:
    assert nearest_sections(PROMPT, rule) == ()


def test_an_empty_prompt_has_none() -> None:
    assert nearest_sections("", "Look at the balance.") == ()


def test_the_writer_is_told_of_the_nearest_sections() -> None:
    script = Script()

    propose(script)

    told = script.of("write")[0].between("cause")
    assert "Sections with words of that rule, the nearest first: Cancel an order" in told
