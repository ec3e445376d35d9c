import { describe, expect, it } from "vitest";
import { isSame } from "../../src/bot/approvals/pending.ts";
import type { Behalf } from "../../src/commands/perform.ts";
import type { Speaker } from "../../src/commands/speaker.ts";
import { answered, type Rights } from "../../src/runbooks/approval.ts";
import type { Run, StepRecord } from "../../src/runbooks/run.ts";
import { botWith } from "./room.ts";

const APPROVED = "summary: x\nsteps:\n  - {id: ok, approve: {by: 'role:lead'}}\n  - run: change prod\n";

const TWICE = APPROVED.replace("'role:lead'", "'role:lead', count: 2");

describe("the word of an approver", () => {
  it("is asked for once more where it was said by an alias", async () => {
    const { tell, begin, change, said } = await botWith({ appr: APPROVED });
    const id = await begin("runbook run appr");
    await tell(`alias add hlth "runbook approve ${id}"`, "ann", /is `runbook approve/);
    expect(await tell("hlth", "bob")).toContain(`runbook approve ${id}`);
    expect(await tell(`runbook status ${id}`, "bob", /Step +State/)).toContain("waits for approval");
    expect(change.runs).toEqual([]);
    // Nobody who looks takes it for approved, nor what a step does for its state.
    const status = await tell(`runbook status ${id}`, "bob", /Step +State/);
    expect(status).toMatch(/^ok +waits +approval by 1 of role:lead$/m);
    expect(status).toMatch(/^step2 +not yet +change prod$/m);
    await tell("yes", "bob", /approved/);
    await said(/appr \(rb[0-9a-f]{6}\): done/);
    expect(change.runs).toEqual(["prod"]);
  });

  it("is not given by a step of a rehearsal or of a run", async () => {
    const { tell, begin, change } = await botWith({
      appr: APPROVED,
      other: "summary: x\nparameters: {id: {}}\nsteps:\n  - run: 'runbook approve ${id}'\n",
      hole: "summary: x\nparameters: {verb: {}, id: {}}\nsteps:\n  - run: 'runbook ${verb} ${id}'\n",
    });
    const id = await begin("runbook run appr");
    for (const line of [`runbook dry-run other id=${id}`, `runbook run other id=${id}`]) {
      expect(await tell(line, "bob")).toContain("only a person says that, in a message of their own");
    }
    await tell(`runbook dry-run hole verb=approve id=${id}`, "bob");
    expect(await tell(`runbook status ${id}`, "bob", /Step +State/)).toContain("waits for approval");
    expect(change.runs).toEqual([]);
  });

  it("is not given by whatever is carried out for somebody, though yes was said to that", async () => {
    const { tell, begin, change, house } = await botWith({ appr: APPROVED });
    const id = await begin("runbook run appr");
    const bob: Behalf = { input: "memory", place: { room: "r" }, from: { id: "bob", name: "bob", guest: false } };
    for (const verb of ["approve", "refuse"]) {
      const carried = house().performer.perform(`runbook ${verb} ${id}`, bob, { id: `x.${verb}`, confirmed: true });
      await expect(carried).rejects.toThrow(/only a person says it, in a message of their own/);
    }
    expect(await tell(`runbook status ${id}`, "bob", /Step +State/)).toContain("waits for approval");
    expect(change.runs).toEqual([]);
  });

  it("is taken while writes are paused, as it touches nothing itself", async () => {
    const { tell, begin } = await botWith({ appr: APPROVED });
    const id = await begin("runbook run appr");
    await tell("pause writes", "ann", /paused/);
    expect(await tell("change prod", "ann")).toContain("paused");
    expect(await tell(`runbook approve ${id}`, "bob", /^memory:bob approved/)).toContain(id);
  });

  it("is not that of who began it by another id, linked then or since, nor once they are parted", async () => {
    const { tell, begin, link, change } = await botWith({ appr: APPROVED });
    await link("ann", "ann2");
    const linked = await begin("runbook run appr");
    expect(await tell(`runbook approve ${linked}`, "ann2")).toContain("you have begun");
    await tell("unlink", "ann2", /linked|on your own/);
    expect(await tell(`runbook approve ${linked}`, "ann2")).toContain("you have begun");
    const alone = await begin("runbook run appr");
    await link("ann2", "ann");
    expect(await tell(`runbook approve ${alone}`, "ann2")).toContain("you have begun");
    expect(await tell("runbook status", "bob", /Begun by/)).toMatch(/waits for approval.*\n.*waits for approval/);
    expect(change.runs).toEqual([]);
  });

  it("is kept with who it was, so that a link which is long gone still counts", () => {
    const run = { ...RUN, by: { ...RUN.by, ids: ["memory:ann", "memory:ann2"] } };
    const same: Rights["same"] = (one, other) => isSame({}, one, other);
    const ann2 = { id: "ann2", caller: "memory:ann2", person: "memory:ann2", guest: false };
    const rights = { hasRole: () => true, same };
    expect(() => answered(run, "approve", ann2, rights)).toThrow("you have begun");
    expect(answered(RUN, "approve", ann2, rights).records[0]?.approvals).toEqual([
      { id: "ann2", caller: "memory:ann2", person: "memory:ann2" },
    ]);
  });

  it("counts once for a person, by whatever id", async () => {
    const { tell, begin, link, change, said } = await botWith({ appr: TWICE });
    await link("bob", "bob2");
    const id = await begin("runbook run appr");
    await tell(`runbook approve ${id}`, "bob", /bob approved/);
    expect(await tell(`runbook approve ${id}`, "bob2")).toContain(`you have approved ${id} already`);
    await tell("unlink", "bob2", /linked|on your own/);
    expect(await tell(`runbook approve ${id}`, "bob2")).toContain("it waits for 1 more of role:lead");
    expect(change.runs).toEqual([]);
    await tell(`runbook approve ${id}`, "ann2", /ann2 approved/);
    await said(/appr \(rb[0-9a-f]{6}\): done/);
    expect(change.runs).toEqual(["prod"]);
  });

  it("counts no more once it turns out to be of somebody who has approved, too", () => {
    const bob = { id: "bob", caller: "memory:bob", person: "memory:bob" };
    const bob2 = { id: "bob2", caller: "memory:bob2", person: "memory:bob2" };
    const lead = { id: "lea", caller: "memory:lea", person: "memory:lea" };
    const policy = { personOf: (caller: string) => (caller.startsWith("memory:bob") ? "bob" : caller) };
    const record = { ...(RUN.records[0] as StepRecord), approvals: [bob, bob2] };
    const rights = { hasRole: () => true, same: (one: Speaker, other: Speaker) => isSame(policy, one, other) };
    const after = answered({ ...RUN, records: [record] }, "approve", { ...lead, guest: false }, rights);
    expect(after.records[0]?.approvals).toEqual([bob, lead]);
  });
});

const RUN: Run = {
  id: "rb000001",
  runbook: "appr",
  text: TWICE,
  args: {},
  by: {
    id: "ann",
    caller: "memory:ann",
    person: "memory:ann",
    behalf: { input: "memory", place: { room: "r" }, from: { id: "ann", name: "Ann", guest: false } },
  },
  startedAt: 0,
  driver: "one",
  phase: "steps",
  outcome: "done",
  records: [
    {
      ...{ step: "ok", phase: "steps", state: "begun", token: "t", kind: "approve", line: "", effect: "read" },
      ...{ attempt: 1, at: 0 },
    },
  ],
};
