import type { AuditFilter, AuditRecord, AuditSaid } from "../../commands/audit-record.ts";

/** Whether a record is one of those that are asked for; `sqlite.ts` says the same in SQL. */
export function fits(record: AuditSaid & Partial<Pick<AuditRecord, "outcome">>, filter: AuditFilter): boolean {
  const { who, person, command, since, room, denied } = filter;
  if (who !== undefined && ![record.person, record.caller, record.name, record.by].includes(who)) return false;
  if (person !== undefined && record.person !== person) return false;
  if (command !== undefined && record.command !== command && !record.command?.startsWith(`${command} `)) return false;
  if (since !== undefined && record.at < since) return false;
  if (room !== undefined && record.room !== room && `${record.network}:${record.room}` !== room) return false;
  return denied !== true || record.outcome === "permission_denied";
}
