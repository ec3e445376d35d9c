import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { readPolicy } from "../../../src/bot/policy.ts";
import { builtin } from "../../../src/commands/builtin.ts";
import { defineCommand } from "../../../src/commands/command.ts";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";
import { manualClock } from "../../fakes/clock.ts";
import { botOn, textOf } from "../run-bot.ts";
import { MONDAY_NOON } from "./request.ts";

/* What people ask about the policy, in a conversation. */

const POLICY = `
guests: ["bot:talk"]
people:
  ann: [memory:ann, "xmpp:ann@chat.example.org"]
roles:
  oncall: { members: [ann] }
  lead: { members: ["memory:lea"] }
  admins: { members: ["memory:olga"], grants: ["bot:admin"] }
rooms:
  ops: memory:ops
rules: |
  allow role:oncall restart payments/* in #ops when env in [staging]
  allow members restart orders on tue UTC
  allow role:lead restart approve 1 of role:oncall
  deny memory:mallory *
`;

const restarting = defineCommand({
  name: "restart",
  summary: "Restart a service",
  input: z.object({ service: z.string(), env: z.string().optional() }),
  words: ["service"],
  permission: "service:restart",
  effect: "write",
  run: async () => ({}),
  view: () => ({ kind: "text", text: "restarted" }),
});

describe("questions about the policy", () => {
  const clock = manualClock(MONDAY_NOON);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "micro-policy-"));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  async function setUp() {
    const input = memoryInput({ clock });
    const file = join(folder, "policy.yaml");
    await writeFile(file, POLICY);
    const bot = botOn([input], { policy: readPolicy(POLICY, file), clock, commands: [...builtin, restarting] });
    await bot.start();
    const ask = async (text: string, from: string | { id: string; guest: boolean } = "ann", room = "ops") => {
      input.say(text, { from, room });
      return textOf(await input.next());
    };
    return { ask, bot };
  }

  it("tell whether one may, by which rule, or what is missing", async () => {
    const { ask } = await setUp();
    expect(await ask("can I restart payments --env staging?")).toMatch(
      /^yes: `restart payments --env staging`, said by memory:ann; allowed by `allow role:oncall/,
    );
    expect(await ask("why can't I restart payments?", "ann", "lobby")).toMatch(
      /^no: .*: you may `restart` only in memory:ops, when env in \[staging\]: so says `allow role:oncall restart .*` \(.*policy.yaml, line 12\)$/,
    );
    expect(await ask("why can’t I restart payments", "carl")).toMatch(/you may `restart` only on orders, on tue UTC/);
    expect(await ask("why can I restart payments", "lea")).toContain("once 1 of role:oncall say yes");
    expect(await ask("why can't I echo hi", "mallory")).toContain(
      "is forbidden to memory:mallory by `deny memory:mallory *`",
    );
  });

  it("tell it of others, by their name, their id, or what they are called in the network", async () => {
    const { ask } = await setUp();
    for (const who of ["@ann", "ann", "memory:ann", "xmpp:ann@chat.example.org"]) {
      expect(await ask(`can ${who} restart payments --env staging?`, "carl"), who).toMatch(/^yes: /);
    }
    expect(await ask("why can't @memory:carl restart payments?")).toMatch(/^no: .*said by memory:carl/);
    expect(await ask("can @bobby restart payments")).toContain(
      "the policy knows no bobby; say a person of its file or an id",
    );
    expect(await ask("can @ann frobnicate")).toContain('"frobnicate" is no command');
  });

  it("tell who can, here and now and elsewhere", async () => {
    const { ask } = await setUp();
    const answer = await ask("who can restart payments --env staging?", "carl");
    expect(answer.split("\n")).toEqual([
      "who can `restart payments --env staging`",
      expect.stringMatching(/^ann: allow role:oncall restart/),
      "memory:lea: allow role:lead restart approve 1 of role:oncall (once 1 of role:oncall say yes)",
      "in other rooms, at other times or on other things: memory:olga, every other member",
    ]);
    expect(await ask("who can register service")).toContain("nobody, here and now");
    expect(await ask("who can ping?")).toContain("every other member: guests");
  });

  it("are not for strangers, and the policy itself is for admins", async () => {
    const { ask } = await setUp();
    expect(await ask("who can restart payments", { id: "eve", guest: true })).toContain(
      "guests need the permission policy:read",
    );
    expect(await ask("policy", "ann")).toContain("you need the permission bot:admin");
    expect(await ask("policy", "olga")).toMatch(/policy\.yaml holds, [0-9a-f]{12}: 4 rules, 1 person$/);
  });

  it("try a file of examples, from beside the policy file only", async () => {
    const { ask } = await setUp();
    const tests = (expect: string) =>
      `tests:\n  - { who: ann, say: restart payments --env staging, in: "#ops", expect: ${expect} }\n  - { who: "memory:eve", guest: true, say: list services, expect: deny }\n`;
    await writeFile(join(folder, "good.yaml"), tests("allow"));
    await writeFile(join(folder, "bad.yaml"), tests("deny"));
    expect(await ask("policy test good.yaml", "olga")).toMatch(/^2 tests of .*policy.yaml passed$/);
    expect(await ask("policy test bad.yaml", "olga")).toMatch(
      /1 of 2 tests of .*policy.yaml failed\n.*ann: restart payments --env staging in #ops: expected deny, got allow: allowed by/,
    );
    expect(await ask("policy test ../../etc/passwd", "olga")).toContain("name a file beside policy.yaml");
    expect(await ask("policy test /etc/passwd", "olga")).toContain("name a file beside policy.yaml");
    expect(await ask("policy test none.yaml", "olga")).toContain("cannot be read");
    expect(await ask("policy test good.yaml", "ann")).toContain("you need the permission bot:admin");
  });

  it("show what another file would change, and for whom", async () => {
    const { ask } = await setUp();
    const next = POLICY.replace("allow members restart orders", "allow members restart orders/*").replace(
      "  deny memory:mallory *\n",
      "  deny members restart\n",
    );
    await writeFile(join(folder, "next.yaml"), `${next.replace("[memory:ann, ", "[memory:ann, memory:ann2, ")}`);
    const answer = await ask("policy diff next.yaml", "olga");
    expect(answer.split("\n").slice(0, 5)).toEqual([
      "- allow members restart orders on tue UTC",
      "- deny memory:mallory *",
      "+ allow members restart orders/* on tue UTC",
      "+ deny members restart",
      "~ people.ann",
    ]);
    expect(answer).toContain("every other member: may no longer restart");
    expect(await ask("policy diff policy.yaml", "olga")).toBe("nothing would change");
  });
});
