import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, describe, expect, it } from "vitest";
import { STORES } from "../../src/app/known.ts";
import { readOptions } from "../../src/app/options.ts";
import { makers } from "../../src/app/parts.ts";
import { BOT } from "../../src/app/settings.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silent } from "../../src/core/log.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Kv } from "../../src/platform/kv/kv.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { collector, ended, runProgram } from "../fakes/run-program.ts";

const folder = mkdtempSync(join(tmpdir(), "micro-store-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const make = (args: readonly string[], usual: keyof typeof STORES = "sqlite"): Promise<Kv> => {
  const { settings } = readOptions(BOT, args, {});
  return makers.store(usual, settings, { clock: systemClock, log: silent, stateDir: join(folder, "state") });
};

describe("--store", () => {
  it.each(Object.keys(STORES))("knows %s", async (name) => {
    expect((await make([`--store=${name}`])).kind).toBe(name);
  });

  it("is what is usual for the inputs unless it is said", async () => {
    expect((await make([])).kind).toBe("sqlite");
    expect((await make([], "memory")).kind).toBe("memory");
    expect((await make(["--store=memory"])).kind).toBe("memory");
  });

  it("keeps a file in the state folder, or where it is told", async () => {
    const elsewhere = join(folder, "elsewhere.sqlite");
    for (const [args, path] of [
      [[], join(folder, "state", "store.sqlite")],
      [["--store=sqlite", `--store_address=${elsewhere}`], elsewhere],
    ] as const) {
      const store = await make(args);
      await store.start();
      await store.stop();
      expect(existsSync(path)).toBe(true);
    }
  });

  it("goes to the address that it is given", async () => {
    for (const name of ["nats", "etcd", "consul", "postgres"]) {
      const store = await make([`--store=${name}`, "--store_address=127.0.0.1:1"]);
      await expect(store.start({ timeoutMs: 2000 })).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("127.0.0.1:1"),
      });
      await store.stop();
    }
  });

  it("takes one address of PostgreSQL", async () => {
    const args = ["--store=postgres", "--store_address=one,two"];
    await expect(make(args)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("one"),
    });
  });

  const bot = (args: readonly string[], store?: Kv, init: Parameters<typeof runProgram>[1] = {}) =>
    runProgram(
      [`--state_dir=${join(folder, "bot")}`, "--server_address=127.0.0.1:0", "--transport=memory", "bot", ...args],
      {
        makers: {
          registry: async () => memoryRegistry()(),
          client: async () => cannedClient({}),
          ...(store && { store: async () => store }),
        },
        ...init,
      },
    );

  it("names those there are when it is told another", async () => {
    const { code, stderr } = await bot(["--inputs=terminal", "--store=redis"]);
    expect(code).toBe(1);
    expect(stderr).toContain(`there are ${Object.keys(STORES).join(", ")}`);
  });

  it("is started before the bot answers, and stopped after it", async () => {
    const events: string[] = [];
    const kv = memoryKv();
    const store: Kv = {
      ...kv,
      start: async (options) => {
        events.push("start");
        await kv.start(options);
      },
      stop: async () => {
        events.push(`stop ${stdout.text().includes("pong")}`);
        await kv.stop();
      },
    };
    const stdout = collector();
    const { code, stderr } = await bot(["--inputs=terminal"], store, { stdin: ended("ping"), stdout });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(events).toEqual(["start", "stop true"]);
  });

  it("keeps the bot from starting when it is away, which says so without a password", async () => {
    const { code, stderr } = await bot(
      ["--inputs=terminal", "--store=postgres", "--store_address=postgres://bot:s3cret-word@127.0.0.1:1/bot"],
      undefined,
      { stdin: new PassThrough() },
    );
    expect(code).toBe(1);
    expect(stderr).toContain("postgres at 127.0.0.1:1");
    expect(stderr).not.toContain("s3cret-word");
  });
});
