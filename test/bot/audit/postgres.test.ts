import { createHash } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryAudit } from "../../../src/bot/audit/memory.ts";
import { copyToPostgres } from "../../../src/bot/audit/postgres.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { entry } from "../../contract/audit.contract.ts";
import { hasPostgres, type PostgresServer, startPostgres } from "../../fakes/postgres-server.ts";

const { signal } = new AbortController();

describe.skipIf(!hasPostgres)("rows copied to a real PostgreSQL (needs postgresql)", () => {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startPostgres();
    client = new pg.Client({ connectionString: server.address });
    client.on("error", () => {});
    await client.connect();
  }, 60_000);
  afterAll(async () => {
    await client?.end();
    await server?.stop();
  });

  it("are there once each, however often they are copied, and still carry their hash", async () => {
    const log = memoryAudit({ clock: systemClock, replica: "r1" });
    for (let n = 0; n < 1203; n++) void log.append(entry(`${n}`, { at: n, text: 'it’s "quoted"\n \\u0041' }));
    await log.append({ kind: "gap", replica: "r1", at: 5, since: 1, rows: 2, ids: [], why: "full" });
    const other = memoryAudit({ clock: systemClock, replica: "r2" });
    await other.append(entry("0", { at: 1, replica: "r2" }));

    expect(await copyToPostgres(log, server.address, 1000, signal)).toEqual({ copied: 203, there: 0 });
    expect(await copyToPostgres(log, server.address, 0, signal)).toEqual({ copied: 1001, there: 203 });
    expect(await copyToPostgres(log, server.address, 0, signal)).toEqual({ copied: 0, there: 1204 });
    expect(await copyToPostgres(other, server.address, 0, signal)).toEqual({ copied: 1, there: 0 });

    const { rows } = await client.query(
      `select seq, hash, body::text as body, person, at, encode(sha256(convert_to(body::text, 'UTF8')), 'hex') as own
       from micro_audit where replica = 'r1' order by seq`,
    );
    expect(rows).toHaveLength(1204);
    for (const { hash, body, own } of rows) {
      expect(own).toBe(hash);
      expect(createHash("sha256").update(body).digest("hex")).toBe(hash);
    }
    expect(rows[3]).toMatchObject({ seq: "4", person: "ann", at: new Date(3) });
    await Promise.all([log.close(), other.close()]);
  });

  it("says what is wrong with a database, without its password", async () => {
    const log = memoryAudit({ clock: systemClock, replica: "r1" });
    const url = server.address.replace("postgres@", "postgres:hunter2@").replace(/postgres$/, "nowhere");
    const refused = copyToPostgres(log, url, 0, signal);
    await expect(refused).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("nowhere") });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining("hunter2") });
    await expect(copyToPostgres(log, "mysql://x", 0, signal)).rejects.toMatchObject({ code: "invalid_argument" });
    await log.close();
  });

  it("gives up when it is told to", async () => {
    const log = memoryAudit({ clock: systemClock, replica: "r1" });
    await log.append(entry("x"));
    const over = new AbortController();
    server.freeze();
    const copying = copyToPostgres(log, server.address, 0, over.signal);
    over.abort();
    await expect(copying).rejects.toMatchObject({ code: "cancelled" });
    server.thaw();
    await log.close();
  });

  it("gives up, too, when the server falls silent in the middle", async () => {
    const log = memoryAudit({ clock: systemClock, replica: "r1" });
    for (let n = 0; n < 600; n++) await log.append(entry(`${n}`));
    const over = new AbortController();
    const silent = {
      rows: async function* () {
        let seen = 0;
        for await (const row of log.rows()) {
          if (++seen === 500) {
            server.freeze();
            setTimeout(() => over.abort(), 50);
          }
          yield row;
        }
      },
    };
    await expect(copyToPostgres(silent, server.address, 0, over.signal)).rejects.toMatchObject({ code: "cancelled" });
    server.thaw();
    await log.close();
  });
});
