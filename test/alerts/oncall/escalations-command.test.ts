import { describe, expect, it, vi } from "vitest";
import { createIncidentStore } from "../../../src/alerts/incidents/store.ts";
import { createContacts } from "../../../src/alerts/oncall/contacts.ts";
import { escalation } from "../../../src/alerts/oncall/escalate.ts";
import { escalationsCommand } from "../../../src/alerts/oncall/escalations-command.ts";
import type { Routed } from "../../../src/alerts/oncall/routing.ts";
import { createSchedules } from "../../../src/alerts/oncall/schedules.ts";
import type { Rota } from "../../../src/alerts/oncall/shift.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { silent } from "../../../src/core/log.ts";
import { memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { manualClock } from "../../fakes/clock.ts";
import { alert, NOON } from "../incidents/notifications.ts";
import { alertsRoom } from "../incidents/room.ts";

// Minutes go by in these.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const MINUTE = 60_000;
const STEPS: Routed["steps"] = [
  { after: 10 * MINUTE, to: { kind: "oncall" } },
  { after: 20 * MINUTE, to: { kind: "oncall", schedule: "lost" } },
  { after: 30 * MINUTE, to: { kind: "room" } },
];

/** A bot with two schedules, of one of which nobody knows who is on call. */
async function room(rules?: string) {
  const clock = manualClock(NOON);
  const kv = memoryKv({ shelf: memoryShelf() });
  const rota = (at: Rota["at"]): Rota => ({ kind: "rotation", at });
  const schedules = createSchedules(
    [
      { name: "pay", zone: "UTC", rota: rota(async () => ({ shift: { person: "ann" } })), overrides: [] },
      {
        ...{ name: "lost", zone: "UTC", overrides: [] },
        rota: rota(() => Promise.reject(new MicroError("unavailable", "the calendar is away"))),
      },
    ],
    { list: async () => [] },
  );
  const routed = async ({ source }: { readonly source: string }): Promise<Routed> => ({
    ...{ rooms: [{ input: "memory", room: "ops" }], oncall: "pay", quiet: [] },
    steps: source === "ci" ? [] : STEPS,
  });
  const contacts = createContacts({ ann: ["memory:ann"] }, { idsOf: () => [], names: () => [] });
  const store = createIncidentStore({ kv, clock, log: silent });
  const command = escalationsCommand({ schedules, routed, store });
  return alertsRoom({
    ...{ clock, kv, ...(rules !== undefined && { rules }) },
    beside: [escalation({ schedules, contacts, routed })],
    bot: { extensions: [() => ({ commands: [command] })] },
  });
}

describe("escalations", () => {
  it("tells which step is next, for whom and when, and who was told where", async () => {
    const { hear, pass, ask, one } = await room();
    hear([alert({ labels: { service: "payments" } })]);
    await pass(MINUTE);
    const rows = async () => ((await ask("escalations")).split("\n")[1] ?? "").split(/ {2,}/);
    const { id } = await one();
    const title = "InstanceDown · go.micro.srv.payments";
    expect(await rows()).toEqual([
      ...[id, title, "nobody yet", "step 1 of 3: ann (on call for pay)", expect.stringMatching(/^12:10 UTC, in \d+m$/)],
    ]);
    await pass(10 * MINUTE);
    const told = "ann (on call for pay) directly in memory at 12:10 UTC";
    const lost = "step 2 of 3: oncall lost (the calendar is away)";
    expect(await rows()).toEqual([id, title, told, lost, expect.stringMatching(/^12:20 UTC, in \d+m$/)]);
    await pass(21 * MINUTE);
    expect((await rows())[3]).toBe("nobody: all 3 steps were said");
    await ask(`ack ${id}`);
    expect(await ask("escalations")).toBe("nothing that fires waits for somebody to acknowledge it");
  });

  it("says so where there are no steps, and keeps from people what a rule keeps from them", async () => {
    const { hear, pass, ask } = await room(`
      members: ["*:*"]
      rules: ["deny memory:bob alert:read go.micro.srv.payments"]`);
    hear([alert({ labels: { service: "payments" } })], { source: "ci", kind: "generic" });
    await pass(MINUTE);
    expect(await ask("escalations")).toContain("nobody: its route has no steps");
    expect(await ask("escalations", "bob")).toBe("nothing that fires waits for somebody to acknowledge it");
  });
});
