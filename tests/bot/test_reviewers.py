"""CODEOWNERS is read as GitHub documents it."""

from __future__ import annotations

import pytest

from bot.reviewers import MAX_OWNERS, owners_of

# The example of GitHub's page "About code owners", shortened.
EXAMPLE = """\
# The last matching line decides.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* docs@example.com @docs-owner
apps/ @octocat
/scripts/ @doctocat @octocat
/apps/github
!/kept @nobody
/odd[1] @nobody
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        pytest.param("a.py", ("global-owner1", "global-owner2"), id="everything"),
        pytest.param("src/a.js", ("js-owner",), id="suffix-and-comment"),
        pytest.param("a.go", (), id="an-address-is-no-name"),
        pytest.param("x/y.txt", ("octo-org/octocats",), id="team"),
        pytest.param("build/logs/a.py", ("doctocat",), id="from-the-root"),
        pytest.param("x/build/logs/a.py", ("global-owner1", "global-owner2"), id="not-elsewhere"),
        pytest.param("docs/a.md", ("docs-owner",), id="files-of-a-folder"),
        pytest.param("docs/x/a.md", ("global-owner1", "global-owner2"), id="not-deeper"),
        pytest.param("x/apps/y/a.py", ("octocat",), id="a-folder-anywhere"),
        pytest.param("apps/github/a.py", (), id="a-line-without-owners"),
        pytest.param("kept", ("global-owner1", "global-owner2"), id="negation-is-skipped"),
        pytest.param("odd1", ("global-owner1", "global-owner2"), id="a-range-is-skipped"),
    ],
)
def test_the_last_line_that_matches_decides(path, owners):
    assert owners_of(EXAMPLE, [path]) == owners


def test_who_owns_most_of_a_change_comes_first():
    assert owners_of(EXAMPLE, ["a.js", "scripts/a", "scripts/b"])[0] == "doctocat"


def test_no_more_people_are_asked_than_github_takes():
    line = "* " + " ".join(f"@person{number}" for number in range(40))

    assert len(owners_of(line, ["a"])) == MAX_OWNERS


def test_an_empty_file_and_no_paths_give_nobody():
    assert owners_of("", ["a"]) == ()
    assert owners_of(EXAMPLE, []) == ()
