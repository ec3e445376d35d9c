import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Script } from "node:vm";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mdnsRegistry } from "../../src/core/registry/mdns.ts";
import { createService, type Service } from "../../src/core/service.ts";

const MICRO = resolve(import.meta.dirname, "../../dist/bin/micro.js");
const QUICKSTART = resolve(import.meta.dirname, "../../dist/examples/quickstart.js");
const HERE = "--registry_address=127.0.0.1";

describe.skipIf(!existsSync(MICRO))("the built program (wants a build)", () => {
  const running: ChildProcessWithoutNullStreams[] = [];
  let folder: string;
  let service: Service;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "micro-main-"));
    service = createService({
      name: "go.micro.srv.built",
      version: "1",
      address: "127.0.0.1:0",
      registry: mdnsRegistry({ addresses: ["127.0.0.1"] })(),
    });
    service.server.handleRaw("Say.Hello", async (input) => ({ msg: `Hello ${(input as { name: string }).name}` }));
    await service.start();
  });
  afterEach(() => {
    for (const child of running.splice(0)) child.kill("SIGKILL");
  });
  afterAll(async () => {
    await service.stop();
    await rm(folder, { recursive: true });
  });

  const start = (script: string, ...args: readonly string[]) => {
    const child = spawn(process.execPath, [script, ...args], {
      env: { PATH: process.env["PATH"], HOME: folder, MICRO_STATE_DIR: folder },
    });
    running.push(child);
    return child;
  };
  const finished = async (child: ChildProcessWithoutNullStreams) => {
    const [stdout, stderr, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number | string | null>((done) => child.on("close", (code, signal) => done(code ?? signal))),
    ]);
    return { code, stdout, stderr };
  };
  const micro = (...args: readonly string[]) => finished(start(MICRO, ...args));

  it("answers questions about itself from what the build stored, as it would live", async () => {
    const [stored, live] = [await micro("help", "call"), await micro("--registry=memory", "help", "call")];
    expect(stored).toMatchObject({ code: 0, stderr: "" });
    expect(stored).toEqual(live);
    expect((await micro("--version")).stdout).toMatch(/^micro version \d+\.\d+\.\d+\n$/);
  });

  it("brings code that this Node takes", () => {
    const bin = resolve(MICRO, "..");
    const body = readFileSync(join(bin, "program.body.js"), "utf8");
    const { cachedDataRejected } = new Script(
      `(function (exports, require, module, __filename, __dirname, __load) {${body}\n})`,
      { cachedData: readFileSync(join(bin, "program.cache")) },
    );
    expect(cachedDataRejected).toBe(false);
  });

  it("finds and calls a service of another process", async () => {
    expect((await micro(HERE, "list", "services")).stdout).toContain("go.micro.srv.built\n");
    expect(await micro(HERE, "call", "go.micro.srv.built", "Say.Hello", '{"name":"John"}')).toEqual({
      code: 0,
      stdout: '{\n\t"msg": "Hello John"\n}\n',
      stderr: "",
    });
    expect((await micro(HERE, "health", "go.micro.srv.built")).stdout).toMatch(/\t\tok\n$/);
    expect((await micro(HERE, "stats", "go.micro.srv.built")).stdout).toMatch(/mb\t\d+\t/);
  });

  it("says on stderr what is wrong, and exits with 1", async () => {
    expect(await micro(HERE, "get", "service", "go.micro.srv.nope")).toEqual({
      code: 1,
      stdout: "",
      stderr: "Service not found\n",
    });
  });

  it("does not mind that nobody reads", async () => {
    const child = start(MICRO, HERE, "list", "services");
    child.stdout.destroy();
    const [stderr, code] = await Promise.all([text(child.stderr), new Promise((done) => child.on("exit", done))]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });

  it("runs a bot in a pipe", async () => {
    const child = start(MICRO, HERE, "--server_address=127.0.0.1:0", "bot", "--inputs=terminal");
    child.stdin.end('ping\nmicro call go.micro.srv.built Say.Hello {"name":"Ann"}\n');
    const { code, stdout, stderr } = await finished(child);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^pong\n\{\n.*"Hello Ann"\n\}\n$/);
  });

  it.each(["SIGTERM", "SIGINT"] as const)("leaves at %s, deregistered", async (signal) => {
    const child = start(
      MICRO,
      HERE,
      "--server_address=127.0.0.1:0",
      "--server_name=leaving",
      "bot",
      "--inputs=terminal",
    );
    child.stdin.write("ping\n");
    await new Promise((done) => child.stdout.once("data", done));
    await until(async () => (await service.registry.list()).includes("leaving"));
    child.kill(signal);
    expect(await finished(child)).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await service.registry.list()).not.toContain("leaving");
  });

  it("stays while its network is away", async () => {
    const child = start(
      MICRO,
      "--registry=memory",
      "--server_address=127.0.0.1:0",
      "bot",
      "--inputs=slack",
      "--slack_token=xoxb-1-planted",
      "--slack_app_token=xapp-1-planted",
      // Nobody listens there.
      "--slack_api_url=http://127.0.0.1:9/api/",
    );
    let log = "";
    child.stderr.on("data", (chunk) => {
      log += String(chunk);
    });
    await until(async () => log.includes("trying again"));
    expect(log).not.toContain("planted");
    await new Promise((done) => setTimeout(done, 1500));
    expect(child.exitCode).toBeNull();
    child.kill("SIGTERM");
    expect((await finished(child)).code).toBe(0);
  });

  it("lets a newcomer script the quick start", async () => {
    const child = start(QUICKSTART);
    child.stdin.end(
      'list services\ncall go.micro.srv.greeter Say.Hello {"name":"John"}\nhealth go.micro.srv.greeter\nhelp call\n',
    );
    const { code, stdout, stderr } = await finished(child);
    expect(code).toBe(0);
    expect(stderr.trim().split("\n")).toHaveLength(3);
    expect(stdout.split("\n")).toEqual(
      expect.arrayContaining(["go.micro.srv.greeter", expect.stringContaining('"msg": "Hello John"')]),
    );
    expect(stdout).toMatch(/ ok\ncall <service>/);
  });
});

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = "";
  try {
    for await (const chunk of stream) all += String(chunk);
  } catch {
    // destroyed: nobody reads it
  }
  return all;
}

async function until(check: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 8000;
  while (!(await check())) {
    if (Date.now() > end) throw new Error("it did not come to that in 8 s");
    await new Promise((done) => setTimeout(done, 10));
  }
}
