import { z } from "zod";
import { addMetadata } from "../core/client/metadata.ts";
import { defineCommand } from "./command.ts";
import { readObject } from "./json.ts";
import { wireName } from "./names.ts";
import { checkOwnTopic } from "./topics.ts";

const NEEDS = `require topic and message e.g micro publish event '{"hello": "world"}'`;

/** `toolkit.md §1.10`. */
export const publish = defineCommand({
  name: "publish",
  summary: "Publish a message to a topic",
  input: z.object({
    topic: wireName(NEEDS).describe("its name"),
    message: z.string({ error: NEEDS }).describe("a JSON object"),
    metadata: z.record(z.string(), z.string()).optional().describe("headers of the message; may be repeated"),
  }),
  words: ["topic", "message"],
  rest: "message",
  permission: "topic:publish",
  effect: "write",
  confirm: false,
  examples: ['publish go.micro.topic.greetings {"hello":"world"}'],
  run: async ({ topic, message, metadata = {} }, context) => {
    const { broker, signal } = context;
    checkOwnTopic(topic, context);
    const body = Buffer.from(readObject(message), "utf8");
    const header: Record<string, string> = {};
    // Without what names a service and an endpoint: a transport over the same broker would take the message for a call.
    addMetadata(header, metadata);
    // What Go's subscribers need to read it and to find its handler (`wire.md §8.0`).
    const own = { "content-type": "application/json", "micro-topic": topic, "micro-id": crypto.randomUUID() };
    await broker.publish(topic, { header: { ...header, ...own }, body }, { signal });
    return { topic, bytes: body.length };
  },
  view: () => ({ kind: "text", text: "ok" }),
});
