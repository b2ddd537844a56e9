"""Small programs in TypeScript around an agent, each with a fault; see `bench/planted_tools.py`."""

# ruff: noqa: E501 - programs as people write them

from __future__ import annotations

RETRY = """import { tool } from "ai";
import { z } from "zod";
import { carrier } from "./carrier";
import { sleep } from "./time";

export const trackParcel = tool({
  description: "Says where a parcel is.",
  inputSchema: z.object({
    parcelId: z.string().describe("Number on the label"),
  }),
  execute: async ({ parcelId }) => {
    while (true) {
      try {
        return await carrier.track(parcelId);
      } catch (error) {
        if (!carrier.isPassing(error)) {
          throw error;
        }
        await sleep(2000);
      }
    }
  },
});
"""

GRAMS = """import { z } from "zod";
import { tool } from "ai";
import { rates } from "./rates";

const MIN_WEIGHT_G = 50;
const MAX_WEIGHT_G = 30000;

export const tools = {
  quoteShipping: tool({
    description: "Gives the price of sending a parcel.",
    inputSchema: z.object({
      weight: z.number().describe("Weight of the parcel"),
      country: z.string().describe("Country code, two capital letters"),
    }),
    execute: async ({ weight, country }) => {
      if (weight < MIN_WEIGHT_G || weight > MAX_WEIGHT_G) {
        throw new RangeError("weight is out of range");
      }
      return rates.quote(weight / 1000, country);
    },
  }),
  listCountries: tool({
    description: "Lists the countries that parcels go to.",
    inputSchema: z.object({}),
    execute: async () => rates.countries(),
  }),
};
"""

MCP_TS = """import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { bookings } from "./bookings.js";

export const server = new McpServer({ name: "bookings", version: "1.0.0" });

server.tool(
  "find_booking",
  "Finds a booking.",
  { code: z.string().describe("The booking's code") },
  async ({ code }) => {
    if (!/^[A-Z]{2}-[0-9]{6}$/.test(code)) {
      return { isError: true, content: [{ type: "text", text: "Error: bad code" }] };
    }
    const found = await bookings.get(code);
    return { content: [{ type: "text", text: JSON.stringify(found) }] };
  },
);

server.registerTool(
  "cancel_booking",
  { description: "Cancels a booking by its code.", inputSchema: { code: z.string() } },
  async ({ code }) => ({ content: [{ type: "text", text: await bookings.cancel(code) }] }),
);
"""

CABIN_TOOLS = """export const tools = [
  {
    type: "function",
    function: {
      name: "upgrade_seat",
      description: "Changes the cabin of a booking.",
      parameters: {
        type: "object",
        properties: {
          booking_id: { type: "string", description: "Id of the booking" },
          cabin: { type: "string", description: "One of: economy, premium, business" },
        },
        required: ["booking_id", "cabin"],
      },
    },
  },
  {
    type: "function",
    function: {
      name: "seat_map",
      description: "Shows the free seats of a flight.",
      parameters: { type: "object", properties: { flight: { type: "string", description: "Flight number" } } },
    },
  },
];
"""

CABIN_RUN = """import { seats } from "./seats";

const CABINS = new Set(["ECO", "PREM", "BIZ"]);

export async function runTool(name: string, args: Record<string, string>): Promise<string> {
  switch (name) {
    case "upgrade_seat":
      return upgradeSeat(args.booking_id, args.cabin);
    case "seat_map":
      return JSON.stringify(await seats.map(args.flight));
    default:
      throw new Error(`Unknown tool ${name}`);
  }
}

async function upgradeSeat(bookingId: string, cabin: string): Promise<string> {
  if (!CABINS.has(cabin)) {
    throw new Error(`invalid cabin ${cabin}`);
  }
  return seats.upgrade(bookingId, cabin);
}
"""

CLIENT = """import { carrierClient } from "./client.js";

/** Handlers by the name that the model calls. */
export const handlers = {
  reschedule_delivery: async (args) => {
    const slot = args.slot;
    const match = slot.match(/^(\\d{4}-\\d{2}-\\d{2}) (AM|PM)$/);
    if (!match) {
      throw new Error("bad slot");
    }
    return carrierClient.reschedule(args.delivery_id, match[1], match[2]);
  },
  delivery_status: async (args) => carrierClient.status(args.delivery_id),
};
"""

CLIENT_TOOLS = """[
  {
    "name": "reschedule_delivery",
    "description": "Moves a delivery to another slot.",
    "input_schema": {
      "type": "object",
      "properties": {
        "delivery_id": {"type": "string", "description": "Id of the delivery"},
        "slot": {"type": "string", "description": "The new slot"}
      },
      "required": ["delivery_id", "slot"]
    }
  },
  {
    "name": "delivery_status",
    "description": "Says where a delivery is.",
    "input_schema": {"type": "object", "properties": {"delivery_id": {"type": "string"}}}
  }
]
"""

EMPTY = """import { generateText, stepCountIs } from "ai";
import { model } from "./model";
import { tools } from "./tools";

export async function answer(system: string, messages: Message[]): Promise<string> {
  const result = await generateText({
    model,
    system,
    messages,
    tools,
    stopWhen: stepCountIs(4),
  });
  return result.text;
}
"""
