import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { MicroError } from "../../src/core/errors.ts";
import type { Kv } from "../../src/platform/kv/kv.ts";
import { lossOf } from "./kv.contract.ts";

/** A server that things are done to. */
export interface FaultyServer {
  kill(): Promise<void>;
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

export interface KvFaults {
  start(): Promise<FaultyServer>;
  /** Another process's view of the server's store. */
  create(clock?: Clock): Kv;
  /** At an address where nobody is, with this password if there is such a thing. */
  nowhere(password: string): Kv;
}

/** Waits are a twentieth of what they should be. */
const hasty: Clock = { now: () => Date.now(), sleep: (ms, options) => systemClock.sleep(ms / 20, options) };
const FAILED = { code: expect.stringMatching(/^(timeout|unavailable)$/) };

/** What every store that is a server does when that server is killed, stands still, or was never there. */
export function kvFaults(name: string, { start, create, nowhere }: KvFaults): void {
  describe(`kv faults: ${name}`, () => {
    let server: FaultyServer;
    beforeAll(async () => {
      server = await start();
    }, 60_000);
    afterAll(() => server?.stop());

    it("keeps what it acknowledged when its server is killed and comes back, and goes on by itself", async () => {
      const [kv, other] = [create(), create()];
      await Promise.all([kv.start(), other.start()]);
      const watcher = await kv.watch("killed.");
      const ended = lossOf(watcher);
      await kv.put("killed.count", "0");
      const acknowledged = new Map<string, number>();
      let writing = true;
      let failures = 0;
      const write = async (by: Kv, who: string) => {
        for (let n = 0; writing; n++) {
          try {
            const revision = await by.create(`killed.${who}.${n}`, String(n), { timeoutMs: 1000 });
            if (revision !== undefined) acknowledged.set(`killed.${who}.${n}`, revision);
            await add(by, "killed.count");
          } catch (error) {
            expect(error).toMatchObject(FAILED);
            failures += 1;
            await sleep(50);
          }
        }
      };
      let added = 0;
      const add = async (by: Kv, key: string) => {
        for (;;) {
          const entry = await by.get(key, { timeoutMs: 1000 });
          if (entry === undefined) throw new Error("the counter is gone");
          const next = String(Number(entry.value) + 1);
          const revision = await by.update(key, next, entry.revision, { timeoutMs: 1000 });
          if (revision !== undefined) break;
        }
        added += 1;
      };
      const writers = Promise.all([write(kv, "one"), write(other, "two")]);
      await sleep(500);
      await server.kill();
      await sleep(500);
      await expect(kv.get("killed.count", { timeoutMs: 2000 })).rejects.toMatchObject(FAILED);
      const before = acknowledged.size;
      const highest = Math.max(...acknowledged.values());
      await server.restart();
      await within(20_000, () => expect(acknowledged.size).toBeGreaterThan(before + 10));
      writing = false;
      await writers;
      expect(before).toBeGreaterThan(0);
      expect(failures).toBeGreaterThan(0);
      expect(await ended).toMatchObject({ code: "unavailable" });

      const kept = new Map((await kv.list("killed.")).map(({ key, revision }) => [key, revision]));
      for (const [key, revision] of acknowledged) expect(kept.get(key)).toBe(revision);
      expect(new Set(acknowledged.values()).size).toBe(acknowledged.size);
      const count = Number((await other.get("killed.count"))?.value);
      // A write whose answer was lost may have happened: at most one for each time that something failed.
      expect(count).toBeGreaterThanOrEqual(added);
      expect(count).toBeLessThanOrEqual(added + failures);
      const over = await kv.put("killed.count", "over");
      expect(over).toBeGreaterThan(highest);

      const again = await kv.watch("killed.");
      const revision = await other.put("killed.again", "1");
      for await (const change of again) {
        // What was given up while the server was away may be done by it late, even now: never earlier than it is told.
        if (change.key !== "killed.again") {
          expect(acknowledged.has(change.key)).toBe(false);
          expect(change.entry?.revision).toBeGreaterThan(over);
          continue;
        }
        expect(change).toEqual({ key: "killed.again", entry: { key: "killed.again", value: "1", revision } });
        break;
      }
      await Promise.all([kv.stop(), other.stop()]);
    }, 90_000);

    it("gives up in time when its server stands still, ends its watches, stops, and works again afterwards", async () => {
      const [kv, leaving, late, watching] = [create(), create(), create(), create(hasty)];
      await Promise.all([kv.start(), leaving.start(), watching.start()]);
      const revision = await kv.put("frozen.a", "1");
      const ended = lossOf(await watching.watch("frozen."));
      const unwatched = await leaving.watch("frozen.");
      server.freeze();
      try {
        const began = performance.now();
        const short = { timeoutMs: 500 };
        await Promise.all([
          expect(kv.get("frozen.a", short)).rejects.toMatchObject(FAILED),
          expect(kv.list("frozen.", short)).rejects.toMatchObject(FAILED),
          expect(kv.put("frozen.b", "1", short)).rejects.toMatchObject(FAILED),
          expect(kv.create("frozen.c", "1", short)).rejects.toMatchObject(FAILED),
          expect(kv.update("frozen.a", "1", revision, short)).rejects.toMatchObject(FAILED),
          expect(kv.delete("frozen.d", short)).rejects.toMatchObject(FAILED),
          expect(kv.watch("frozen.", short)).rejects.toMatchObject(FAILED),
          expect(late.start(short)).rejects.toMatchObject(FAILED),
        ]);
        const aborted = new AbortController();
        const waiting = kv.get("frozen.a", { signal: aborted.signal });
        setImmediate(() => aborted.abort());
        await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
        const loss = lossOf(unwatched);
        await leaving.stop();
        expect(await loss).toMatchObject({ code: "unavailable" });
        expect(performance.now() - began).toBeLessThan(10_000);
        expect(await ended).toMatchObject({ code: "unavailable" });
      } finally {
        server.thaw();
      }
      await within(20_000, async () => expect((await kv.get("frozen.a"))?.key).toBe("frozen.a"));
      expect(await kv.put("frozen.a", "2")).toBeGreaterThan(revision);
      await Promise.all([kv.stop(), late.stop(), watching.stop()]);
    }, 90_000);

    it("says where it looked when nobody is there, and no password", async () => {
      const kv = nowhere("s3cret-word");
      const failure = await kv.start({ timeoutMs: 3000 }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(MicroError);
      expect(failure).toMatchObject({ code: "unavailable", message: expect.stringContaining("127.0.0.1:1") });
      expect(`${failure} ${JSON.stringify(failure)}`).not.toContain("s3cret-word");
      await kv.stop();
    });
  });
}

/** Asks again until it says so. */
export async function within(ms: number, check: () => unknown): Promise<void> {
  const until = performance.now() + ms;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(20);
    }
  }
}
