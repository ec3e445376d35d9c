import { defineCommand, MicroError } from "micro-chatops";
import { z } from "zod";

/** Opens a channel for an incident by the chat's HTTP interface, and remembers what is open in its own keys. */
export const open = defineCommand({
  name: "incident open",
  summary: "Open a channel for an incident",
  input: z.object({ title: z.string().min(3).max(80).describe("what has happened") }),
  words: ["title"],
  rest: "title",
  permission: "incident:open",
  effect: "write",
  confirm: false,
  needs: ["kv", "http", "secrets:CHAT_TOKEN"],
  examples: ["incident open orders are stuck"],
  run: async ({ title }, { kv, http, secrets, clock, person, caller }) => {
    const day = new Date(clock.now()).toISOString().slice(0, 10);
    const name = `inc-${day}-${title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "")
      .slice(0, 30)}`;
    // Only the first of two who say it at once opens one.
    if ((await kv.create(name, JSON.stringify({ title, by: person ?? caller }))) === undefined) {
      throw new MicroError("conflict", `#${name} is open already`);
    }
    const answer = await http("https://chat.example/api/channels", {
      headers: { authorization: `Bearer ${await secrets.get("CHAT_TOKEN")}` },
      body: { name, topic: title },
    });
    if (answer.ok) return { name, title };
    await kv.delete(name);
    throw new MicroError("unavailable", `the chat did not open #${name}: it answers with ${answer.status}`);
  },
  view: ({ name, title }) => ({ kind: "text", text: `#${name} is open: ${title}` }),
});

export const list = defineCommand({
  name: "incident list",
  summary: "List the incidents that have a channel",
  input: z.object({}),
  permission: "incident:read",
  effect: "read",
  needs: ["kv"],
  examples: ["incident list"],
  run: async (_input, { kv }) =>
    (await kv.list("")).map(({ key, value }) => ({
      name: key,
      ...(JSON.parse(value) as { title: string; by: string }),
    })),
  view: (open) => ({
    kind: "list",
    items: open.map(({ name, title, by }) => `#${name}: ${title} (${by})`),
    note: `${open.length} open`,
  }),
});
