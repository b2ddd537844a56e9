"""Prompts and tools in TypeScript and JavaScript, as agent frameworks have people write them."""

from tests.bot.layouts.layout import Layout

VERCEL = """import { generateText, stepCountIs, tool } from 'ai';
import { z } from 'zod';

export async function POST(request: Request) {
  const { messages } = await request.json();
  const { text } = await generateText({
    model,
    system: `You are the desk of a museum.
Give opening hours only from the tool.`,
    stopWhen: stepCountIs(5),
    maxOutputTokens: 400,
    abortSignal: AbortSignal.timeout(9000),
    messages,
    tools: {
      openingHours: tool({
        description: 'Get the opening hours of a day.',
        inputSchema: z.object({
          day: z.string().describe('The day of the visit.'),
          house: z.enum(['main', 'annex']).optional().describe('Which house.'),
        }),
        execute: async ({ day, house }) => hours(day, house),
      }),
    },
  });
  return Response.json({ text });
}
"""

MASTRA = """import { Agent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { z } from 'zod';

export const snowTool = createTool({
  id: 'get-snow',
  description: 'Get the height of the snow at a place.',
  inputSchema: z.object({
    place: z.string().describe('Name of the place.'),
  }),
  execute: async ({ context }) => snow(context.place),
});

export const snowAgent = new Agent({
  name: 'Snow',
  instructions: `
    You tell people about snow.
    - Ask for the place where none is named.
  `,
  model: openai('gpt-4o'),
  tools: { snowTool },
});
"""

GENKIT = """import { genkit, z } from 'genkit';

const ai = genkit({ plugins: [googleAI()] });

const findTable = ai.defineTool(
  {
    name: 'findTable',
    description: 'Find a free table.',
    inputSchema: z.object({ guests: z.number().describe('How many guests come.') }),
  },
  async ({ guests }) => tables.find(guests),
);

export const host = ai.definePrompt({
  name: 'host',
  system: 'You are the host of a restaurant.',
  prompt: 'Welcome {{name}} and ask how many come.',
  tools: [findTable],
  config: { maxOutputTokens: 300 },
});
"""

LANGCHAIN_JS = """import { DynamicStructuredTool, tool } from '@langchain/core/tools';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { createReactAgent } from '@langchain/langgraph/prebuilt';

const findRecipe = tool(async ({ dish }) => recipes.find(dish), {
  name: 'find_recipe',
  description: 'Find the recipe of a dish.',
  schema: z.object({ dish: z.string().describe('Name of the dish.') }),
});
const scale = new DynamicStructuredTool({
  name: 'scale_recipe',
  description: 'Scale a recipe to the guests.',
  schema: z.object({ guests: z.number().describe('How many eat.') }),
  func: async ({ guests }) => recipes.scale(guests),
});
const prompt = ChatPromptTemplate.fromMessages([
  ['system', 'You are a cook. Ask for allergies.'],
  ['human', '{input}'],
]);
const tools = [findRecipe, scale];
const cook = createReactAgent({ llm, tools, prompt: 'You cook for {name} today.' });
await cook.invoke({ messages }, { recursionLimit: 10 });
"""

MCP_TS = """import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';

const server = new McpServer({ name: 'ferry', version: '1.0.0' });

server.registerTool(
  'next_ferry',
  {
    title: 'Next ferry',
    description: 'Give the next ferry from a harbour.',
    inputSchema: { harbour: z.string().describe('Name of the harbour.') },
  },
  async ({ harbour }) => ({ content: [{ type: 'text', text: ferries.next(harbour) }] }),
);
lowLevel.setRequestHandler(ListToolsRequestSchema, async () => ({
  tools: [
    {
      name: 'buy_ticket',
      description: 'Buy a ticket for a ferry.',
      inputSchema: {
        type: 'object',
        properties: {
          name: { type: 'string', description: 'Name of the passenger.' },
        },
      },
    },
  ],
}));
console.error('The server of the ferry runs on stdio and waits for the first of its clients now.');
"""

JOINED_TS = """const RULES = [
  '- Ask for the size.',
  '- Name the price with the deposit.',
  `- Sign with ${name}.`,
].join('\\n');

export function systemPrompt(user: User): string {
  return `You rent out bikes.
${RULES}
The customer is ${user.name}.`;
}

export default `You are the voice of the workshop and speak in short sentences.`;
export const MAX_OUTPUT_TOKENS = Number(process.env.MAX_OUTPUT_TOKENS ?? 350);
export const maxTurns = parseInt(process.env.MAX_TURNS || '7', 10);
"""

OPENAI_AGENTS_JS = """import { Agent, run, tool } from '@openai/agents';

const weigh = tool({
  name: 'weigh_parcel',
  description: 'Give the weight of a parcel.',
  parameters: z.object({ parcel: z.string().describe('Number of the parcel.') }),
  execute: async ({ parcel }) => scales.weigh(parcel),
});
const desk = new Agent({
  name: 'Parcels',
  handoffDescription: 'Answers all questions about parcels.',
  instructions: 'You weigh parcels and name the price.',
  modelSettings: { maxTokens: 250 },
  tools: [weigh],
});
const result = await run(desk, question, { maxTurns: 6 });
"""

CLASS = """import Anthropic from '@anthropic-ai/sdk';

const tools: Anthropic.Tool[] = [
  {
    name: 'get_rate',
    description: 'Get the rate of a currency.',
    input_schema: {
      type: 'object' as const,
      properties: { currency: { type: 'string', description: 'Three letters.' } },
    },
  },
];

export class Desk {
  private readonly system = ['You change money.', 'Name the rate first.'].join(' ');
  private maxIterations = 5;
  private rules = ['No coins.', 'Close at six.'];
}
"""

BROKEN = "\nconst broken = ;\n"

SCRIPT = (
    Layout(
        name="Vercel AI SDK",
        path="app/api/chat/route.ts",
        text=VERCEL,
        prompts=("Give opening hours only from the tool.",),
        tools={
            "openingHours": "Get the opening hours of a day.",
            "openingHours(day)": "The day of the visit.",
            "openingHours(house)": "Which house.",
        },
        numbers={"stepcountis": "5", "maxoutputtokens": "400", "timeout": "9000"},
        broken=BROKEN,
    ),
    Layout(
        name="Mastra",
        path="src/mastra/agents/snow.ts",
        text=MASTRA,
        prompts=("- Ask for the place where none is named.",),
        tools={
            "snowTool": "Get the height of the snow at a place.",
            "snowTool(place)": "Name of the place.",
        },
        broken=BROKEN,
    ),
    Layout(
        name="Genkit",
        path="src/host.ts",
        text=GENKIT,
        prompts=("You are the host of a restaurant.", "Welcome {{name}} and ask how many come."),
        tools={
            "findTable": "Find a free table.",
            "findTable(guests)": "How many guests come.",
        },
        numbers={"maxoutputtokens": "300"},
        broken=BROKEN,
    ),
    Layout(
        name="LangChain.js",
        path="src/cook.mts",
        text=LANGCHAIN_JS,
        prompts=("You are a cook. Ask for allergies.", "You cook for {name} today."),
        tools={
            "find_recipe": "Find the recipe of a dish.",
            "find_recipe(dish)": "Name of the dish.",
            "scale_recipe": "Scale a recipe to the guests.",
            "scale_recipe(guests)": "How many eat.",
        },
        numbers={"recursionlimit": "10"},
        broken=BROKEN,
    ),
    Layout(
        name="MCP server in TypeScript",
        path="src/server.ts",
        text=MCP_TS,
        tools={
            "next_ferry": "Give the next ferry from a harbour.",
            "next_ferry(harbour)": "Name of the harbour.",
            "buy_ticket": "Buy a ticket for a ferry.",
            "buy_ticket(name)": "Name of the passenger.",
        },
        broken=BROKEN,
    ),
    Layout(
        name="TypeScript, texts put together",
        path="src/prompts.ts",
        text=JOINED_TS,
        prompts=(
            "- Ask for the size.\n- Name the price with the deposit.\n- Sign with ${name}.",
            "You rent out bikes.\n${RULES}\n",
            "voice of the workshop",
        ),
        numbers={"maxoutputtokens": "350", "maxturns": "7"},
        broken=BROKEN,
    ),
    Layout(
        name="a class in TypeScript",
        path="src/desk.ts",
        text=CLASS,
        prompts=("You change money. Name the rate first.", "No coins.", "Close at six."),
        tools={
            "get_rate": "Get the rate of a currency.",
            "get_rate(currency)": "Three letters.",
        },
        numbers={"maxiterations": "5"},
        broken=BROKEN,
    ),
    Layout(
        name="OpenAI Agents SDK in JavaScript",
        path="src/parcels.js",
        text=OPENAI_AGENTS_JS,
        prompts=("Answers all questions about parcels.", "You weigh parcels and name the price."),
        tools={
            "weigh_parcel": "Give the weight of a parcel.",
            "weigh_parcel(parcel)": "Number of the parcel.",
        },
        numbers={"maxtokens": "250", "maxturns": "6"},
        broken=BROKEN,
    ),
)
