import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditLog } from "../../src/bot/audit/audit-log.ts";
import { GENESIS, readRow } from "../../src/bot/audit/chain.ts";
import type { AuditLogInit } from "../../src/bot/audit/log.ts";
import { verify } from "../../src/bot/audit/verify.ts";
import { sha256 } from "../../src/bot/canonical.ts";
import type { AuditEntry, AuditFilter, AuditRow } from "../../src/commands/audit-record.ts";
import { type ManualClock, manualClock } from "../fakes/clock.ts";

/** A row of a message, as the layer writes it. */
export function entry(id: string, more: Record<string, unknown> = {}): AuditEntry {
  return {
    kind: "ended",
    replica: "r1",
    id,
    at: 1000,
    caller: "slack:T1/U1",
    person: "ann",
    name: "Ann",
    network: "slack",
    room: "C1",
    text: "list services",
    command: "list services",
    effect: "read",
    outcome: "ok",
    ms: 3,
    ...more,
  } as AuditEntry;
}

export async function rowsOf(log: AuditLog): Promise<readonly AuditRow[]> {
  const rows: AuditRow[] = [];
  for await (const row of log.rows()) rows.push(row);
  return rows;
}

/** What every `AuditLog` holds. @param make a new, empty one */
export function auditContract(name: string, make: (init: AuditLogInit) => Promise<AuditLog>): void {
  describe(`${name}, as an audit log`, () => {
    let clock: ManualClock;
    let log: AuditLog;
    beforeEach(async () => {
      clock = manualClock(1_000_000);
      log = await make({ clock, replica: "r1" });
    });
    afterEach(() => log.close());
    const whole = () => verify(log, new AbortController().signal);
    const ids = async (filter: Partial<AuditFilter>) => {
      const found = await log.search({ limit: 50, ...filter });
      return found.map((row) => (readRow(row) as unknown as { id: string }).id);
    };

    it("ties each row to the one before, over canonical JSON", async () => {
      await Promise.all([log.append(entry("a")), log.append(entry("b")), log.append(entry("c"), { durable: true })]);
      const rows = await rowsOf(log);
      expect(rows.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      let before = GENESIS;
      for (const row of rows) {
        const linked = readRow(row);
        expect(linked).toMatchObject({ seq: row.seq, before });
        expect(row.hash).toBe(sha256(row.body));
        expect(Object.keys(linked)).toEqual(Object.keys(linked).sort());
        before = row.hash;
      }
      expect(await whole()).toMatchObject({ rows: 3, flaws: [], head: { seq: 3, hash: before } });
    });

    it("keeps the order in which rows were added, whoever waits for them", async () => {
      const added = Array.from({ length: 1200 }, (_, n) => log.append(entry(`${n}`), { durable: n % 7 === 0 }));
      await Promise.all(added);
      const rows = await rowsOf(log);
      expect(rows.map((row) => (readRow(row) as unknown as { id: string }).id)).toEqual(
        Array.from({ length: 1200 }, (_, n) => `${n}`),
      );
      expect((await whole()).flaws).toEqual([]);
    });

    it("finds the last row of each message, newest first", async () => {
      await log.append(entry("a", { kind: "begun", at: 1 }));
      await log.append(entry("b", { kind: "begun", at: 2 }));
      await log.append(entry("a", { at: 1 }));
      await log.append(entry("a", { at: 3, text: "much later, under the same id" }));
      expect(await ids({})).toEqual(["a", "b", "a"]);
      expect(await ids({ limit: 1 })).toEqual(["a"]);
      const kinds = (await log.search({ limit: 9 })).map((row) => readRow(row).kind);
      expect(kinds).toEqual(["ended", "begun", "ended"]);
    });

    it("searches by who, command, time, room and refusal", async () => {
      await log.append(entry("a", { at: 10 }));
      await log.append(
        entry("b", { at: 20, person: "bob", caller: "xmpp:bob@x", name: "Bob", network: "xmpp", room: "r@x" }),
      );
      await log.append(entry("c", { at: 30, command: "list", outcome: "permission_denied" }));
      await log.append(entry("d", { at: 40, by: "slack:T1/U9", command: "listen" }));
      await log.append({ kind: "gap", replica: "r1", at: 50, since: 45, rows: 1, ids: ["z"], why: "full" });
      expect(await ids({ who: "ann" })).toEqual(["d", "c", "a"]);
      expect(await ids({ who: "xmpp:bob@x" })).toEqual(["b"]);
      expect(await ids({ who: "Bob" })).toEqual(["b"]);
      expect(await ids({ who: "slack:T1/U9" })).toEqual(["d"]);
      expect(await ids({ who: "ann", person: "bob" })).toEqual([]);
      expect(await ids({ command: "list" })).toEqual(["c", "b", "a"]);
      expect(await ids({ since: 20 })).toEqual(["d", "c", "b"]);
      expect(await ids({ room: "r@x" })).toEqual(["b"]);
      expect(await ids({ room: "xmpp:r@x" })).toEqual(["b"]);
      expect(await ids({ denied: true })).toEqual(["c"]);
      expect(await ids({ who: "' or 1 = 1 --" })).toEqual([]);
    });

    it("gives the rows of the newest message with an id", async () => {
      await log.append(entry("a", { at: 1 }));
      await log.append(entry("a", { kind: "begun", at: 2 }));
      await log.append(entry("a", { at: 2 }));
      const rows = await log.of("a");
      expect(rows.map(({ seq }) => seq)).toEqual([2, 3]);
      expect(await log.of("nothing")).toEqual([]);
    });

    it("shows the rows as they were when it was asked, whatever is written meanwhile", async () => {
      for (let n = 0; n < 600; n++) void log.append(entry(`${n}`));
      await log.append(entry("last"));
      let seen = 0;
      for await (const _row of log.rows()) {
        if (seen++ === 10) await log.append(entry("meanwhile"));
      }
      expect(seen).toBe(601);
      expect((await rowsOf(log)).length).toBe(602);
    });

    it("writes nothing after it was closed", async () => {
      const written = log.append(entry("a"));
      await log.close();
      await written;
      await expect(log.append(entry("b"))).rejects.toMatchObject({ code: "unavailable" });
    });
  });

  describe(`${name}, letting go of what is old`, () => {
    it("cuts whole segments and leaves a row that says so, and a chain that is whole", async () => {
      const clock = manualClock(10_000_000);
      const log = await make({ clock, replica: "r1", keepMs: 5_000_000 });
      const add = async (from: number, to: number, at: number) => {
        const added: Promise<void>[] = [];
        for (let n = from; n < to; n++) added.push(log.append(entry(`${n}`, { at })));
        await Promise.all(added);
      };
      await add(0, 2500, 1_000_000);
      // Looked at now and then, so it may take some more rows.
      for (let n = 0; n < 250; n++) await log.append(entry(`x${n}`, { at: 9_000_000 }));
      const rows = await rowsOf(log);
      expect(rows[0]?.seq).toBe(1001);
      const cuts = rows.map(readRow).filter(({ kind }) => kind === "cut");
      expect(cuts).toMatchObject([{ upto: 1000, rows: 1000, why: "age" }]);
      const verdict = await verify(log, new AbortController().signal);
      expect(verdict).toMatchObject({ flaws: [], cut: 1000 });
      await log.close();
    });

    it("goes by size, too, and keeps the newest segment", async () => {
      const log = await make({ clock: manualClock(10_000), replica: "r1", maxBytes: 1 });
      for (let n = 0; n < 12; n++)
        await Promise.all(Array.from({ length: 400 }, (_, at) => log.append(entry(`${n}-${at}`))));
      for (let n = 0; n < 250; n++) await log.append(entry(`x${n}`));
      const rows = await rowsOf(log);
      expect(rows.length).toBeLessThan(2300);
      expect(rows.length).toBeGreaterThan(1000);
      expect((await verify(log, new AbortController().signal)).flaws).toEqual([]);
      await log.close();
    });
  });
}
