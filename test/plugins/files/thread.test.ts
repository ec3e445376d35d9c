import { describe, expect, it } from "vitest";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";
import { botOn, telling, textOf } from "../../bot/run-bot.ts";
import { cannedClient } from "../../fakes/canned-client.ts";
import { folderOf, supplies } from "./folder.ts";

/** A command in a thread. */
function working(run: string, more = "worker: true"): string {
  return `import { defineCommand, MicroError } from "micro-chatops";
import { z } from "zod";
export default defineCommand({
  name: "work", summary: "Work hard", input: z.object({ what: z.string().default("") }), words: ["what"],
  permission: "test:work", effect: "read", ${more},
  run: async ({ what }: { what: string }, context: any): Promise<{ text: string }> => { ${run} },
  view: ({ text }) => ({ kind: "text", text }),
});`;
}

async function said(file: string, init: Parameters<typeof botOn>[1] = {}) {
  const folder = await folderOf({ "work.ts": file });
  const input = memoryInput({ limits: { edits: false } });
  const look = telling("look").command;
  const bot = botOn([input], {
    sources: [folder.source({ supplies: { ...supplies, secret: async () => "the secret of it" } })],
    commands: [look],
    ...init,
  });
  await bot.start();
  const say = async (text: string) => {
    input.say(text, { room: text });
    return textOf(await input.next());
  };
  return { input, say, next: async () => textOf(await input.next()) };
}

describe("a command in a thread", () => {
  it("is given who asked and what it needs, and shows things while it runs", async () => {
    const run = `
      await context.emit({ kind: "text", text: "half of " + what });
      const { msg } = await context.client.request("greeter", "Say.Hello", { name: what }, { signal: context.signal });
      const kept = await context.kv.create("a", "1").catch((error) => error.message);
      const denied = await context.registry.list().catch((error) => [error instanceof MicroError, error.code, error.message]);
      const { setTimeout: no } = await import("node:timers/promises");
      return { text: JSON.stringify([msg, context.caller, Object.keys(process.env), typeof no, typeof kept, ...denied]) };`;
    const { say, next } = await said(working(run, 'worker: true, needs: ["client", "kv"]'), {
      client: cannedClient({ "Say.Hello": '{"msg":"hi"}' }),
    });
    expect(await say("work it")).toBe("half of it");
    const [msg, caller, env, node, _kept, ...denied] = JSON.parse(await next());
    expect([msg, caller, env, node]).toEqual(["hi", "memory:ann", [], "function"]);
    expect(denied).toEqual([true, "permission_denied", expect.stringContaining("did not ask for `registry`")]);
  });

  it.each([
    [
      "memory",
      "const all: string[][] = []; for (;;) all.push(new Array(1e5).fill(what + all.length))",
      "worker: { memoryMb: 16 }",
      /^`work` was ended: it wanted more than 16 MB of memory$/,
    ],
    ["processor time", "for (;;);", "worker: { timeMs: 200 }", /^`work` was ended: it took longer than 200 ms$/],
    ["all of its time", "for (;;);", "worker: true, maxMs: 300", /^`work` did not answer within 300 ms$/],
    ["the process", "process.exit(3)", "worker: true", /^`work` ended itself before it was done/],
    [
      "nobody's promise",
      "Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 1000)); return { text: '' }",
      "worker: true",
      /^`work` was ended: it threw where nobody waits: lost/,
    ],
    ["an error", "throw new Error('no such region')", "worker: true", /^`work` failed: no such region/],
    ["an error of ours", "throw new MicroError('not_found', 'no such region')", "worker: true", /^no such region$/],
    [
      "a result that is none",
      "return { text: () => {} } as never",
      "worker: true",
      /^`work` failed: its result cannot be sent/,
    ],
  ])("that eats or throws %s is ended, is told, and harms nobody else", async (_what, run, more, words) => {
    const { say } = await said(working(run, more));
    expect(await say("work it")).toMatch(words);
    // Its room and others go on.
    expect(await say("look here")).toBe("look here done");
  });

  it("leaves others their turn while it is busy", async () => {
    const { input, next } = await said(working("for (;;);", "worker: { timeMs: 1500 }"));
    input.say("work it", { room: "a" });
    input.say("look here", { room: "b" });
    expect(await next()).toBe("look here done");
    expect(await next()).toBe("`work` was ended: it took longer than 1500 ms");
  });
});
