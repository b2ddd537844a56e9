"""What production says about the lines that a person's pull request changes.

Takes what one cycle understood and gives an `EvidenceMap`, small enough to be kept in the
repository; takes that map and a pull request's files and gives a comment and a check. Pure; no
conversation's text is in the map, only names, counts and ids.
"""

from bot.evidence.changes import changed_lines, touched_by
from bot.evidence.mapping import evidence_map, map_of_json, map_to_json, same_evidence
from bot.evidence.records import EvidenceMap, Touched, Watch, WatchedFile
from bot.evidence.telling import evidence_comment, evidence_title

__all__ = [
    "EvidenceMap",
    "Touched",
    "Watch",
    "WatchedFile",
    "changed_lines",
    "evidence_comment",
    "evidence_map",
    "evidence_title",
    "map_of_json",
    "map_to_json",
    "same_evidence",
    "touched_by",
]
