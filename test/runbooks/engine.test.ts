import { afterEach, describe, expect, it } from "vitest";
import { NOT_BEGUN } from "../../src/core/client/failure.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import type { Kv } from "../../src/platform/kv/kv.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import type { Engine } from "../../src/runbooks/engine.ts";
import { stateOf } from "../../src/runbooks/run.ts";
import { RUNBOOK_TABLES } from "../../src/runbooks/runs.ts";
import { ANN, book, ended, engineOn, until, world } from "./fake.ts";

const engines: Engine[] = [];
afterEach(async () => {
  for (const each of engines.splice(0)) await each.stop();
});
const on = async (...args: Parameters<typeof engineOn>) => {
  const engine = await engineOn(...args);
  engines.push(engine);
  return engine;
};
const states = (run: { records: readonly { step: string; phase: string; state: string }[] }) =>
  run.records.map(({ step, phase, state }) => `${phase === "steps" ? "" : `${phase}:`}${step} ${state}`);

describe("a run", () => {
  it("does its steps in order, for who began it, with what earlier ones found out", async () => {
    const it = world();
    it.answers.set("look orders", () => ({ nodes: [{ id: "n1" }, { id: "n2" }] }));
    const engine = await on(it);
    const runbook = book(`
summary: x
parameters: { region: {} }
steps:
  - { id: a, run: look orders }
  - { id: b, when: some steps.a.result.nodes.*.id is "n2", run: "do \${region}-\${steps.a.result.nodes.1.id}" }
  - { id: c, when: steps.b.state is "skipped", run: do never }
  - { id: d, run: "do '\${run.by} \${run.runbook}'" }
`);
    const { id } = await engine.begin(runbook, { region: "eu" }, ANN);
    const run = await until(engine, id, ended);
    expect(run.outcome).toBe("done");
    expect(it.said).toEqual(["look orders", "do eu-n2", "do ann drain"]);
    expect(it.ids).toEqual([`${id}.a`, `${id}.b`, `${id}.d`]);
    expect(states(run)).toEqual(["a done", "b done", "c skipped", "d done"]);
    // What nobody looks at later is not kept.
    expect(run.records.map(({ result }) => result !== undefined)).toEqual([true, false, false, false]);
    await until(engine, id, () => it.spoken.length > 0);
    expect(it.spoken.at(-1)?.text).toBe(`drain (${id}) region=eu: done`);
    expect(await engine.runs.open()).toEqual([]);
    expect((await engine.runs.history({ runbook: "drain", limit: 5 })).map((one) => one.id)).toEqual([id]);
  });

  it("takes back what was done, the last first, when a step fails, and then does what is for that", async () => {
    const it = world();
    it.answers.set("do c", () => {
      throw new MicroError("conflict", "c is away");
    });
    it.answers.set("do undo-a", () => {
      throw new MicroError("conflict", "a is away");
    });
    const engine = await on(it);
    const runbook = book(`
summary: x
steps:
  - { id: a, run: do a, rollback: do undo-a }
  - { id: b, run: do b, rollback: do undo-b }
  - { id: c, run: do c, rollback: do undo-c, retry: { times: 3, every: 1ms }, idempotent: true }
  - { id: d, run: do d }
on failure:
  - { run: look after }
`);
    const { id } = await engine.begin(runbook, {}, ANN);
    const run = await until(engine, id, ended);
    expect(it.said).toEqual(["do a", "do b", "do c", "do c", "do c", "do undo-b", "do undo-a", "look after"]);
    expect(run).toMatchObject({ outcome: "failed", why: "step c failed: c is away" });
    expect(states(run)).toEqual([
      "a done",
      "b done",
      "c failed",
      "rollback:b done",
      "rollback:a failed",
      "failure:failure1 done",
    ]);
    await until(engine, id, () => it.spoken.length > 0);
    expect(it.spoken.at(-1)?.text).toContain("taken back: b. NOT taken back: a; look at that yourself");
  });

  it("tries a read again, a write only where the file says that twice is once, and nothing that is refused", async () => {
    const it = world();
    let reads = 0;
    it.answers.set("look a", () => {
      if (++reads < 3) throw new MicroError("unavailable", "not yet");
    });
    it.answers.set("do b", () => {
      throw new MicroError("exhausted", "not now");
    });
    const engine = await on(it);
    const one = await engine.begin(
      book(
        "summary: x\nsteps:\n  - {run: look a, retry: {times: 5, every: 1ms}}\n  - {run: do b, retry: {times: 5, every: 1ms}}\n",
      ),
      {},
      ANN,
    );
    const run = await until(engine, one.id, ended);
    expect(it.said).toEqual(["look a", "look a", "look a", "do b"]);
    expect(states(run)).toEqual(["step1 done", "step2 failed"]);
    expect(it.ids.slice(0, 3)).toEqual([`${one.id}.step1`, `${one.id}.step1.2`, `${one.id}.step1.3`]);
  });

  it("waits until something is so, and not for ever", async () => {
    const it = world();
    let asked = 0;
    it.answers.set("look a", () => ({ versions: [{ nodes: [{ answer: ++asked < 4 ? "starting" : "ok" }] }] }));
    const engine = await on(it);
    const one = await engine.begin(
      book("summary: x\nsteps:\n  - wait: {until: look a is ok, every: 100ms, atMost: 10s}\n  - run: do b\n"),
      {},
      ANN,
    );
    expect((await until(engine, one.id, ended)).outcome).toBe("done");
    expect(it.said).toEqual(["look a", "look a", "look a", "look a", "do b"]);
    const two = await engine.begin(
      book("summary: x\nsteps:\n  - wait: {run: look b, until: result.n > 3, every: 100ms, atMost: 250ms}\n"),
      {},
      ANN,
    );
    const late = await until(engine, two.id, ended);
    expect(late).toMatchObject({
      outcome: "failed",
      why: expect.stringContaining("`result.n > 3` was not so within 250ms; the last was:"),
    });
    // All of the time was waited for, also where it is no multiple of the pause.
    const [waited] = late.records;
    expect((waited?.endedAt ?? 0) - (waited?.at ?? 0)).toBeGreaterThanOrEqual(250);
    const three = await engine.begin(book("summary: x\nsteps:\n  - wait: {run: do b, until: result.n > 3}\n"), {}, ANN);
    expect((await until(engine, three.id, ended)).why).toContain("a wait says its command again and again");
    expect(it.said.filter((line) => line === "do b")).toHaveLength(1);
  });

  it("stops at the next step when it is paused, goes on when resumed, and takes back when aborted", async () => {
    const it = world();
    let go = () => {};
    it.answers.set("do a", () => new Promise<void>((resolve) => (go = resolve)));
    const engine = await on(it);
    const runbook = book(
      "summary: x\nsteps:\n  - {id: a, run: do a, rollback: do undo-a}\n  - {id: b, run: do b, rollback: do undo-b}\n  - {id: c, wait: {until: look c is fine}}\n",
    );
    const { id } = await engine.begin(runbook, {}, ANN);
    await until(engine, id, () => it.said.length === 1);
    await engine.runs.change(id, (run) => ({ ...run, paused: { by: "bob" } }));
    go();
    const paused = await until(engine, id, (run) => run.records[0]?.state === "done");
    expect(stateOf(paused)).toBe("paused");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(it.said).toEqual(["do a"]);
    await engine.runs.change(id, ({ paused: _paused, ...run }) => run);
    await until(engine, id, () => it.said.includes("look c"));
    await engine.runs.change(id, (run) => ({ ...run, abort: { by: "bob" } }));
    const run = await until(engine, id, ended);
    expect(run).toMatchObject({ outcome: "aborted", why: "bob aborted it" });
    expect(it.said.slice(-2)).toEqual(["do undo-b", "do undo-a"]);
  });

  it("waits for people, and fails when one of them refuses or nobody comes", async () => {
    const it = world();
    const engine = await on(it);
    const runbook = (rest: string) =>
      book(`summary: x\nsteps:\n  - {id: ask, approve: {by: [bob, cid], count: 2${rest}}}\n  - run: do b\n`);
    const yes = await engine.begin(runbook(""), {}, ANN);
    await until(engine, yes.id, () => it.spoken.length > 0);
    expect(it.spoken[0]).toMatchObject({ choices: [`runbook approve ${yes.id}`, `runbook refuse ${yes.id}`] });
    expect(it.spoken[0]?.text).toContain("waits at step ask for 2 of bob, cid");
    const add = (id: string, person: string) =>
      engine.runs.change(id, (run) => ({
        ...run,
        records: run.records.map((one) => ({
          ...one,
          approvals: [...(one.approvals ?? []), { caller: person, person }],
        })),
      }));
    await add(yes.id, "bob");
    expect(stateOf((await engine.runs.get(yes.id))!)).toBe("waits for approval");
    await add(yes.id, "cid");
    expect((await until(engine, yes.id, ended)).outcome).toBe("done");
    const no = await engine.begin(runbook(""), {}, ANN);
    await until(engine, no.id, (run) => run.records.length > 0);
    await engine.runs.change(no.id, (run) => ({
      ...run,
      records: run.records.map((one) => ({ ...one, refusedBy: "cid" })),
    }));
    expect((await until(engine, no.id, ended)).why).toBe("step ask failed: cid refused it");
    const late = await engine.begin(runbook(", atMost: 50ms"), {}, ANN);
    expect((await until(engine, late.id, ended)).why).toBe("step ask failed: nobody approved it within 50ms");
    expect(it.said).toEqual(["do b"]);
  });

  it("waits while all writes are paused, instead of taking back", async () => {
    const it = world();
    let paused = true;
    it.answers.set("do a", () => {
      if (paused) throw new MicroError("conflict", "bob paused all writes", { details: { paused: true } });
    });
    const engine = await on(it);
    const { id } = await engine.begin(
      book("summary: x\nsteps:\n  - {id: a, run: do a, rollback: do undo-a}\n"),
      {},
      ANN,
    );
    const held = await until(engine, id, (run) => run.paused !== undefined);
    expect(held.paused).toEqual({ by: "`pause writes`", why: "bob paused all writes" });
    paused = false;
    await engine.runs.change(id, ({ paused: _paused, ...run }) => run);
    expect((await until(engine, id, ended)).outcome).toBe("done");
    expect(it.said).toEqual(["do a", "do a"]);
  });

  it("fails at a line that cannot be said, before it is said", async () => {
    const it = world();
    it.answers.set("look a", () => ({ name: "" }));
    const engine = await on(it);
    const { id } = await engine.begin(
      book("summary: x\nsteps:\n  - {id: a, run: look a}\n  - {id: b, run: 'do ${steps.a.result.name}'}\n"),
      {},
      ANN,
    );
    expect((await until(engine, id, ended)).why).toContain("the value for what is empty");
    const two = await engine.begin(
      book("summary: x\nsteps:\n  - {id: a, run: look b}\n  - {id: b, run: 'do ${steps.a.result.other}'}\n"),
      {},
      ANN,
    );
    expect((await until(engine, two.id, ended)).why).toContain("`${steps.a.result.other}` has no value");
    expect(it.said).toEqual(["look a", "look b"]);
  });
});

describe("a write of which it is not known whether it was done", () => {
  const runbook = book(
    "summary: x\nsteps:\n  - {id: a, run: do a, rollback: do undo-a}\n  - {id: b, run: do b}\n  - {id: c, run: look c}\n",
  );

  it.each(["timeout", "cancelled", "unavailable"] as const)("is asked about when it ends as %s", async (code) => {
    const it = world();
    it.answers.set("do b", () => {
      throw new MicroError(code, "b was cut off");
    });
    const engine = await on(it);
    const { id } = await engine.begin(runbook, {}, ANN);
    const held = await until(engine, id, () => it.spoken.length > 0);
    expect(stateOf(held)).toBe("unknown, not repeated");
    expect(states(held)).toEqual(["a done", "b unknown"]);
    expect(it.spoken[0]?.text).toContain("had begun `do b`, and whether it was done is not known: b was cut off.");
    expect(it.spoken[0]?.choices).toContain(`runbook resume ${id} --as done`);
    expect(it.said).toEqual(["do a", "do b"]);
  });

  it("is none that surely did not reach the service, and is tried again where twice is once", async () => {
    const it = world();
    let tries = 0;
    it.answers.set("do b", () => {
      throw new MicroError("unavailable", "b is away", { details: { [NOT_BEGUN]: true } });
    });
    it.answers.set("do twice", () => {
      if (++tries < 2) throw new MicroError("timeout", "slow");
    });
    const engine = await on(it);
    const one = await engine.begin(runbook, {}, ANN);
    expect((await until(engine, one.id, ended)).outcome).toBe("failed");
    expect(it.said).toEqual(["do a", "do b", "do undo-a"]);
    const again = book("summary: x\nsteps:\n  - {run: do twice, retry: {times: 3, every: 1ms}, idempotent: true}\n");
    const two = await engine.begin(again, {}, ANN);
    expect((await until(engine, two.id, ended)).outcome).toBe("done");
  });

  it("is not said again when the store does not take how it ended", async () => {
    const it = world();
    const memory = memoryKv();
    const kv: Kv = {
      ...memory,
      update: async (key, value, ...rest) => {
        if (/"step":"b","phase":"steps","state":"done"/.test(value)) {
          throw new MicroError("invalid_argument", "that is too large");
        }
        return memory.update(key, value, ...rest);
      },
    };
    const engine = await on(it, { kv });
    const { id } = await engine.begin(runbook, {}, ANN);
    const held = await until(engine, id, (run) => stateOf(run) === "unknown, not repeated");
    expect(states(held)).toEqual(["a done", "b unknown"]);
    expect(it.said).toEqual(["do a", "do b"]);
  });
});

describe("a run that becomes large", () => {
  const large = "語".repeat(20_000);

  it("keeps only as many results as leave room for the ends of its steps", async () => {
    const it = world();
    for (const what of ["a", "b", "c", "d"]) it.answers.set(`look ${what}`, () => ({ v: large }));
    const engine = await on(it);
    const steps = ["a", "b", "c", "d"].map((id) => `  - {id: ${id}, run: look ${id}}\n`).join("");
    const whens = ["a", "b", "c", "d"].map((id) => `steps.${id}.result.v is not null`).join(" or ");
    const { id } = await engine.begin(
      book(`summary: x\nsteps:\n${steps}  - {id: x, run: do x, when: ${whens}}\n`),
      {},
      ANN,
    );
    const run = await until(engine, id, ended);
    expect(run.outcome).toBe("done");
    expect(run.records.map(({ result }) => result !== undefined)).toEqual([true, true, false, false, false]);
    expect(run.records[2]?.error).toMatch(/its result has \d+ bytes, too many to be kept/);
    expect(it.said.filter((line) => line === "do x")).toHaveLength(1);
  });

  it("does not begin a step whose end could not be written down, and takes back what was done", async () => {
    const it = world();
    const engine = await on(it);
    let go = () => {};
    it.answers.set("do a", () => new Promise<void>((resolve) => (go = resolve)));
    const runbook = book("summary: x\nsteps:\n  - {id: a, run: do a}\n  - {id: b, run: do b}\n");
    const { id } = await engine.begin(runbook, {}, ANN);
    await until(engine, id, () => it.said.length === 1);
    // As if it had grown: nearly all that a store takes.
    await engine.runs.change(id, (run) => {
      const old = { ...run.records[0]!, step: "old", token: "old", phase: "rollback" as const, state: "done" as const };
      return { ...run, records: [{ ...old, result: "x".repeat(505 << 10) }, ...run.records] };
    });
    go();
    const run = await until(engine, id, ended);
    expect(run.why).toContain("step b failed: there is no room left to write down how it would end");
    expect(it.said).toEqual(["do a"]);
  });

  it("is not begun with more than there is room for", async () => {
    const engine = await on(world());
    const runbook = book("summary: x\nparameters: {a: {}}\nsteps:\n  - {run: do a}\n");
    await expect(engine.begin(runbook, { a: "x".repeat(200 << 10) }, ANN)).rejects.toThrow(/nothing was begun/);
    expect(await engine.runs.open()).toEqual([]);
  });
});

describe("several engines over one store", () => {
  it("drive each run once, and take over from one that is gone", async () => {
    const it = world();
    const [kv, db] = [memoryKv(), memoryDb(RUNBOOK_TABLES)];
    const all = await Promise.all([1, 2, 3].map(() => on(it, { kv, db })));
    const runbook = book(
      `summary: x\nsteps:\n${Array.from({ length: 6 }, (_, n) => `  - {id: s${n}, run: do s${n}}`).join("\n")}\n`,
    );
    const begun = await Promise.all([0, 1, 2, 0, 1].map((n) => all[n]!.begin(runbook, {}, ANN)));
    for (const { id } of begun) expect((await until(all[0]!, id, ended)).outcome).toBe("done");
    expect(it.said).toHaveLength(30);
  });

  it("say that it is unknown how a write ended whose process went, and go on as people tell", async () => {
    for (const how of ["done", "again", "failed"] as const) {
      const it = world();
      const [kv, db] = [memoryKv(), memoryDb(RUNBOOK_TABLES)];
      it.answers.set("do b", () => new Promise(() => {}));
      const first = await engineOn(it, { kv, db });
      const runbook = book(
        "summary: x\nsteps:\n  - {id: a, run: do a, rollback: do undo-a}\n  - {id: b, run: do b}\n  - {id: c, run: look c}\n",
      );
      const { id } = await first.begin(runbook, {}, ANN);
      await until(first, id, () => it.said.includes("do b"));
      await first.stop();
      it.answers.clear();
      const second = await on(it, { kv, db });
      const held = await until(second, id, (run) => stateOf(run) === "unknown, not repeated");
      await until(second, id, () => it.spoken.length > 1);
      expect(it.spoken[0]?.text).toContain("I go on with it after a restart");
      expect(it.spoken[1]).toMatchObject({
        choices: ["done", "again", "failed"].map((each) => `runbook resume ${id} --as ${each}`),
      });
      const { token } = held.records[1]!;
      await second.runs.change(id, (run) => ({
        ...run,
        records:
          how === "again"
            ? run.records.filter((one) => one.token !== token)
            : run.records.map((one) => (one.token === token ? { ...one, state: how } : one)),
      }));
      const run = await until(second, id, ended);
      expect(run.outcome).toBe(how === "failed" ? "failed" : "done");
      const rest = { done: ["look c"], again: ["do b", "look c"], failed: ["do undo-a"] }[how];
      expect(it.said).toEqual(["do a", "do b", ...rest]);
    }
  });

  it("say a read anew whose process went, and keep the time that a wait has had", async () => {
    const it = world();
    const [kv, db] = [memoryKv(), memoryDb(RUNBOOK_TABLES)];
    it.answers.set("look a", () => new Promise(() => {}));
    const first = await engineOn(it, { kv, db });
    const { id } = await first.begin(book("summary: x\nsteps:\n  - run: look a\n  - run: do b\n"), {}, ANN);
    await until(first, id, () => it.said.length === 1);
    await first.stop();
    it.answers.clear();
    const second = await on(it, { kv, db });
    expect((await until(second, id, ended)).outcome).toBe("done");
    expect(it.said).toEqual(["look a", "look a", "do b"]);
  });
});
