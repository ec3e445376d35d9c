import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { freePort } from "../fakes/free-port.ts";
import { runProgram } from "../fakes/run-program.ts";
import { type FakeSlack, fakeSlack } from "../fakes/slack.ts";
import { type SlackRequests, slackRequests } from "../fakes/slack-http.ts";
import { SERVICES } from "../golden/records.ts";

describe("micro bot with Slack over HTTP", () => {
  let stateDir: string;
  let port: number;
  let requests: SlackRequests;
  let slack: FakeSlack;
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), "micro-bot-"));
    port = await freePort();
    requests = slackRequests({ port, path: "/hooks/slack" });
    slack = await fakeSlack({ deliveries: requests });
  });
  afterEach(async () => {
    requests.close();
    await slack.close();
    await rm(stateDir, { recursive: true });
  });

  const bot = (env: Readonly<Record<string, string>>, signal?: AbortSignal) => {
    const registry = memoryRegistry({ services: SERVICES })();
    const args = [`--state_dir=${stateDir}`, "--server_address=127.0.0.1:0", "--transport=memory", "bot"];
    const makers = { registry: async () => registry, client: async () => cannedClient({}) };
    return runProgram(args, { makers, env: { MICRO_BOT_INPUTS: "slack", ...env }, ...(signal && { signal }) });
  };

  it("answers what is signed, once however often it comes, and nothing else", async () => {
    const leaving = new AbortController();
    const env = {
      MICRO_SLACK_TOKEN: slack.token,
      MICRO_SLACK_SIGNING_SECRET: requests.signingSecret,
      MICRO_SLACK_ADDRESS: `127.0.0.1:${port}`,
      MICRO_SLACK_PATH: "/hooks/slack",
      MICRO_SLACK_API_URL: slack.apiUrl,
      MICRO_LOG_LEVEL: "debug",
    };
    const run = bot(env, leaving.signal);
    await vi.waitFor(async () => expect((await requests.send("{}", { secret: "x" })).status).toBe(401), 10_000);
    const said = slack.say("@micro list services");
    await vi.waitFor(() => expect(slack.acked(said)).toBe(true), 10_000);
    for (const id of said.eventIds) requests.duplicate(id);
    slack.say("@micro ping");
    await vi.waitFor(() => expect(slack.posts.at(-1)?.text).toBe("pong"), 10_000);
    expect(slack.posts.map(({ text }) => text)).toEqual([expect.stringContaining("go.micro.srv.greeter"), "pong"]);
    leaving.abort();
    const { code, stdout, stderr } = await run;
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).not.toContain("planted");
  });

  it.each([
    ["no secret", { MICRO_SLACK_ADDRESS: ":3000" }, "missing slack signing secret"],
    ["both ways", { MICRO_SLACK_SIGNING_SECRET: "x", MICRO_SLACK_APP_TOKEN: "xapp-1-planted" }, "not both"],
  ])("%s: it does not start", async (_what, env, words) => {
    const { code, stderr } = await bot({ MICRO_SLACK_TOKEN: slack.token, ...env });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]*\n$/);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain("planted");
  });
});
