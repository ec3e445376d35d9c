import { describe, expect, it } from "vitest";
import { complete } from "../../../src/app/complete.ts";
import { readPolicy } from "../../../src/bot/policy.ts";
import { builtin } from "../../../src/commands/builtin.ts";
import { createCatalog } from "../../../src/commands/catalog.ts";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";
import { contextFor } from "../../commands/context.ts";
import { botOn, textOf } from "../run-bot.ts";

/* Help, completion, forms and "did you mean" show only what the asker may run, somewhere and somehow. */

const policy = readPolicy(
  `guests: ["bot:talk"]
people: { ann: ["memory:ann"] }
rules: |
  allow ann call payments/* when env in [staging]
  deny ann health
  deny ann logs payments
`,
  "policy.yaml",
);

const NAMES = "call get-service health list-services logs register-service stats stream subscribe".split(" ");
const some = builtin.filter(({ name }) => NAMES.includes(name.replace(" ", "-")));

async function setUp() {
  const input = memoryInput();
  const bot = botOn([input], { policy, commands: some });
  await bot.start();
  const ask = async (text: string, from: string | { id: string; guest: boolean }) => {
    input.say(text, { from });
    return textOf(await input.next());
  };
  return { ask, bot };
}

describe("what is shown to whom", () => {
  const EVE = { id: "eve", guest: true };

  it("in help", async () => {
    const { ask } = await setUp();
    const names = (answer: string) => answer.split("\n").map((line) => line.split(/ {2,}|\t/)[0]);
    const [ann, bob, eve] = [
      names(await ask("help", "ann")),
      names(await ask("help", "bob")),
      names(await ask("help", EVE)),
    ];
    expect(ann.join("\n")).toMatch(/^call <service>/m);
    expect(ann.join("\n")).toMatch(/^logs /m);
    expect(ann.join("\n")).not.toMatch(/^health/m);
    expect(ann.join("\n")).not.toMatch(/^stream/m);
    expect(bob.join("\n")).not.toMatch(/^call/m);
    expect(bob.join("\n")).toMatch(/^health/m);
    expect(eve.join("\n")).toMatch(/^ping/m);
    expect(eve.join("\n")).not.toMatch(/^list services/m);
    expect(await ask("help health", "ann")).toMatch(/there is no command "health"/);
  });

  it("in did you mean", async () => {
    const { ask } = await setUp();
    expect(await ask("cal", "ann")).toContain("`call`");
    expect(await ask("cal", "bob")).not.toContain("`call`");
    expect(await ask("helth", "ann")).not.toContain("`health`");
    expect(await ask("list service", EVE)).not.toContain("`list services`");
    // Not even that there is one.
    expect(await ask("help cal", "bob")).not.toContain("`call`");
  });

  it("in a form", async () => {
    const input = memoryInput();
    await botOn([input], { policy, commands: some }).start();
    input.say("call", { from: "bob", takesForm: true });
    expect((await input.next()).form).toBeUndefined();
    expect(input.forms).toEqual([]);
    input.say("call", { from: "ann", takesForm: true });
    await expect.poll(() => input.forms.length).toBe(1);
  });

  it("in completion", async () => {
    const catalog = createCatalog(some);
    const offers = (line: string, caller: string, guest = false) => {
      const context = contextFor({ caller, mayRun: (command) => policy.allows(caller, guest, command) });
      return complete(catalog, line, context);
    };
    expect(await offers("", "memory:ann")).toEqual(["call", "get", "list", "logs", "query", "stats", "subscribe"]);
    expect(await offers("", "memory:bob")).toEqual(["get", "health", "list", "logs", "stats", "subscribe"]);
    expect(await offers("", "memory:eve", true)).toEqual([]);
    expect(await offers("call go.micro.srv.gr", "memory:ann")).toEqual(["go.micro.srv.greeter"]);
    expect(await offers("call go.micro.srv.gr", "memory:bob")).toEqual([]);
    expect(await offers("call --", "memory:bob")).toEqual([]);
    expect(await offers("register ", "memory:bob")).toEqual([]);
  });
});
