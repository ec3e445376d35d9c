import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { provenChat } from "../fakes/chat-socket.ts";
import { collector, ended, runProgram } from "../fakes/run-program.ts";
import { screen } from "../fakes/screen.ts";
import { type FakeSlack, fakeSlack } from "../fakes/slack.ts";
import { SERVICES } from "../golden/records.ts";

const MICRO = resolve(import.meta.dirname, "../../dist/bin/micro.js");
const ME = userInfo().username;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "micro-chat-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("micro chat", () => {
  const running: { leaving: AbortController; run: Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const { leaving, run } of running.splice(0)) {
      leaving.abort();
      await run;
    }
  });

  /** A bot that listens, and how to end it. */
  const bot = async (args: readonly string[] = ["--inputs=local"], path = join(folder, "chat.sock")) => {
    const leaving = new AbortController();
    const stderr = collector();
    const run = runProgram(
      [`--state_dir=${folder}`, "--server_address=127.0.0.1:0", "--transport=memory", "bot", ...args],
      {
        stderr,
        signal: leaving.signal,
        makers: {
          registry: async () => memoryRegistry({ services: SERVICES })(),
          client: async () => cannedClient({ "Say.Hello": '{"msg":"Hello John"}', "Debug.Health": '{"status":"ok"}' }),
        },
      },
    );
    running.push({ leaving, run });
    await Promise.race([run, until(() => existsSync(`${path}.proof`))]);
    return { stderr, leave: () => leaving.abort() };
  };
  const chat = (init: Parameters<typeof runProgram>[1] = {}, ...args: readonly string[]) =>
    runProgram(["chat", `--state_dir=${folder}`, ...args], { env: { HOME: folder }, ...init });

  it("answers the lines of a pipe, in their order, and ends with it", async () => {
    await bot();
    const stdin = ended("list services", 'micro call go.micro.srv.greeter Say.Hello {"name":"John"}', "", "ping");
    const { code, stdout, stderr } = await chat({ stdin });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^(.*\n)*go\.micro\.srv\.greeter\n(.*\n)*\{\n.*"msg": "Hello John"\n\}\npong\n$/);
  });

  it("tells a script that a line failed", async () => {
    await bot();
    const { code, stdout, stderr } = await chat({ stdin: ended("nonsense", "ping") });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "a line failed\n" });
    expect(stdout).toMatch(/^there is no command "nonsense".*\npong\n$/);
    expect(await chat({ stdin: ended("a", "b") })).toMatchObject({ code: 1, stderr: "2 lines failed\n" });
  });

  it("asks before it changes things, and takes the answer from the next line", async () => {
    await bot();
    const record = '{"name":"s","version":"1","nodes":[{"id":"s-1","address":"127.0.0.1","port":1}]}';
    const { code, stdout } = await chat({ stdin: ended(`register service ${record}`, "yes", "list services") });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^this changes things.*\ntouches s .*\n.*yes.*\nok\n(.*\n)*s\n/);
  });

  it("is a terminal with prompt, history and completion", async () => {
    await bot();
    const there = screen({ columns: 100 });
    const chatting = chat({ stdin: there.input, stdout: there.output });
    const hello = `the running bot, to you as local:${ME}; \`help\` shows what can be said, Ctrl-D leaves\n`;
    await there.shows(`${hello}micro> `);
    there.type("pin\t");
    await there.shows(`${hello}micro> ping `);
    there.type("\r");
    await there.shows(`${hello}micro> ping \npong\nmicro> `);
    there.type("health go.micro.srv.gr\t");
    await there.shows(`${hello}micro> ping \npong\nmicro> health go.micro.srv.greeter `);
    there.type("\u0003");
    const after = `${hello}micro> ping \npong\nmicro> health go.micro.srv.greeter \n`;
    await there.shows(`${after}micro> `);
    there.type("\u001b[A");
    await there.shows(`${after}micro> ping `);
    there.type("\u0015\u0004");
    expect((await chatting).code).toBe(0);
    expect(readFileSync(join(folder, ".local/state/micro-bot/history"), "utf8")).toBe("ping \n");
  });

  it("says that the bot leaves, and ends", async () => {
    const { leave } = await bot();
    const there = screen({ columns: 100 });
    const chatting = chat({ stdin: there.input, stdout: there.output });
    await until(() => there.text().endsWith("micro> "));
    leave();
    expect(await chatting).toMatchObject({ code: 1, stderr: "the bot is leaving\n" });
  });

  it("takes what is said to it as an argument for a mistake, and says how it is done", async () => {
    expect(await chat({}, "ping")).toEqual({
      code: 1,
      stdout: "",
      stderr: "chat takes what is said from the terminal or a pipe: echo 'ping' | micro chat\n",
    });
  });

  it("explains itself", async () => {
    const { code, stdout } = await runProgram(["help", "chat"]);
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "NAME:",
        "   micro chat - Talk to the bot that runs on this machine",
        "",
        "USAGE:",
        "   micro [global options] chat [command options]",
        "",
        "OPTIONS:",
        "   --chat_socket <value>   where `micro chat` finds the bot; chat.sock in the state folder if not given [$MICRO_CHAT_SOCKET]",
        "",
        "EXAMPLES:",
        "   micro chat",
        "   ssh -t host micro chat",
        "   echo 'list services' | micro chat",
        "",
        "",
      ].join("\n"),
    );
    expect((await runProgram(["help"])).stdout).toMatch(/^ {3}chat +Talk to the bot that runs on this machine$/m);
  });

  it("says where it looked for a bot", async () => {
    const { code, stderr } = await chat({ stdin: ended("ping") });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `no bot listens at ${folder}/chat.sock; name the --state_dir or --chat_socket that it was started with\n`,
    );
  });

  it("finds the bot at --chat_socket, and tells of one that is too long", async () => {
    const path = join(folder, "elsewhere.sock");
    const { leave } = await bot(["--inputs=local", `--chat_socket=${path}`], path);
    const said = await chat({ stdin: ended("ping") }, `--chat_socket=${path}`);
    expect(said).toEqual({ code: 0, stdout: "pong\n", stderr: "" });
    leave();
    const long = `/${"x".repeat(120)}`;
    expect(await chat({}, `--chat_socket=${long}`)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^the socket's path is 121 bytes long and may be 10[37]: .*; give a shorter --chat_socket\n$/,
      ),
    });
  });

  it("leaves an audit record like any input", async () => {
    const { stderr } = await bot();
    await chat({ stdin: ended("ping") });
    const records = collected(stderr.text()).filter(({ msg }) => msg === "audit");
    expect(records).toMatchObject([
      { caller: `local:${ME}`, text: "ping", outcome: "ok", room: expect.stringMatching(/./) },
    ]);
  });

  it("obeys the policy file, for the bot's own user, too", async () => {
    writeFileSync(join(folder, "policy.yaml"), "members: []\n");
    await bot(["--inputs=local", `--policy=${folder}/policy.yaml`]);
    const refused = await chat({ stdin: ended("call go.micro.srv.greeter Say.Hello {}") });
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining(`local:${ME}`) });
  });
});

describe("micro chat beside chat networks", () => {
  let slack: FakeSlack;
  beforeEach(async () => {
    slack = await fakeSlack();
  });
  afterEach(() => slack.close());
  const args = () => [`--state_dir=${folder}`, "--server_address=127.0.0.1:0", "--transport=memory", "bot"];
  const init = (signal: AbortSignal, stderr = collector()) => ({
    signal,
    stderr,
    env: {
      MICRO_SLACK_TOKEN: slack.token,
      MICRO_SLACK_APP_TOKEN: slack.appToken,
      MICRO_SLACK_API_URL: slack.apiUrl,
      MICRO_BOT_INPUTS: "slack",
    },
    makers: { registry: async () => memoryRegistry()(), client: async () => cannedClient({}) },
  });

  it("is there without being asked for", async () => {
    const leaving = new AbortController();
    const run = runProgram(args(), init(leaving.signal));
    await until(() => existsSync(join(folder, "chat.sock.proof")));
    const said = await runProgram(["chat", `--state_dir=${folder}`], { stdin: ended("ping") });
    expect(said).toEqual({ code: 0, stdout: "pong\n", stderr: "" });
    leaving.abort();
    expect((await run).code).toBe(0);
    expect(readdirSync(folder).filter((name) => name.startsWith("chat"))).toEqual([]);
  });

  it("does not hold up a bot that cannot have it", async () => {
    writeFileSync(join(folder, "chat.sock"), "in the way");
    const leaving = new AbortController();
    const stderr = collector();
    const run = runProgram(args(), init(leaving.signal, stderr));
    await until(() => slack.sockets.open > 0);
    slack.say("@micro ping");
    await until(() => slack.posts.length > 0);
    leaving.abort();
    expect((await run).code).toBe(0);
    expect(readFileSync(join(folder, "chat.sock"), "utf8")).toBe("in the way");
  });

  it("does not keep a bot that every network refuses", async () => {
    const refused = init(new AbortController().signal);
    const { code } = await runProgram(args(), {
      ...refused,
      env: { ...refused.env, MICRO_SLACK_TOKEN: "xoxb-1-wrong" },
    });
    expect(code).toBe(1);
    expect(readdirSync(folder).filter((name) => name.startsWith("chat"))).toEqual([]);
  });
});

describe.skipIf(!existsSync(MICRO))("micro chat as a process (wants a build)", () => {
  const children: ChildProcessWithoutNullStreams[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
    }
  });
  const start = (command: readonly string[], env: Record<string, string> = {}) => {
    const [program = "", ...args] = command;
    const child = spawn(program, args, { env: { PATH: process.env["PATH"], HOME: folder, ...env }, cwd: "/" });
    children.push(child);
    child.stdin.on("error", () => {});
    return child;
  };
  const finished = async (child: ChildProcessWithoutNullStreams, input?: string) => {
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (data) => {
      stdout += data;
    });
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    if (input !== undefined) child.stdin.end(input);
    const [code] = await once(child, "close");
    return { code, stdout, stderr };
  };
  const micro = [process.execPath, MICRO];
  const bot = async (socket = "") => {
    const at = socket === "" ? [] : [`--chat_socket=${socket}`];
    const options = ["--registry=memory", "--server_address=127.0.0.1:0", `--state_dir=${folder}`];
    const child = start([...micro, ...options, "bot", "--inputs=local", ...at]);
    let log = "";
    child.stderr.on("data", (data) => {
      log += data;
    });
    await until(() => log.includes("connected"));
    return { child, log: () => log };
  };
  const chat = (input: string, socket = join(folder, "chat.sock"), as: readonly string[] = [], env = {}) =>
    finished(start([...as, ...micro, "chat", `--chat_socket=${socket}`], env), input);

  it("talks through pipes", async () => {
    await bot();
    expect(await chat("ping\n")).toEqual({ code: 0, stdout: "pong\n", stderr: "" });
  });

  it("outlives kill -9 of the bot: it is told, and the next bot takes the socket", async () => {
    const { child } = await bot();
    const waiting = start([...micro, "chat", `--state_dir=${folder}`]);
    const over = finished(waiting);
    waiting.stdin.write("ping\n");
    await once(waiting.stdout, "data");
    child.kill("SIGKILL");
    expect(await over).toMatchObject({ code: 1, stderr: expect.stringContaining("hung up") });
    expect(await chat("ping\n")).toMatchObject({ code: 1, stderr: expect.stringContaining("start it again") });
    await bot();
    expect(await chat("ping\n")).toEqual({ code: 0, stdout: "pong\n", stderr: "" });
  });

  it("may be killed in the middle of an answer", async () => {
    const { child, log } = await bot();
    const dying = start([...micro, "chat", `--state_dir=${folder}`]);
    dying.stdin.write("ping\n");
    await once(dying.stdout, "data");
    dying.stdin.write("call x Y.Z --address 192.0.2.1:1 {}\n");
    await until(() => log().includes("ping"));
    dying.kill("SIGKILL");
    expect(await chat("ping\n")).toEqual({ code: 0, stdout: "pong\n", stderr: "" });
    child.kill("SIGTERM");
    expect((await once(child, "exit"))[0]).toBe(0);
  });

  it("ends at SIGTERM, and does not mind that nobody reads", async () => {
    await bot();
    const waiting = start([...micro, "chat", `--state_dir=${folder}`]);
    waiting.stdin.write("ping\n");
    await once(waiting.stdout, "data");
    waiting.kill("SIGTERM");
    expect((await once(waiting, "exit"))[0]).toBe(1);
    const unread = start([...micro, "chat", `--state_dir=${folder}`]);
    unread.stdout.destroy();
    unread.stdin.end("help\nhelp\n");
    await once(unread, "exit");
  });

  const mayBecome = process.getuid?.() === 0 && existsSync("/usr/bin/setpriv");
  describe.skipIf(!mayBecome)("among users (wants root and setpriv)", () => {
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const daemon = ["setpriv", "--reuid=1", "--regid=1", "--clear-groups"];
    const stranger = ["setpriv", "--reuid=45678", "--regid=45678", "--clear-groups"];
    let socket: string;
    beforeEach(() => {
      chmodSync(folder, 0o711);
      mkdirSync(join(folder, "run"));
      chmodSync(join(folder, "run"), 0o755);
      socket = join(folder, "run/chat.sock");
    });

    it("Identity confusion (chat.md §6): is the user that the kernel knows, whatever the environment says", async () => {
      const { log } = await bot(socket);
      const claims = { USER: "root", LOGNAME: "root", SUDO_USER: "root" };
      await chat("ping\n", socket);
      await chat("ping\n", socket, nobody, claims);
      await chat("ping\n", socket, daemon, claims);
      await chat("ping\n", socket, stranger, claims);
      const callers = () => collected(log()).flatMap((record) => record["caller"] ?? []);
      await expect.poll(callers).toEqual(["local:root", "local:nobody", "local:daemon", "local:45678"]);
    });

    it("gives other users no more than members have, and names what is missing", async () => {
      await bot(socket);
      expect(await chat("list services\n", socket, nobody)).toMatchObject({ code: 0 });
      const refused = await chat("call x Y.Z {}\n", socket, nobody);
      expect(refused).toMatchObject({ code: 1, stdout: expect.stringMatching(/service:call.*local:nobody/) });
      const own = await chat("call x Y.Z {}\n", socket);
      expect(own.stdout).not.toContain("service:call");
    });

    it("is closed to other users in the state folder, who are told what to do", async () => {
      await bot();
      chmodSync(folder, 0o755);
      const { code, stderr } = await chat("ping\n", join(folder, "chat.sock"), nobody);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^you may not talk to the bot at .*sudo -u.*--chat_socket.*\n$/);
    });

    it("Identity confusion (chat.md §6): nobody gets by with another user's directory", async () => {
      await bot(socket);
      // What Eve has: a directory of root's that she may move, because it stands in a folder of hers.
      const eve = join(folder, "eve");
      mkdirSync(eve);
      mkdirSync(join(eve, "of-root"), 0o700);
      chownSync(eve, 65534, 65534);
      const trick = `
        const { connect } = require("node:net");
        const { renameSync, linkSync, symlinkSync } = require("node:fs");
        const socket = connect(${JSON.stringify(socket)});
        socket.setEncoding("utf8");
        socket.write('{"type":"hello","version":1}\\n');
        socket.on("data", (text) => {
          const message = JSON.parse(text.split("\\n")[0]);
          console.log(message.type === "prove" ? "asked" : text.trim());
          if (message.type !== "prove") process.exit();
          const proof = ${JSON.stringify(`${socket}.proof/`)} + message.name;
          try { renameSync(${JSON.stringify(join(eve, "of-root"))}, proof); } catch (error) { console.log(error.code); }
          try { symlinkSync("/root", proof); } catch (error) { console.log(error.code); }
          socket.write('{"type":"proved"}\\n');
        });`;
      const { stdout } = await finished(start([...nobody, process.execPath, "-e", trick]), "");
      expect(stdout).toMatch(/^asked\nEACCES\n.*"unauthenticated"/);
    });

    it("gives root and its own user what the bot may do, and others not", async () => {
      const home = join(folder, "of-nobody");
      mkdirSync(home);
      chownSync(home, 65534, 65534);
      chmodSync(home, 0o755);
      const at = join(home, "chat.sock");
      const options = ["--registry=memory", "--server_address=127.0.0.1:0", `--state_dir=${home}`];
      start([...nobody, ...micro, ...options, "bot", "--inputs=local", `--chat_socket=${at}`]);
      await until(() => existsSync(`${at}.proof`));
      expect((await chat("ping\n", at)).stdout).toBe("pong\n");
      expect((await chat("call x Y.Z {}\n", at, nobody)).stdout).not.toContain("service:call");
      expect((await chat("call x Y.Z {}\n", at, daemon)).stdout).toContain("service:call");
    });
  });

  it("takes a session that claims to be somebody for who it is", async () => {
    const { log } = await bot();
    const raw = await provenChat(join(folder, "chat.sock"), { user: "eve" });
    raw.write('{"type":"say","id":1,"text":"ping","user":"eve"}\n');
    await raw.next("answer");
    raw.destroy();
    await expect.poll(() => collected(log()).flatMap((record) => record["caller"] ?? [])).toEqual([`local:${ME}`]);
  });
});

function collected(log: string): readonly Record<string, unknown>[] {
  return log
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

async function until(check: () => boolean): Promise<void> {
  const end = Date.now() + 14_000;
  while (!check()) {
    if (Date.now() > end) throw new Error("it did not come to that in 14 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
