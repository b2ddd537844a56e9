"""What users try to do: found in conversations, kept in the repository, given to every one of them.

Takes conversations (as `Document`s) and the repository's taxonomy, gives labels and new intents.
Refuses conversations without words of the user. Costs nothing, but for names by the model.
"""

from bot.intents.discover import Discovery, discover
from bot.intents.entries import check_taxonomy
from bot.intents.label import label
from bot.intents.taxonomy import read_taxonomy, taxonomy_version, write_taxonomy
from bot.intents.text import Document, to_document

__all__ = [
    "Discovery",
    "Document",
    "check_taxonomy",
    "discover",
    "label",
    "read_taxonomy",
    "taxonomy_version",
    "to_document",
    "write_taxonomy",
]
