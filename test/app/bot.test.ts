import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { INPUTS } from "../../src/app/inputs.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { hubotChat } from "../fakes/hubot-chat.ts";
import { collector, ended, runProgram } from "../fakes/run-program.ts";
import { type FakeSlack, fakeSlack } from "../fakes/slack.ts";
import { SERVICES } from "../golden/records.ts";

const KNOWN = Object.keys(INPUTS).join(", ");

describe("micro bot", () => {
  let stateDir: string;
  let registry: Registry;
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), "micro-bot-"));
    registry = memoryRegistry({ services: SERVICES })();
  });
  afterEach(async () => {
    await rm(stateDir, { recursive: true });
  });

  const bot = (args: readonly string[], init: Parameters<typeof runProgram>[1] = {}) =>
    runProgram([`--state_dir=${stateDir}`, "--server_address=127.0.0.1:0", "--transport=memory", "bot", ...args], {
      makers: {
        registry: async () => registry,
        client: async () => cannedClient({ "Say.Hello": '{"msg":"Hello John"}', "Debug.Health": '{"status":"ok"}' }),
      },
      ...init,
    });

  it("answers the lines of a pipe, in their order, and ends with it", async () => {
    const stdin = ended(
      "list services",
      "nonsense",
      'micro call go.micro.srv.greeter Say.Hello {"name":"John"}',
      "",
      "ping",
    );
    const { code, stdout, stderr } = await bot(["--inputs=terminal"], { stdin });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /^(.*\n)*go\.micro\.srv\.greeter\n(.*\n)*there is no command "nonsense".*\n\{\n.*"msg": "Hello John"\n\}\npong\n$/,
    );
  });

  it("tells who starts it in a terminal where it listens and what to type, and a file nothing but JSON", async () => {
    for (const isTTY of [true, false]) {
      const leaving = new AbortController();
      const stderr = Object.assign(collector(), { isTTY });
      const run = bot(["--inputs=local"], { stderr, signal: leaving.signal });
      const connected = isTTY ? /INFO {2}connected input=local\n/ : /"input":"local","msg":"connected"\}\n/;
      await expect.poll(() => stderr.text(), { timeout: 20_000 }).toMatch(connected);
      await until(async () => (await registry.list()).includes("go.micro.bot"));
      const where = `I listen in local: type \`micro --state_dir=${stateDir} chat\` in another terminal of this machine; Ctrl+C ends me\n`;
      if (isTTY) await expect.poll(() => stderr.text()).toContain(where);
      leaving.abort();
      await run;
      if (!isTTY) for (const line of stderr.text().trim().split("\n")) JSON.parse(line);
    }
  });

  it("takes longer scripts than people may talk", async () => {
    const stdin = ended(...Array.from({ length: 700 }, (_, i) => `echo ${i}`));
    const { stdout } = await bot(["--inputs=terminal"], { stdin });
    expect(stdout).toBe(Array.from({ length: 700 }, (_, i) => `${i}\n`).join(""));
  });

  it("is registered while it runs, and leaves when told to", async () => {
    const leaving = new AbortController();
    const stdin = new PassThrough();
    const stdout = collector();
    const run = bot(["--inputs=terminal"], { stdin, stdout, signal: leaving.signal });
    stdin.write("ping\n");
    await until(() => stdout.text() === "pong\n");
    await until(async () => (await registry.list()).includes("go.micro.bot"));
    const [record] = await registry.get("go.micro.bot");
    expect(record?.endpoints).toEqual([]);
    leaving.abort();
    expect(await run).toMatchObject({ code: 0, stderr: "" });
    expect(await registry.list()).not.toContain("go.micro.bot");
  });

  it("registers under another name when it is given one", async () => {
    const stdin = ended("list services");
    expect((await bot(["--inputs=terminal", "--namespace=go.micro.chat"], { stdin })).code).toBe(0);
    const leaving = new AbortController();
    const run = bot(["--inputs=terminal"], {
      stdin: new PassThrough(),
      signal: leaving.signal,
      env: { MICRO_SERVER_NAME: "ops.bot", MICRO_SERVER_METADATA: "zone=eu" },
    });
    await until(async () => (await registry.list()).includes("ops.bot"));
    expect((await registry.get("ops.bot"))[0]?.nodes[0]?.metadata).toMatchObject({ zone: "eu" });
    leaving.abort();
    await run;
  });

  it.each([
    [[], {}, `no inputs specified: give --inputs=${KNOWN}\n`],
    [["--inputs=irc"], {}, `--inputs: no input is called "irc"; there are ${KNOWN}\n`],
    [["--inputs=hubot"], {}, '--inputs: the input "hubot" needs a name behind a colon: a package or a path\n'],
    [[], { MICRO_BOT_INPUTS: "irc" }, `MICRO_BOT_INPUTS: no input is called "irc"; there are ${KNOWN}\n`],
    [["--inputs=slack"], {}, "missing slack token: give --slack_token or MICRO_SLACK_TOKEN (xoxb-…)\n"],
    [
      ["--inputs=slack"],
      { MICRO_SLACK_TOKEN: "xoxb-1-secret" },
      "missing slack app token: give --slack_app_token or MICRO_SLACK_APP_TOKEN (xapp-…), or for HTTP --slack_signing_secret\n",
    ],
    [["--inputs=terminal", "now"], {}, 'bot does not know what to do with "now"\n'],
    [["--input=terminal"], {}, "unknown option --input; did you mean --inputs?\n"],
  ])("refuses %j with %j in one line", async (args, env, stderr) => {
    expect(await bot(args, { env })).toEqual({ code: 1, stdout: "", stderr });
  });

  it("refuses a policy that cannot be read, or makes no sense", async () => {
    const path = join(stateDir, "policy.yaml");
    const args = ["--inputs=terminal", `--policy=${path}`];
    expect(await bot(args)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^policy .* cannot be read: .*\n$/),
    });
    await writeFile(path, "members: [everything]\n");
    expect(await bot(args)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^policy .*members.*area:verb.*\n$/),
    });
  });

  it("obeys the policy", async () => {
    const path = join(stateDir, "policy.yaml");
    await writeFile(path, "members: []\n");
    const stdin = ended("call go.micro.srv.greeter Say.Hello {}", "health go.micro.srv.geo");
    const { code, stdout } = await bot(["--inputs=terminal", `--policy=${path}`], { stdin });
    expect(code).toBe(0);
    expect(stdout).toMatch(/service:call.*\n(.*\n)*service {2}go\.micro\.srv\.geo\n/);
    expect(stdout).not.toContain("Hello John");
  });

  it("talks through any Hubot adapter, several of them, with what their environment says", async () => {
    await using chat = await hubotChat();
    const file = join(chat.init.cwd, "hubot-adapter.mjs");
    const leaving = new AbortController();
    const run = bot([`--inputs=hubot:${file},hubot:./test/fakes/hubot-adapter.mjs`, `--hubot_trusted=${file}`], {
      signal: leaving.signal,
      env: chat.init.env,
    });
    await until(() => chat.links() === 2);
    chat.say("@micro list services");
    await until(() => chat.posts.length === 2);
    const answers = chat.posts.map(({ text }) => text).sort();
    // Of the one that is not trusted everybody is a guest.
    expect(answers).toEqual([
      expect.stringContaining("go.micro.srv.greeter"),
      expect.stringContaining("you are a guest here"),
    ]);
    leaving.abort();
    expect((await run).code).toBe(0);
  });

  describe("in Slack", () => {
    let slack: FakeSlack;
    beforeEach(async () => {
      slack = await fakeSlack();
    });
    afterEach(() => slack.close());
    const env = () => ({
      MICRO_SLACK_TOKEN: slack.token,
      MICRO_SLACK_APP_TOKEN: slack.appToken,
      MICRO_SLACK_API_URL: slack.apiUrl,
      MICRO_BOT_INPUTS: "slack",
      MICRO_LOG_LEVEL: "debug",
    });

    it("answers, writes a journal, and never shows a token", async () => {
      const leaving = new AbortController();
      const run = bot([], { env: env(), signal: leaving.signal });
      await until(() => slack.sockets.open > 0);
      slack.say("@micro list services");
      await until(() => slack.posts.length > 0);
      expect(slack.posts[0]?.text).toContain("go.micro.srv.greeter");
      leaving.abort();
      const { code, stdout, stderr } = await run;
      expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
      expect(await readdir(stateDir)).toContain("store.sqlite");
      expect(stderr).toContain("audit");
      expect(stderr).not.toMatch(/planted|xox|xapp/);
    });

    it("says in one line that a token was refused", async () => {
      const refused = { ...env(), MICRO_SLACK_TOKEN: "xoxb-9-planted-but-wrong", MICRO_LOG_LEVEL: "error" };
      const { code, stdout, stderr } = await bot([], { env: refused });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^[^\n]*slack[^\n]*\n$/i);
      expect(stderr).not.toContain("planted");
    });
  });
});

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 8000;
  while (!(await check())) {
    if (Date.now() > end) throw new Error("it did not come to that in 8 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
