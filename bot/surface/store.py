"""The map of evidence, kept in the repository under a ref of its own.

On no branch, so that it triggers nothing and shows nowhere; readable with the token of any job, a
fork's too, as it holds only what the dashboard shows.
"""

from __future__ import annotations

from bot.evidence import EvidenceMap, map_of_json, same_evidence
from bot.github import GitHub, Unprocessable

REF = "debrief/evidence"
FILE = "evidence.json"


def read_map(client: GitHub) -> EvidenceMap | None:
    """The newest map; None where no run has kept one yet."""
    sha = _sha(client)
    return None if sha is None else _map_at(client, sha)


def keep_map(client: GitHub, text: str) -> bool:
    """Keep the map where it says something new; False where it does not.

    Compare and swap: a run that was quicker keeps its map, and the next run looks again.
    """
    found = map_of_json(text)
    if found is None:
        return False
    before = _sha(client)
    known = _map_at(client, before) if before is not None else None
    if known is not None and same_evidence(found, known):
        return False
    tree = [{"path": FILE, "mode": "100644", "type": "blob", "content": text}]
    made = client.send("POST", "/git/trees", body={"tree": tree})[1]
    body = {
        "message": "Keep the evidence of the last run",
        "tree": made["sha"],
        "parents": [before] if before else [],
    }
    commit = str(client.send("POST", "/git/commits", body=body)[1]["sha"])
    try:
        if before is None:
            client.send("POST", "/git/refs", body={"ref": f"refs/{REF}", "sha": commit})
        else:
            client.send("PATCH", f"/git/refs/{REF}", body={"sha": commit, "force": False})
    except Unprocessable:
        return False  # somebody else was quicker
    return True


def _sha(client: GitHub) -> str | None:
    ref = client.get(f"/git/ref/{REF}")
    # A prefix of several refs gives a list.
    return str(ref["object"]["sha"]) if isinstance(ref, dict) else None


def _map_at(client: GitHub, sha: str) -> EvidenceMap | None:
    file = client.files(sha, [FILE]).get(FILE)
    return map_of_json(file.text) if file is not None else None
