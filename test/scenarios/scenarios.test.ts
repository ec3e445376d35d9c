import { readdirSync, readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { greeter } from "../../examples/greeter.ts";
import type { Makers } from "../../src/app/parts.ts";
import { makers } from "../../src/app/parts.ts";
import { program } from "../../src/app/program.ts";
import { type Bot, createBot } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin, smallTalk } from "../../src/commands/builtin.ts";
import { chatLine } from "../../src/commands/line.ts";
import { memoryBroker } from "../../src/core/broker/memory.ts";
import { rpcClient } from "../../src/core/client/rpc.ts";
import { RawJson } from "../../src/core/codec/json.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { defaultSelector } from "../../src/core/selector/default.ts";
import type { Service } from "../../src/core/service.ts";
import { httpTransport } from "../../src/core/transport/http.ts";
import { defineEndpoint } from "../../src/index.ts";
import { slackInput } from "../../src/inputs/slack/slack.ts";
import { type FakeSlack, fakeSlack } from "../fakes/slack.ts";

/* The same lines through the terminal, the command line and Slack, against a real greeter on a real socket. */

interface Step {
  readonly line: string;
  readonly expected: readonly string[];
}

const scenarios = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".scenario"))
  .map(
    (name) => [name.replace(".scenario", ""), steps(readFileSync(`${import.meta.dirname}/${name}`, "utf8"))] as const,
  );

const counting = defineEndpoint({
  service: "go.micro.srv.greeter",
  name: "Say.Count",
  input: z.object({ to: z.number() }),
  output: z.object({ n: z.number() }),
  stream: true,
});

/** Both generations of records (`wire.md §9`). */
const log = defineEndpoint({
  service: "go.micro.srv.greeter",
  name: "Debug.Log",
  input: z.looseObject({ service: z.string() }),
  output: z.looseObject({ timestamp: z.union([z.number(), z.string()]) }),
  stream: true,
});

let registry: Registry;
let service: Service;
const shared = (): Registry => ({ ...registry, start: async () => {}, stop: async () => {} });

beforeAll(async () => {
  registry = memoryRegistry()();
  await registry.start();
  service = greeter({ registry: shared(), address: "127.0.0.1:0", drainMs: 200 });
  service.server.handleRaw("Say.Exact", async () => new RawJson('{"big":9223372036854775807,"one":1.0}'));
  service.handleStream(counting, async (stream) => {
    for await (const { to } of stream) {
      for (let n = 1; n <= Math.abs(to); n++) await stream.send({ n });
      if (to < 0) throw new MicroError("invalid_argument", `${to} is too far`);
      return;
    }
  });
  service.handleStream(log, async (stream) => {
    for await (const { service } of stream) {
      await stream.send({ timestamp: 20, value: "said hello" });
      await stream.send({ timestamp: "10", message: `asked for ${service}` });
      return;
    }
  });
  await service.start();
});
afterAll(async () => {
  await service.stop();
  await registry.stop();
});

describe("on the command line", () => {
  describe.each(scenarios)("%s", (_name, all) => {
    it.each(all.map((step) => [step.line, step.expected] as const))("%s", async (line, expected) => {
      const said = await shell(
        chatLine(line.replace(/^micro /, "")).words.map((word) => word.text),
        line,
      );
      expectSaid(said, expected);
    });
  });
});

describe("in the terminal, through pipes", () => {
  it.each(scenarios)("%s", async (_name, all) => {
    for (const { line, expected } of all) {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
      const said = [text(stdout), text(stderr)];
      stdin.end(`${line}\n`);
      const code = await program({
        args: ["--registry=memory", "--server_address=127.0.0.1:0", "bot", "--inputs=terminal"],
        env: {},
        stdin,
        stdout,
        stderr,
        signal: new AbortController().signal,
        user: "ann",
        makers: own(),
      });
      expect(code).toBe(0);
      stdout.end();
      stderr.end();
      expectSaid((await Promise.all(said)).join("\n"), expected);
    }
  });
});

describe("in Slack", () => {
  let slack: FakeSlack;
  let bot: Bot;
  beforeAll(async () => {
    slack = await fakeSlack();
    const client = rpcClient()({ transport: httpTransport(), selector: defaultSelector()({ registry }) });
    const broker = memoryBroker()();
    await broker.start();
    const input = slackInput({ token: slack.token, appToken: slack.appToken, apiUrl: slack.apiUrl })();
    const policy = readPolicy("members: ['service:call', 'topic:publish']", "scenario");
    bot = createBot({
      inputs: [input],
      commands: [...builtin, ...smallTalk],
      registry,
      client,
      broker,
      policy,
      drainMs: 200,
    });
    await bot.start();
  });
  afterAll(async () => {
    await bot.stop();
    await slack.close();
  });

  it.each(scenarios)("%s", async (_name, all) => {
    for (const { line, expected } of all) {
      const before = slack.posts.length;
      slack.say(line, { channel: "D1" });
      await expect.poll(() => slack.posts.length, { timeout: 8000 }).toBe(before + 1);
      // What goes on grows until its end.
      await expect.poll(() => slack.posts[before]?.text, { timeout: 8000 }).not.toContain("it goes on;");
      const post = slack.posts[before];
      expect(post?.live).toEqual([]);
      expectSaid(post?.text ?? "", expected);
    }
  });
});

async function shell(words: readonly string[], line: string): Promise<string> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const said = [text(stdout), text(stderr)];
  const code = await program({
    args: ["--registry=memory", ...shellWords(words, line)],
    env: {},
    stdin,
    stdout,
    stderr,
    signal: new AbortController().signal,
    user: "ann",
    makers: own(),
  });
  stdout.end();
  stderr.end();
  const [out, err] = await Promise.all(said);
  // What went well is on stdout with 0, what did not is on stderr with 1; both only if something came before it broke.
  expect([code, err !== ""]).toEqual(code === 0 ? [0, false] : [1, true]);
  if (code === 0 || words[0] !== "stream") expect(out !== "").toBe(code === 0);
  return `${out}${err}`;
}

/** The words that a person would have quoted for the shell: JSON is one of them. */
function shellWords(words: readonly string[], line: string): readonly string[] {
  const json = /\{.*\}|\[.*\]/s.exec(line)?.[0];
  if (json === undefined) return words;
  const before = chatLine(line.slice(0, line.indexOf(json))).words.map((word) => word.text);
  const after = chatLine(line.slice(line.indexOf(json) + json.length)).words.map((word) => word.text);
  return [...before.filter((word, index) => index > 0 || word !== "micro"), json, ...after];
}

function own(): Makers {
  return { ...makers, registry: async () => shared() };
}

async function text(stream: PassThrough): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += chunk;
  return all;
}

function steps(file: string): readonly Step[] {
  const blocks = file.split(/^> /m).slice(1);
  return blocks.map((block) => {
    const [line = "", ...rest] = block.split("\n");
    return { line, expected: rest.map((text) => text.trim()).filter((text) => text !== "" && !text.startsWith("#")) };
  });
}

function expectSaid(said: string, expected: readonly string[]): void {
  const plain = said.replace(/\s+/g, " ");
  let at = 0;
  for (const part of expected) {
    const found = plain.indexOf(part.replace(/\s+/g, " "), at);
    expect(found, `${JSON.stringify(part)} in ${said}`).toBeGreaterThanOrEqual(0);
    at = found + part.length;
  }
}
