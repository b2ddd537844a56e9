"""What builders of agents and voice desks export, and how agents are deployed."""

from tests.bot.layouts.layout import Layout

RAW_MARKDOWN_IMPORTED = """# Clerk of the lost property office

You help people to find what they lost on a train.

## Rules

- Ask for the date, the line and the colour.
- Never say that something was found unless `search_items` returned it.
"""

OPENAPI_AS_TOOLS = """openapi: 3.1.0
info:
  title: Tides
  description: Tides of all harbours.
  version: "1.0"
servers:
  - url: https://tides.example
paths:
  /tides:
    get:
      operationId: getTides
      summary: Get the tides of a harbour
      description: Gives high and low water of one day. Use it for each question about times.
      parameters:
        - name: harbour
          in: query
          required: true
          description: The name of the harbour, without the country
          schema:
            type: string
        - name: day
          in: query
          description: The day as YYYY-MM-DD
          schema:
            type: string
      responses:
        "200":
          description: The tides were found
        "404":
          description: There is no such harbour
"""

PLUGIN_MANIFEST = """{
  "schema_version": "v1",
  "name_for_human": "Recipes",
  "name_for_model": "recipes",
  "description_for_human": "Find recipes for what is in your fridge.",
  "description_for_model": "Finds recipes. Always ask for allergies before you call it.",
  "auth": {"type": "none"},
  "api": {"type": "openapi", "url": "https://recipes.example/openapi.yaml"},
  "contact_email": "help@recipes.example"
}
"""

N8N_WORKFLOW = """{
  "name": "Support desk",
  "nodes": [
    {
      "parameters": {
        "promptType": "define",
        "text": "={{ $json.chatInput }}",
        "options": {
          "systemMessage": "You answer questions about parcels. Ask for the number of the parcel.",
          "maxIterations": 6
        }
      },
      "type": "@n8n/n8n-nodes-langchain.agent",
      "typeVersion": 1.7,
      "position": [460, 240],
      "id": "b1c0f7d2",
      "name": "Parcel agent"
    },
    {
      "parameters": {
        "name": "find_parcel",
        "description": "Finds a parcel by its number.",
        "workflowId": "77"
      },
      "type": "@n8n/n8n-nodes-langchain.toolWorkflow",
      "name": "Find parcel"
    },
    {
      "parameters": {
        "subject": "Your parcel is on its way",
        "message": "Hello, your parcel left our house today and will arrive soon."
      },
      "type": "n8n-nodes-base.emailSend",
      "name": "Send e-mail"
    },
    {
      "parameters": {"content": "## Note\\nThis workflow answers questions of customers."},
      "type": "n8n-nodes-base.stickyNote",
      "name": "Sticky Note"
    }
  ],
  "connections": {}
}
"""

FLOWISE_CHATFLOW = """{
  "nodes": [
    {
      "id": "chatPromptTemplate_0",
      "data": {
        "label": "Chat Prompt Template",
        "name": "chatPromptTemplate",
        "description": "Schema to represent a chat prompt",
        "inputParams": [
          {"label": "System Message", "name": "systemMessagePrompt", "type": "string", "rows": 4}
        ],
        "inputs": {
          "systemMessagePrompt": "You lend books. Do not lend more than five books to one person.",
          "humanMessagePrompt": "{question}"
        }
      }
    },
    {
      "id": "chatOpenAI_0",
      "data": {
        "label": "ChatOpenAI",
        "description": "Wrapper around OpenAI large language models that use the Chat endpoint",
        "inputs": {"modelName": "gpt-4o", "temperature": 0.3, "maxTokens": "800", "timeout": ""}
      }
    }
  ],
  "edges": []
}
"""

LANGFLOW_EXPORT = """{
  "data": {
    "nodes": [
      {
        "data": {
          "type": "Agent",
          "node": {
            "display_name": "Agent",
            "description": "Define the agent's instructions, then enter a task to complete.",
            "template": {
              "system_prompt": {
                "display_name": "Agent Instructions",
                "info": "System Prompt: Initial instructions and context provided to the agent.",
                "type": "str",
                "value": "You teach chess. Explain one move at a time."
              },
              "max_iterations": {
                "display_name": "Max Iterations",
                "info": "The maximum number of attempts the agent can make to complete its task.",
                "type": "int",
                "value": 15
              }
            }
          }
        }
      }
    ]
  },
  "name": "Chess tutor",
  "description": "Flow that teaches chess to children."
}
"""

VAPI_ASSISTANT = """{
  "name": "Clinic",
  "firstMessage": "Thank you for calling the clinic, how can I help?",
  "firstMessageMode": "assistant-speaks-first",
  "model": {
    "provider": "openai",
    "model": "gpt-4o",
    "maxTokens": 250,
    "messages": [
      {"role": "system", "content": "You answer the phone of a clinic. Give no medical advice."}
    ],
    "tools": [
      {
        "type": "function",
        "function": {
          "name": "bookVisit",
          "description": "Books a visit at the clinic.",
          "parameters": {
            "type": "object",
            "properties": {"day": {"type": "string", "description": "The day of the visit"}}
          }
        },
        "messages": [{"type": "request-start", "content": "One moment, I look into the calendar."}]
      }
    ]
  },
  "voice": {"provider": "11labs", "voiceId": "sarah"},
  "endCallMessage": "Thank you for calling, goodbye!",
  "silenceTimeoutSeconds": 30
}
"""

RETELL_CONVERSATION_FLOW = """{
  "agent_name": "Taxi",
  "response_engine": {"type": "retell-llm", "llm_id": "llm_1"},
  "begin_message": "Taxi desk, where may we pick you up?",
  "general_prompt": "You take orders for taxis. Repeat the address before you order.",
  "general_tools": [
    {"type": "end_call", "name": "end_call", "description": "End it when the ride is ordered."}
  ],
  "states": [
    {
      "name": "ordering",
      "state_prompt": "Ask for the street first and for the number of people then.",
      "edges": [
        {"destination_state_name": "done", "description": "The caller gave the street."}
      ]
    }
  ]
}
"""

ELEVENLABS_CONFIG = """{
  "name": "Desk",
  "conversation_config": {
    "agent": {
      "first_message": "Hello, this is the desk of the theatre.",
      "language": "en",
      "prompt": {
        "prompt": "You sell tickets of a theatre. Never promise a seat before it is paid.",
        "llm": "gemini-2.0-flash",
        "temperature": 0.1,
        "max_tokens": 400,
        "tools": [
          {
            "type": "webhook",
            "name": "hold_seat",
            "description": "Holds a seat for ten minutes.",
            "response_timeout_secs": 20
          }
        ]
      }
    },
    "turn": {"turn_timeout": 7}
  }
}
"""

LANGSMITH_HUB_YAML = """_type: chat
input_variables:
  - question
  - answer
messages:
  - _type: system
    prompt:
      _type: prompt
      input_variables: []
      template: |
        You grade answers of pupils.
        Give a mark between 1 and 6 and nothing else.
  - _type: human
    prompt:
      _type: prompt
      input_variables: [question, answer]
      template: "Question: {question}\\nAnswer: {answer}"
metadata:
  description: Grades the answers in the course on history.
"""

LANGFUSE_EXPORT = """[
  {
    "name": "beekeeper",
    "type": "chat",
    "prompt": [
      {"role": "system", "content": "You advise beekeepers. Never open a hive in winter."},
      {"role": "user", "content": "{{question}}"}
    ],
    "config": {"model": "gpt-4o", "max_tokens": 600},
    "labels": ["production"],
    "commitMessage": "Say that hives stay shut in winter"
  },
  {
    "name": "honey-label",
    "type": "text",
    "prompt": "Write the label for a jar of {{kind}} honey in at most ten words.",
    "config": {},
    "labels": []
  }
]
"""

NEMO_GUARDRAILS = """models:
  - type: main
    engine: openai
    model: gpt-4o
    parameters:
      max_tokens: 300

instructions:
  - type: general
    content: |
      Below is a conversation between a bot and a sailor about knots.
      The bot never talks about politics.

sample_conversation: |
  user "Hello"
    express greeting
  bot express greeting
    "Hello, which knot do you need?"

rails:
  input:
    flows:
      - self check input

prompts:
  - task: self_check_input
    content: |
      Your task is to check whether the message below keeps to the rules for the bot.
      User message: "{{ user_input }}"
      Answer yes or no:
"""

COLANG = """define user ask about politics
  "what do you think of the government"
  "who should I vote for"

define bot refuse politics
  "I only talk about knots."

define flow politics
  user ask about politics
  bot refuse politics
"""

GPT_BUILDER = """{
  "name": "Stamp collector",
  "description": "Tells you what your stamps are worth.",
  "instructions": "You value stamps. Ask for a photo of both sides before you name a price.",
  "conversation_starters": ["What is my stamp worth?", "How do I keep stamps from fading?"],
  "capabilities": {"web_browsing": true, "image_generation": false}
}
"""

KUBERNETES_CONFIGMAP_WITH_PARTS = """apiVersion: v1
kind: ConfigMap
metadata:
  name: agent-config
data:
  system-prompt.txt: |
    You water the plants of an office.
    Never water cacti more than once in a month.
  AGENT_MAX_TURNS: "10"
  TOOL_TIMEOUT_SECONDS: "12"
  nginx.conf: |
    server {
      listen 8080;
      location / { proxy_pass http://agent:9000; }
    }
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: agent
  annotations:
    description: Runs the agent that waters the plants of the office
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: agent
          image: example/agent:1.4.0
          readinessProbe:
            httpGet: {path: /healthz, port: 9000}
            timeoutSeconds: 3
"""

DOCKER_COMPOSE_ENVIRONMENT = """services:
  agent:
    image: example/agent:2
    environment:
      MODEL: gpt-4o-mini
      MAX_ITERATIONS: 9
      REQUEST_TIMEOUT: "25"
      SYSTEM_PROMPT: >-
        You sort the mail of a town hall.
        Send complaints to the mayor's office.
    ports: ["8000:8000"]
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8000/health"]
      interval: 10s
      retries: 5
  redis:
    image: redis:7
    command: ["redis-server", "--maxmemory", "64mb"]
"""

COMPOSE_ENVIRONMENT_AS_LIST = """services:
  agent:
    image: example/agent:2
    environment:
      - MODEL=gpt-4o-mini
      - MAX_STEPS=7
      - TOOL_TIMEOUT=15
      - LOG_LEVEL=info
"""

BOTPRESS_ADK_STYLE = """{
  "agent": {
    "id": "opening-hours",
    "displayName": "Opening hours",
    "summary": "Tells visitors when the shops of the mall are open",
    "instructions": "Tell when a shop is open. If it is a holiday, say that hours differ.",
    "guardrails": ["Never talk about prices.", "Do not name staff."],
    "limits": {"maxIterations": 4, "timeoutMs": 9000}
  },
  "channels": {
    "web": {
      "greeting": "Hi! Which shop would you like to know about today?",
      "placeholder": "Type the name of a shop here"
    }
  }
}
"""

TOML_AGENT = """name = "ticket-clerk"
description = "Clerk of a cinema, for the lobby"

[llm]
model = "claude-sonnet-4"
max_output_tokens = 800

[prompt]
system = \"\"\"
You sell tickets for a cinema.
Ask for the age where a film is not for children.
\"\"\"

[[tools]]
name = "free_seats"
description = "Count the free seats of a show."

[tools.parameters.show]
type = "string"
description = "Number of the show"

[limits]
max_steps = 6
tool_timeout_ms = 4_000
"""

EXPORTS = (
    Layout(
        name="raw markdown imported",
        path="src/prompts/systemPrompt.md",
        text=RAW_MARKDOWN_IMPORTED,
        prompts=("You help people to find",),
    ),
    Layout(
        name="OpenAPI as tools",
        path="openapi.yaml",
        text=OPENAPI_AS_TOOLS,
        tools={
            "getTides": "high and low water",
            "getTides(harbour)": "without the country",
            "getTides(day)": "YYYY",
        },
        broken="  - [unclosed\n",
    ),
    Layout(
        name="plugin manifest",
        path="ai-plugin.json",
        text=PLUGIN_MANIFEST,
        tools={"recipes": "Always ask for allergies"},
        broken="{",
    ),
    Layout(
        name="n8n workflow",
        path="workflows/desk.json",
        text=N8N_WORKFLOW,
        prompts=("You answer questions about parcels",),
        tools={"find_parcel": "by its number"},
        numbers={"maxiterations": "6"},
        broken="{",
    ),
    Layout(
        name="Flowise chatflow",
        path="flows/Library Chatflow.json",
        text=FLOWISE_CHATFLOW,
        prompts=("You lend books",),
        numbers={"maxtokens": "800"},
        broken="{",
    ),
    Layout(
        name="Langflow export",
        path="flows/tutor.json",
        text=LANGFLOW_EXPORT,
        prompts=("You teach chess",),
        numbers={"maxiterations": "15"},
        broken="{",
    ),
    Layout(
        name="Vapi assistant",
        path="vapi/assistant.json",
        text=VAPI_ASSISTANT,
        prompts=(
            "Thank you for calling",
            "You answer the phone",
            "One moment, I look",
        ),
        tools={"bookVisit": "Books a visit", "bookVisit(day)": "day of the visit"},
        numbers={"maxtokens": "250"},
        broken="{",
    ),
    Layout(
        name="Retell conversation flow",
        path="retell/agent.json",
        text=RETELL_CONVERSATION_FLOW,
        prompts=(
            "You take orders for taxis",
            "Ask for the street first",
        ),
        tools={"end_call": "ride is ordered"},
        broken="{",
    ),
    Layout(
        name="ElevenLabs config",
        path="agent_configs/prod/desk.json",
        text=ELEVENLABS_CONFIG,
        prompts=(
            "this is the desk of the theatre",
            "You sell tickets of a theatre",
        ),
        tools={"hold_seat": "ten minutes"},
        numbers={"maxtokens": "400"},
        broken="{",
    ),
    Layout(
        name="LangSmith hub YAML",
        path="hub/grader.yaml",
        text=LANGSMITH_HUB_YAML,
        prompts=("You grade answers",),
        broken="  - [unclosed\n",
    ),
    Layout(
        name="Langfuse export",
        path="langfuse/prompts.json",
        text=LANGFUSE_EXPORT,
        prompts=(
            "You advise beekeepers",
            "Write the label",
        ),
        numbers={"maxtokens": "600"},
        broken="{",
    ),
    Layout(
        name="NeMo Guardrails",
        path="guardrails/config.yml",
        text=NEMO_GUARDRAILS,
        prompts=(
            "Below is a conversation",
            "express greeting",
            "Your task is to check",
        ),
        numbers={"maxtokens": "300"},
        broken="  - [unclosed\n",
    ),
    Layout(
        name="Colang",
        path="guardrails/rails.co",
        text=COLANG,
    ),
    Layout(
        name="GPT builder",
        path="gpts/stamp-collector.json",
        text=GPT_BUILDER,
        prompts=("You value stamps",),
        broken="{",
    ),
    Layout(
        name="Kubernetes ConfigMap with parts",
        path="k8s/base/agent-config.yaml",
        text=KUBERNETES_CONFIGMAP_WITH_PARTS,
        prompts=("You water the plants",),
        numbers={"maxturns": "10", "timeoutseconds": "3", "tooltimeoutseconds": "12"},
        broken="  - [unclosed\n",
    ),
    Layout(
        name="docker-compose environment",
        path="docker-compose.yml",
        text=DOCKER_COMPOSE_ENVIRONMENT,
        prompts=("You sort the mail",),
        numbers={"maxiterations": "9", "requesttimeout": "25"},
        broken="  - [unclosed\n",
    ),
    Layout(
        name="compose environment as list",
        path="deploy/compose.prod.yaml",
        text=COMPOSE_ENVIRONMENT_AS_LIST,
        numbers={"maxsteps": "7", "tooltimeout": "15"},
        broken="  - [unclosed\n",
    ),
    Layout(
        name="Botpress ADK style",
        path="src/agent.config.json",
        text=BOTPRESS_ADK_STYLE,
        prompts=(
            "Tell when a shop",
            "Never talk about prices",
            "Do not name staff",
        ),
        numbers={"maxiterations": "4", "timeoutms": "9000"},
        broken="{",
    ),
    Layout(
        name="TOML agent",
        path="agent.toml",
        text=TOML_AGENT,
        prompts=("You sell tickets for a cinema",),
        tools={"free_seats": "Count the free", "free_seats(show)": "Number of the show"},
        numbers={"maxoutputtokens": "800", "maxsteps": "6", "tooltimeoutms": "4_000"},
        broken="[unclosed\n",
    ),
)
