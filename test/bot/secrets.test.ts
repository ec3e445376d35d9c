import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createLog } from "../../src/app/log.ts";
import type { BotInit } from "../../src/bot/bot.ts";
import { UNLIMITED } from "../../src/bot/limits/limits.ts";
import { type AnyCommand, defineCommand } from "../../src/commands/command.ts";
import { tokenCommands } from "../../src/commands/tokens.ts";
import { systemClock } from "../../src/core/clock.ts";
import { RawJson } from "../../src/core/codec/json.ts";
import { MicroError } from "../../src/core/errors.ts";
import { createRedactor } from "../../src/core/redact.ts";
import type { Input, OutgoingMessage } from "../../src/inputs/input.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { slackInput } from "../../src/inputs/slack/slack.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import { createTokens } from "../../src/platform/tokens.ts";
import { collector, runProgram } from "../fakes/run-program.ts";
import { formsOf, givesAway } from "../fakes/secret-forms.ts";
import { type FakeSlack, fakeSlack } from "../fakes/slack.ts";
import { botOn, textOf } from "./run-bot.ts";

/* chat.md §6, "Leaked tokens": planted secrets, driven through everything that the bot says and writes. */

const SECRET = "zq4-Kp_88sdfKJH3jh2KLm90";
const FORMS = formsOf(SECRET);
const NAMES = Object.keys(FORMS);

/** Says form number `n` in one way. */
const leak = defineCommand({
  name: "leak",
  summary: "Say what is not to be said",
  input: z.object({ way: z.string(), n: z.number() }),
  words: ["way", "n"],
  permission: "test:leak",
  effect: "read",
  run: async ({ way, n }, { emit }) => {
    const text = `before ${FORMS[NAMES[n] as string]}`;
    if (way === "error")
      throw new MicroError("unavailable", text, { details: { usage: text, note: [text] }, cause: new Error(text) });
    if (way === "mistake") throw new TypeError(text, { cause: new Error(text) });
    if (way === "emit") await emit({ kind: "text", text }, { text });
    if (way === "raw") return new RawJson(JSON.stringify({ text }));
    return { way, text, deep: [{ [text]: text }] };
  },
  view: (result): ReturnType<AnyCommand["view"]> => {
    if (result instanceof RawJson) return { kind: "json", text: result.text };
    const { way, text } = result;
    if (way === "list") return { kind: "list", items: [text], note: text };
    if (way === "report") return { kind: "report", text: `a\tb\n${text}\tc`, note: text };
    if (way === "json") return { kind: "json", text: JSON.stringify({ text }) };
    return { kind: "text", text: way === "emit" ? "over" : text };
  },
});

const WAYS = ["text", "list", "report", "json", "raw", "error", "mistake", "emit"];

/** A bot that knows the secret, what it logs, and what it writes into its audit. */
async function start(inputs: readonly Input[], init: Partial<BotInit> = {}) {
  const output = collector();
  const redactor = createRedactor([SECRET]);
  const log = await createLog("trace", output, redactor);
  const store = memoryKv();
  await store.start();
  const bot = botOn(inputs, { commands: [leak], redactor, log, store, limit: UNLIMITED, ...init });
  await bot.start();
  return { bot, store, logged: output.text, redactor };
}

function whole(message: OutgoingMessage): string {
  return JSON.stringify({ ...message, place: undefined });
}

const slacks: FakeSlack[] = [];
afterEach(async () => {
  for (const slack of slacks.splice(0)) await slack.close();
});

describe("a hundred forms of a secret", () => {
  for (const way of WAYS) {
    it(`are not said, logged or audited: ${way}`, async () => {
      const input = memoryInput({ limits: { textLength: 4000 } });
      const { logged } = await start([input]);
      const leaked: string[] = [];
      for (const [n, name] of NAMES.entries()) {
        input.say(`leak ${way} ${n}`);
        const said = [await input.next()];
        while (said.at(-1)?.progress?.last === false) said.push(await input.next());
        for (const message of said) if (givesAway(whole(message), SECRET)) leaked.push(name);
        if (way === "text") expect(textOf(said.at(-1))).toContain("[secret]");
      }
      expect(leaked).toEqual([]);
      expect(
        logged()
          .split("\n")
          .filter((line) => givesAway(line, SECRET)),
      ).toEqual([]);
    });
  }

  it("are not said in other formats either", async () => {
    const input = memoryInput();
    await start([input]);
    for (const format of ["json", "raw"]) {
      for (const n of NAMES.keys()) {
        input.say(`leak text ${n} --output ${format}`);
        const said = textOf(await input.next());
        expect([NAMES[n], givesAway(said, SECRET)]).toEqual([NAMES[n], false]);
      }
    }
  });

  it("are not kept when they are typed: not in the log, the audit or the store", async () => {
    const input = memoryInput();
    const { logged, store } = await start([input]);
    for (const text of Object.values(FORMS)) {
      input.say(`what is ${text}`);
      expect(givesAway(textOf(await input.next()), SECRET)).toBe(false);
    }
    expect(givesAway(logged(), SECRET)).toBe(false);
    expect(givesAway(JSON.stringify(await store.list("")), SECRET)).toBe(false);
  });

  it("are not said on Slack", async () => {
    const slack = await fakeSlack();
    slacks.push(slack);
    await start([slackInput({ token: slack.token, appToken: slack.appToken, apiUrl: slack.apiUrl })()]);
    const some = [...NAMES.keys()].filter((n) => n % 9 === 0);
    for (const n of some) {
      const before = slack.posts.length;
      slack.say(`micro leak ${WAYS[n % 6]} ${n}`);
      await expect.poll(() => slack.posts.length, { timeout: 10_000 }).toBeGreaterThan(before);
    }
    expect(slack.posts.filter((post) => givesAway(JSON.stringify(post), SECRET))).toEqual([]);
    expect(slack.calls.filter((call) => givesAway(JSON.stringify(call.args), SECRET))).toEqual([]);
  });

  it("are not in what the command line says of its mistakes", async () => {
    for (const [name, form] of Object.entries(FORMS)) {
      const lines = [
        [`--slack_token=${SECRET}`, "bot", form],
        ["--registry", form, `--xmpp-password=${SECRET}`, "list", "services"],
        ["call", form, `--nothing=${form}`],
      ];
      for (const args of lines) {
        const { stderr } = await runProgram(args, { env: { SOME_TOKEN: SECRET } });
        expect([name, givesAway(stderr, SECRET)]).toEqual([name, false]);
        expect(stderr).not.toBe("");
      }
    }
  });

  it("are not left over where an answer is cut", async () => {
    for (let textLength = 300; textLength < 330; textLength++) {
      const input = memoryInput({ limits: { textLength, files: false } });
      const long = defineCommand({
        name: "long",
        summary: "Say much",
        input: z.object({}),
        permission: "test:long",
        effect: "read",
        run: async () => ({}),
        view: () => ({ kind: "text", text: `${"x".repeat(100)} ${SECRET} ${"y".repeat(300)}` }),
      });
      await start([input], { commands: [long] });
      input.say("long");
      expect(textOf(await input.next())).not.toContain(SECRET.slice(0, 6));
    }
  });
});

describe("secret fields of a command", () => {
  const login = (runs: unknown[]) =>
    defineCommand({
      name: "login",
      summary: "Hand a password on",
      input: z.object({ user: z.string(), password: z.string(), pin: z.string().optional() }),
      words: ["user", "password"],
      secrets: ["password", "pin"],
      permission: "test:login",
      effect: "read",
      run: async (input) => {
        runs.push(input);
        if (input.user === "nobody") throw new MicroError("unavailable", `no ${input.password} of ${input.pin}`);
        return { heard: input.password };
      },
      view: ({ heard }) => ({ kind: "text", text: `it was ${heard}` }),
    });

  it.each([
    ["login ann tiger-lily-77", "login ann [secret]"],
    ["login ann 'tiger lily 77'", "login ann '[secret]'"],
    ["login ann tiger-lily-77 --pin 4711", "login ann [secret] --pin [secret]"],
    ["login ann tiger-lily-77 --pin 4711 --nothing x", "login …"],
    ["login nobody tiger-lily-77 --pin 471147", "login nobody [secret] --pin [secret]"],
  ])("are crossed out wherever the line goes: %s", async (line, told) => {
    const runs: unknown[] = [];
    const input = memoryInput({ limits: { buttons: true } });
    const records: unknown[] = [];
    const { logged, store } = await start([input], {
      commands: [login(runs)],
      audit: (record) => records.push(record),
    });
    input.say(line);
    const answer = await input.next();
    const everything = [whole(answer), logged(), JSON.stringify(records), JSON.stringify(await store.list(""))].join(
      "\n",
    );
    expect(everything).not.toMatch(/tiger|4711/);
    expect(JSON.stringify(records)).toContain(told.replaceAll('"', '\\"'));
    // The command itself is given them.
    if (!line.includes("--nothing")) expect(JSON.stringify(runs)).toContain("tiger");
    // Buttons are kept by networks.
    expect(JSON.stringify(answer.choices ?? [])).not.toContain("login");
  });
});

describe("tokens in chat", () => {
  async function withTokens(hides: boolean) {
    const input = memoryInput();
    const kv = memoryKv();
    await kv.start();
    const tokens = createTokens(kv, systemClock);
    const { logged } = await start([hides ? Object.assign(input, { hides: true as const }) : input], {
      commands: [...tokenCommands(tokens)],
      policy: (await import("../../src/bot/policy.ts")).readPolicy("members: ['bot:admin']", "test"),
    });
    return { input, tokens, logged };
  }

  it("are told once, whispered, and written down nowhere", async () => {
    const { input, tokens, logged } = await withTokens(true);
    input.say("token issue ann --note deploys --expires 24h");
    const answer = await input.next();
    const token = /micro_\w{12}_[\w-]{43}/.exec(textOf(answer))?.[0] ?? "";
    expect(answer.whisper).toBe(true);
    expect(await tokens.verify(token)).toMatchObject({ person: "ann", note: "deploys", by: "memory:ann" });
    input.say(`echo ${token}`);
    expect(textOf(await input.next())).not.toContain(token.slice(19));
    input.say("token list");
    const list = textOf(await input.next());
    expect(list).toContain("deploys");
    expect(list + logged()).not.toContain(token.slice(19));
    input.say(`token revoke ${token.slice(6, 18)}`);
    expect(textOf(await input.next())).toContain("no longer valid");
    expect(await tokens.verify(token)).toBeUndefined();
  });

  it("are not issued where everybody would read them", async () => {
    const { input, tokens } = await withTokens(false);
    input.say("token issue ann");
    expect(textOf(await input.next())).toMatch(/nothing was done: the answer is a secret for you alone/);
    expect(await tokens.list()).toEqual([]);
  });
});
