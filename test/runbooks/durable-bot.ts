import { createBot } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin } from "../../src/commands/builtin.ts";
import { rpcClient } from "../../src/core/client/rpc.ts";
import { systemClock } from "../../src/core/clock.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { defaultSelector } from "../../src/core/selector/default.ts";
import { httpTransport } from "../../src/core/transport/http.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { sqliteDb } from "../../src/platform/db/sqlite.ts";
import { sqliteKv } from "../../src/platform/kv/sqlite.ts";
import { runbooks } from "../../src/runbooks/extension.ts";
import { RUNBOOK_TABLES } from "../../src/runbooks/runs.ts";
import { folderShelf } from "../../src/runbooks/shelf.ts";

export interface DurableInit {
  /** Where `kv.db`, `records.db` and the runbooks are. */
  readonly folder: string;
  /** Of the service that counts. */
  readonly address: string;
  readonly onPoint?: (point: string) => void;
}

export const COUNTING = "go.micro.srv.counting";

/** A whole bot over SQLite files: what a process that is killed, and the one that comes after it, have in common. */
export async function durableBot({ folder, address, onPoint }: DurableInit) {
  const clock = systemClock;
  const input = memoryInput();
  const endpoints: never[] = [];
  const node = { id: "counting-1", address, metadata: {} };
  const registry = memoryRegistry({
    services: [{ name: COUNTING, version: "1.0.0", metadata: {}, endpoints, nodes: [node] }],
  })();
  const kv = sqliteKv({ path: `${folder}/kv.db`, pollMs: 20 });
  const db = sqliteDb({ path: `${folder}/records.db`, tables: RUNBOOK_TABLES });
  await Promise.all([kv.start(), db.start()]);
  const client = rpcClient({ name: "go.micro.bot" })({
    transport: httpTransport(),
    selector: defaultSelector()({ registry, clock }),
    clock,
  });
  const bot = createBot({
    inputs: [input],
    commands: builtin,
    registry,
    client,
    store: kv,
    policy: readPolicy("members: ['*:*']", "test"),
    drainMs: 200,
    extensions: [runbooks({ shelf: folderShelf(folder), db, leaseMs: 200, drainMs: 50, ...(onPoint && { onPoint }) })],
  });
  await bot.start();
  return {
    input,
    kv,
    db,
    stop: async () => {
      await bot.stop();
      await client.close();
      await Promise.all([kv.stop(), db.stop()]);
    },
  };
}
