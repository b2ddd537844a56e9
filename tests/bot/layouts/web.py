"""Whole modules in TypeScript and JavaScript: routes, maps of prompts, agents."""

from tests.bot.layouts.layout import Layout

PROMPTS_TS_WITH_CONSTS_AND_FUNCTIONS = """import type { Geo } from "@vercel/functions";

export const blocksPrompt = `
Blocks is a mode that shows documents next to the chat.
When code is asked for, always use blocks.
`;

export const regularPrompt =
  "You are a friendly assistant! Keep your responses concise and helpful.";

export const getRequestPrompt = (geo: Geo) => `\\
About the origin of the user's request:
- city: ${geo.city}
- country: ${geo.country}
`;

export const systemPrompt = ({ model, geo }: { model: string; geo: Geo }) => {
  const requestPrompt = getRequestPrompt(geo);
  if (model === "reasoning") {
    return `${regularPrompt}\\n\\n${requestPrompt}`;
  }
  return `${regularPrompt}\\n\\n${requestPrompt}\\n\\n${blocksPrompt}`;
};

export const updateDocumentPrompt = (content: string | null, type: string) =>
  type === "text"
    ? `Improve the following contents of the document based on the given prompt.\\n\\n${content}`
    : `Improve the following code snippet based on the given prompt.\\n\\n${content}`;

export const PLACEHOLDER = "Send a message to the assistant...";
"""

ARRAY_JOINED = """const RULES = [
  "You book tables for a restaurant.",
  "Never book for more than twelve people.",
  "Confirm the time before you book.",
];

const buildSystemPrompt = (guest) =>
  [
    "# Role",
    ...RULES,
    `The guest is called ${guest.name}.`,
    "Answer in one or two sentences.",
  ].join("\\n");

const tips = ["Try our new summer menu today", "Book early for the weekend, we are full"];

module.exports = { buildSystemPrompt, tips };
"""

TAGGED_TEMPLATE = """import dedent from "ts-dedent";
import { logger } from "./logger";
import { sql } from "./db";

export const PLANNER_SYSTEM = dedent`
  You plan walks in the mountains.
  Do not suggest a walk above 2000 metres after October.
`;

export async function plan(model, request, userId) {
  logger.debug(`Planning a walk for the user ${userId} with the request ${request}`);
  const rows = await sql`SELECT id, name FROM walks WHERE user_id = ${userId} LIMIT 10`;
  return model.invoke([
    { role: "system", content: PLANNER_SYSTEM },
    {
      role: "user",
      content: dedent`
        Here are the walks done before: ${rows}
        Plan a new one: ${request}
      `,
    },
  ]);
}
"""

NEXT_JS_ROUTE_WITH_STREAMTEXT = """import { openai } from "@ai-sdk/openai";
import { streamText, tool, convertToModelMessages } from "ai";
import { z } from "zod";
import { NextResponse } from "next/server";

export const maxDuration = 60;

export async function POST(req: Request) {
  const { messages, userId } = await req.json();
  if (!userId) {
    return NextResponse.json({ error: "You must be signed in to use the chat" }, { status: 401 });
  }
  const result = streamText({
    model: openai("gpt-4o"),
    system: `You are the coach of a running club.
Never advise to run through pain.`,
    messages: convertToModelMessages(messages),
    maxSteps: 5,
    maxRetries: 2,
    maxOutputTokens: 900,
    tools: {
      logRun: tool({
        description: "Log a run of the user in the diary of the club.",
        inputSchema: z.object({
          km: z.number().describe("The distance in kilometres"),
          when: z.string().describe("The day as YYYY-MM-DD").optional(),
        }),
        execute: async ({ km, when }) => save(userId, km, when),
      }),
    },
    onError({ error }) {
      console.error("The stream of the running coach failed", error);
    },
  });
  return result.toUIMessageStreamResponse();
}
"""

EXPRESS_HANDLER = """const express = require("express");
const OpenAI = require("openai");

const router = express.Router();
const openai = new OpenAI({ apiKey: process.env.OPENAI_API_KEY, timeout: 15000, maxRetries: 1 });

router.post("/chat", async (req, res) => {
  try {
    const completion = await openai.chat.completions.create({
      model: "gpt-4o-mini",
      messages: [
        {
          role: "system",
          content:
            "You help with bicycles. " +
            "Do not recommend a shop. " +
            "Ask for the model of the bicycle first.",
        },
        ...req.body.history,
        { role: "user", content: req.body.message },
      ],
      max_tokens: 350,
    });
    res.json({ text: completion.choices[0].message.content });
  } catch (err) {
    console.error("Could not get an answer from the model", err);
    res.status(500).json({ error: "We could not answer your message, please try again" });
  }
});

module.exports = router;
"""

OLLAMA_OPTIONS = """import ollama from "ollama";

const SYSTEM = "You name birds by their song. Say how sure you are.";

export async function nameBird(song: string, signal?: AbortSignal) {
  const response = await ollama.chat({
    model: "llama3.1",
    messages: [
      { role: "system", content: SYSTEM },
      { role: "user", content: song },
    ],
    options: { num_predict: 200, num_ctx: 8192, temperature: 0 },
  });
  if (!response.message) throw new Error("The model gave no answer to the song");
  return response.message.content;
}
"""

CLOUDFLARE_AGENT = """import { AIChatAgent } from "agents/ai-chat-agent";
import { generateText, stepCountIs, tool } from "ai";
import { z } from "zod";

const getSnow = tool({
  description: "Get the depth of the snow on a slope",
  parameters: z.object({ slope: z.string().describe("The name of the slope") }),
  execute: async ({ slope }) => fetch(`https://snow.example/slopes/${slope}`),
});

export class Chat extends AIChatAgent<Env> {
  async onChatMessage(onFinish) {
    const { text } = await generateText({
      model: this.model,
      system: [
        "You report on the slopes of a ski resort.",
        `Today is ${new Date().toISOString()}.`,
        "Close the report with the risk of avalanches.",
      ].join("\\n"),
      messages: this.messages,
      tools: { getSnow },
      stopWhen: stepCountIs(8),
      abortSignal: AbortSignal.timeout(20000),
    });
    return new Response(text, { headers: { "x-note": "The report of the ski resort" } });
  }
}
"""

OBJECT_MAP_OF_PROMPTS_IN_TYPESCRIPT = """export type Role = "writer" | "critic";

export const SYSTEM_PROMPTS: Record<Role, string> = {
  writer: "You write short texts about old houses.",
  critic: `You read texts about old houses.
Name three weak sentences.`,
} as const;

export const ROLE_LABELS: Record<Role, string> = {
  writer: "The writer of short texts about houses",
  critic: "The critic who reads what was written",
};

export const prompts = {
  title: (text: string) => `Find a title for this text:\\n${text}\\nUse five words at most.`,
  translate(text: string, to: string) {
    return `Translate the text to ${to} and keep the names:\\n${text}`;
  },
};
"""

CONVEX_AGENT = """import { Agent, createTool } from "@convex-dev/agent";
import { components } from "../_generated/api";
import { z } from "zod/v3";

export const findPlace = createTool({
  description: "Find a place in the world of the story.",
  args: z.object({ place: z.string().describe("What the place is called") }),
  handler: async (ctx, { place }) => ctx.runQuery("places:byName", { place }),
});

export const storyAgent = new Agent(components.agent, {
  name: "Story Agent",
  languageModel: model,
  instructions: "You tell stories to children. Nobody dies in them.",
  tools: { findPlace },
  maxSteps: 10,
});
"""

LANGCHAIN_JS_AGENT = """import { ChatPromptTemplate } from "@langchain/core/prompts";
import { SystemMessage, HumanMessage } from "@langchain/core/messages";
import { DynamicStructuredTool } from "@langchain/core/tools";
import { AgentExecutor } from "langchain/agents";

const rateTool = new DynamicStructuredTool({
  name: "get_rate",
  description: "Get the rate of a tax in a year.",
  schema: z.object({ year: z.number().int().describe("The year, four digits") }),
  func: async ({ year }) => `The rate of the year ${year} was found in the table`,
});

const prompt = ChatPromptTemplate.fromMessages([
  ["system", "You explain taxes. Do not fill in forms for people."],
  new MessagesPlaceholder("chat_history"),
  ["human", "{input}"],
]);

export const executor = new AgentExecutor({ agent, tools: [rateTool], maxIterations: 7 });

export const check = (text: string) =>
  model.invoke([
    new SystemMessage("Say whether the text is advice on taxes."),
    new HumanMessage(text),
  ]);
"""

ANTHROPIC_IN_TYPESCRIPT = """import Anthropic from "@anthropic-ai/sdk";
import type { Tool } from "@anthropic-ai/sdk/resources";

const client = new Anthropic({ timeout: 30_000, maxRetries: 2 });

export const TOOLS: Tool[] = [
  {
    name: "find_train",
    description: "Find the next train between two stations.",
    input_schema: {
      type: "object",
      properties: {
        from: { type: "string", description: "Where the trip begins" },
        to: { type: "string", description: "Where the trip ends" },
      },
      required: ["from", "to"],
    },
  },
];

export async function answer(history: Anthropic.MessageParam[]) {
  const reply = await client.messages.create({
    model: "claude-sonnet-4-0",
    max_tokens: 1024,
    system: [
      { type: "text", text: "You are the desk of a railway.", cache_control: CACHE },
    ],
    tools: TOOLS,
    messages: history,
  });
  if (reply.stop_reason === "max_tokens") {
    throw new Error("The answer of the model was cut off at the limit of tokens");
  }
  return reply;
}
"""

HONO_AND_OPENAI = """import { Hono } from "hono";
import OpenAI from "openai";

const app = new Hono<{ Bindings: Env }>();
const tone = "Be brief.";

app.get("/", (c) => c.html("<h1>Ask the brewery anything about its beers and tours</h1>"));

app.post("/ask", async (c) => {
  const { question, lang = "en" } = await c.req.json();
  if (!question) return c.json({ message: "Please send a question along with the request" }, 400);
  const instructions =
    lang === "de"
      ? `Du sprichst für eine Brauerei. ${tone}`
      : `You speak for a brewery. Never serve anybody under age. ${tone}`;
  const openai = new OpenAI({ apiKey: c.env.KEY });
  const response = await openai.responses.create({
    model: "gpt-4.1",
    instructions,
    input: question,
    max_output_tokens: Number(c.env.MAX_OUTPUT_TOKENS ?? 640),
  });
  return c.json({ answer: response.output_text });
});

export default app;
"""

WEB = (
    Layout(
        name="prompts.ts with consts and functions",
        path="src/lib/ai/prompts.ts",
        text=PROMPTS_TS_WITH_CONSTS_AND_FUNCTIONS,
        prompts=(
            "Blocks is a mode",
            "friendly assistant",
            "About the origin",
            "following contents",
            "following code snippet",
        ),
        broken="export const = (",
    ),
    Layout(
        name="array joined",
        path="src/agent/system.js",
        text=ARRAY_JOINED,
        prompts=(
            "You book tables for",
            "Never book for more",
            "Confirm the time",
            "Answer in one or two",
        ),
        broken="const = [",
    ),
    Layout(
        name="tagged template",
        path="packages/core/src/planner.ts",
        text=TAGGED_TEMPLATE,
        prompts=(
            "You plan walks",
            "Here are the walks done",
        ),
        broken="export const = (",
    ),
    Layout(
        name="Next.js route with streamText",
        path="app/api/chat/route.tsx",
        text=NEXT_JS_ROUTE_WITH_STREAMTEXT,
        prompts=("coach of a running club",),
        tools={"logRun": "Log a run", "logRun(km)": "distance", "logRun(when)": "YYYY"},
        numbers={"maxsteps": "5", "maxoutputtokens": "900"},
        broken="export const = (",
    ),
    Layout(
        name="Express handler",
        path="server/routes/chat.js",
        text=EXPRESS_HANDLER,
        prompts=("You help with bicycles",),
        numbers={"timeout": "15000", "maxtokens": "350"},
        broken="const = [",
    ),
    Layout(
        name="Ollama options",
        path="src/local.ts",
        text=OLLAMA_OPTIONS,
        prompts=("You name birds",),
        numbers={"numpredict": "200"},
        broken="export const = (",
    ),
    Layout(
        name="Cloudflare agent",
        path="src/index.ts",
        text=CLOUDFLARE_AGENT,
        prompts=("Close the report",),
        tools={"getSnow": "depth of the snow", "getSnow(slope)": "name of the slope"},
        numbers={"stepcountis": "8", "timeout": "20000"},
        broken="export const = (",
    ),
    Layout(
        name="object map of prompts in TypeScript",
        path="src/prompts/index.ts",
        text=OBJECT_MAP_OF_PROMPTS_IN_TYPESCRIPT,
        prompts=(
            "You write short texts",
            "Name three weak",
            "Find a title",
            "Translate the text",
        ),
        broken="export const = (",
    ),
    Layout(
        name="Convex agent",
        path="convex/agents/story.ts",
        text=CONVEX_AGENT,
        prompts=("You tell stories",),
        tools={"findPlace": "Find a place", "findPlace(place)": "is called"},
        numbers={"maxsteps": "10"},
        broken="export const = (",
    ),
    Layout(
        name="LangChain.js agent",
        path="src/agents/tax.ts",
        text=LANGCHAIN_JS_AGENT,
        prompts=(
            "You explain taxes",
            "Say whether the text",
        ),
        tools={"get_rate": "rate of a tax", "get_rate(year)": "four digits"},
        numbers={"maxiterations": "7"},
        broken="export const = (",
    ),
    Layout(
        name="Anthropic in TypeScript",
        path="src/claude.ts",
        text=ANTHROPIC_IN_TYPESCRIPT,
        prompts=("desk of a railway",),
        tools={"find_train": "next train", "find_train(from)": "begins", "find_train(to)": "ends"},
        numbers={"timeout": "30_000", "maxtokens": "1024"},
        broken="export const = (",
    ),
    Layout(
        name="Hono and OpenAI",
        path="worker/src/index.ts",
        text=HONO_AND_OPENAI,
        prompts=(
            "Du sprichst",
            "You speak for a brewery",
        ),
        numbers={"maxoutputtokens": "640"},
        broken="export const = (",
    ),
)
