import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { Notification } from "../../src/alerts/alert.ts";
import { createInbox, type DurableInbox, MOST_WAITING, REMEMBERED_MS } from "../../src/alerts/inbox.ts";
import { parts } from "../../src/alerts/parts.ts";
import type { Clock } from "../../src/core/clock.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Kv } from "../../src/platform/kv/kv.ts";
import { memoryKv, memoryShelf } from "../../src/platform/kv/memory.ts";
import { sqliteKv } from "../../src/platform/kv/sqlite.ts";
import { brittleKv } from "../fakes/brittle-kv.ts";
import { manualClock } from "../fakes/clock.ts";
import { alertOf, notificationOf } from "./notification.ts";

const folder = mkdtempSync(join(tmpdir(), "micro-inbox-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.stop();
});

/** An inbox over a store, as a process has it. */
async function inboxOn(kv: Kv, clock: Clock = systemClock): Promise<DurableInbox> {
  await kv.start();
  opened.push(kv);
  const inbox = createInbox({ kv, clock });
  await inbox.start();
  opened.push(inbox);
  return inbox;
}

/** Takes so many, and is done with each unless told otherwise. */
async function taken(inbox: DurableInbox, count: number, done = true): Promise<readonly Notification[]> {
  const leaving = new AbortController();
  const found: Notification[] = [];
  for await (const waiting of inbox.take(leaving.signal)) {
    found.push(waiting.notification);
    if (done) await waiting.done();
    if (found.length === count) leaving.abort();
  }
  return found;
}

const KINDS: readonly (readonly [string, () => () => Kv])[] = [
  [
    "memory",
    () => {
      const shelf = memoryShelf();
      return () => memoryKv({ shelf });
    },
  ],
  [
    "sqlite",
    () => {
      const path = join(mkdtempSync(join(folder, "kv-")), "kv.sqlite");
      return () => sqliteKv({ path, pollMs: 10 });
    },
  ],
];

describe.each(KINDS)("an inbox on %s", (_kind, space) => {
  it("gives what was put, oldest first, and once", async () => {
    const inbox = await inboxOn(space()());
    const all = ["c", "a", "b"].map((id) => notificationOf({ id }));
    for (const one of all) expect(await inbox.put(one)).toBe("taken");
    expect(inbox.waiting).toBe(3);
    expect(await taken(inbox, 3)).toEqual(all);
    expect(inbox.waiting).toBe(0);
    await inbox.put(notificationOf({ id: "d" }));
    expect((await taken(inbox, 1)).map(({ id }) => id)).toEqual(["d"]);
  });

  it("takes the same once, however often and however many bring it at once, and after a restart", async () => {
    const view = space();
    const [one, other] = [await inboxOn(view()), await inboxOn(view())];
    const outcomes = await Promise.all(
      [one, other, one, other, one].map((inbox) => inbox.put(notificationOf({ id: "same" }))),
    );
    expect(outcomes.toSorted()).toEqual(["known", "known", "known", "known", "taken"]);
    expect(await taken(one, 1)).toHaveLength(1);
    expect(await one.put(notificationOf({ id: "same" }))).toBe("known");
    for (const open of opened.splice(0).reverse()) await open.stop();
    const later = await inboxOn(view());
    expect(await later.put(notificationOf({ id: "same" }))).toBe("known");
    expect(later.waiting).toBe(0);
  });

  it("gives again what a worker took and was not done with, before what came later", async () => {
    const view = space();
    const inbox = await inboxOn(view());
    for (const id of ["a", "b", "c"]) await inbox.put(notificationOf({ id }));
    expect((await taken(inbox, 2, false)).map(({ id }) => id)).toEqual(["a", "b"]);
    const other = await inboxOn(view());
    expect((await taken(other, 3)).map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });

  it("gives a worker what another process puts", async () => {
    const view = space();
    const [worker, receiver] = [await inboxOn(view()), await inboxOn(view())];
    const found = taken(worker, 2);
    await receiver.put(notificationOf({ id: "a" }));
    await receiver.put(notificationOf({ id: "b" }));
    expect((await found).map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it("splits what is too large for one entry, and puts the parts once", async () => {
    const inbox = await inboxOn(space()());
    const alerts = Array.from({ length: 300 }, (_, n) =>
      alertOf({ fingerprint: String(n), description: "é".repeat(2000) }),
    );
    const large = notificationOf({ alerts, left: 7 });
    expect(await inbox.put(large)).toBe("taken");
    expect(await inbox.put(large)).toBe("known");
    const found = await taken(inbox, inbox.waiting);
    expect(found.length).toBeGreaterThan(1);
    expect(new Set(found.map(({ group }) => group))).toEqual(new Set(["g1"]));
    expect(found.flatMap((part) => part.alerts.map((alert) => alert.fingerprint)).toSorted()).toEqual(
      alerts.map(({ fingerprint }) => fingerprint).toSorted(),
    );
    expect(found.reduce((sum, { left = 0 }) => sum + left, 0)).toBe(7);
  });

  it("knows what came last in a group, also after a restart", async () => {
    const view = space();
    const inbox = await inboxOn(view());
    await inbox.put(notificationOf({ id: "trigger" }));
    await inbox.put(notificationOf({ id: "other", group: "g2" }));
    await inbox.put(notificationOf({ id: "resolve" }));
    // It is done in another order than it came.
    const leaving = new AbortController();
    const dones: (() => Promise<void>)[] = [];
    for await (const { done } of inbox.take(leaving.signal)) if (dones.push(done) === 3) leaving.abort();
    for (const done of dones.reverse()) await done();
    expect(inbox.last("alertmanager", "g1")).toBe("resolve");
    for (const open of opened.splice(0).reverse()) await open.stop();
    const later = await inboxOn(view());
    expect(later.last("alertmanager", "g1")).toBe("resolve");
    expect(later.last("alertmanager", "g2")).toBe("other");
    expect(later.last("elsewhere", "g1")).toBeUndefined();
  });
});

describe("an inbox", () => {
  it("forgets ids after a while, and not before", async () => {
    const clock = manualClock();
    const inbox = await inboxOn(memoryKv(), clock);
    await inbox.put(notificationOf());
    const leaving = new AbortController();
    const worker = (async () => {
      for await (const { done } of inbox.take(leaving.signal)) await done();
    })();
    await clock.advance(REMEMBERED_MS - 60_000);
    expect(await inbox.put(notificationOf())).toBe("known");
    await clock.advance(180_000);
    expect(await inbox.put(notificationOf())).toBe("taken");
    leaving.abort();
    await worker;
  });

  it("says no when too much waits, and yes when there is room again", async () => {
    const inbox = await inboxOn(memoryKv());
    for (let n = 0; n < MOST_WAITING; n += 100) {
      const ids = Array.from({ length: 100 }, (_, index) => `n${n + index}`);
      await Promise.all(ids.map((id) => inbox.put(notificationOf({ id }))));
    }
    await expect(inbox.put(notificationOf({ id: "one more" }))).rejects.toMatchObject({ code: "exhausted" });
    expect(await inbox.put(notificationOf({ id: "n0" }))).toBe("known");
    await taken(inbox, 1);
    expect(await inbox.put(notificationOf({ id: "one more" }))).toBe("taken");
  });

  it("says that it cannot write, so that a source sends again, and goes on when the store is back", async () => {
    const kv = await brittleKv();
    const inbox = createInbox({ kv, clock: systemClock });
    await inbox.start();
    opened.push(inbox);
    for (const failure of ["full", "unreached", "unanswered"] as const) {
      kv.fail(failure);
      await expect(inbox.put(notificationOf({ id: failure }))).rejects.toMatchObject({ code: "unavailable" });
    }
    kv.fail("unreached");
    const found = taken(inbox, 3);
    kv.fail(undefined);
    // What was written unheard is known when it comes again, and is there all the same.
    expect(await inbox.put(notificationOf({ id: "unanswered" }))).toBe("known");
    for (const id of ["full", "unreached"]) expect(await inbox.put(notificationOf({ id }))).toBe("taken");
    expect((await found).map(({ id }) => id)).toEqual(["unanswered", "full", "unreached"]);
  });

  it("passes over what cannot be read", async () => {
    const kv = memoryKv();
    await kv.start();
    await kv.put("alerts.inbox.broken", "{");
    await kv.put("alerts.inbox.strange", '{"id":"x","group":"y"}\n[');
    const inbox = await inboxOn(kv);
    await inbox.put(notificationOf({ id: "fine" }));
    expect((await taken(inbox, 1)).map(({ id }) => id)).toEqual(["fine"]);
    expect(await kv.get("alerts.inbox.broken")).toBeUndefined();
  });

  it("leaves nothing behind when it is stopped, also twice or unstarted", async () => {
    const inbox = createInbox({ kv: memoryKv(), clock: systemClock });
    await inbox.stop();
    await inbox.stop();
    const leaving = new AbortController();
    leaving.abort();
    for await (const _ of inbox.take(leaving.signal)) expect.unreachable();
  });
});

describe("parts", () => {
  it("leaves one alert whole", () => {
    const one = notificationOf({ alerts: [alertOf({ description: "x".repeat(600_000) })] });
    expect(parts(one)).toHaveLength(1);
  });
});
