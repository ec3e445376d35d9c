import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import packages from "../../../package.json" with { type: "json" };
import { createInbox } from "../../../src/alerts/inbox.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { sqliteKv } from "../../../src/platform/kv/sqlite.ts";
import { fixture } from "./fixture.ts";
import { ask, bearer, TOKEN, waitingIn } from "./posting.ts";

// Where its packages are found.
const cache = join(
  resolve(import.meta.dirname, "../../.."),
  "node_modules",
  ".cache",
  `micro-receiving-${process.pid}`,
);
const bundle = join(cache, "child.mjs");
const folder = mkdtempSync(join(tmpdir(), "micro-receiving-"));

beforeAll(async () => {
  mkdirSync(cache, { recursive: true });
  await build({
    entryPoints: [join(import.meta.dirname, "receiving-child.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    external: Object.keys(packages.dependencies),
    logLevel: "silent",
  });
});
afterAll(() => {
  rmSync(cache, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

async function receiver(path: string) {
  const child = spawn(process.execPath, [bundle, path, TOKEN], { stdio: ["ignore", "pipe", "inherit"] });
  const [address] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return {
    address,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

describe("a receiver that is killed", () => {
  it("has on the disk what it said yes to, once, and takes the rest when it is sent again", async () => {
    const path = join(folder, "store.db");
    const body = (n: number) => JSON.stringify({ ...fixture("alertmanager-firing"), groupKey: `group ${n}` });
    const acknowledged = new Set<number>();
    const sendAll = async (address: string, from: number, to: number, stopAt: number, stop: () => Promise<void>) => {
      let next = from;
      const worker = async () => {
        while (next < to) {
          const n = next++;
          const answer = await ask(address, "/alerts/am", { body: body(n), headers: bearer() }).catch(() => undefined);
          if (answer?.status === 200) acknowledged.add(n);
          if (acknowledged.size === stopAt) await stop();
        }
      };
      await Promise.all(Array.from({ length: 8 }, worker));
    };
    for (const [round, stopAt] of [40, 90, 130].entries()) {
      const running = await receiver(path);
      await sendAll(running.address, round * 60, (round + 1) * 60, stopAt, running.kill);
      await running.kill();
    }
    const running = await receiver(path);
    // Whoever got no answer sends it again; and everything is replayed.
    const answers = await Promise.all(
      Array.from({ length: 180 }, (_, n) => ask(running.address, "/alerts/am", { body: body(n), headers: bearer() })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    for (const n of acknowledged) expect(answers[n]?.body, `${n} was acknowledged`).toEqual({ status: "known" });
    expect(answers.filter(({ body: { status } }) => status === "taken").length).toBeGreaterThan(0);
    await running.kill();

    const kv = sqliteKv({ path });
    await kv.start();
    const inbox = createInbox({ kv, clock: systemClock });
    await inbox.start();
    const groups = (await waitingIn(inbox)).map(({ group }) => group);
    expect(groups.toSorted()).toEqual(Array.from({ length: 180 }, (_, n) => `group ${n}`).toSorted());
    await inbox.stop();
    await kv.stop();
  });
});
