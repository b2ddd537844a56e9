"""`.debrief/intents.yml`: read, written and checked."""

from __future__ import annotations

import pytest

from bot.errors import SettingsError
from bot.intents import check_taxonomy, read_taxonomy, taxonomy_version, write_taxonomy
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


def test_writing_what_is_there_already_changes_nothing_but_the_form():
    once = write_taxonomy(read_taxonomy(FILE), FILE)

    assert write_taxonomy(read_taxonomy(once), once) == once
    assert "# Owned by the support team." in once
    assert "# the big one" in once


def test_a_new_intent_is_appended_and_what_people_wrote_stays():
    new = Intent(id="i-new", name="book a flight", terms=("book", "one-way"))

    written = write_taxonomy(a_taxonomy(new), FILE)

    assert [intent.id for intent in read_taxonomy(written).intents] == [
        "i-a1b2c3",
        "i-000001",
        "i-new",
    ]
    assert written.startswith(write_taxonomy(read_taxonomy(FILE), FILE))
    assert "one-way" not in written


def test_a_changed_intent_changes_only_its_own_lines():
    changed = Intent(id="i-000001", name="change a flight", status="active")

    written = write_taxonomy(a_taxonomy(changed), FILE)

    before = write_taxonomy(read_taxonomy(FILE), FILE).splitlines()
    after = written.splitlines()
    assert [line for line in after if line not in before] == []
    assert len(before) == len(after)
    assert read_taxonomy(written).intents[1].status == "active"


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
        pytest.param("version: 1\nversion: 1\nintents: []", "no YAML", id="key-twice"),
        pytest.param("x" * 2_000_001, "larger than", id="huge"),
    ],
)
def test_a_broken_file_is_refused_with_the_reason(text, problem):
    problems = check_taxonomy(text)

    assert any(problem in sentence for sentence in problems), problems
    with pytest.raises(SettingsError, match=r"\.debrief/intents\.yml"):
        read_taxonomy(text)


def test_all_problems_are_said_at_once():
    text = "version: 1\nnotes: x\nintents: [{id: a, nme: b}, {name: c, status: off}]"

    assert len(check_taxonomy(text)) == 5


def test_the_version_depends_on_what_is_meant_and_not_on_the_order():
    one, other = Intent(id="i-1", name="a"), Intent(id="i-2", name="b")
    cited = Intent(id="i-1", name="a", exemplars=("ff",), terms=("t",), introduced="2026-01-01")

    assert taxonomy_version([one, other]) == taxonomy_version([other, cited])
    assert taxonomy_version([one, other]) != taxonomy_version([one])
