import type { Audit, AuditRecord } from "../../commands/audit-record.ts";
import type { Catalog } from "../../commands/catalog.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Redactor } from "../../core/redact.ts";
import { type Audited, audit } from "../layers/audit.ts";
import type { Policy } from "../policy.ts";
import type { Look } from "../touched.ts";
import type { AuditLog } from "./audit-log.ts";
import { memoryAudit } from "./memory.ts";
import { auditReader, seesAllBy } from "./reader.ts";
import { createReplay } from "./replay.ts";

export interface RecordingInit {
  /** Closed by whoever made it. Left out: one in memory, closed here. */
  readonly auditLog?: AuditLog;
  /** Told of each record. Left out: it is written into `log`. */
  readonly audit?: (record: AuditRecord) => void;
  /** Who writes, where the log is in memory: that replica, or the bot of that name. */
  readonly replica?: { readonly name?: string | undefined } | undefined;
  readonly name: string;
  readonly catalog: () => Catalog;
  readonly policy: Policy;
  readonly look: Look;
  readonly clock: Clock;
  readonly log: Log;
  readonly redactor: Redactor;
}

/** What a bot writes down of what it does, and reads again. */
export interface Recording {
  readonly audited: Audited;
  /** What was written down here. */
  readonly written: Audit;
  close(): Promise<void>;
}

export function createRecording(init: RecordingInit): Recording {
  const { name, catalog, policy, look, clock, log, redactor } = init;
  const auditLog = init.auditLog ?? memoryAudit({ clock, replica: init.replica?.name ?? name });
  const told = init.audit ?? ((record: AuditRecord) => log.info(record, "audit"));
  return {
    audited: audit({ log: auditLog, clock, redactor, look, told }),
    written: auditReader({
      log: async () => auditLog,
      seesAll: seesAllBy(policy),
      replay: createReplay({ catalog, policy: () => policy }),
    }),
    close: async () => {
      if (init.auditLog === undefined) await auditLog.close();
    },
  };
}
