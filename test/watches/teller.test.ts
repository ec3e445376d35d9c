import { expect, it } from "vitest";
import type { House } from "../../src/commands/house.ts";
import type { Held, WatchStore } from "../../src/watches/store.ts";
import { createTeller } from "../../src/watches/teller.ts";
import type { Watch } from "../../src/watches/watch.ts";
import { manualClock } from "../fakes/clock.ts";

/** The lines that can be pressed where it is told what has become of a service of that name. */
async function offeredFor(service: string): Promise<readonly string[]> {
  const lines: string[] = [];
  const say: House["performer"]["say"] = async (_behalf, _view, choices = []) => {
    lines.push(...choices.map(({ line }) => line));
  };
  const house = { clock: manualClock(), performer: { say } } as unknown as House;
  const store = { change: async (held: Held, watch: Watch) => ({ ...held, watch }) } as unknown as WatchStore;
  const behalf = { input: "memory", place: { room: "ops" }, from: { id: "ann", name: "ann", guest: false } };
  const watch = { id: "03f9a1", kind: "health", service, owner: "ann", behalf, turns: [] } as unknown as Watch;
  await createTeller(house, store).tell({ watch, revision: 1 } as Held, { key: "gone", words: ["gone"] });
  return lines;
}

it("makes no line to press of what a service may be called besides a name", async () => {
  expect(await offeredFor("go.micro.srv.payments")).toEqual(["health go.micro.srv.payments", "unwatch 03f9a1"]);
  for (const name of ["--unhealthy", "a | sort -x", "pay ments", 'pay"ments', "pay\nments", "pаyments"]) {
    expect(await offeredFor(name)).toEqual(["unwatch 03f9a1"]);
  }
});
