import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Change } from "../../../src/platform/kv/kv.ts";
import { postgresKv } from "../../../src/platform/kv/postgres.ts";
import { kvContract, lossOf } from "../../contract/kv.contract.ts";
import { kvFaults, within } from "../../contract/kv-faults.contract.ts";
import { hasPostgres, type PostgresServer, startPostgres } from "../../fakes/postgres-server.ts";

describe.skipIf(!hasPostgres)(`a real PostgreSQL${hasPostgres ? "" : " (skipped: postgres is not installed)"}`, () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterAll(() => server?.stop());

  kvContract("postgres", { create: () => postgresKv({ address: server.address }), settleMs: 5000 });

  let faulty: PostgresServer;
  kvFaults("postgres", {
    start: async () => {
      faulty = await startPostgres();
      return faulty;
    },
    create: (clock) => postgresKv({ address: faulty.address, ...(clock && { clock }) }),
    nowhere: (password) => postgresKv({ address: `postgres://bot:${password}@127.0.0.1:1/bot` }),
  });

  const raw = async (text: string) => {
    const client = new pg.Client(server.address);
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  };

  it("tells every change of many writers, in the order of its revision", async () => {
    const writers = Array.from({ length: 4 }, () => postgresKv({ address: server.address }));
    await Promise.all(writers.map((kv) => kv.start()));
    const watcher = await writers[0]!.watch("order.");
    const seen: Change[] = [];
    const reading = (async () => {
      for await (const change of watcher) seen.push(change);
    })();
    await Promise.all(
      writers.flatMap((kv, who) =>
        Array.from({ length: 100 }, (_, n) => kv.put(`order.${who}.${n}`, "1", { timeoutMs: 30_000 })),
      ),
    );
    await within(5000, () => expect(new Set(seen.map(({ key }) => key)).size).toBe(400));
    const revisions = seen.map(({ entry }) => entry?.revision ?? 0);
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    await watcher.close();
    await reading;
    await Promise.all(writers.map((kv) => kv.stop()));
  }, 60_000);

  it("is not held up by a process that stands still while it writes elsewhere", async () => {
    const kv = postgresKv({ address: server.address });
    await kv.start();
    const other = new pg.Client(server.address);
    await other.connect();
    await other.query("BEGIN; UPDATE micro_bot_kv_head SET revision = revision + 1");
    await expect(kv.put("held.a", "1", { timeoutMs: 300 })).rejects.toMatchObject({ code: "timeout" });
    expect(await kv.get("held.a")).toBeUndefined();
    await other.end();
    expect(await kv.put("held.b", "1")).toBeGreaterThan(0);
    await kv.stop();
  });

  it("forgets old deletions, and a watch that would have needed one ends", async () => {
    const kv = postgresKv({ address: server.address });
    await kv.start();
    await kv.put("swept.a", "1");
    await kv.delete("swept.a");
    const marks = async () => (await raw("SELECT key FROM micro_bot_kv WHERE key = 'swept.a'")).length;
    expect(await marks()).toBe(1);
    const ended = lossOf(await kv.watch("swept."));
    // As if much had happened; the next write is the one that looks after it.
    await raw("UPDATE micro_bot_kv_head SET revision = (revision / 1000 + 21) * 1000 - 1");
    expect(await kv.put("swept.b", "1")).toSatisfy((revision: number) => revision % 1000 === 0);
    expect(await marks()).toBe(0);
    expect((await kv.get("swept.b"))?.value).toBe("1");
    await kv.put("swept.c", "1");
    expect(await ended).toMatchObject({ code: "unavailable", message: expect.stringContaining("missed") });
    await kv.stop();
  });

  it("makes its tables once, whoever comes first, and needs no right to make them afterwards", async () => {
    await raw("CREATE DATABASE fresh");
    const address = server.address.replace(/postgres$/, "fresh");
    const all = Array.from({ length: 8 }, () => postgresKv({ address }));
    await Promise.all(all.map((kv) => kv.start()));
    expect(
      (await Promise.all(all.map((kv) => kv.create("first", "1")))).filter((each) => each !== undefined),
    ).toHaveLength(1);
    await Promise.all(all.map((kv) => kv.stop()));
  });

  it("does not say with which password it was turned away", async () => {
    const guarded = await startPostgres({ auth: "scram-sha-256", password: "right" });
    const at = (password: string) => guarded.address.replace("postgres@", `postgres:${password}@`);
    const wrong = postgresKv({ address: at("wr0ng-word") });
    const failure = await wrong.start().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "unavailable", message: expect.stringContaining("password") });
    expect(`${failure} ${JSON.stringify(failure)}`).not.toContain("wr0ng-word");
    await wrong.stop();
    const right = postgresKv({ address: at("right") });
    await right.start();
    expect(await right.create("let.in", "1")).toBeGreaterThan(0);
    await right.stop();
    await guarded.stop();
  }, 60_000);

  it("refuses an address that is none without repeating it", () => {
    expect(() => postgresKv({ address: "mysql://me:s3cret@host" })).toThrow(/^(?!.*s3cret).*postgres:\/\//);
  });
});
