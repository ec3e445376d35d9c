import { afterAll, beforeAll, describe } from "vitest";
import { postgresKv } from "../../../src/platform/kv/postgres.ts";
import { kvContract } from "../../contract/kv.contract.ts";
import { hasPostgres, type PostgresServer, startPostgres } from "../../fakes/postgres-server.ts";

describe.skipIf(!hasPostgres)(`a real server${hasPostgres ? "" : " (skipped: postgres is not installed)"}`, () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterAll(() => server?.stop());

  kvContract("postgres", { create: () => postgresKv({ address: server.address }), settleMs: 5000 });
});
