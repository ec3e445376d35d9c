import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MicroError } from "../../src/core/errors.ts";
import type { Change, Kv, KvWatcher } from "../../src/platform/kv/kv.ts";

export interface KvContract {
  /** Another process's view of the one store; not started. What it needs (a server) is closed by the caller's own hooks. */
  create(): Kv;
  /** How long (real ms) a change may take until a watch tells it. */
  readonly settleMs: number;
}

const WRITERS = 20;
const LARGEST = 512 << 10;
let prefixes = 0;

/** Every store passes these cases. */
export function kvContract(name: string, { create, settleMs }: KvContract): void {
  describe(`kv contract: ${name}`, () => {
    let kv: Kv;
    let other: Kv;
    /** Of this case alone, with its dot. */
    let own: string;
    let resources: readonly string[];
    const watchers: KvWatcher[] = [];

    const eventually = async (check: () => void | Promise<void>, limitMs = settleMs): Promise<void> => {
      const until = performance.now() + limitMs;
      for (;;) {
        try {
          return await check();
        } catch (error) {
          if (performance.now() > until) throw error;
          await wait(10);
        }
      }
    };
    const follow = async (prefix = own, by = kv, options: { signal?: AbortSignal } = {}) => {
      const watcher = await by.watch(prefix, options);
      watchers.push(watcher);
      const seen: Change[] = [];
      const done = (async () => {
        for await (const change of watcher) seen.push(change);
      })();
      done.catch(() => {});
      return { watcher, seen, done };
    };

    beforeEach(async () => {
      resources = process.getActiveResourcesInfo();
      prefixes += 1;
      own = `case-${process.pid}-${prefixes}.`;
      kv = create();
      other = create();
      await Promise.all([kv.start(), other.start()]);
    });

    afterEach(async () => {
      await Promise.all(watchers.splice(0).map((watcher) => watcher.close()));
      await Promise.all([kv.stop(), other.stop()]);
      // The test runner has timers of its own that come and go, hence the patience.
      await eventually(() => expect(leftOver(resources)).toEqual([]), 3000);
    });

    it("says what it is", () => {
      expect(kv.kind).toMatch(/^[a-z]+$/);
    });

    it("stops without having been started, twice, and starts again", async () => {
      const fresh = create();
      await fresh.stop();
      await fresh.start();
      await fresh.start();
      const revision = await fresh.put(`${own}a`, "1");
      await fresh.stop();
      await fresh.stop();
      await fresh.start();
      expect(await fresh.get(`${own}a`)).toEqual({ key: `${own}a`, value: "1", revision });
      await fresh.stop();
    });

    it("says unavailable before it is started and after it is stopped", async () => {
      const fresh = create();
      const unavailable = { code: "unavailable" };
      await expect(fresh.get(`${own}a`)).rejects.toMatchObject(unavailable);
      await fresh.start();
      await fresh.stop();
      await expect(fresh.put(`${own}a`, "1")).rejects.toMatchObject(unavailable);
      await expect(fresh.watch(own)).rejects.toMatchObject(unavailable);
    });

    it("starts and stops at once, and leaves nothing", async () => {
      const fresh = create();
      const starting = fresh.start().catch((error: unknown) => expect(error).toBeInstanceOf(MicroError));
      await fresh.stop();
      await starting;
    });

    it("gives back what was put, to everybody", async () => {
      const revision = await kv.put(`${own}a`, "one");
      expect(await kv.get(`${own}a`)).toEqual({ key: `${own}a`, value: "one", revision });
      expect(await other.get(`${own}a`)).toEqual({ key: `${own}a`, value: "one", revision });
      expect(await other.get(`${own}b`)).toBeUndefined();
    });

    it.each([
      ["nothing", ""],
      ["blanks and line ends", " a\r\n\tb "],
      ["other letters", "ä 日本 👩‍👩‍👧 \u202E"],
      ["a NUL", "a\0b"],
      ["what looks like JSON and SQL", `{"a":"'; DROP TABLE kv; --"}`],
      ["512 KiB", "x".repeat(LARGEST)],
      ["512 KiB of two bytes each", "é".repeat(LARGEST / 2)],
    ])("keeps a value as it is: %s", async (_, value) => {
      await kv.put(`${own}a`, "before");
      const put = await kv.put(`${own}a`, value);
      expect(await other.get(`${own}a`)).toEqual({ key: `${own}a`, value, revision: put });
      const updated = await kv.update(`${own}a`, `${value}`, put);
      expect(updated).toBeGreaterThan(put);
      expect((await other.list(own)).map((entry) => entry.value)).toEqual([value]);
      expect(await kv.create(`${own}b`, value)).toBeGreaterThan(updated ?? Number.POSITIVE_INFINITY);
      expect((await other.get(`${own}b`))?.value).toBe(value);
    });

    it("refuses a value that is too long or no text, and does not repeat it", async () => {
      for (const value of ["x".repeat(LARGEST + 1), "é".repeat(LARGEST / 2 + 1), "half \uD83D"]) {
        const failure = await kv.put(`${own}a`, value).catch((error: MicroError) => error);
        expect(failure).toMatchObject({ code: "invalid_argument" });
        expect(String(failure).length).toBeLessThan(300);
        await expect(kv.create(`${own}a`, value)).rejects.toMatchObject({ code: "invalid_argument" });
        await expect(kv.update(`${own}a`, value, 1)).rejects.toMatchObject({ code: "invalid_argument" });
      }
      expect(await kv.list(own)).toEqual([]);
    });

    it.each(["", ".", "a.", ".a", "a..b", "a b", "a/b", "ä", "a*", ">", "a.>", "k".repeat(201), "a\n", "a\0"])(
      "refuses the key %j",
      async (key) => {
        const refused = { code: "invalid_argument" };
        await expect(kv.get(key)).rejects.toMatchObject(refused);
        await expect(kv.put(key, "1")).rejects.toMatchObject(refused);
        await expect(kv.create(key, "1")).rejects.toMatchObject(refused);
        await expect(kv.update(key, "1", 1)).rejects.toMatchObject(refused);
        await expect(kv.delete(key)).rejects.toMatchObject(refused);
      },
    );

    it.each(["a", "a.b", ".", "a..", "a b.", "a*.", `${"k".repeat(200)}.`])("refuses the prefix %j", async (prefix) => {
      await expect(kv.list(prefix)).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(kv.watch(prefix)).rejects.toMatchObject({ code: "invalid_argument" });
    });

    it.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses the revision %d", async (revision) => {
      await expect(kv.update(`${own}a`, "1", revision)).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(kv.delete(`${own}a`, { revision })).rejects.toMatchObject({ code: "invalid_argument" });
    });

    it("takes every key that is one", async () => {
      const keys = [`${own}A-Z_a=z.0.9`, `${own}=3D`, own + "k".repeat(200 - own.length), `${own}-`, `${own}_._._`];
      for (const key of keys) expect(await kv.create(key, key)).toBeGreaterThan(0);
      expect((await other.list(own)).map(({ value }) => value)).toEqual([...keys].sort());
      for (const key of keys) expect((await other.get(key))?.value).toBe(key);
      for (const key of keys) expect(await kv.delete(key)).toBe(true);
    });

    it("creates only where nothing is", async () => {
      const revision = await kv.create(`${own}a`, "1");
      expect(revision).toBeGreaterThan(0);
      expect(await other.create(`${own}a`, "2")).toBeUndefined();
      expect(await kv.get(`${own}a`)).toEqual({ key: `${own}a`, value: "1", revision });
      await kv.delete(`${own}a`);
      expect(await other.create(`${own}a`, "3")).toBeGreaterThan(revision ?? 0);
    });

    it("updates only onto the revision that was seen", async () => {
      const first = await kv.put(`${own}a`, "1");
      const second = await other.update(`${own}a`, "2", first);
      expect(second).toBeGreaterThan(first);
      expect(await kv.update(`${own}a`, "3", first)).toBeUndefined();
      expect(await kv.update(`${own}a`, "3", (second ?? 0) + 1000)).toBeUndefined();
      expect(await kv.update(`${own}b`, "3", second ?? 0)).toBeUndefined();
      expect((await other.get(`${own}a`))?.value).toBe("2");
      expect(await other.get(`${own}b`)).toBeUndefined();
      await kv.delete(`${own}a`);
      expect(await kv.update(`${own}a`, "4", second ?? 0)).toBeUndefined();
      expect(await kv.get(`${own}a`)).toBeUndefined();
    });

    it("deletes, and says whether it was there", async () => {
      const first = await kv.put(`${own}a`, "1");
      expect(await kv.delete(`${own}b`)).toBe(false);
      expect(await kv.delete(`${own}b`, { revision: first })).toBe(false);
      const second = await kv.put(`${own}a`, "2");
      expect(await other.delete(`${own}a`, { revision: first })).toBe(false);
      expect((await kv.get(`${own}a`))?.value).toBe("2");
      expect(await other.delete(`${own}a`, { revision: second })).toBe(true);
      expect(await kv.get(`${own}a`)).toBeUndefined();
      expect(await kv.list(own)).toEqual([]);
      expect(await kv.delete(`${own}a`, { revision: second })).toBe(false);
      expect(await kv.delete(`${own}a`)).toBe(false);
      await kv.put(`${own}a`, "3");
      expect(await kv.delete(`${own}a`)).toBe(true);
    });

    it("gives every change a higher revision, over keys, deletions and a new beginning", async () => {
      const revisions: number[] = [];
      for (const [at, by] of [kv, other, kv, other].entries()) {
        revisions.push((await by.create(`${own}a`, "1")) ?? 0);
        revisions.push(await by.put(`${own}b`, String(at)));
        revisions.push((await by.update(`${own}a`, "2", revisions.at(-2) ?? 0)) ?? 0);
        expect(await by.delete(`${own}a`)).toBe(true);
      }
      expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
      expect(revisions[0]).toBeGreaterThan(0);
    });

    it("lists what is below a prefix and nothing else, by key", async () => {
      const keys = ["b", "a.b.c", "a", "B", "a.b", "a-b", "a=b", "ab", "a.a", "a_b", "0", "a.b.c-d"];
      await Promise.all(keys.map((key) => kv.put(own + key, key)));
      await kv.put(`${own}gone.a`, "1");
      await kv.delete(`${own}gone.a`);
      const listed = async (prefix: string) => (await other.list(prefix)).map(({ key }) => key.slice(own.length));
      expect(await listed(own)).toEqual([...keys].sort());
      expect(await listed(`${own}a.`)).toEqual(["a.a", "a.b", "a.b.c", "a.b.c-d"]);
      expect(await listed(`${own}a.b.`)).toEqual(["a.b.c", "a.b.c-d"]);
      expect(await listed(`${own}b.`)).toEqual([]);
      expect(await listed(`${own}gone.`)).toEqual([]);
      const all = (await other.list("")).map(({ key }) => key);
      expect(all).toEqual([...all].sort());
      expect(all).toEqual(expect.arrayContaining(keys.map((key) => own + key)));
      for (const entry of await other.list(own)) expect(await kv.get(entry.key)).toEqual(entry);
    });

    it("lists a thousand", async () => {
      const keys = Array.from({ length: 1000 }, (_, n) => `${own}${String(n).padStart(4, "0")}`);
      for (let at = 0; at < keys.length; at += 50) {
        await Promise.all(keys.slice(at, at + 50).map((key) => kv.put(key, key, { timeoutMs: 30_000 })));
      }
      expect((await other.list(own, { timeoutMs: 30_000 })).map(({ value }) => value)).toEqual(keys);
    }, 60_000);

    it.each([3, 100])(
      "lists all of %i while others write every one of them, and never an older value",
      async (count) => {
        const keys = Array.from({ length: count }, (_, n) => `${own}k${String(n).padStart(3, "0")}`);
        const written = new Map<string, number>();
        await Promise.all(keys.map(async (key) => written.set(key, await kv.put(key, "0"))));
        let over = false;
        const write = async (by: Kv, from: number) => {
          for (let n = from; !over; n += 2) {
            const key = keys[n % count] as string;
            const revision = await by.put(key, String(n));
            written.set(key, Math.max(revision, written.get(key) ?? 0));
          }
        };
        const writers = [write(kv, 0), write(other, 1)];
        try {
          for (let round = 0; round < 20; round++) {
            const before = new Map(written);
            const listed = await kv.list(own);
            expect(listed.map(({ key }) => key)).toEqual(keys);
            for (const { key, revision } of listed) expect(revision).toBeGreaterThanOrEqual(before.get(key) ?? 0);
          }
        } finally {
          over = true;
          await Promise.all(writers);
        }
      },
      60_000,
    );

    it(`lets one of ${WRITERS} create`, async () => {
      for (let round = 0; round < 5; round++) {
        const racing = Array.from({ length: WRITERS }, (_, n) =>
          (n % 2 === 0 ? kv : other).create(`${own}race`, String(n), { timeoutMs: 30_000 }),
        );
        const won = (await Promise.all(racing)).flatMap((revision, n) =>
          revision === undefined ? [] : [[revision, n]],
        );
        expect(won).toHaveLength(1);
        const [[revision, n]] = won as [[number, number]];
        expect(await kv.get(`${own}race`)).toEqual({ key: `${own}race`, value: String(n), revision });
        expect(await kv.delete(`${own}race`, { revision })).toBe(true);
      }
    }, 60_000);

    it(`lets one of ${WRITERS} update onto a revision, and one of ${WRITERS} delete`, async () => {
      const first = await kv.put(`${own}race`, "0");
      const updates = await Promise.all(
        Array.from({ length: WRITERS }, (_, n) =>
          (n % 2 === 0 ? kv : other).update(`${own}race`, String(n), first, { timeoutMs: 30_000 }),
        ),
      );
      expect(updates.filter((revision) => revision !== undefined)).toHaveLength(1);
      const deletions = await Promise.all(
        Array.from({ length: WRITERS }, (_, n) =>
          (n % 2 === 0 ? kv : other).delete(`${own}race`, { timeoutMs: 30_000 }),
        ),
      );
      expect(deletions.filter(Boolean)).toHaveLength(1);
    }, 60_000);

    it(`counts to ${WRITERS * 3} with ${WRITERS} writers, and loses none`, async () => {
      await kv.put(`${own}count`, "0");
      const revisions: number[] = [];
      const count = async (by: Kv) => {
        for (let done = 0; done < 3; ) {
          const { value, revision } = (await by.get(`${own}count`, { timeoutMs: 30_000 }))!;
          const won = await by.update(`${own}count`, String(Number(value) + 1), revision, { timeoutMs: 30_000 });
          if (won === undefined) continue;
          expect(won).toBeGreaterThan(revision);
          revisions.push(won);
          done += 1;
        }
      };
      await Promise.all(Array.from({ length: WRITERS }, (_, n) => count(n % 2 === 0 ? kv : other)));
      expect((await kv.get(`${own}count`))?.value).toBe(String(WRITERS * 3));
      expect(new Set(revisions).size).toBe(WRITERS * 3);
    }, 60_000);

    it("never shows an older value than one that was written before", async () => {
      for (let n = 0; n < 30; n++) {
        const [writer, reader] = n % 2 === 0 ? [kv, other] : [other, kv];
        const revision = await writer.put(`${own}a`, String(n));
        expect(await reader.get(`${own}a`)).toEqual({ key: `${own}a`, value: String(n), revision });
      }
    });

    it("watches: what comes, changes and goes, by whomever, and nothing from before", async () => {
      await kv.put(`${own}a`, "before");
      await other.put(`${own}old`, "before");
      const { seen } = await follow();
      const one = await other.put(`${own}a`, "1");
      await eventually(() =>
        expect(seen.at(-1)).toEqual({ key: `${own}a`, entry: { key: `${own}a`, value: "1", revision: one } }),
      );
      const two = (await kv.create(`${own}b`, "2")) ?? 0;
      await eventually(() =>
        expect(seen.at(-1)).toEqual({ key: `${own}b`, entry: { key: `${own}b`, value: "2", revision: two } }),
      );
      await other.delete(`${own}a`);
      await eventually(() => expect(seen.at(-1)).toEqual({ key: `${own}a`, entry: undefined }));
      expect(seen.filter(({ entry }) => entry?.value === "before")).toEqual([]);
      expect(seen.map(({ key }) => key)).toEqual([`${own}a`, `${own}b`, `${own}a`]);
    });

    it("watches from the moment that the promise resolves", async () => {
      for (let n = 0; n < 5; n++) {
        const { seen, watcher } = await follow();
        const revision = await other.put(`${own}a`, String(n));
        await eventually(() =>
          expect(seen).toEqual([{ key: `${own}a`, entry: { key: `${own}a`, value: String(n), revision } }]),
        );
        await watcher.close();
      }
    });

    it("watches one prefix, or everything", async () => {
      const [some, all] = [await follow(`${own}a.`), await follow("", other)];
      await kv.put(`${own}b`, "1");
      await kv.put(`${own}ab`, "1");
      await kv.put(`${own}a`, "1");
      await kv.put(`${own}a.b`, "1");
      await eventually(() => expect(some.seen.map(({ key }) => key)).toEqual([`${own}a.b`]));
      const mine = () => all.seen.map(({ key }) => key).filter((key) => key.startsWith(own));
      await eventually(() => expect(mine()).toEqual(["b", "ab", "a", "a.b"].map((key) => own + key)));
    });

    it("tells watches the newest of everything that changed fast", async () => {
      const { seen } = await follow(own, other);
      const last = new Map<string, string | undefined>();
      for (let n = 0; n < 60; n++) {
        const key = `${own}${n % 7}`;
        const gone = n % 5 === 4 && (await kv.delete(key));
        if (!gone) await kv.put(key, String(n));
        last.set(key, gone ? undefined : String(n));
      }
      await eventually(() => {
        const told = new Map(seen.map(({ key, entry }) => [key, entry?.value]));
        expect(Object.fromEntries(told)).toEqual(Object.fromEntries(last));
      });
      const revisions = seen.flatMap(({ entry }) => (entry === undefined ? [] : [entry.revision]));
      for (const key of last.keys()) {
        const ofKey = seen
          .filter((change) => change.key === key)
          .flatMap(({ entry }) => (entry ? [entry.revision] : []));
        expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b));
      }
      expect(new Set(revisions).size).toBe(revisions.length);
    });

    it("watches with several at once, each told everything", async () => {
      const all = await Promise.all(Array.from({ length: 12 }, (_, n) => follow(own, n % 2 === 0 ? kv : other)));
      const revision = await kv.put(`${own}a`, "1");
      for (const { seen } of all) {
        await eventually(() =>
          expect(seen).toEqual([{ key: `${own}a`, entry: { key: `${own}a`, value: "1", revision } }]),
        );
      }
    });

    it("delivers nothing after close, closes twice like once, and ends when its signal aborts", async () => {
      const { watcher, seen, done } = await follow();
      const leaving = new AbortController();
      const left = await follow(own, kv, { signal: leaving.signal });
      await watcher.close();
      await watcher.close();
      await done;
      leaving.abort();
      await left.done;
      const still = await follow(own, other);
      await kv.put(`${own}a`, "1");
      await eventually(() => expect(still.seen).toHaveLength(1));
      expect([...seen, ...left.seen]).toEqual([]);
    });

    it("leaves the watch when the loop is left", async () => {
      const watcher = await kv.watch(own);
      const first = (async () => {
        for await (const { key } of watcher) return key;
        return "ended";
      })();
      await other.put(`${own}a`, "1");
      expect(await first).toBe(`${own}a`);
    });

    it("ends its watches when it stops", async () => {
      const { done } = await follow();
      const ended = done.catch((error: unknown) => error);
      await kv.stop();
      expect(await ended).toMatchObject({ code: "unavailable" });
    });

    it("stops while calls are in flight: each of them ends", async () => {
      const calls = [
        kv.list(own),
        kv.get(`${own}a`),
        kv.put(`${own}a`, "1"),
        kv.watch(own).then((each) => each.close()),
      ];
      const settled = Promise.allSettled(calls);
      await kv.stop();
      for (const outcome of await settled) {
        if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "unavailable" });
      }
    });

    it("gives up at once when the signal was aborted before, and changes nothing", async () => {
      const options = { signal: AbortSignal.abort() };
      const cancelled = { code: "cancelled" };
      const revision = await kv.put(`${own}a`, "1");
      await expect(kv.get(`${own}a`, options)).rejects.toMatchObject(cancelled);
      await expect(kv.list(own, options)).rejects.toMatchObject(cancelled);
      await expect(kv.put(`${own}a`, "2", options)).rejects.toMatchObject(cancelled);
      await expect(kv.create(`${own}b`, "2", options)).rejects.toMatchObject(cancelled);
      await expect(kv.update(`${own}a`, "2", revision, options)).rejects.toMatchObject(cancelled);
      await expect(kv.delete(`${own}a`, options)).rejects.toMatchObject(cancelled);
      await expect(kv.watch(own, options)).rejects.toMatchObject(cancelled);
      expect(await other.list(own)).toEqual([{ key: `${own}a`, value: "1", revision }]);
    });

    it("ends soon when the signal is aborted during a call", async () => {
      const controller = new AbortController();
      const { signal } = controller;
      const calls = Promise.allSettled([
        kv.list(own, { signal }),
        kv.put(`${own}a`, "1", { signal }),
        kv.watch(own, { signal }),
      ]);
      controller.abort();
      for (const outcome of await calls) {
        // A call that was answered before it noticed is fine; hanging is not.
        if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "cancelled" });
      }
    });
  });
}

/** What a watch ends with. */
export async function lossOf(watcher: KvWatcher): Promise<unknown> {
  try {
    for await (const _ of watcher);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Timers and sockets that are there now and were not before. */
function leftOver(before: readonly string[]): readonly string[] {
  const rest = [...before];
  return process.getActiveResourcesInfo().filter((kind) => {
    const at = rest.indexOf(kind);
    if (at >= 0) rest.splice(at, 1);
    return at < 0 && OURS.test(kind);
  });
}

const OURS = /Timeout|Immediate|TCP|UDP|Pipe|TLS/;
