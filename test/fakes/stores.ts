import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { consulKv } from "../../src/platform/kv/consul.ts";
import { etcdKv } from "../../src/platform/kv/etcd.ts";
import type { Kv } from "../../src/platform/kv/kv.ts";
import { memoryKv, memoryShelf } from "../../src/platform/kv/memory.ts";
import { natsKv } from "../../src/platform/kv/nats.ts";
import { postgresKv } from "../../src/platform/kv/postgres.ts";
import { sqliteKv } from "../../src/platform/kv/sqlite.ts";
import { hasConsul, startConsul } from "./consul-agent.ts";
import { hasEtcd, startEtcd } from "./etcd-server.ts";
import { hasNats, startNats } from "./nats-server.ts";
import { hasPostgres, startPostgres } from "./postgres-server.ts";

/** An empty store. Each call is another process's view of it, to be started and stopped by whoever asked for it. */
export type Space = () => Kv;

/** One of the kinds of stores, over the real server where there is one. */
export interface StoreKind {
  readonly kind: string;
  /** Its server is installed; without it tests of it are skipped, saying so. */
  readonly has: boolean;
  start(): Promise<RunningStore>;
}

export interface RunningStore {
  space(): Promise<Space>;
  stop(): Promise<void>;
}

/** Every kind of store that replicas can share, for suites that want the same of each. */
export const STORE_KINDS: readonly StoreKind[] = [
  {
    kind: "memory",
    has: true,
    start: async () => ({
      space: async () => {
        const shelf = memoryShelf();
        return () => memoryKv({ shelf });
      },
      stop: async () => {},
    }),
  },
  {
    kind: "sqlite",
    has: true,
    start: async () => {
      const folder = mkdtempSync(join(tmpdir(), "micro-stores-"));
      return {
        space: async () => {
          const path = join(mkdtempSync(join(folder, "space-")), "kv.sqlite");
          return () => sqliteKv({ path, pollMs: 20 });
        },
        stop: async () => rmSync(folder, { recursive: true, force: true }),
      };
    },
  },
  {
    kind: "nats",
    has: hasNats(),
    start: async () => {
      const { address, stop } = await startNats();
      return { space: counted((n) => natsKv({ addresses: [address], bucket: `space${n}` })), stop };
    },
  },
  {
    kind: "etcd",
    has: hasEtcd(),
    start: async () => {
      const { address, stop } = await startEtcd();
      return { space: counted((n) => etcdKv({ addresses: [address], root: `/space${n}/` })), stop };
    },
  },
  {
    kind: "consul",
    has: hasConsul,
    start: async () => {
      const { address, stop } = await startConsul();
      return { space: counted((n) => consulKv({ addresses: [address], root: `space${n}` })), stop };
    },
  },
  {
    kind: "postgres",
    has: hasPostgres,
    start: async () => {
      const { address, stop } = await startPostgres();
      let made = 0;
      return {
        space: async () => {
          const name = `space${++made}`;
          const client = new pg.Client(address);
          await client.connect();
          await client.query(`CREATE DATABASE ${name}`).finally(() => client.end());
          return () => postgresKv({ address: address.replace(/postgres$/, name) });
        },
        stop,
      };
    },
  },
];

function counted(create: (n: number) => Kv): () => Promise<Space> {
  let made = 0;
  return async () => {
    const n = ++made;
    return () => create(n);
  };
}
