"""Files of every format with prompts and tools in them, as people write them, and random edits."""

import random

from bot.regions import Region

PYTHON = '''"""Module."""
import textwrap
from typing import Annotated, Literal

SYSTEM_PROMPT = """You are a support agent é of the shop.

Rules:
- Be nice to {name}.
- Never \\"promise\\" anything.
"""
OTHER = (
    "You are a helper of the shop. "  # who
    "Answer shortly and clearly.\\n"
    f"Today is {date} and {{literal}}."
)
DEDENTED = textwrap.dedent("""
    You are a bot of the desk.

      - indented rule
    Follow the rules.
    """)
RAW_PROMPT = r"Match the prompt \\d+ times, as a system of rules would."


@tool
def search(date: Annotated[str, "the date of flight"], mode: Literal["a b", "c d"] = "a b"):
    """Search flights.

    Args:
        date: the date
    """
    raise ValueError("this is an error message for people to read and nothing else at all")


def refund(order):
    """Refund an order."""


agent = Agent(instructions="Hello you are " + name + " and always polite.", tools=[refund])
TOOLS = [{"name": "book", "description": "Books a flight", "parameters": {
    "properties": {"cabin": {"type": "string", "description": "The cabin class"}}}}]
logger.info("this is a long log line that nobody should ever take for a prompt of an agent at all")
'''

TYPESCRIPT = """import { tool } from 'ai';

const systemPrompt = `You are a ${role} agent é nice.
Be \\`kind\\` to users.`;
const instructions = "You are kind. " +
  'Do not lie to "users".\\n' +
  `Bye ${name}`;
const persona = dedent`
  You are the desk of a shop.
    Be short.
`;
export const searchFlights = tool({
  description: "Find flights",
  inputSchema: z.object({ date: z.string().describe("the date") }),
});
const reply = await generateText({
  system: 'You are an agent that helps.',
  tools: { weather: tool({ description: 'Get weather' }), plain: { description: "A plain tool" } },
});
console.log("this is a long log line that nobody should ever take for a prompt of an agent at all");
server.registerTool("echo", { description: "Echo it" }, run);
"""

YAML = """# kept
agents:
  support:
    system: |
      You are a support agent.

        - indented é rule
      Be nice to {name}.
    folded_prompt: >-
      You are folded and
      long as prompts are

      second paragraph of the rules
    instructions: You are plain and
      continued here # kept too
    system_prompt: "You are \\"quoted\\"\\n and
      folded over lines"
    rules: 'It''s a single one for you'
    model: {desc: how large the model is, value: 5}
tools:
  - name: search
    description: Finds flights
    parameters:
      date: {type: string, description: The date}
"""

JSON = (
    '{\n  "system": "You are \\u00e4 nice \\"agent\\" here\\nok",\n  "n": 1.50,\n'
    '  "messages": [{"role": "system", "content": "You answer the users of the shop."}],\n'
    '  "tools": [{"name": "find", "description": "Finds it", "parameters": {"properties": '
    '{"x": {"description": "the x"}}}}]\n}\n'
)

TOML = '''# "not a text"
[agent]
system_prompt = """
You are a nice "agent" of ours. \\
   joined
Second line."""
rules = 'literal one with five words'
other.prompt = "Basic \\u00e4 one with \\"five\\" words"
'''

MARKDOWN = "---\nmodel: small # kept\n---\n# Desk\n\n- Be nice to {{ name }}.\n- Never lie.\n"

FILES = {
    "agent.py": PYTHON,
    "agent.ts": TYPESCRIPT,
    "agent.yaml": YAML,
    "agent.json": JSON,
    "agent.toml": TOML,
    "agent.md": MARKDOWN,
}

_ALPHABET = "abc xyz  ,.:#-'\"`\\{}$\n\néä日🙂<&%\t"


def random_edit(region: Region, rng: random.Random) -> str:
    """The region's text with a random part of it replaced, removed or added to."""
    text = region.text
    start = rng.choice([0, len(text), rng.randrange(len(text) + 1)])
    end = min(len(text), start + rng.choice([0, 0, 1, rng.randrange(12)]))
    length = rng.choice([0, 1, 3, 20, 60]) if end > start else rng.choice([1, 3, 20, 60])
    if rng.random() < 0.5:  # as a writer would
        words = ["Be", "short", "and", "kind.", "\n- Never", "say it's", '"no"', "to users."]
        new = " ".join(rng.choice(words) for _ in range(max(1, length // 6)))
    else:
        new = "".join(rng.choice(_ALPHABET) for _ in range(length))
    return text[:start] + new + text[end:]


NUMBERS = {
    "limits.py": (
        "MAX_TOKENS = 512  # kept\nclass Settings:\n    timeout_s: float = 2.50\n"
        '    retries = {"search": 3, "pay": 3}\nreply = ask(prompt, max_tokens=256, top=1)\n'
    ),
    "limits.ts": (
        "export const maxSteps = 12; // kept\n"
        "ask({ maxTokens: 512, retry: { times: 3, ms: 1_000 } });\n"
    ),
    "limits.yaml": (
        "# kept\nfraud: {flag: 0.50, block: 0.50}\nlimits:\n  - name: tokens\n    value: 512\n"
        "  - name: steps\n    value: 12\ntimeout_s: 30\n"
    ),
    "limits.json": (
        '{"fraud": {"flag": 0.50}, "limits": [{"name": "tokens", "value": 512}],\n "n": 7}\n'
    ),
    "limits.toml": "[fraud]\nflag = 0.50 # kept\nblock = 0.75\n[limits]\ntokens = 1_024\n",
    "config-defaults.yaml": (
        "max_tokens:\n  desc: longest answer\n  value: 512\n"
        "threshold:\n  desc: flag\n  value: 0.65\n"
    ),
}
"""Files with numbers that proposals change."""
