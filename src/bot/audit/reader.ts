import { type Audit, type AuditFound, type AuditRow, READ_ALL, type Replayed } from "../../commands/audit-record.ts";
import type { CommandContext } from "../../commands/command.ts";
import type { Left } from "../journal.ts";
import type { Policy, Request } from "../policy.ts";
import { mayAlone } from "../rights.ts";
import type { AuditLog } from "./audit-log.ts";
import { type Linked, readRow } from "./chain.ts";
import { verify } from "./verify.ts";

export interface ReaderInit extends Pick<Audit, "seesAll"> {
  /** @throws MicroError when it cannot be opened */
  readonly log: () => Promise<AuditLog>;
  readonly replay: (found: AuditFound, context: CommandContext) => Promise<Replayed>;
  readonly copyTo?: (
    log: AuditLog,
    url: string,
    since: number,
    signal: AbortSignal,
  ) => ReturnType<Required<Audit>["copyTo"]>;
}

/** What commands ask of a log. */
export function auditReader({ log, seesAll, replay, copyTo }: ReaderInit): Audit {
  return {
    seesAll,
    search: async (filter) => (await (await log()).search(filter)).flatMap((row) => found([row])),
    find: async (id) => found(await (await log()).of(id))[0],
    verify: async (signal) => verify(await log(), signal),
    rows: async function* (since) {
      for await (const row of (await log()).rows()) if (since === 0 || readRow(row).at >= since) yield row;
    },
    replay,
    ...(copyTo && { copyTo: async (url, since, signal) => copyTo(await log(), url, since, signal) }),
  };
}

/** The rows of one message as one record; a message that has only begun is running, or was when its process died. */
function found(rows: readonly AuditRow[]): readonly AuditFound[] {
  const read = rows.map((row) => ({ row, linked: readRow(row) }));
  const begun = read.find(({ linked }) => linked.kind === "begun");
  const last = read.findLast(({ linked }) => linked.kind === "ended") ?? begun;
  if (last === undefined) return [];
  const { kind, before: _before, ...record } = last.linked as Linked & { kind: "begun" | "ended" };
  const ending = "outcome" in record ? {} : { outcome: "running", ms: 0 };
  return [{ ...record, ...ending, hash: last.row.hash, ...(begun && { begunSeq: begun.row.seq }) } as AuditFound];
}

/** Whether a message that was left has ended well, as its record says. An id comes round, so it must be of that person and time. */
export function wasDoneBy({ find }: Pick<Audit, "find">): (left: Left) => Promise<boolean> {
  return async ({ taken: { id, at, caller } }) => {
    const record = await find(id).catch(() => undefined);
    return record?.outcome === "ok" && record.at >= at && (record.by ?? record.caller) === caller;
  };
}

/**
 * By the policy of a bot: what it says of one who asks there and then, and nothing that wants approvers first.
 * @param what stands for what others did or do
 */
export function seesAllBy(policy: Pick<Policy, "decide">, what: Request["command"] = READ_ALL): Audit["seesAll"] {
  return ({ caller, guest = false, room, clock }) =>
    mayAlone(policy, { caller, guest, command: what, ...(room !== undefined && { room }), at: clock.now() });
}
