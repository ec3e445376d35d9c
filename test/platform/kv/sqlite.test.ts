import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { sqliteKv } from "../../../src/platform/kv/sqlite.ts";
import { kvContract } from "../../contract/kv.contract.ts";

const folder = mkdtempSync(join(tmpdir(), "micro-kv-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

kvContract("sqlite", { create: () => sqliteKv({ path: join(folder, "a", "kv.sqlite"), pollMs: 20 }), settleMs: 3000 });
