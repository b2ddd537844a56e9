"""Another embedder beside the default one, and the table that imitates it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bot.errors import SettingsError
from bot.intents import discover, label
from bot.intents.embedding import Matrix, embed_texts, normalise
from bot.intents.sentences import distil, load_sentence_model
from tests.bot.intents_built import NOW, some_documents

KINDS = ("cancel", "password", "parcel")


class ByTopic:
    """A teacher that hears nothing but which of three things is spoken of."""

    name = "by-topic"

    def __call__(self, texts: Sequence[str], /) -> Matrix:
        rows = [[float(kind in text.lower()) for kind in KINDS] for text in texts]
        return normalise(np.array(rows, dtype=np.float32).reshape(len(texts), len(KINDS)))


def test_a_distilled_table_says_of_new_texts_what_the_model_would():
    taught = [document.text for document in some_documents(each=12)]
    new = ["I must cancel the flight", "my password is gone", "which parcel do you mean"]

    table = distil(taught, ByTopic())

    likeness = (table(new) * ByTopic()(new)).sum(axis=1)
    assert likeness.min() > 0.8
    assert table(new).shape == (3, 3)


def test_a_distilled_table_serves_discovery_and_labels_like_any_embedder():
    documents = some_documents()
    table = distil([document.text for document in documents], ByTopic())

    found = discover(documents, now=NOW, embed=table)
    labels = label(documents, found.taxonomy, embed=table)

    assert len(found.taxonomy.intents) == 3
    assert [one.intents[0][0] for one in labels] == [one.intents[0][0] for one in found.labels]


def test_texts_without_a_common_word_still_give_a_table():
    table = distil(["alpha", "beta", "gamma"], embed_texts)

    assert np.isfinite(table(["delta", ""])).all()


def test_the_same_texts_give_a_table_of_the_same_name_and_others_another():
    taught = [document.text for document in some_documents()]

    assert distil(taught, ByTopic()).name == distil(taught, ByTopic()).name
    assert distil(taught, ByTopic()).name != distil(taught[:20], ByTopic()).name


def test_a_model_that_is_not_here_is_said_so_and_not_downloaded(tmp_path):
    with pytest.raises(SettingsError, match=r"install|not on this machine"):
        load_sentence_model(str(tmp_path / "nothing"))
