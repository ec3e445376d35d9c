import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "libsql";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileAnchor } from "../../../src/bot/audit/anchor.ts";
import type { AuditLog } from "../../../src/bot/audit/audit-log.ts";
import { link, readRow } from "../../../src/bot/audit/chain.ts";
import { type SqliteAuditInit, sqliteAudit } from "../../../src/bot/audit/sqlite.ts";
import { verify } from "../../../src/bot/audit/verify.ts";
import type { AuditRow } from "../../../src/commands/audit-record.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { auditContract, entry, rowsOf } from "../../contract/audit.contract.ts";

let folder: string;
let opened: AuditLog[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "micro-audit-"));
  opened = [];
});
afterEach(async () => {
  for (const log of opened) await log.close();
  rmSync(folder, { recursive: true });
});

const path = () => join(folder, "audit.db");
const anchor = () => fileAnchor(join(folder, "audit.anchor"));

async function open(init: Partial<SqliteAuditInit> = {}): Promise<AuditLog> {
  const log = await sqliteAudit(path(), { clock: systemClock, replica: "r1", ...init });
  opened.push(log);
  return log;
}

const whole = (log: AuditLog) => verify(log, new AbortController().signal);

let files = 0;
auditContract("SQLite", (init) => sqliteAudit(join(folder, `contract-${files++}.db`), init));

/** A log of eight rows, closed, and its file as somebody has it who can write it. */
async function tampered(change: (db: Sqlite.Database) => void) {
  const log = await open({ anchors: [anchor()] });
  for (let n = 1; n <= 8; n++) await log.append(entry(`id${n}`, { at: n }));
  await log.close();
  const db = new Sqlite(path());
  db.exec("drop trigger audit_is_not_changed; drop trigger audit_is_only_cut");
  change(db);
  db.close();
  return whole(await open({ readonly: true, anchors: [anchor()] }));
}

const all = (db: Sqlite.Database) => db.prepare("select seq, body, hash from audit order by seq").all() as AuditRow[];

/** What somebody does who knows how the chain is made. */
function rewrite(db: Sqlite.Database, from: number, change: (body: Record<string, unknown>) => unknown) {
  const rows = all(db).map(({ seq, body, hash }) => ({ seq, body, hash }));
  db.exec(`delete from audit where seq >= ${from}`);
  const rest = rows
    .filter(({ seq }) => seq >= from)
    .map((row) => {
      const { seq: _seq, before: _before, ...body } = readRow(row);
      return change(body) as never;
    });
  const insert = db.prepare("insert into audit (seq, body, hash) values (?, ?, ?)");
  for (const { seq, body, hash } of link(rest, rows[from - 2] as AuditRow)) insert.run(seq, body, hash);
}

describe("a chain that somebody has changed", () => {
  it("is whole when nobody has", async () => {
    expect(await tampered(() => {})).toMatchObject({ rows: 8, flaws: [], anchor: { seq: 8 } });
  });

  it.each<[string, (db: Sqlite.Database) => void, number, RegExp]>([
    [
      "a text",
      (db) => db.exec(`update audit set body = replace(body, '"Ann"', '"Bob"') where seq = 4`),
      4,
      /was changed/,
    ],
    ["a hash", (db) => db.exec(`update audit set hash = '${"0".repeat(64)}' where seq = 4`), 4, /was changed/],
    ["all of it", (db) => db.exec("update audit set body = '[]' where seq = 4"), 4, /was changed/],
    ["a row removed", (db) => db.exec("delete from audit where seq = 4"), 5, /row 4 was removed/],
    ["rows removed", (db) => db.exec("delete from audit where seq in (4, 5)"), 6, /rows 4 to 5 were removed/],
    ["the first removed", (db) => db.exec("delete from audit where seq <= 2"), 3, /rows 1 to 2 were removed/],
    ["the last removed", (db) => db.exec("delete from audit where seq >= 7"), 8, /cut short after row 6/],
    ["all removed", (db) => db.exec("delete from audit"), 8, /cut short after row 0/],
    [
      "a row removed and the others moved up",
      (db) => db.exec("delete from audit where seq = 4; update audit set seq = seq - 1 where seq > 4"),
      4,
      /was moved/,
    ],
    [
      "two rows exchanged",
      (db) =>
        db.exec(
          "update audit set seq = 99 where seq = 3; update audit set seq = 3 where seq = 4; update audit set seq = 4 where seq = 99",
        ),
      3,
      /was moved/,
    ],
    [
      "a row put in",
      (db) => {
        const [row] = link([entry("false")], all(db)[7] as AuditRow);
        db.exec("update audit set seq = seq + 1 where seq = 8");
        db.prepare("insert into audit (seq, body, hash) values (8, ?, ?)").run(row?.body, row?.hash);
      },
      8,
      /was moved/,
    ],
    ["all made anew from a row on", (db) => rewrite(db, 4, (body) => ({ ...body, name: "Bob" })), 8, /made anew/],
  ])("is found: %s", async (_name, change, seq, what) => {
    const verdict = await tampered(change);
    expect(verdict.flaws).toContainEqual({ seq, what: expect.stringMatching(what) });
  });

  it("is found when the hash that was kept apart has been made unreadable", async () => {
    const { writeFileSync } = await import("node:fs");
    const verdict = await tampered(() => writeFileSync(join(folder, "audit.anchor"), "{}"));
    expect(verdict.flaws).toMatchObject([{ what: expect.stringContaining("audit.anchor") }]);
  });

  it("is found later, too, when the bot has gone on with it", async () => {
    expect((await tampered((db) => db.exec("delete from audit where seq >= 7"))).flaws).toHaveLength(1);
    for (const id of ["a", "b"]) {
      const log = await open({ anchors: [anchor()] });
      for (let n = 0; n < 5; n++) await log.append(entry(`${id}${n}`));
      await log.close();
    }
    const verdict = await whole(await open({ readonly: true, anchors: [anchor()] }));
    expect(verdict).toMatchObject({ rows: 17, anchor: { seq: 17 } });
    expect(verdict.flaws).toMatchObject([{ seq: 8, what: expect.stringContaining("was kept apart at") }]);
  });

  it("cannot be passed off as cut by the retention", async () => {
    const verdict = await tampered((db) => db.exec("insert into cuts values (3); delete from audit where seq <= 3"));
    expect(verdict.flaws).toMatchObject([
      { seq: 4, what: expect.stringContaining("something else than the retention") },
    ]);
  });
});

describe("the file", () => {
  it("refuses changes and deletions, belongs to its user alone, and goes on when it is opened again", async () => {
    const log = await open();
    await log.append(entry("a"));
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    const db = new Sqlite(path());
    expect(() => db.exec("update audit set body = '{}'")).toThrow(/not changed/);
    expect(() => db.exec("delete from audit")).toThrow(/only cut by its retention/);
    expect(() => db.exec("delete from cuts")).not.toThrow();
    db.close();
    await log.close();
    const again = await open();
    await again.append(entry("b"));
    expect(await whole(again)).toMatchObject({ rows: 2, flaws: [] });
  });

  it("is read while the bot writes it, and made by no reader", async () => {
    await expect(open({ readonly: true })).rejects.toMatchObject({ code: "not_found" });
    const log = await open();
    await log.append(entry("a"));
    const reader = await open({ readonly: true });
    await log.append(entry("b"));
    expect(await rowsOf(reader)).toHaveLength(2);
    await expect(reader.append(entry("c"))).rejects.toMatchObject({ code: "unavailable" });
  });

  it("is one chain when several processes write it at once", async () => {
    await (await open()).close();
    const script = `
      import { sqliteAudit } from ${JSON.stringify(join(import.meta.dirname, "../../../dist/src/bot/audit/sqlite.js"))};
      import { systemClock } from ${JSON.stringify(join(import.meta.dirname, "../../../dist/src/core/clock.js"))};
      const log = await sqliteAudit(process.argv[1], { clock: systemClock, replica: process.argv[2] });
      for (let n = 0; n < 40; n++) {
        await Promise.all([0, 1, 2, 3, 4].map((at) => log.append(
          { kind: "ended", replica: process.argv[2], id: n + "-" + at, at: n, caller: "c", person: "c", name: "c", network: "n", room: "r", text: "t", outcome: "ok", ms: 0 },
          { durable: at === 0 },
        )));
      }
      await log.close();
    `;
    const children = ["r1", "r2", "r3"].map((name) =>
      spawn(process.execPath, ["--input-type=module", "-e", script, path(), name], {
        stdio: ["ignore", "ignore", "pipe"],
      }),
    );
    const errors = children.map(async (child) => {
      let text = "";
      child.stderr.on("data", (data) => {
        text += String(data);
      });
      const [code] = await once(child, "close");
      return `${code} ${text}`;
    });
    expect(await Promise.all(errors)).toEqual(["0 ", "0 ", "0 "]);
    expect(await whole(await open({ readonly: true }))).toMatchObject({ rows: 600, flaws: [] });
  }, 60_000);
});

describe("a disk that is full", () => {
  it("refuses rows, says since when, and tells of them when there is room again", async () => {
    const log = await open({ maxPages: 20 });
    const big = (id: string) => entry(id, { text: "x".repeat(2000) });
    let failed: unknown;
    for (let n = 0; n < 100 && failed === undefined; n++)
      await log.append(big(`n${n}`)).catch((error) => (failed = error));
    expect(failed).toMatchObject({ code: "unavailable", message: expect.stringContaining("full") });
    expect(log.trouble).toMatchObject({ why: expect.stringContaining("full") });
    await expect(log.append(big("lost"))).rejects.toMatchObject({ code: "unavailable" });
    const before = (await rowsOf(log)).length;
    // A row that fits into what is left of a page may be written yet; a bigger disk takes them all.
    await log.close();
    const again = await open();
    await again.append(entry("after"));
    expect(await whole(again)).toMatchObject({ rows: before + 1, flaws: [] });
  });

  it("is told by the chain itself once rows can be written", async () => {
    const log = await open({ maxPages: 24 });
    const db = new Sqlite(path());
    let n = 0;
    while (log.trouble === undefined) await log.append(entry(`n${n++}`, { text: "x".repeat(3000) })).catch(() => {});
    await log.append(entry("lost", { text: "x".repeat(9000), outcome: "timeout" })).catch(() => {});
    const { trouble } = log;
    // Somebody makes room.
    db.exec("drop trigger audit_is_only_cut; delete from audit where seq <= 3");
    db.close();
    await log.append(entry("after"));
    expect(trouble).toBeDefined();
    expect(log.trouble).toBeUndefined();
    const gap = (await rowsOf(log)).map(readRow).find(({ kind }) => kind === "gap");
    expect(gap).toMatchObject({ rows: 2, ids: [`n${n - 1} ok`, "lost timeout"], why: expect.stringContaining("full") });
  });
});
