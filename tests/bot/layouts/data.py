"""Prompts, tools and settings in files of data and prose."""

# ruff: noqa: E501 - files as people write them

from tests.bot.layouts.layout import Layout

CREW_AGENTS = """researcher:
  role: >
    {topic} Researcher
  goal: >
    Find what is new about {topic}
    and name each source
  backstory: >
    You are thorough and known
    for never leaving out a source.
  max_iter: 7

writer:
  role: Writer of short reports
  goal: Write reports that people read
  backstory: You write plainly. Say what is not known.
"""

CREW_TASKS = """research_task:
  description: >
    Look for news about {topic}.
  expected_output: >
    Ten points with their sources.
  agent: researcher

report_task:
  description: Write the report from the points.
  expected_output: One page of plain text.
  agent: writer
"""

KERNEL_CONFIG = """{
  "schema": 1,
  "description": "Sums up a complaint in one sentence.",
  "execution_settings": {
    "default": {"max_tokens": 150, "temperature": 0.2}
  },
  "input_variables": [
    {"name": "input", "description": "The complaint as it was written.", "default": ""}
  ]
}
"""

KERNEL_PROMPT = """[COMPLAINT]
{{$input}}
[END]

Sum it up in one sentence. Name the article. Leave out names of people.
"""

KERNEL_YAML = """name: SortMail
template: |
  Sort this mail into one of the folders.
  {{#each folders}}
  - {{this}}
  {{/each}}
  Answer with the folder only.
template_format: handlebars
description: Sort a mail into a folder.
input_variables:
  - name: folders
    description: The folders to choose from.
    is_required: true
execution_settings:
  default:
    max_tokens: 200
"""

HAYSTACK_YAML = """components:
  builder:
    type: haystack.components.builders.prompt_builder.PromptBuilder
    init_parameters:
      template: "Answer in two sentences.\\n{% for doc in documents %}{{ doc.content }}{% endfor %}"
  generator:
    type: haystack.components.generators.openai.OpenAIGenerator
    init_parameters:
      timeout: 12.5
      generation_kwargs:
        max_completion_tokens: 256
connections:
  - sender: builder.prompt
    receiver: generator.prompt
"""

FUNCTION = """{
  "type": "function",
  "function": {
    "name": "get_delivery_date",
    "description": "Get the day on which an order is delivered.",
    "strict": true,
    "parameters": {
      "type": "object",
      "properties": {
        "order_id": {"type": "string", "description": "Number of the order."},
        "description": {"type": "string", "description": "What is in the order."},
        "name": {"type": "string", "description": "Name of the customer."}
      },
      "required": ["order_id"]
    }
  }
}
"""

RASA_FLOWS = """flows:
  block_card:
    name: block a card
    description: Block a card that was lost or stolen.
    steps:
      - collect: card_number
        description: The last four digits of the card.
      - action: block_card
  order_card:
    description: Order a new card.
    steps:
      - action: order_card
"""

RASA_DOMAIN = """version: "3.1"
actions:
  - block_card
responses:
  utter_ask_card_number:
    - text: "Which card is it? Please tell me the last four digits of it."
slots:
  card_number:
    type: text
"""

PROMPTFOO = """description: Checks of the desk that run before each of our releases, for all models we use
providers:
  - id: openai:gpt-4o
    config:
      max_tokens: 300
prompts:
  - file://prompts/desk.txt
  - |
    You are the desk of a pool. Answer {{question}} in one sentence.
tests:
  - vars:
      question: I have lost my ticket on the way to the pool and want to know what I can do
    assert:
      - type: llm-rubric
        value: says that a new ticket is free of charge for everybody who has paid with a card
"""

TOOLS_BY_NAME = """# Tools of the desk
tools:
  open_ticket:
    description: Open a ticket for the caretaker.
    timeout_seconds: 9
    parameters:
      flat:
        type: string
        description: Number of the flat.
  close_ticket:
    description: Close a ticket.
"""

TOOLS_LIST = """tools:
  - name: open_valve
    description: Open a valve.
    parameters:
      - name: valve
        type: string
        description: Number of the valve.
"""

HYDRA = """defaults:
  - llm: small
  - _self_

desk:
  model: ${llm.name}
  max_new_tokens: 256
  timeout_s: ${tools.timeout_s}
  system_prompt: |-
    You are the desk of ${company}.
    Never give a discount.
tools:
  timeout_s: 8.0
"""

HELM_VALUES = """replicaCount: 2
image:
  repository: registry.example/desk
env:
  - name: MAX_OUTPUT_TOKENS
    value: "256"
agent:
  maxSteps: 6
  systemPrompt: |-
    You are the desk of a tram company.
    Lost things are kept for a month.
livenessProbe:
  timeoutSeconds: 3
"""

CONFIG_MAP = """apiVersion: v1
kind: ConfigMap
metadata:
  name: desk
data:
  system-prompt.txt: |
    You are the desk of a swimming pool.
    Children need an adult.
  MAX_TURNS: "9"
"""

HELM_TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-desk
data:
{{- if .Values.prompt }}
  prompt: {{ .Values.prompt | quote }}
{{- end }}
"""

DIFY = """app:
  name: Desk
  mode: workflow
workflow:
  graph:
    nodes:
      - id: '1711'
        data:
          title: LLM
          type: llm
          model:
            completion_params: {max_tokens: 512, temperature: 0.3}
          prompt_template:
            - id: a1
              role: system
              text: 'You are the desk of a theatre. Don''t sell what is sold out.'
            - id: a2
              role: user
              text: '{{#sys.query#}}'
"""

VOICE = """{
  "name": "Front desk",
  "firstMessage": "Hello, this is the front desk, how can I help?",
  "model": {
    "maxTokens": 250,
    "messages": [{"role": "system", "content": "You are the front desk. Speak slowly."}],
    "tools": [{
      "type": "function",
      "function": {"name": "book_room", "description": "Book a room.", "parameters": {
        "type": "object", "properties": {"nights": {"type": "number", "description": "How many nights."}}
      }}
    }]
  }
}
"""

PYPROJECT = '''[project]
name = "desk"
description = "The desk of a tool library with its agent, its tools, its tests and all of its settings"

[tool.desk]
max_output_tokens = 300
system_prompt = """
You lend tools.
Ask for the day of return."""

[[tool.desk.tools]]
name = "lend"
description = "Lend a tool to a member."
'''

DOTPROMPT = """---
model: googleai/gemini
config:
  maxOutputTokens: 320
  temperature: 0.3
input:
  schema:
    name: string
---
{{role "system"}}
You are the desk of a zoo.
{{>rules}}
{{role "user"}}
{{name}} asks: {{question}}
"""

PROMPTY = """---
name: Desk
description: The desk of a farm shop.
model:
  api: chat
  parameters:
    max_tokens: 280
---
system:
You are the desk of a farm shop.
user:
{{question}}
"""

JINJA = """{# Read by the program for each chat #}
{% extends "base.j2" %}
{% block rules %}
{% include "parts/tone.j2" %}
- Say the price first.
{% endblock %}
"""

MDX = """---
title: Desk
---
import { Tone } from './tone.mdx'

<Tone kind="short" />

You are the desk of a mill. {/* kept short */}

- Say which flour is out.
"""

XML_TAGS = """# v7, reviewed by the shop
<role>You are the desk of a shop for shoes.</role>
<rules>
  <rule>Ask for the size first.</rule>
</rules>
<examples>
<example>
User: Do you have boots?
Desk: Yes. Which size do you wear?
</example>
</examples>
"""

ENV = """# Limits of the desk
MAX_OUTPUT_TOKENS=256
AGENT_MAX_TURNS="8"
TOOL_TIMEOUT_S=7.5   # seconds
export MODEL=small
SYSTEM_PROMPT="You are the desk of a bakery."
"""

SMOL_YAML = """system_prompt: |-
  You solve tasks with code.
  {%- for tool in tools.values() %}
  - {{ tool.name }}: {{ tool.description }}
  {%- endfor %}

  Begin now.
planning:
  initial_plan: |-
    Write down what is known
    before you plan.
"""

AGENT_YAML = """name: desk
instructions:
  - Ask for the order first.
  - "Never promise a date."
model_settings:
  max_completion_tokens: 600
tools:
  - type: function
    function:
      name: find_order
      description: Find an order.
      parameters: {properties: {number: {type: string, description: Number of the order.}}}
"""

BAD_YAML = "\nbroken: [1\n"

DATA = (
    Layout(
        name="CrewAI agents",
        path="src/crew/config/agents.yaml",
        text=CREW_AGENTS,
        prompts=(
            "{topic} Researcher",
            "about {topic} and name each source",
            "known for never leaving out a source.",
            "Writer of short reports",
            "Write reports that people read",
            "Say what is not known.",
        ),
        numbers={"maxiter": "7"},
        broken=BAD_YAML,
    ),
    Layout(
        name="CrewAI tasks",
        path="src/crew/config/tasks.yaml",
        text=CREW_TASKS,
        prompts=(
            "Look for news about {topic}.",
            "Ten points with their sources.",
            "Write the report from the points.",
            "One page of plain text.",
        ),
        broken=BAD_YAML,
    ),
    Layout(
        name="Semantic Kernel, config.json",
        path="plugins/Mail/SumUp/config.json",
        text=KERNEL_CONFIG,
        prompts=("Sums up a complaint", "The complaint as it was written."),
        numbers={"maxtokens": "150"},
        broken="]",
    ),
    Layout(
        name="Semantic Kernel, skprompt.txt",
        path="plugins/Mail/SumUp/skprompt.txt",
        text=KERNEL_PROMPT,
        prompts=("Leave out names of people.",),
    ),
    Layout(
        name="Semantic Kernel, YAML",
        path="prompts/sort_mail.yaml",
        text=KERNEL_YAML,
        prompts=("Answer with the folder only.",),
        tools={
            "SortMail": "Sort a mail into a folder.",
            "SortMail(folders)": "The folders to choose from.",
        },
        numbers={"maxtokens": "200"},
        broken=BAD_YAML,
    ),
    Layout(
        name="Haystack pipeline",
        path="pipelines/answers.yml",
        text=HAYSTACK_YAML,
        prompts=("Answer in two sentences.\n{% for doc in documents %}",),
        numbers={"timeout": "12.5", "maxcompletiontokens": "256"},
        broken=BAD_YAML,
    ),
    Layout(
        name="OpenAI function in a folder",
        path="functions/get_delivery_date.json",
        text=FUNCTION,
        tools={
            "get_delivery_date": "Get the day on which",
            "get_delivery_date(order_id)": "Number of the order.",
            "get_delivery_date(description)": "What is in the order.",
            "get_delivery_date(name)": "Name of the customer.",
        },
        broken="]",
    ),
    Layout(
        name="Rasa flows",
        path="data/flows.yml",
        text=RASA_FLOWS,
        tools={
            "block_card": "Block a card that was lost or stolen.",
            "block_card(card_number)": "The last four digits of the card.",
            "order_card": "Order a new card.",
        },
        broken=BAD_YAML,
    ),
    Layout(
        name="Rasa domain",
        path="domain.yml",
        text=RASA_DOMAIN,
        prompts=("Which card is it?",),
        broken=BAD_YAML,
    ),
    Layout(
        name="promptfoo",
        path="promptfooconfig.yaml",
        text=PROMPTFOO,
        prompts=("Answer {{question}} in one sentence.",),
        numbers={"maxtokens": "300"},
        broken=BAD_YAML,
    ),
    Layout(
        name="YAML, tools by name",
        path="config/tools.yaml",
        text=TOOLS_BY_NAME,
        tools={
            "open_ticket": "Open a ticket for the caretaker.",
            "open_ticket(flat)": "Number of the flat.",
            "close_ticket": "Close a ticket.",
        },
        numbers={"timeoutseconds": "9"},
        broken=BAD_YAML,
    ),
    Layout(
        name="YAML, parameters in a list",
        path="config/valves.yaml",
        text=TOOLS_LIST,
        tools={"open_valve": "Open a valve.", "open_valve(valve)": "Number of the valve."},
        broken=BAD_YAML,
    ),
    Layout(
        name="Hydra",
        path="conf/config.yaml",
        text=HYDRA,
        prompts=("You are the desk of ${company}.\nNever give a discount.",),
        numbers={"maxnewtokens": "256", "timeouts": "8.0"},
        broken=BAD_YAML,
    ),
    Layout(
        name="Helm values",
        path="chart/values.yaml",
        text=HELM_VALUES,
        prompts=("Lost things are kept for a month.",),
        numbers={"maxoutputtokens": "256", "maxsteps": "6", "timeoutseconds": "3"},
        broken=BAD_YAML,
    ),
    Layout(
        name="ConfigMap",
        path="deploy/configmap.yaml",
        text=CONFIG_MAP,
        prompts=("Children need an adult.",),
        numbers={"maxturns": "9"},
        broken=BAD_YAML,
    ),
    Layout(
        name="YAML, a list of instructions",
        path="agents/desk.yml",
        text=AGENT_YAML,
        prompts=("Ask for the order first.", "Never promise a date."),
        tools={"find_order": "Find an order.", "find_order(number)": "Number of the order."},
        numbers={"maxcompletiontokens": "600"},
        broken=BAD_YAML,
    ),
    Layout(
        name="Dify",
        path="dify/desk.yml",
        text=DIFY,
        prompts=("Don't sell what is sold out.",),
        numbers={"maxtokens": "512"},
        broken=BAD_YAML,
    ),
    Layout(
        name="voice assistant in JSON",
        path="assistants/front-desk.json",
        text=VOICE,
        prompts=("this is the front desk", "Speak slowly."),
        tools={"book_room": "Book a room.", "book_room(nights)": "How many nights."},
        numbers={"maxtokens": "250"},
        broken="]",
    ),
    Layout(
        name="pyproject",
        path="pyproject.toml",
        text=PYPROJECT,
        prompts=("You lend tools.\nAsk for the day of return.",),
        tools={"lend": "Lend a tool to a member."},
        numbers={"maxoutputtokens": "300"},
        broken="\nbroken = \n",
    ),
    Layout(
        name="dotprompt",
        path="prompts/zoo.prompt",
        text=DOTPROMPT,
        prompts=('{{role "system"}}\nYou are the desk of a zoo.\n{{>rules}}',),
        numbers={"maxoutputtokens": "320"},
    ),
    Layout(
        name="Prompty",
        path="desk.prompty",
        text=PROMPTY,
        prompts=("system:\nYou are the desk of a farm shop.",),
        numbers={"maxtokens": "280"},
    ),
    Layout(
        name="Jinja with parts",
        path="prompts/desk.j2",
        text=JINJA,
        prompts=('{% include "parts/tone.j2" %}\n- Say the price first.',),
    ),
    Layout(name="MDX", path="prompts/mill.mdx", text=MDX, prompts=("- Say which flour is out.",)),
    Layout(
        name="text with XML tags and examples",
        path="prompts/shoes.txt",
        text=XML_TAGS,
        prompts=("<rule>Ask for the size first.</rule>",),
    ),
    Layout(
        name="file of the environment",
        path="deploy/desk.env",
        text=ENV,
        prompts=("You are the desk of a bakery.",),
        numbers={"maxoutputtokens": "256", "maxturns": "8", "tooltimeouts": "7.5"},
    ),
    Layout(
        name="smolagents prompts",
        path="prompts/code_agent.yaml",
        text=SMOL_YAML,
        prompts=("{%- endfor %}\n\nBegin now.", "Write down what is known"),
        broken=BAD_YAML,
    ),
)
