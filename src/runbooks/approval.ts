import { goDuration } from "../core/duration.ts";
import type { Ended } from "./act.ts";
import type { StepRecord } from "./run.ts";
import type { Act } from "./runbook.ts";

type Approve = Extract<Act, { readonly kind: "approve" }>;

/** Who says yes or no. */
export interface Approver {
  readonly caller: string;
  readonly person: string;
  readonly guest: boolean;
}

/** How an approval has ended, if it has. */
export function approvalOf(act: Approve, record: StepRecord, now: number): Ended | undefined {
  const { approvals = [], refusedBy } = record;
  if (refusedBy !== undefined) return { state: "failed", error: `${refusedBy} refused it` };
  if (approvals.length >= act.count) {
    return { state: "done", told: `approved by ${approvals.map(({ person }) => person).join(", ")}` };
  }
  if (now < record.at + act.atMostMs) return undefined;
  const had = approvals.length === 0 ? "nobody" : `${approvals.length} of ${act.count}`;
  return { state: "failed", error: `${had} approved it within ${goDuration(act.atMostMs * 1e6)}` };
}

/** Whether that is one of those whose yes is wanted. A guest is nobody's word. */
export function mayApprove(act: Approve, who: Approver, hasRole: (role: string) => boolean): boolean {
  if (who.guest) return false;
  return act.by.some((one) =>
    one.startsWith("role:") ? hasRole(one.slice(5)) : one === who.person || one === who.caller,
  );
}
