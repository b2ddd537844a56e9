"""Which files of a repository make an agent what it is.

Takes the repository, the settings and the system prompts that were captured; gives one `AgentFiles`
per agent. Globs of the settings decide where there are any. Without them a file is found by its
place and name, and with several agents it belongs to the one whose name is in its path or whose
captured system prompt it resembles: better no file than another agent's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from bot.gitignore import gitignore
from bot.records import AgentFiles, Repository
from bot.settings import AgentSettings, Settings

DEFAULT_GLOBS = {
    "prompts": (
        *(
            f"**/prompts/**/*.{suffix}"
            for suffix in ("md", "mdx", "txt", "prompt", "j2", "jinja", "jinja2")
        ),
        "*prompt*.md",
        "*prompt*.txt",
        "*policy*.md",
    ),
    "configs": (
        *(f"**/config/**/*.{suffix}" for suffix in ("y*ml", "json", "toml")),
        "config*.y*ml",
    ),
    "thresholds": ("*threshold*.json", "*threshold*.y*ml", "*threshold*.toml"),
}
NEVER = (".github/", ".git*", ".debrief/", "node_modules/", "tests/", "/docs/", "README*")
SUFFIXES = (
    *("md", "mdx", "markdown", "txt", "prompt", "j2", "jinja", "jinja2", "tmpl", "hbs", "mustache"),
    *("yaml", "yml", "json", "toml", "py", "ts", "tsx", "js", "jsx", "mjs", "cjs"),
)
"""Where prompts and descriptions of tools stand, in a repository whose settings name no files."""
ALSO_NEVER = (
    *("*.lock", "*lock.json", "*lock.yaml", "*.min.js", "dist/", "build/", "vendor/"),
    # Instructions for agents that write code here, not for those that serve users.
    *("AGENTS.md", "CLAUDE.md", "GEMINI.md", ".cursor/", ".claude/", ".codex/", ".windsurf/"),
)
SHINGLE_WORDS = 4
RESEMBLES = 0.5


def default_globs() -> tuple[str, ...]:
    """Where the files of an agent are looked for that the settings do not name."""
    return tuple(glob for globs in DEFAULT_GLOBS.values() for glob in globs)


def wanted_files(settings: Settings) -> Callable[[str], bool]:
    """The files that the settings name for any agent; without any, all that may hold a prompt."""
    named = [glob for one in settings.agents for glob in (*one.prompts, *one.harness, *one.configs)]
    if named:
        return gitignore(named).match_file
    kinds = gitignore([f"*.{suffix}" for suffix in SUFFIXES])
    never = gitignore([*NEVER, *ALSO_NEVER])
    return lambda path: kinds.match_file(path) and not never.match_file(path)


def files_of_agents(
    agents: Iterable[str],
    repository: Repository,
    settings: Settings,
    *,
    systems: Mapping[str, Sequence[str]],
) -> dict[str, AgentFiles]:
    """`systems`: agent to a few of its captured system prompts. No files is an empty value."""
    names = sorted(set(agents))
    found = {kind: _matching(repository, globs, NEVER) for kind, globs in DEFAULT_GLOBS.items()}
    return {
        name: _declared(name, repository, settings.agent(name))
        or _discovered(name, names, repository, found, systems.get(name, ()))
        for name in names
    }


def _declared(name: str, repository: Repository, agent: AgentSettings) -> AgentFiles | None:
    if not (agent.prompts or agent.harness or agent.configs or agent.thresholds):
        return None
    return AgentFiles(
        agent=name,
        task=agent.task,
        done_when=agent.done_when,
        prompts=_matching(repository, agent.prompts, ()),
        harness=_matching(repository, agent.harness, ()),
        configs=_matching(repository, agent.configs, ()),
        thresholds=_matching(repository, agent.thresholds, ()),
    )


def _discovered(
    name: str,
    names: Sequence[str],
    repository: Repository,
    found: Mapping[str, tuple[str, ...]],
    systems: Sequence[str],
) -> AgentFiles:
    def belongs(path: str) -> bool:
        if len(names) == 1:
            return True
        if any(_in_path(other, path) for other in names):
            return _in_path(name, path)
        text = repository.files[path].text
        return any(resemblance(text, system) >= RESEMBLES for system in systems)

    def may_belong(path: str) -> bool:
        return _in_path(name, path) or not any(_in_path(other, path) for other in names)

    return AgentFiles(
        agent=name,
        prompts=tuple(filter(belongs, found["prompts"])),
        configs=tuple(filter(may_belong, found["configs"])),
        # A number is changed only where its name and its value are those of the logged decisions,
        # so a file that several agents share is safe.
        thresholds=tuple(filter(may_belong, found["thresholds"])),
    )


def _matching(
    repository: Repository, globs: Sequence[str], never: Sequence[str]
) -> tuple[str, ...]:
    wanted, unwanted = gitignore(globs), gitignore(never)
    return tuple(
        path
        for path in sorted(repository.files)
        if wanted.match_file(path) and not unwanted.match_file(path)
    )


def _in_path(name: str, path: str) -> bool:
    plain = name.lower().replace("-", "_").replace(" ", "_")
    return plain in path.lower().replace("-", "_")


def resemblance(text: str, system: str) -> float:
    """Share of the file's runs of four words that the captured system prompt has too, 0..1."""
    ours = _shingles(text)
    return len(ours & _shingles(system)) / len(ours) if ours else 0.0


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + SHINGLE_WORDS]) for at in range(len(words) - SHINGLE_WORDS + 1)}
