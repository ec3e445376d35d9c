import { z } from "zod";
import { defineCommand } from "./command.ts";

/* What the original bot said to people who tried whether it was there (`toolkit.md §3.5`). */

export const echo = defineCommand({
  name: "echo",
  summary: "Say the text again",
  input: z.object({ text: z.string({ error: "echo what?" }) }),
  words: ["text"],
  rest: "text",
  permission: "bot:talk",
  effect: "read",
  examples: ["echo is this thing on?"],
  run: async ({ text }) => ({ text }),
  view: ({ text }) => ({ kind: "text", text }),
});

export const time = defineCommand({
  name: "time",
  summary: "Tell the server's time",
  input: z.object({}),
  permission: "bot:talk",
  effect: "read",
  examples: ["time"],
  run: async (_input, { clock }) => ({ time: new Date(clock.now()).toISOString() }),
  view: (result) => ({ kind: "text", text: `Server time is: ${new Date(result.time).toUTCString()}` }),
});

export const hello = defineCommand({
  name: "hello",
  summary: "Greet the bot",
  input: z.object({}),
  permission: "bot:talk",
  effect: "read",
  examples: ["hello"],
  run: async () => ({ text: "hey what's up?" }),
  view: ({ text }) => ({ kind: "text", text }),
});

export const ping = defineCommand({
  name: "ping",
  summary: "See whether the bot answers",
  input: z.object({}),
  permission: "bot:talk",
  effect: "read",
  examples: ["ping"],
  run: async () => ({ text: "pong" }),
  view: ({ text }) => ({ kind: "text", text }),
});

export const threeLaws = defineCommand({
  name: "the three laws",
  aliases: ["three laws", "the three laws of robotics", "three laws of robotics"],
  summary: "Recite the three laws of robotics",
  input: z.object({}),
  permission: "bot:talk",
  effect: "read",
  examples: ["the three laws"],
  run: async () => ({ laws: LAWS }),
  view: ({ laws }) => ({ kind: "text", text: laws.map((law, index) => `${index + 1}. ${law}`).join("\n") }),
});

const LAWS = [
  "A robot may not injure a human being or, through inaction, allow a human being to come to harm.",
  "A robot must obey the orders given it by human beings except where such orders would conflict with the First Law.",
  "A robot must protect its own existence as long as such protection does not conflict with the First or Second Laws.",
] as const;
