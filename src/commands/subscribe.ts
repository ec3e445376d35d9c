import { z } from "zod";
import type { BrokerEvent } from "../core/broker/broker.ts";
import { RawJson } from "../core/codec/json.ts";
import { createQueue } from "../core/queue.ts";
import { boundFields, boundsOf, closing, follow, MAX_MS } from "./bounds.ts";
import { defineCommand, type View } from "./command.ts";
import { wireName } from "./names.ts";
import { checkOwnTopic, checkQueue } from "./topics.ts";

export const subscribe = defineCommand({
  name: "subscribe",
  summary: "Show what is published to a topic as it comes",
  input: z.object({
    topic: wireName("require topic").describe("its name"),
    queue: z.string().optional().describe("share the messages with other subscribers of this queue"),
    ...boundFields,
  }),
  words: ["topic"],
  permission: "topic:read",
  effect: "read",
  maxMs: MAX_MS,
  aside: true,
  examples: ["subscribe go.micro.topic.greetings", "subscribe go.micro.topic.greetings --for 1m --limit 10"],
  run: async ({ topic, queue, ...given }, context) => {
    const { broker, signal, oneShot } = context;
    checkOwnTopic(topic, context);
    checkQueue(queue, context);
    const bounds = boundsOf(given, context);
    // One event at a time is handed over, so a broker that can wait does.
    const events = createQueue<{ readonly event: BrokerEvent; readonly taken: () => void }>();
    let release = () => {};
    const handler = (event: BrokerEvent) =>
      new Promise<void>((taken) => {
        release = taken;
        if (!events.push({ event, taken })) taken();
      });
    const subscription = await broker.subscribe(topic, handler, { signal, ...(queue === undefined ? {} : { queue }) });
    try {
      // A script reads events only.
      if (!oneShot) await context.emit({ kind: "text", text: `listening to ${topic} on ${broker.where}` });
      const followed = await follow(events, bounds, context, async ({ event, taken }) => {
        await context.emit(bodyView(event), factOf(event));
        taken();
      });
      return { topic, ...followed };
    } finally {
      events.end();
      release();
      await subscription.close();
    }
  },
  view: (followed) => ({ kind: "text", text: closing(followed, "event") }),
});

/** So many bytes of what is no JSON are shown. */
const HEAD = 32;

function bodyView({ body }: BrokerEvent): View {
  const json = jsonOf(body);
  if (json !== undefined) return { kind: "json", text: json.text };
  return { kind: "text", text: `${body.length} bytes: ${hexOf(body)}` };
}

function factOf({ topic, header, body }: BrokerEvent): object {
  const json = jsonOf(body);
  return { topic, header, ...(json ? { body: json } : { bytes: body.length, head: hexOf(body) }) };
}

function hexOf(body: Uint8Array): string {
  const hex = Buffer.from(body.subarray(0, HEAD)).toString("hex");
  return body.length > HEAD ? `${hex}…` : hex;
}

function jsonOf(body: Uint8Array): RawJson | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    JSON.parse(text);
    return new RawJson(text);
  } catch {
    return undefined;
  }
}
