"""`.debrief/intents.yml`: read, written and checked."""

from __future__ import annotations

import re

import pytest

from bot.errors import SettingsError
from bot.intents import check_taxonomy, read_taxonomy, taxonomy_version, write_taxonomy
from bot.intents.taxonomy import now_called, removed_since
from bot.records import Intent, Taxonomy

FILE = """\
# Owned by the support team.
version: 1
intents:
  - id: i-a1b2c3
    name: cancel a flight   # the big one
    definition: The user wants a booked flight cancelled.
    include:
      - asks for a refund of a flight
    status: active
    introduced: 2026-11-01
    exemplars: [aaaabbbbccccdddd]
  - id: i-000001
    name: change a flight
    status: retired
"""


def a_taxonomy(*intents: Intent) -> Taxonomy:
    return Taxonomy(intents=intents, version=taxonomy_version(intents), source="discovered")


def test_a_file_is_read_with_every_field():
    taxonomy = read_taxonomy(FILE)

    cancel, change = taxonomy.intents
    assert taxonomy.source == "repository"
    assert cancel == Intent(
        id="i-a1b2c3",
        name="cancel a flight",
        definition="The user wants a booked flight cancelled.",
        include=("asks for a refund of a flight",),
        introduced="2026-11-01",
        exemplars=("aaaabbbbccccdddd",),
    )
    assert change.status == "retired"


def test_what_is_written_is_read_back_the_same():
    intents = (
        Intent(id="i-1", name="pay a bill", definition="Pays: a 'bill' #1", exclude=("a, b",)),
        Intent(id="i-2", name="dispute a charge", parent="i-1", exemplars=("00ff",)),
        Intent(id="i-3", name="old", status="merged", into=("i-1",), introduced="2026-11-21"),
    )

    written = write_taxonomy(a_taxonomy(*intents))

    assert check_taxonomy(written) == []
    assert read_taxonomy(written).intents == intents
    assert read_taxonomy(written).version == taxonomy_version(intents)


def test_a_new_intent_is_appended_and_what_people_wrote_stays():
    new = Intent(id="i-new", name="book a flight", terms=("book", "one-way"))

    written = write_taxonomy(a_taxonomy(new), FILE)

    assert [intent.id for intent in read_taxonomy(written).intents] == [
        "i-a1b2c3",
        "i-000001",
        "i-new",
    ]
    assert written.startswith(FILE)
    assert "one-way" not in written


def test_a_changed_intent_changes_only_its_own_lines():
    changed = Intent(id="i-000001", name="change a flight", status="active")

    written = write_taxonomy(a_taxonomy(changed), FILE)

    assert written == FILE.replace("status: retired", "status: active")


HAND_MADE = """version:   1   # of the format

# ---- money ----
intents:
- id:   "i-1"
  name: 'pay a bill'     # finance owns this
  include: [ "asks how to pay",   asks for an invoice ]

  # we never merged this with i-3, see the meeting of May
- {id: i-2, name: dispute a charge, status: active}
- id: i-3
  name:   ask about fees
  definition: >
      The user asks what
      something costs.
  status: active  # for now
"""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HAND_MADE, id="as-typed"),
        pytest.param(HAND_MADE.replace("\n", "\r\n"), id="windows-newlines"),
        pytest.param(HAND_MADE.rstrip("\n"), id="no-newline-at-the-end"),
        pytest.param(f"{HAND_MADE}\n# the end\n", id="comment-at-the-end"),
    ],
)
def test_what_people_formed_stays_byte_for_byte_around_a_change(text):
    new = Intent(id="i-new", name="book a table", include=("asks for a table",))
    gone = Intent(
        id="i-3",
        name="ask about fees",
        definition=read_taxonomy(HAND_MADE).intents[2].definition,
        status="merged",
        into=("i-1",),
    )

    written = write_taxonomy(a_taxonomy(gone, new), text)

    found = {intent.id: intent for intent in read_taxonomy(written).intents}
    assert (found["i-3"].status, found["i-3"].into) == ("merged", ("i-1",))
    assert found["i-new"] == new
    kept = text.splitlines(keepends=True)
    lost = [line for line in kept if line not in written.splitlines(keepends=True)]
    assert [line.strip() for line in lost] in (["status: active  # for now"], [])
    assert set(re.findall(r"\r?\n", written)) == set(re.findall(r"\r?\n", text))


def test_writing_what_is_there_already_changes_no_byte():
    assert write_taxonomy(read_taxonomy(HAND_MADE), HAND_MADE) == HAND_MADE


def test_an_id_of_the_past_leads_to_what_it_is_called_now():
    taxonomy = a_taxonomy(
        Intent(id="a", name="a"),
        Intent(id="b", name="b", status="merged", into=("a",)),
        Intent(id="c", name="c", status="merged", into=("b",)),
        Intent(id="d", name="d", status="split", into=("a", "b")),
        Intent(id="e", name="e", status="retired"),
    )

    assert now_called(taxonomy) == {"a": "a", "b": "a", "c": "a"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "must be a mapping", id="empty"),
        pytest.param("version: [1", "no YAML", id="broken"),
        pytest.param("version: 2\nintents: []", "version must be 1, not 2", id="version"),
        pytest.param("version: 1\nintent: []", "did you mean 'intents'?", id="misspelt-top"),
        pytest.param("version: 1\nintents: {}\n", "list of mappings", id="no-list"),
        pytest.param(
            "version: 1\nintents: [{id: i-1, name: a, exclde: [b]}]",
            "intent i-1 has an unknown key 'exclde'; did you mean 'exclude'?",
            id="misspelt-key",
        ),
        pytest.param("version: 1\nintents: [{name: a}]", "number 1 has no id", id="no-id"),
        pytest.param("version: 1\nintents: [{id: i-1}]", "i-1 has no name", id="no-name"),
        pytest.param(
            "version: 1\nintents: [{id: 12, name: a}]", "must be text, not 12", id="number-id"
        ),
        pytest.param(
            "version: 1\nintents: [{id: a, name: b, include: c}]", "list of texts", id="no-texts"
        ),
        pytest.param(
            "version: 1\nintents: [{id: a, name: b, status: gone}]", "not 'gone'", id="status"
        ),
        pytest.param(
            "version: 1\nintents: [{id: a, name: b}, {id: a, name: c}]", "2 times", id="id-twice"
        ),
        pytest.param(
            "version: 1\nintents: [{id: a, name: B}, {id: c, name: b}]", "2 active", id="name-twice"
        ),
        pytest.param(
            "version: 1\nintents: [{id: a, name: b, parent: z}]", "'z', which is not", id="parent"
        ),
        pytest.param(
            "version: 1\nintents: [{id: a, name: b, status: merged}]", "into which", id="merged"
        ),
        pytest.param(
            "version: 1\nintents: [{id: a, name: b, parent: c}, {id: c, name: d, parent: a}]",
            "circle",
            id="circle",
        ),
        pytest.param(
            "version: 1\nintents: [{id: a, name: b, status: merged, into: [c]},"
            " {id: c, name: d, status: merged, into: [a]}]",
            "merged into itself",
            id="merged-in-a-circle",
        ),
        pytest.param(
            "version: 1\nintents: [{id: a, name: b, into: [c]}, {id: c, name: d}]",
            "set its status",
            id="active-with-into",
        ),
        pytest.param(
            "version: 1\nintents: [{id: a, name: b, parent: c}, {id: c, name: d, status: retired}]",
            "a is active under c, which is retired",
            id="parent-retired",
        ),
        pytest.param("version: 1\nversion: 1\nintents: []", "no YAML", id="key-twice"),
        pytest.param("x" * 2_000_001, "larger than", id="huge"),
    ],
)
def test_a_broken_file_is_refused_with_the_reason(text, problem):
    problems = check_taxonomy(text)

    assert any(problem in sentence for sentence in problems), problems
    with pytest.raises(SettingsError, match=r"\.debrief/intents\.yml"):
        read_taxonomy(text)


def entries(*lines: str) -> str:
    """A file with intent i-1, and these lines after its first."""
    return "\n".join(("version: 1", "intents:", "  - id: i-1", *(f"    {one}" for one in lines)))


NAMED = "name: a"
TWO = "  - {id: i-2, name: b}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            entries('name: "a', "status: active"),
            "line 4: it is no YAML: a quote is opened here and never closed",
            id="open-quote",
        ),
        pytest.param(
            entries("name: cancel: a flight"),
            "line 4: it is no YAML: put a text with a colon in quotes, and begin all keys of an "
            "intent in one column",
            id="colon",
        ),
        pytest.param(
            "version: 1\nintents:\n\t- id: a",
            "line 3: it is no YAML: lines are indented by blanks and not by tabs",
            id="tab",
        ),
        pytest.param(
            entries(NAMED, "name: b"),
            'line 5: it is no YAML: found duplicate key "name"; keep one',
            id="key-twice",
        ),
        pytest.param(
            f"{entries(NAMED)}\n---\nversion: 1",
            "line 5: it is no YAML: a second document begins here; keep one",
            id="two-documents",
        ),
        pytest.param(
            entries("name: [a"),
            "line 4: it is no YAML: expected ',' or ']', but got '<stream end>'",
            id="open-list",
        ),
        pytest.param(
            entries("name: a\x00"),
            "it is no YAML: it holds the character #x0000; take it out",
            id="character",
        ),
        pytest.param(
            "version: 1\nintents:\n<<<<<<< HEAD\n  - {id: i-1, name: a}\n=======\n",
            "line 3: a conflict is left here (<<<<<<<); keep one of the two sides",
            id="conflict",
        ),
        pytest.param(
            entries(NAMED, "introduced: 2026-13-45"),
            "line 5: 2026-13-45 is no date: month must be in 1..12",
            id="date",
        ),
        pytest.param("# none yet", "it is empty", id="comments-alone"),
        pytest.param("intents: []", "it does not say version: 1", id="no-version"),
        pytest.param('version: "1"', "line 1: version must be 1, not '1'", id="version-as-text"),
        pytest.param(
            "version: 1\nintents:\n  - cancel flight",
            "line 3: intents must be a list of mappings with id and name; "
            "this one is 'cancel flight'",
            id="a-text-for-an-intent",
        ),
        pytest.param(
            entries(NAMED, "defintion: b"),
            "line 5: intent i-1 has an unknown key 'defintion'; did you mean 'definition'?",
            id="misspelt",
        ),
        pytest.param(
            entries("name: [a]"),
            "line 4: intent i-1: name must be text, not ['a']; write one",
            id="list-for-a-text",
        ),
        pytest.param(
            entries(NAMED, "include: asks for a refund"),
            "line 5: intent i-1: include must be a list of texts; write [asks for a refund]",
            id="text-for-a-list",
        ),
        pytest.param(
            entries(NAMED, "exemplars: [12345678]"),
            "line 5: intent i-1: exemplars must be a list of texts; put each in quotes",
            id="number-in-a-list",
        ),
        pytest.param(
            entries(NAMED, "status: Active"),
            "line 5: intent i-1: status must be one of active, retired, merged, split, "
            "not 'Active'",
            id="status",
        ),
        pytest.param(
            entries(NAMED, "parent: B", TWO.strip()).replace("    - {", "  - {"),
            "line 5: intent i-1: parent names 'B', which is not in the file; "
            "the intent of that name has the id 'i-2'",
            id="parent-by-name",
        ),
        pytest.param(
            entries(NAMED, "parent: i-1"),
            "line 5: intent i-1 has itself above it: its parents lead in a circle",
            id="own-parent",
        ),
        pytest.param(
            "version: 1\nintents:\n- {id: a, name: a}\n- {id: b, name: b, parent: a}\n"
            "- {id: c, name: c, parent: b}\n- {id: d, name: d, parent: c}",
            "line 6: intent d is on a level below the 3 that there may be",
            id="four-levels",
        ),
        pytest.param(
            f"version: 1\nintents:\n{TWO}\n{TWO.replace('b', 'c')}",
            "line 4: intent i-2 is there 2 times; an id is never used again",
            id="id-twice",
        ),
        pytest.param(
            f"{entries(NAMED, 'status: retired', 'into: [i-2]')}\n{TWO}",
            "line 6: intent i-1 is retired and has the key into: set its status to merged or split",
            id="retired-into",
        ),
        pytest.param(
            f"{entries(NAMED, 'status: merged', 'into: [i-2, i-3]')}\n{TWO}\n"
            "  - {id: i-3, name: c}",
            "line 6: intent i-1 is merged into 2: what becomes several is split",
            id="merged-into-two",
        ),
        pytest.param(
            f"{entries(NAMED, 'status: split', 'into: [i-2]')}\n{TWO}",
            "line 6: intent i-1 is split into one: what becomes one is merged",
            id="split-into-one",
        ),
    ],
)
def test_each_kind_of_mistake_is_one_sentence_with_its_line(text, said):
    (sentence,) = check_taxonomy(text)

    assert sentence.startswith(said)
    assert "\n" not in sentence


def test_all_problems_are_said_at_once():
    text = "version: 1\nnotes: x\nintents: [{id: a, nme: b}, {name: c, status: off}]"

    assert len(check_taxonomy(text)) == 5


def test_the_version_depends_on_what_is_meant_and_not_on_the_order():
    one, other = Intent(id="i-1", name="a"), Intent(id="i-2", name="b")
    cited = Intent(id="i-1", name="a", exemplars=("ff",), terms=("t",), introduced="2026-01-01")

    assert taxonomy_version([one, other]) == taxonomy_version([other, cited])
    assert taxonomy_version([one, other]) != taxonomy_version([one])


def test_what_was_once_in_the_file_and_is_no_longer_was_taken_out():
    now = read_taxonomy(entries(NAMED))
    both = f"{entries('name: older')}\n{TWO}"

    removed = removed_since([entries(NAMED), both, "version: [broken"], now)

    assert [one.id for one in removed] == ["i-2"]
    assert removed_since([], now) == ()
