import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { greeter } from "../../examples/greeter.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Service } from "../../src/core/service.ts";
import { type FakeSlack, fakeSlack } from "../fakes/slack.ts";

/* The built program against the fake Slack: killed, told to leave, started without a token. */

const bin = join(import.meta.dirname, "../../dist/bin/micro.js");
let slack: FakeSlack;
let folder: string;
let service: Service;
let calls: string[];
let address: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  slack = await fakeSlack({ ackMs: 500 });
  folder = mkdtempSync(join(tmpdir(), "micro-e2e-"));
  writeFileSync(join(folder, "policy.yaml"), "members: ['service:call']\n");
  calls = [];
  const registry = memoryRegistry()();
  service = greeter({ registry, address: "127.0.0.1:0", drainMs: 100 });
  service.server.handleRaw("Say.Slow", async (input, { signal }) => {
    calls.push(JSON.stringify(input));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1500);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return { done: true };
  });
  await service.start();
  address = service.server.address;
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
  await service.stop();
  await slack.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(env: Record<string, string> = {}) {
  const child = spawn(
    process.execPath,
    [bin, "--registry=memory", "--server_address=127.0.0.1:0", "bot", "--inputs=slack"],
    {
      env: {
        PATH: process.env["PATH"],
        MICRO_SLACK_TOKEN: slack.token,
        MICRO_SLACK_APP_TOKEN: slack.appToken,
        MICRO_SLACK_API_URL: slack.apiUrl,
        MICRO_STATE_DIR: folder,
        MICRO_BOT_POLICY: join(folder, "policy.yaml"),
        ...env,
      },
    },
  );
  children.push(child);
  const said = { out: "", err: "" };
  child.stdout.on("data", (data) => {
    said.out += data;
  });
  child.stderr.on("data", (data) => {
    said.err += data;
  });
  return { child, said };
}

const connected = () => expect.poll(() => slack.sockets.open, { timeout: 10_000 }).toBeGreaterThan(0);
const answered = (count: number) => expect.poll(() => slack.posts.length, { timeout: 10_000 }).toBe(count);

describe("the bot as a process", () => {
  it("after kill -9 in the middle of a command reports it, and does not repeat it", { timeout: 40_000 }, async () => {
    const first = start();
    await connected();
    const said = slack.say(`micro call x Say.Slow {"n":1} --address ${address}`);
    await expect.poll(() => calls.length, { timeout: 10_000 }).toBe(1);
    first.child.kill("SIGKILL");
    await once(first.child, "exit");

    start();
    await answered(1);
    expect(slack.posts[0]?.text).toContain("Say.Slow");
    expect(slack.posts[0]?.text).toContain("not repeated");
    slack.sockets.duplicate(said.eventIds[0] as string);
    slack.say(`micro call x Say.Hello {"name":"John"} --address ${address}`);
    await answered(2);
    expect(slack.posts[1]?.text).toContain("Hello John");
    expect(calls).toEqual(['{"n":1}']);
  });

  it("on SIGTERM finishes what runs, answers it and leaves with 0", async () => {
    const { child } = start();
    await connected();
    slack.say(`micro call x Say.Slow {"n":2} --address ${address}`);
    await expect.poll(() => calls.length, { timeout: 10_000 }).toBe(1);
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
    expect(slack.posts.at(-1)?.text).toContain('"done": true');
  });

  it.each([
    ["missing", { MICRO_SLACK_TOKEN: "" }, /missing slack token/],
    ["of the wrong kind", { MICRO_SLACK_APP_TOKEN: "xoxb-nothing" }, /xapp-/],
    ["refused", { MICRO_SLACK_TOKEN: "xoxb-1-refused" }, /token/],
  ])("with a token that is %s says so in one line and leaves with 1", async (_what, env, words) => {
    const { child, said } = start({ MICRO_LOG_LEVEL: "error", ...env });
    const [code] = await once(child, "exit");
    expect(code).toBe(1);
    expect(said.out).toBe("");
    expect(said.err.trim()).toMatch(words);
    expect(said.err.trim().split("\n")).toHaveLength(1);
    expect(said.err).not.toContain("refused-");
    expect(said.err).not.toContain(slack.token);
  });

  it("a second bot on the same state folder is a replica: what both hear is done by one", async () => {
    start();
    start();
    await expect.poll(() => slack.sockets.open, { timeout: 20_000 }).toBe(2);
    const said = slack.say(`micro call x Say.Slow {"n":1} --address ${address}`);
    for (let n = 0; n < 4; n++) slack.sockets.duplicate(said.eventIds[0] as string);
    await answered(1);
    slack.say("micro replicas");
    await answered(2);
    expect(slack.posts[1]?.text.match(/slack/g)).toHaveLength(2);
    expect(slack.posts[1]?.text.match(/leads/g)).toHaveLength(1);
    expect(calls).toEqual(['{"n":1}']);
  });
});
