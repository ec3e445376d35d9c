import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileAnchor, kvAnchor } from "../bot/audit/anchor.ts";
import type { AuditLog } from "../bot/audit/audit-log.ts";
import type { Audit } from "../commands/audit-record.ts";
import { builtin, smallTalk } from "../commands/builtin.ts";
import { createCatalog } from "../commands/catalog.ts";
import type { Clock } from "../core/clock.ts";
import { silent } from "../core/log.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { readOptions } from "./options.ts";
import type { ProgramInit } from "./program.ts";
import { BOT, type BotSettings, GLOBAL, type GlobalSettings } from "./settings.ts";
import { defaultStateDir } from "./state.ts";

/* Loaded by every command, so what the audit is made of is loaded when it is wanted. */

const FILE = "audit.db";
const ANCHOR = "audit.anchor";

export interface BotAuditInit {
  readonly clock: Clock;
  readonly stateDir: string;
  readonly inMemory: boolean;
  /** Where the newest hash is kept, too, out of reach of who can write the state folder. */
  readonly store?: Kv;
}

/** The audit of a bot. @throws MicroError `unavailable` when it cannot be opened */
export async function openAudit(settings: BotSettings, init: BotAuditInit): Promise<AuditLog> {
  const { clock, stateDir, inMemory, store } = init;
  const replica = settings.replica_name || hostname();
  if (inMemory) return (await import("../bot/audit/memory.ts")).memoryAudit({ clock, replica });
  const { sqliteAudit } = await import("../bot/audit/sqlite.ts");
  return sqliteAudit(join(stateDir, FILE), {
    clock,
    replica,
    keepMs: settings.audit_keep,
    maxBytes: settings.audit_megabytes * 2 ** 20,
    anchors: [fileAnchor(join(stateDir, ANCHOR)), ...(store ? [kvAnchor(store, anchorKey(stateDir))] : [])],
  });
}

/** One for each state folder of each machine. */
function anchorKey(stateDir: string): string {
  const place = createHash("sha256").update(`${hostname()} ${stateDir}`).digest("hex");
  return `audit.anchor.${place.slice(0, 16)}`;
}

/** The audit of the bot whose state folder this is, whether it runs or not, for the command line. Opened when it is asked. */
export function auditOf(
  settings: GlobalSettings,
  { env, user, clock, signal }: Pick<ProgramInit, "env" | "signal"> & { readonly user: string; readonly clock: Clock },
): Audit & AsyncDisposable {
  // Who can read the file can read the file.
  const seesAll = () => true;
  let opened: Promise<AuditLog> | undefined;
  const open = async () => {
    const { sqliteAudit } = await import("../bot/audit/sqlite.ts");
    const stateDir = settings.state_dir || defaultStateDir(env);
    const anchors = [fileAnchor(join(stateDir, ANCHOR))];
    return sqliteAudit(join(stateDir, FILE), { clock, replica: "", readonly: true, anchors });
  };
  const reader = async () => {
    opened ??= open();
    const [{ auditReader }, { copyToPostgres }] = await Promise.all([
      import("../bot/audit/reader.ts"),
      import("../bot/audit/postgres.ts"),
    ]);
    return auditReader({
      log: () => opened ?? open(),
      seesAll,
      copyTo: copyToPostgres,
      replay: async (found, context) => {
        const [{ createReplay }, policy] = await Promise.all([
          import("../bot/audit/replay.ts"),
          policyOf(settings, { env, user, clock, signal }),
        ]);
        const catalog = createCatalog([...builtin, ...smallTalk]);
        return createReplay({ catalog: () => catalog, policy: () => policy })(found, context);
      },
    });
  };
  return {
    seesAll,
    search: async (filter) => (await reader()).search(filter),
    find: async (id) => (await reader()).find(id),
    verify: async (signal) => (await reader()).verify(signal),
    rows: async function* (since) {
      yield* (await reader()).rows(since);
    },
    replay: async (found, context) => (await reader()).replay(found, context),
    copyTo: async (url, since, signal) => (await reader()).copyTo?.(url, since, signal) ?? { copied: 0, there: 0 },
    [Symbol.asyncDispose]: async () => (await opened?.catch(() => undefined))?.close(),
  };
}

/** The bot's, where the environment says it as it does to the bot, with what it refers to; else the one that holds without a file. */
async function policyOf(
  { vault_address, vault_token }: GlobalSettings,
  { env, user, clock, signal }: Pick<ProgramInit, "env" | "signal"> & { readonly user: string; readonly clock: Clock },
) {
  const path = readOptions({ policy: BOT.policy }, [], env).settings.policy;
  if (path === "") {
    const { policyFor } = await import("../bot/policy.ts");
    return policyFor([`local:${user}`, "local:root"]);
  }
  const [{ openPolicy }, { policyText }, { openSecrets }] = await Promise.all([
    import("../bot/policy/live.ts"),
    import("./secret-policy.ts"),
    import("./secrets.ts"),
  ]);
  const { resolve } = await openSecrets({ vault_address, vault_token }, GLOBAL, { env, signal, clock });
  return openPolicy({ path, read: (file) => policyText(file, resolve), clock, log: silent });
}
