"""Which vectors a run compares conversations by, and how long a fitted table serves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bot.commands.embedding import DISTILLED_FROM, TABLE, Embedding, Remembered, embedding_of
from bot.errors import SettingsError
from bot.intents.embedding import Matrix, embed_texts, normalise, without_scripts
from bot.intents.sentences import distil
from bot.intents.tables import table_from_bytes, table_to_bytes, unknown_share
from bot.settings import IntentSettings, load_settings
from collector.store import Store, open_store
from tests.bot.intents_built import a_document, some_documents

KINDS = ("cancel", "password", "parcel")


class ByTopic:
    """A model that hears nothing but which of three things is spoken of, and counts its work."""

    def __init__(self, name: str = "by-topic") -> None:
        self.name = name
        self.read = 0

    def __call__(self, texts: Sequence[str], /) -> Matrix:
        self.read += len(texts)
        rows = [[float(kind in text.lower()) for kind in KINDS] for text in texts]
        return normalise(np.array(rows, dtype=np.float32).reshape(len(texts), len(KINDS)))


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path / "store"), create=True)


def by(teacher: ByTopic, store: Store) -> Embedding:
    return Embedding(store=store, model=teacher.name, load=lambda: teacher)


def many(each: int = DISTILLED_FROM // 3 + 1):
    """Enough conversations for a table."""
    return some_documents(each=each)


class TestWhichVectors:
    def test_without_a_setting_they_are_the_default_ones(self, store):
        embedding = embedding_of(store, IntentSettings())

        assert embedding(some_documents()) is embed_texts
        assert embedding.kept() is embed_texts

    def test_a_few_conversations_are_read_by_the_model_itself(self, store):
        embedding = by(ByTopic(), store)

        assert embedding(some_documents()).name == "by-topic"
        assert not (store.root / TABLE).exists()

    def test_many_are_read_by_a_table_that_is_kept(self, store):
        teacher = ByTopic()
        first = by(teacher, store)(many())
        read = teacher.read

        again = by(teacher, store)(many())

        assert first.name.startswith("by-topic-distilled")
        assert again.name == first.name
        assert teacher.read == read
        assert (again(["cancel it"]) == first(["cancel it"])).all()

    def test_what_comes_in_later_is_compared_by_the_table_of_the_last_run(self, store):
        table = by(ByTopic(), store)(many())

        assert by(ByTopic(), store).kept().name == table.name

    def test_another_model_gets_a_table_of_its_own(self, store):
        by(ByTopic(), store)(many())

        other = by(ByTopic("other"), store)(many())

        assert other.name.startswith("other-distilled")

    def test_users_who_speak_of_other_things_get_a_new_table(self, store):
        old = by(ByTopic(), store)(many())
        text = "How could Brunhilde's subscription be paused during vacation weeks {}"
        moved = [a_document(text.format("abc"[n % 3]), n) for n in range(DISTILLED_FROM)]

        new = by(ByTopic(), store)(moved)

        assert new.name != old.name

    def test_a_damaged_table_is_fitted_anew(self, store):
        first = by(ByTopic(), store)(many())
        (store.root / TABLE).write_bytes(b"PK\x03\x04 nothing")

        assert by(ByTopic(), store)(many()).name == first.name

    def test_a_model_that_is_not_there_is_named(self, store, tmp_path):
        with pytest.raises(SettingsError, match="nowhere"):
            embedding_of(store, IntentSettings(embedding=str(tmp_path / "nowhere")))(
                some_documents()
            )


class TestTheTable:
    def test_it_comes_back_from_its_bytes(self):
        texts = [one.text for one in some_documents()]
        table = distil(texts, ByTopic())

        found = table_from_bytes(table_to_bytes(table, teacher="by-topic"), teacher="by-topic")

        assert found is not None
        assert (found.name, found.words) == (table.name, table.words)
        assert np.abs(found(texts) - table(texts)).max() < 0.01

    def test_words_that_it_never_saw_are_a_share_of_what_is_said(self):
        table = distil([one.text for one in some_documents()], ByTopic())

        assert unknown_share([one.text for one in some_documents()], table) == 0
        assert unknown_share(["zyx wvu"] * 3, table) == 1
        assert unknown_share(["zyx", "wvu"], table) == 0

    def test_the_same_text_is_read_once(self):
        teacher = ByTopic()
        remembered = Remembered(teacher=teacher)

        first = remembered(["cancel", "parcel", "cancel"])
        again = remembered(["parcel"])

        assert teacher.read == 2
        assert (first[1] == again[0]).all()
        assert first.shape == (3, 3)
        assert remembered([]).shape == (0, 3)


def test_the_settings_name_the_model():
    chosen = load_settings("intents: {embedding: models/e5, download: true}").intents

    assert (chosen.embedding, chosen.download) == ("models/e5", True)


def test_what_all_of_one_script_have_in_common_is_taken_away():
    shared, *own = np.eye(8, dtype=np.float32)
    arabic = normalise(np.repeat([3 * shared + own[0], 3 * shared + own[1]], 10, axis=0))
    latin = np.repeat(own[2:], 8, axis=0)

    moved = without_scripts(np.vstack([latin, arabic]), ["LATIN"] * 40 + ["ARABIC"] * 20)

    assert arabic[0] @ arabic[-1] == pytest.approx(0.9)
    assert moved[40] @ moved[-1] < 0.7
    assert moved[:40] == pytest.approx(latin)
    assert np.linalg.norm(moved, axis=1) == pytest.approx(1)


def test_vectors_of_one_script_and_of_scripts_with_few_rows_stay():
    vectors = normalise(np.random.default_rng(0).normal(size=(30, 4)))

    assert without_scripts(vectors, ["LATIN"] * 30) == pytest.approx(vectors)
    assert without_scripts(vectors, ["ARABIC"] * 11 + ["LATIN"] * 19) == pytest.approx(vectors)
