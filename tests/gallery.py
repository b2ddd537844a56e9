"""Everything that people get to read from Debrief, as Markdown and as pages in GitHub's manner.

    python -m tests.gallery OUT [--mermaid mermaid.min.js] [--scenes]

Plays `tests/realistic_story.py` and `tests/gallery_scenes.py` and writes each pull request with its
description, diff and comments, the dashboard, alerts, summaries and what the runs printed;
`index.html` links to all. Charts are drawn where the file of Mermaid's browser build is given (`npm
pack mermaid`), else they stand there as code. Guests, reviewers and the model are simulated.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cmarkgfm  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]

from tests.fake_github import Issue
from tests.fake_github import git as git_of
from tests.gallery_scenes import SCENES, three_rejections
from tests.realistic_story import Story, is_ours, kind_of, play

EXTENSIONS = ("table", "autolink", "tagfilter", "strikethrough", "tasklist")
STYLE = """
body { font: 16px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif;
  max-width: 860px; margin: 24px auto; color: #1f2328; padding: 0 16px; }
h1 { font-size: 26px; font-weight: 400; margin: 0 0 8px; }
table { border-collapse: collapse; margin: 12px 0; display: block; overflow-x: auto; }
th, td { border: 1px solid #d1d9e0; padding: 6px 13px; text-align: left; }
tr:nth-child(2n) { background: #f6f8fa; }
code { background: #818b981f; padding: .2em .4em; border-radius: 6px; font-size: 85%; }
pre { background: #f6f8fa; padding: 12px; border-radius: 6px; overflow: auto; font-size: 13px; }
pre code { background: none; padding: 0; font-size: 100%; }
.box { border: 1px solid #d1d9e0; border-radius: 6px; margin: 16px 0; }
.box > .by { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; padding: 8px 16px;
  border-radius: 6px 6px 0 0; font-size: 14px; color: #59636e; }
.box > .text { padding: 8px 16px; }
.label { border: 1px solid #d1d9e0; border-radius: 2em; padding: 1px 8px; font-size: 12px; }
.state { background: #1f883d; color: white; border-radius: 2em; padding: 4px 12px;
  font-size: 14px; }
.merged { background: #8250df; } .closed { background: #cf222e; }
.add { color: #116329; } .del { color: #82071e; }
details { margin: 8px 0; } summary { cursor: pointer; }
li input { margin-right: 6px; }
blockquote { border-left: 4px solid #d1d9e0; margin: 0; padding: 0 1em; color: #59636e; }
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Write all that people read, as pages.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--mermaid", type=Path, help="mermaid.min.js, to draw the charts")
    parser.add_argument("--open", action="store_true", help="unfold all that is folded")
    parser.add_argument("--scenes", action="store_true", help="leave out the long story")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.mermaid:
        shutil.copy(given.mermaid, given.out / "mermaid.min.js")
    shown: dict[str, tuple[str, str]] = {}
    for name, scene in SCENES.items():
        with tempfile.TemporaryDirectory() as folder, scene(Path(folder)) as story:
            shown |= {f"{name}-{page}": document for page, document in _documents(story)}
    told = three_rejections()
    shown["learning-rejections"] = (told, f"<h1>Three rejections</h1>{markdown(told)}")
    if not given.scenes:
        with tempfile.TemporaryDirectory() as folder, play(Path(folder)) as story:
            shown |= dict(_documents(story))
    for name, (text, page) in shown.items():
        (given.out / f"{name}.md").write_text(text)
        body = page.replace("<details>", "<details open>") if given.open else page
        (given.out / f"{name}.html").write_text(_page(name, body, bool(given.mermaid)))
    links = "".join(f'<li><a href="{name}.html">{html.escape(name)}</a></li>' for name in shown)
    (given.out / "index.html").write_text(_page("All", f"<ul>{links}</ul>", is_drawn=False))


def _documents(story: Story) -> Iterator[tuple[str, tuple[str, str]]]:
    """Name to (Markdown, inner HTML) of each page."""
    for issue in story.fake.issues.values():
        kind = kind_of(issue) if issue.head and is_ours(issue) else "issue"
        kind = "own-pull" if issue.head and not is_ours(issue) else kind
        said = [issue.body, *(one["body"] for one in issue.comments)]
        page = _issue_page(story, issue)
        yield f"{issue.number:02}-{kind}", ("\n\n----\n\n".join(said), page)
    for number, (name, text) in enumerate(story.summaries.items(), start=1):
        yield f"summary-{number}", (text, f"<h1>Job summary, {name}</h1>{markdown(text)}")
    for number, (name, text) in enumerate(story.pages.items(), start=1):
        yield f"dashboard-{number}", (text, f"<h1>Dashboard, {name}</h1>{markdown(text)}")
    for number, (name, done) in enumerate(story.runs.items(), start=1):
        told = f"```text\n{done.out}\n```\n"
        yield f"run-{number}", (told, f"<h1>debrief run, {name}</h1>{markdown(told)}")
    log = git_of(story.fake.git, "log", "--format=%h %ad %an%n%w(0,4,4)%B", "--date=short", "main")
    told = f"```text\n{log}\n```\n"
    yield "git-log", (told, f"<h1>git log</h1>{markdown(told)}")


def _issue_page(story: Story, issue: Issue) -> str:
    """As the page of the pull request shows it."""
    state = "merged" if issue.merged_at else issue.state
    labels = " ".join(f'<span class="label">{html.escape(one)}</span>' for one in issue.labels)
    asked = ", ".join(issue.requested)
    parts = [
        f"<h1>{html.escape(issue.title)} #{issue.number}</h1>",
        f'<p><span class="state {state}">{state}</span> {labels}</p>',
        f"<p>Reviewers: {html.escape(asked)}</p>" if asked else "",
        _box(f"{issue.user['login']} · {issue.head or 'issue'}", markdown(issue.body)),
    ]
    if issue.head:
        parts.append(_box("Files changed", _diff(story, issue)))
    for one in issue.comments:
        parts.append(_box(f"{one['user']['login']} commented", markdown(one["body"])))
    return "".join(parts)


def _diff(story: Story, issue: Issue) -> str:
    base = git_of(story.fake.git, "merge-base", issue.base_sha, issue.head_sha)
    text = git_of(story.fake.git, "diff", base, issue.head_sha)
    message = git_of(story.fake.git, "log", "-1", "--format=%B", issue.head_sha)
    lines = []
    for line in text.splitlines()[:120]:
        kind = {"+": "add", "-": "del"}.get(line[:1], "")
        lines.append(f'<span class="{kind}">{html.escape(line[:200])}</span>')
    shown = "\n".join(lines)
    return f"<pre>{html.escape(message)}</pre><pre>{shown}</pre>"


def _box(by: str, text: str) -> str:
    head = f'<div class="by">{html.escape(by)}</div>'
    return f'<div class="box">{head}<div class="text">{text}</div></div>'


def markdown(text: str) -> str:
    """As GitHub renders it: the same library, task lists and charts included."""
    found: str = cmarkgfm.markdown_to_html_with_extensions(
        text, options=Options.CMARK_OPT_UNSAFE, extensions=list(EXTENSIONS)
    )
    chart = r'<pre(?: lang="mermaid"><code|><code class="language-mermaid")>(.*?)</code></pre>'
    return re.sub(chart, r'<pre class="mermaid">\1</pre>', found, flags=re.DOTALL)


def _page(title: str, body: str, is_drawn: bool) -> str:
    script = (
        '<script src="mermaid.min.js"></script><script>mermaid.initialize({startOnLoad: true});'
        "</script>"
        if is_drawn
        else ""
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style><body>{body}{script}</body></html>"
    )


if __name__ == "__main__":
    main()
