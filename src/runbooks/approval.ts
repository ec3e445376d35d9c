import type { Speaker } from "../commands/speaker.ts";
import { goDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";
import type { Ended } from "./act.ts";
import { bookOf } from "./book.ts";
import { type Run, type StepRecord, stateOf } from "./run.ts";
import type { Act } from "./runbook.ts";

type Approve = Extract<Act, { readonly kind: "approve" }>;

/** Who says yes or no. */
export interface Approver extends Speaker {
  readonly guest: boolean;
}

/** By what is known now. */
export interface Rights {
  readonly hasRole: (caller: string, guest: boolean, role: string) => boolean;
  readonly same: (one: Speaker, other: Speaker) => boolean;
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

/**
 * The run with somebody's word on what it waits for.
 * @throws MicroError `conflict` (it waits for nobody's, they have said so already), `permission_denied` (theirs is not wanted)
 */
export function answered(run: Run, verb: "approve" | "refuse", who: Approver, rights: Rights): Run {
  const record = run.records.find(({ kind, state }) => kind === "approve" && state === "begun");
  const act = bookOf(run).steps.find(({ id }) => id === record?.step)?.act;
  if (record === undefined || act?.kind !== "approve" || run.phase !== "steps" || run.abort) {
    throw new MicroError("conflict", `${run.id} waits for nobody's approval: ${stateOf(run)}`);
  }
  const { id, caller, person, ids } = who;
  const own = rights.same(run.by, who);
  // Who has begun it may well say no.
  if (own && verb === "approve") {
    throw new MicroError("permission_denied", `you have begun ${run.id} yourself; ${act.by.join(", ")} can approve it`);
  }
  if (!own && !mayApprove(act, who, rights)) {
    throw new MicroError("permission_denied", `${run.id} waits for ${act.by.join(", ")}, and you are none of them`);
  }
  const withRecord = (next: StepRecord): Run => ({
    ...run,
    records: run.records.map((one) => (one === record ? next : one)),
  });
  if (verb === "refuse") return withRecord({ ...record, refusedBy: person });
  const others = counted(run, act, record.approvals ?? [], rights);
  if (others.some((one) => rights.same(one, who))) {
    throw new MicroError(
      "conflict",
      `you have approved ${run.id} already; it waits for ${act.count - others.length} more of ${act.by.join(", ")}`,
    );
  }
  const vote = { ...(id !== undefined && { id }), caller, person, ...(ids && { ids }) };
  return withRecord({ ...record, approvals: [...others, vote] });
}

/** Whose yes counts by what is known now: is one of those, is not who began it, and each person once. */
function counted(run: Run, act: Approve, votes: readonly Speaker[], rights: Rights): readonly Speaker[] {
  const people: Speaker[] = [run.by];
  return votes.filter((vote) => {
    const twice = people.some((one) => rights.same(one, vote));
    if (twice || !mayApprove(act, { ...vote, guest: false }, rights)) return false;
    people.push(vote);
    return true;
  });
}

/** Whether that is one of those whose yes is wanted. A guest is nobody's word. */
function mayApprove(act: Approve, { caller, person, guest }: Approver, { hasRole }: Rights): boolean {
  if (guest) return false;
  return act.by.some((one) =>
    one.startsWith("role:") ? hasRole(caller, guest, one.slice(5)) : one === person || one === caller,
  );
}
