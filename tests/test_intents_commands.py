"""`debrief intents`: a taxonomy in a repository, labels that people and the model correct, live."""

from __future__ import annotations

import json
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.commands.follow import follow
from bot.commands.loading import open_workspace
from bot.commands.shell import Shell
from bot.intents.reading import FIRST_TOKENS
from bot.settings import Secrets
from collector.importer import import_files
from collector.store import open_store
from tests.bot.intents_built import REASONS, WISHES
from tests.loop import NOW, Debrief, a_repository, git, write_lines
from tests.messages_server import KEY, Asked, messages_server, says

pytestmark = pytest.mark.slow
TAXONOMY = """\
# The support team owns this file.
version: 1
intents:
  - id: i-cancel
    name: cancel a flight
    definition: The user wants to cancel a flight.
  - id: i-password
    name: reset a password
    definition: The user forgot the password and needs to reset it.
"""
PARCEL = """\
  - id: i-parcel
    name: ask for a parcel
    definition: The user asks where a parcel is and when the delivery comes.
"""
PATH = ".debrief/intents.yml"


def a_conversation(wish: str, number: int, *, at: datetime | None = None, **more) -> dict[str, Any]:
    start = at or NOW - timedelta(days=3, minutes=number)
    text = WISHES[wish].format(REASONS[number % 12])
    return {
        "id": f"{wish}-{number}",
        "agent": "support",
        "user_id": f"user-{wish}-{number}",
        "start_time": start.isoformat(),
        "messages": [
            {"role": "user", "content": text},
            {"role": "assistant", "content": "Let me see what I can do for you. " * 8},
        ],
        **more,
    }


def conversations(each: int = 15, *wishes: str) -> list[dict[str, Any]]:
    return [a_conversation(wish, n) for wish in wishes or WISHES for n in range(each)]


@pytest.fixture
def repo(tmp_path):
    return a_repository(tmp_path / "repo", {PATH: TAXONOMY})


@pytest.fixture
def debrief(tmp_path, capsys, monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "GITHUB_TOKEN", "GH_TOKEN", "DEBRIEF_STORE"):
        monkeypatch.delenv(name, raising=False)
    run = Debrief(tmp_path / "store", capsys)
    assert run("import", write_lines(tmp_path / "c.jsonl", conversations())).code == 0
    return run


def labels(done) -> dict[str, tuple[list[str], str]]:
    """Conversation id to its intents and who says so."""
    assert done.code == 0, done.err
    return {
        one["conversation_id"]: (one["intent_ids"], one["source"]) for one in done.json["labels"]
    }


def ledger(debrief) -> list[tuple[str, dict[str, Any]]]:
    rows = open_store(str(debrief.store), create=False).scan("ledger").to_pylist()
    return [(row["action"], json.loads(row["entry"])) for row in rows]


def test_an_intent_that_a_later_commit_took_out_of_the_file_is_known_as_taken_out(repo):
    text = TAXONOMY.split("  - id: i-password")[0]
    (repo / PATH).write_text(text)
    before = open_workspace(str(repo)).taxonomy

    git(repo, "commit", "--all", "--quiet", "--message", "We do no passwords")

    after = open_workspace(str(repo)).taxonomy
    assert before.removed == ()
    assert [one.id for one in after.removed] == ["i-password"]
    assert [one.id for one in after.intents] == ["i-cancel"]


class TestWithoutATaxonomyFile:
    """No repository has intents: they are discovered, and what was said once stays said."""

    def test_two_equal_runs_say_the_same_of_every_conversation(self, debrief):
        first = debrief("intents", "assign", "--json")
        second = debrief("intents", "assign", "--json")

        assert any(one["intent_ids"] for one in first.json["labels"])
        assert second.json["labels"] == first.json["labels"]
        assert second.json["taxonomy_version"] == first.json["taxonomy_version"]

    def test_a_run_with_a_file_in_between_changes_nothing(self, debrief, repo):
        before = debrief("intents", "assign", "--json")
        by_file = debrief("intents", "assign", "--repo", repo, "--json")

        after = debrief("intents", "assign", "--json")

        assert by_file.json["labels"] != before.json["labels"]
        assert after.json["labels"] == before.json["labels"]

    def test_the_list_says_how_many_have_no_intent(self, debrief):
        assert "without an intent" not in debrief("intents", "discover").out
        debrief("intents", "correct", "cancel-3", "none")

        said = debrief("intents", "discover").out
        assert re.search(r"^ +1 +without an intent: ", said, re.MULTILINE)

    def test_a_new_conversation_gets_a_label_and_the_others_keep_theirs(self, debrief, tmp_path):
        before = labels(debrief("intents", "assign", "--json"))
        more = [a_conversation("cancel", 40), a_conversation("parcel", 40)]
        debrief("import", write_lines(tmp_path / "more.jsonl", more))

        after = labels(debrief("intents", "assign", "--json"))

        assert {key: after[key] for key in before} == before
        assert after["cancel-40"][0] == before["cancel-3"][0] != after["parcel-40"][0]

    def test_a_new_kind_of_wish_takes_nothing_from_the_others(self, debrief, tmp_path, capsys):
        store = Debrief(tmp_path / "other", capsys)
        store(
            "import", write_lines(tmp_path / "old.jsonl", conversations(15, "cancel", "password"))
        )
        before = labels(store("intents", "assign", "--json"))
        store("import", write_lines(tmp_path / "new.jsonl", conversations(20, "parcel")))

        after = labels(store("intents", "assign", "--json"))

        assert {key: after[key] for key in before} == before
        new = {tuple(after[key][0]) for key in after if key.startswith("parcel")} - {()}
        assert new
        assert new.isdisjoint({tuple(ids) for ids, _ in before.values()})


class TestAssign:
    def test_every_conversation_is_labelled_and_the_training_is_in_the_ledger(self, debrief, repo):
        found = labels(debrief("intents", "assign", "--repo", repo, "--json"))

        assert len(found) == 45
        assert found["cancel-3"] == (["i-cancel"], "classifier")
        assert found["password-3"] == (["i-password"], "classifier")
        (training,) = [said for action, said in ledger(debrief) if action == "training"]
        assert (training["reason"], training["replaced"]) == ("first", True)

    def test_the_second_run_labels_the_same_and_trains_nothing(self, debrief, repo):
        first = labels(debrief("intents", "assign", "--repo", repo, "--json"))
        again = debrief("intents", "assign", "--repo", repo, "--json")

        assert labels(again) == first
        assert again.json["trainings"] == []

    def test_a_store_that_lost_what_was_derived_labels_the_same(self, debrief, repo):
        first = labels(debrief("intents", "assign", "--repo", repo, "--json"))
        for path in sorted((debrief.store / "derived").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

        assert labels(debrief("intents", "assign", "--repo", repo, "--json")) == first

    def test_a_changed_taxonomy_labels_and_trains_anew(self, debrief, repo):
        debrief("intents", "assign", "--repo", repo)
        (repo / PATH).write_text(TAXONOMY + PARCEL)
        git(repo, "commit", "--quiet", "--all", "--message", "One more")

        done = debrief("intents", "assign", "--repo", repo, "--json")

        assert labels(done)["parcel-3"][0] == ["i-parcel"]
        assert [one["reason"] for one in done.json["trainings"]] == ["taxonomy"]


class TestLife:
    """From the first proposal to labels by the file that a person merged."""

    @pytest.fixture
    def bare(self, tmp_path):
        return a_repository(tmp_path / "bare", {"README.md": "# Nothing known yet\n"})

    def test_a_merged_taxonomy_is_what_conversations_are_labelled_by(self, debrief, bare, tmp_path):
        more = [a_conversation(wish, number) for wish in WISHES for number in range(15, 22)]
        debrief("import", write_lines(tmp_path / "more.jsonl", more))
        run = ("run", "--repo", bare, "--to", f"git:{bare}", "--json")

        first, second = debrief(*run), debrief(*run)
        (operation,) = first.json["operations"]
        git(bare, "merge", "--quiet", "--no-edit", operation["branch"])
        third = debrief(*run)
        found = labels(debrief("intents", "assign", "--repo", bare, "--json"))

        assert (operation["op"], operation["kind"]) == ("open", "taxonomy")
        assert git(bare, "diff", "--name-only", "HEAD~1").split() == [PATH]
        assert second.json["published"]["writes"] == 0
        assert third.json["operations"] == []
        assert "verdict" not in " ".join(one["what"] for one in third.json["left_out"])
        assert len(found) == 66
        assert sum(bool(ids) for ids, _ in found.values()) >= 55
        kinds = {name.split("-")[0]: ids for name, (ids, _) in found.items() if ids}
        assert len({tuple(ids) for ids in kinds.values()}) == 3


class TestList:
    FAMILY = TAXONOMY.replace("name: cancel a flight", "name: cancel a flight\n    parent: i-trip")

    @pytest.fixture
    def repo(self, tmp_path):
        above = "  - {id: i-trip, name: change a trip, definition: All about a booked trip.}\n"
        unseen = "  - {id: i-old, name: send a fax, status: retired}\n"
        return a_repository(tmp_path / "repo", {PATH: self.FAMILY + above + unseen})

    def test_an_intent_has_the_conversations_of_those_below_it(self, debrief, repo):
        told = debrief("intents", "list", "--repo", repo, "--json").json

        by_id = {one["id"]: one for one in told["intents"]}
        (agent,) = told["agents"]
        assert by_id["i-cancel"]["conversations"] >= 10
        assert by_id["i-trip"]["conversations"] == by_id["i-cancel"]["conversations"]
        assert by_id["i-trip"]["users"] == by_id["i-cancel"]["users"]
        assert by_id["i-trip"]["agents"] == ["support"]
        assert by_id["i-old"]["agents"] == []
        assert (agent["agent"], agent["conversations"]) == ("support", 45)
        assert 0 < agent["without_an_intent"] <= 20


class TestQuotes:
    def test_the_list_shows_what_users_wrote_where_that_is_allowed(self, debrief, repo):
        without = debrief("intents", "list", "--repo", repo, "--json")
        settings = repo / ".github/debrief.yml"
        settings.parent.mkdir()
        settings.write_text("version: 1\nquotes: true\n")
        git(repo, "add", "--all")
        git(repo, "commit", "--quiet", "--message", "Quotes")

        shown = debrief("intents", "list", "--repo", repo, "--json")
        said = debrief("intents", "list", "--repo", repo)

        assert not any("examples" in one for one in without.json["intents"])
        by_id = {one["id"]: one["examples"] for one in shown.json["intents"]}
        assert all("cancel my flight" in text for text in by_id["i-cancel"])
        assert f"“{by_id['i-cancel'][0]}”" in said.out


class TestCorrect:
    def test_a_person_s_word_holds_from_the_next_run_on(self, debrief, repo):
        debrief("intents", "assign", "--repo", repo)

        told = debrief("intents", "correct", "cancel-3", "reset a password", "--repo", repo)
        found = labels(debrief("intents", "assign", "--repo", repo, "--json"))

        assert told.code == 0, told.err
        assert found["cancel-3"] == (["i-password"], "person")
        assert found["cancel-4"] == (["i-cancel"], "classifier")
        reasons = [said["reason"] for action, said in ledger(debrief) if action == "training"]
        assert sorted(reasons) == ["corrections", "first"] or reasons == ["first"]

    def test_the_last_word_of_a_person_counts(self, debrief, repo):
        for said in ("i-password", "none", "i-cancel"):
            at = NOW + timedelta(minutes=len(said))
            assert debrief("intents", "correct", "cancel-3", said, "--repo", repo, now=at).code == 0
        debrief("intents", "correct", "cancel-4", "none", "--repo", repo)

        later = NOW + timedelta(hours=1)
        found = labels(debrief("intents", "assign", "--repo", repo, "--json", now=later))

        assert found["cancel-3"] == (["i-password"], "person")
        assert found["cancel-4"] == ([], "person")

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            pytest.param(["cancel-3"], "which conversation and which intents", id="no-intent"),
            pytest.param(["cancel-99", "i-cancel"], "there is none", id="no-conversation"),
            pytest.param(["cancel-3", "i-zzz"], "no active intent 'i-zzz'", id="unknown-intent"),
        ],
    )
    def test_what_cannot_be_corrected_is_said(self, debrief, repo, words, complaint):
        done = debrief("intents", "correct", *words, "--repo", repo)

        assert done.code == 2
        assert complaint in done.err

    def test_an_erased_conversation_leaves_no_correction(self, debrief, repo):
        debrief("intents", "correct", "cancel-3", "i-password", "--repo", repo)

        debrief("erase", "--conversation", "cancel-3")

        store = open_store(str(debrief.store), create=False)
        assert store.scan("model_labels").num_rows == 0


class TestCheck:
    def test_it_says_what_the_file_on_disk_would_change(self, debrief, repo):
        debrief("intents", "assign", "--repo", repo)
        (repo / PATH).write_text(TAXONOMY + PARCEL)

        done = debrief("intents", "check", "--repo", repo, "--json")

        assert done.code == 0, done.err
        change = done.json["would_change"]
        parcel = next(one for one in change["intents"] if one["id"] == "i-parcel")
        assert done.json["problems"] == []
        assert parcel["before"] == 0
        assert parcel["after"] >= 10
        assert change["moved"] >= 10
        assert change["compared_with"] == "repository"

    def test_against_what_was_discovered_it_says_so_and_names_what_moves(self, debrief, tmp_path):
        bare = a_repository(tmp_path / "bare", {"README.md": "# Nothing known yet\n"})
        debrief("intents", "discover")
        (bare / PATH).parent.mkdir()
        (bare / PATH).write_text(TAXONOMY)

        done = debrief("intents", "check", "--repo", bare)
        as_json = debrief("intents", "check", "--repo", bare, "--json")

        assert as_json.json["would_change"]["compared_with"] == "discovered"
        assert "Against the discovered intents, " in done.out
        assert re.search(r" -> i-cancel cancel a flight$", done.out, re.MULTILINE)

    def test_checking_changes_nothing_in_the_store(self, debrief, repo):
        before = sorted(debrief.store.rglob("*"))

        debrief("intents", "check", "--repo", repo)

        assert sorted(debrief.store.rglob("*")) == before

    def test_every_problem_is_said_and_the_exit_code_is_two(self, debrief, repo):
        (repo / PATH).write_text(TAXONOMY.replace("definition", "definiton"))

        done = debrief("intents", "check", "--repo", repo)
        as_json = debrief("intents", "check", "--repo", repo, "--json")

        assert done.code == as_json.code == 2
        assert done.out.count("did you mean 'definition'?") == 2
        assert len(as_json.json["problems"]) == 2


def reads(asked: Asked):
    """A careful reader of the prompt intents/label."""
    told = []
    for line in asked.between("conversations").splitlines():
        number, text = line[1:].split("] ", 1)
        intents = [{"id": "i-cancel", "quote": "cancel my flight"}] if "flight" in text else []
        wish = "" if intents else "reset something"
        told.append({"conversation": int(number), "intents": intents, "none_fits": wish})
    return says({"labels": told})


@pytest.fixture
def model(monkeypatch):
    with messages_server(reads) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        yield server


class TestWithAModel:
    """Without the password intent, a third of the conversations fits nothing that is known."""

    @pytest.fixture
    def repo(self, tmp_path):
        return a_repository(
            tmp_path / "repo", {PATH: TAXONOMY.split("  - id: i-password")[0] + PARCEL}
        )

    @pytest.fixture
    def wordy(self, debrief, tmp_path):
        """The agent says much, so that a twentieth of all tokens is a few calls."""
        long = [
            {
                **one,
                "messages": [*one["messages"], {"role": "assistant", "content": "Well. " * 900}],
            }
            for one in (a_conversation("password", number) for number in range(100, 140))
        ]
        assert debrief("import", write_lines(tmp_path / "long.jsonl", long)).code == 0
        return debrief

    def test_what_the_model_says_is_kept_and_nothing_is_asked_twice(self, wordy, repo, model):
        wordy("intents", "assign", "--repo", repo, "--json")
        asked = len(model.asked)

        wordy("intents", "assign", "--repo", repo, "--json")

        said = open_store(str(wordy.store), create=False).scan("model_labels").to_pylist()
        assert asked > 0
        assert len(model.asked) == asked
        entries = [json.loads(row["entry"]) for row in said]
        without = {one["none_fits"] for one in entries if not one["intent_ids"]}
        assert without == {"reset something"}

    def test_nothing_is_left_without_a_word_where_there_are_few_conversations(
        self, wordy, repo, model
    ):
        done = wordy("intents", "assign", "--repo", repo, "--json")

        rows = open_store(str(wordy.store), create=False).scan("model_labels").to_pylist()
        spent = sum(json.loads(row["entry"])["tokens"] for row in rows)
        without = [one for one in done.json["labels"] if not one["intent_ids"]]
        assert 0 < spent <= FIRST_TOKENS
        assert {one["source"] for one in without} == {"model"}
        assert not [one for one in done.json["left_out"] if one["code"] == "share"]

    def test_a_person_s_word_is_not_asked_about(self, wordy, repo, model):
        for number in range(100, 140):
            wordy("intents", "correct", f"password-{number}", "none", "--repo", repo)
        for number in range(15):
            wordy("intents", "correct", f"password-{number}", "none", "--repo", repo)

        wordy("intents", "assign", "--repo", repo)

        assert not any("password" in asked.user for asked in model.asked)

    def test_a_budget_that_ends_stops_cleanly_and_says_what_was_left(self, wordy, repo, model):
        settings = repo / ".github/debrief.yml"
        settings.parent.mkdir()
        settings.write_text("version: 1\nmodel: {budget_usd: 0.001}\n")
        git(repo, "add", "--all")
        git(repo, "commit", "--quiet", "--message", "Next to nothing")

        done = wordy("intents", "assign", "--repo", repo, "--json")
        said = wordy("intents", "assign", "--repo", repo)

        assert done.code == 0, done.err
        assert model.asked == []
        assert len(done.json["labels"]) == 85
        (left,) = [one for one in done.json["left_out"] if one["code"] == "budget"]
        assert "The budget of a run is under $0.01: $0.00 are spent" in left["reason"]
        assert "labels of" in left["what"]
        assert f"Left out: {left['what']}" in said.out

    def test_a_night_of_batches_gives_the_same_labels(self, wordy, repo, model):
        settings = repo / ".github/debrief.yml"
        settings.parent.mkdir()
        settings.write_text("version: 1\nmodel: {batch: true}\n")
        git(repo, "add", "--all")
        git(repo, "commit", "--quiet", "--message", "Batches")

        done = wordy("intents", "assign", "--repo", repo, "--json")

        assert done.code == 0, done.err
        assert model.batches
        assert open_store(str(wordy.store), create=False).scan("model_labels").num_rows > 0


class TestFollow:
    def test_a_conversation_is_labelled_soon_after_it_ended(self, debrief, repo, tmp_path):
        store = open_store(str(debrief.store), create=False)
        stop_at = timedelta(seconds=30)
        begun = datetime.now(UTC)

        def clock() -> datetime:
            # A minute of quiet passes in a few seconds of the test.
            return begun + 12 * (datetime.now(UTC) - begun)

        shell = Shell(
            store=str(debrief.store),
            now=NOW,
            json=True,
            secrets=Secrets(),
            pause_s=0,
        )
        following = threading.Thread(
            target=follow,
            args=(shell, open_workspace(str(repo))),
            kwargs={"lasts": 12 * stop_at, "clock": clock, "poll_s": 0.2},
        )
        following.start()
        time.sleep(4)  # it labels what is there first
        late = [a_conversation("cancel", 500), a_conversation("password", 501)]
        import_files(
            [write_lines(tmp_path / "late.jsonl", late)],
            store,
            now=clock(),
            redactor=store.redactor(),
        )
        seen = self._wait_for(debrief, "cancel-500")
        following.join(timeout=40)

        assert not following.is_alive()
        assert seen == ["i-cancel"]

    def _wait_for(self, debrief, conversation_id: str) -> list[str]:
        from bot.commands.derived import labels_of

        for _ in range(100):
            store = open_store(str(debrief.store), create=False)
            found = labels_of(store, "support", conversation_id)
            if found:
                return [str(one["id"]) for one in found]
            time.sleep(0.2)
        return []
