import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin } from "../../src/commands/builtin.ts";
import { type AnyCommand, defineCommand } from "../../src/commands/command.ts";
import { STAGES } from "../../src/commands/pipe/stages.ts";
import { systemClock } from "../../src/core/clock.ts";
import { createRedactor } from "../../src/core/redact.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { OutgoingMessage } from "../../src/inputs/input.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import { SERVICES } from "../golden/records.ts";
import { botOn, textOf } from "./run-bot.ts";

/* Pipes, from message to answer. */

let said = 0;

async function ask(input: MemoryInput, text: string, from = "ann"): Promise<OutgoingMessage> {
  const before = input.sent.length;
  // Replicas of one network hear ids of one network.
  input.say(text, { from, id: `said-${++said}` });
  await expect.poll(() => input.sent.length).toBe(before + 1);
  return input.sent.at(-1) as OutgoingMessage;
}
const answer = async (input: MemoryInput, text: string, from?: string) => textOf(await ask(input, text, from));

/** A list, and how often it was asked for. */
function listing(effect: "read" | "write", more: Partial<AnyCommand> = {}) {
  const runs: number[] = [];
  const command: AnyCommand = {
    ...defineCommand({
      name: "nodes",
      summary: "nodes",
      input: z.object({}),
      permission: "test:nodes",
      effect,
      run: async () => {
        runs.push(1);
        return {
          nodes: [
            { node: "n1", status: "ok", uptime: "2h", key: "hunter2-hunter2" },
            { node: "n2", status: "down", uptime: "3m" },
            { node: "n3", status: "ok", uptime: "5h" },
          ],
        };
      },
      view: ({ nodes }) => ({ kind: "text", text: `${nodes.length} nodes` }),
    }),
    ...more,
  };
  return { command, runs };
}

const policy = readPolicy("members: ['*:*']", "test");

describe("a pipe", () => {
  it("filters, sorts and cuts what a command found, as an aligned table", async () => {
    const input = memoryInput();
    const { command, runs } = listing("read");
    await botOn([input], { commands: [command] }).start();
    expect(await answer(input, "nodes | where status = ok | sort -uptime | select node uptime")).toBe(
      "Node  Uptime\nn3    5h\nn1    2h\n2 of 3",
    );
    expect(await answer(input, "nodes | count by status | json")).toContain('"status": "ok"');
    expect(await answer(input, "nodes | top 1 --output json")).toContain("top <number>");
    expect(await answer(input, "nodes --output json | top 1 | select node")).toBe('[\n  {\n    "node": "n1"\n  }\n]');
    expect(runs).toHaveLength(3);
  });

  it("works on what the bot's own commands show", async () => {
    const input = memoryInput();
    const registry = memoryRegistry({ services: SERVICES })();
    await botOn([input], { commands: builtin, registry, policy }).start();
    const [first = ""] = (await registry.list()).toSorted();
    expect(await answer(input, "list services | sort service | top 1")).toContain(`Service\n${first}`);
    expect(await answer(input, "help | where usage ~ 'list services' | select usage")).toContain("list services");
    expect(await answer(input, `get service ${first} | select node version`)).toContain("Node");
    expect(await answer(input, "audit | where line ~ list | sort when | select who line")).toMatch(
      /^Who +Line\n(memory:ann +.*\n)*memory:ann +list services/,
    );
    // The canned client knows nobody, so every node has failed.
    expect(await answer(input, `stats ${first} | where status != ok | sort -uptime | count`)).toMatch(/^Count\n\d/);
  });

  it("that is wrong is told before the command runs, where that can be known", async () => {
    const input = memoryInput();
    const fields = ["node", "status", "uptime", "key"];
    const { command, runs } = listing("read", { records: { fields, rows: ({ nodes }) => nodes } });
    await botOn([input], { commands: [command] }).start();
    expect(await answer(input, "nodes | srot uptime")).toContain("the nearest is `sort`");
    expect(await answer(input, "nodes | sort uptme")).toContain("the nearest is `uptime`");
    expect(await answer(input, "nodes | ")).toContain("nothing behind a |");
    for (const line of ['nodes | where status = "not ok | count', 'nodes | where status="not ok | count']) {
      expect(await answer(input, line)).toContain('the double quote before "not" is not closed');
    }
    expect(runs).toHaveLength(0);
  });

  it("alone goes on with the last answer, and never runs the command again", async () => {
    const input = memoryInput();
    const { command, runs } = listing("write");
    await botOn([input], { commands: [command], policy }).start();
    await ask(input, "nodes");
    expect(await answer(input, "yes")).toBe("3 nodes");
    expect(await answer(input, "| sort uptime | select node")).toMatch(/^Node\nn2\nn1\nn3\n.*of `nodes` at /);
    expect(await answer(input, "| count by status")).toContain("ok      2");
    expect(await answer(input, "| where nod = 1")).toContain("the nearest is `node`");
    expect(await answer(input, "pipe count | sort count")).toContain("3");
    expect(await answer(input, "| where node ~ 'n 1")).toContain('the single quote before "n" is not closed');
    expect(runs).toHaveLength(1);
  });

  it("is confirmed with its write, done after the yes, and a wrong one does not undo it", async () => {
    const input = memoryInput();
    const { command, runs } = listing("write");
    await botOn([input], { commands: [command], policy }).start();
    expect(await answer(input, "nodes | top 1 | select node")).toContain("nodes | top 1 | select node");
    expect(await answer(input, "yes")).toBe("Node\nn1\n1 of 3");
    await ask(input, "nodes | sort nothing");
    expect(await answer(input, "yes")).toMatch(
      /`nodes` was carried out, but not its pipe: there is no field "nothing"/,
    );
    expect(await answer(input, "| count")).toContain("3");
    expect(runs).toHaveLength(2);
  });

  it("has all its stages told by help", async () => {
    const input = memoryInput();
    await botOn([input], { policy }).start();
    const told = await answer(input, "help pipe");
    for (const kind of Object.keys(STAGES)) expect(told).toMatch(new RegExp(`^ +${kind}\\b.* {2,}\\w`, "m"));
  });

  it("alone is somebody's own, in that room, for half an hour, on every replica", async () => {
    let later = 0;
    const clock = { ...systemClock, now: () => Date.now() + later };
    const kv = memoryKv();
    const [one, other] = [memoryInput({ clock }), memoryInput({ clock, name: "memory" })];
    const { command } = listing("read");
    await kv.start();
    const init = { commands: [command], clock, store: kv, limit: "none" } as const;
    await botOn([one], init).start();
    await botOn([other], { ...init, replica: { name: "b" } }).start();
    await ask(one, "nodes");
    expect(await answer(one, "| count", "bob")).toContain("no answer of yours here");
    expect(await answer(other, "| count")).toContain("3");
    later = 1_800_001;
    expect(await answer(other, "| count")).toContain("no answer of yours here");
    await kv.stop();
  });

  it("sees no secret, not even by asking for it", async () => {
    const input = memoryInput();
    const { command } = listing("read");
    const redactor = createRedactor(["hunter2-hunter2"]);
    const store = memoryKv();
    await store.start();
    await botOn([input], { commands: [command], redactor, store }).start();
    expect(await answer(input, "nodes | where key ~ hunter | count")).toContain("0");
    expect(await answer(input, "| select key | json")).toContain("[secret]");
    expect(JSON.stringify(await store.list("lastrows."))).not.toContain("hunter2");
    await store.stop();
  });

  it("alone is refused to who may not say the command any more", async () => {
    const input = memoryInput();
    const { command } = listing("read");
    let allowed = true;
    const { linkedBy: _, ...rest } = policy;
    const changing = {
      ...rest,
      allows: (...asked: Parameters<typeof policy.allows>) => allowed && policy.allows(...asked),
    };
    await botOn([input], { commands: [command], policy: changing }).start();
    await ask(input, "nodes");
    allowed = false;
    expect(await answer(input, "| count")).toContain("you may not say `nodes` any more");
  });

  it("is offered as buttons under a list, for exactly that answer", async () => {
    const input = memoryInput({ limits: { buttons: true } });
    const { command, runs } = listing("read");
    await botOn([input], { commands: [command] }).start();
    const shown = await ask(input, "nodes");
    expect(shown.choices?.map(({ label }) => label)).toEqual(["Sort by uptime", "JSON"]);
    input.press("Sort by uptime", { from: "ann" });
    await expect.poll(() => textOf(input.sent.at(-1))).toMatch(/n3 .*\n.*n1 .*\n.*n2 /);
    await ask(input, "nodes | top 1");
    await ask(input, `pipe --of ${shown.choices?.[0]?.line.split(" ")[2]} json`);
    expect(textOf(input.sent.at(-1))).toContain("not kept any more");
    expect(runs).toHaveLength(2);
  });

  it("of too many rows says so", async () => {
    const input = memoryInput({ limits: { textLength: 100_000 } });
    const many = Array.from({ length: 5000 }, (_, at) => ({ node: `a-rather-long-name-of-a-node-${at}`, at }));
    const { command } = listing("read", { run: async () => ({ nodes: many }) });
    await botOn([input], { commands: [command] }).start();
    expect(await answer(input, "nodes | sort -at | top 1 | select at")).toContain("4999");
    expect(await answer(input, "| count")).toContain("had 5000 rows, too many to be kept");
  });
});
