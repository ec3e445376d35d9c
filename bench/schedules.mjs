// What 10,000 schedules take of memory beside their store, and how late they are by the clock of the machine.
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { contest, mib, ms, row } from "./rounds.mjs";

const COUNT = 10_000;

/** @param what `memory`: MiB that the process has grown by; `late`: ms that the last of 10,000 due at one moment is late */
export async function ours({ what }) {
  const [{ memoryKv }, { schedules }, { createAgenda }, { systemClock }, { silent }] = await Promise.all(
    ["platform/kv/memory", "schedules/schedules", "core/agenda", "core/clock", "core/log"].map(
      (name) => import(`../dist/src/${name}.js`),
    ),
  );
  if (what === "late") {
    return async () => {
      const agenda = createAgenda(systemClock);
      const ended = new AbortController();
      const due = Date.now() + 300;
      let latest = 0;
      let told = 0;
      const running = agenda.run((_, at) => {
        told++;
        latest = Math.max(latest, Date.now() - at);
      }, ended.signal);
      for (let at = 0; at < COUNT; at++) agenda.set(`s${at}`, due + (at % 100));
      await sleep(800);
      ended.abort();
      await running;
      if (told !== COUNT) throw new Error(`${told} were told of`);
      return latest;
    };
  }
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  const used = () => {
    for (let times = 0; times < 4; times++) gc();
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / 2 ** 20;
  };
  return async () => {
    const before = used();
    const kv = memoryKv();
    await kv.start();
    const now = Date.now();
    const extension = schedules({ zone: "UTC" })({
      ...{ kv, clock: systemClock, log: silent, hears: () => true, catalog: () => ({}), may: () => true },
      performer: { perform: async () => ({}), say: async () => {} },
    });
    for (let at = 0; at < COUNT; at++) {
      const id = at.toString(16).padStart(6, "0");
      const when = { kind: "every", ms: 3_600_000 + at, from: now };
      const behalf = {
        input: "slack",
        place: { room: "C02", thread: "1700000000.000100" },
        from: { id: `T01/U${at}`, name: `person ${at}`, guest: false },
      };
      const schedule = {
        id,
        when,
        line: `health go.micro.srv.orders-${at} | where status != ok`,
        owner: `slack:T01/U${at}`,
      };
      await kv.put(
        `schedule.${id}`,
        JSON.stringify({ ...schedule, behalf, confirmed: false, madeAt: now, failures: 0 }),
      );
    }
    await extension.start();
    await sleep(1000);
    const grown = used() - before;
    await extension.stop();
    await kv.stop();
    return grown;
  };
}

export async function run() {
  const memory = await contest(import.meta.url, { ours: { what: "memory" } });
  const late = await contest(import.meta.url, { ours: { what: "late" } });
  return [
    row({ what: "10,000 schedules, with a store in memory", ours: memory.ours, unit: mib, atMost: 50 }),
    row({ what: "the latest of 10,000 that are due within 100 ms", ours: late.ours, unit: ms, atMost: 50 }),
  ];
}
