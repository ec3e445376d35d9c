import { z } from "zod";
import { createCatalog } from "../../src/commands/catalog.ts";
import { type AnyCommand, defineCommand } from "../../src/commands/command.ts";
import { chatLine } from "../../src/commands/line.ts";
import { parse } from "../../src/commands/parse.ts";
import type { Behalf, Performer } from "../../src/commands/perform.ts";
import { systemClock } from "../../src/core/clock.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import { createEngine, type Engine, type EngineInit } from "../../src/runbooks/engine.ts";
import { readRunbook } from "../../src/runbooks/read.ts";
import type { Run } from "../../src/runbooks/run.ts";
import { RUNBOOK_TABLES } from "../../src/runbooks/runs.ts";
import { contextFor } from "../commands/context.ts";

export const ANN = {
  caller: "memory:ann",
  person: "ann",
  behalf: { input: "memory", place: { room: "ops" }, from: { id: "ann", name: "Ann", guest: false } } satisfies Behalf,
};

/** `look <what>` reads, `do <what>` writes; what they find out, or throw, is set by `answers`. */
export function world() {
  const answers = new Map<string, () => unknown>();
  const said: string[] = [];
  const ids: string[] = [];
  const spoken: { text: string; choices: readonly string[] }[] = [];
  const command = (name: string, effect: "read" | "write"): AnyCommand =>
    defineCommand({
      name,
      summary: name,
      input: z.object({ what: z.string(), force: z.boolean().default(false) }),
      words: ["what"],
      permission: `test:${name}`,
      effect,
      run: async ({ what }) => {
        said.push(`${name} ${what}`);
        return (await answers.get(`${name} ${what}`)?.()) ?? { status: "ok", what };
      },
      view: (result) => ({ kind: "text", text: JSON.stringify(result) }),
    });
  const catalog = createCatalog([command("look", "read"), command("do", "write")]);
  const performer: Performer = {
    perform: async (line, _behalf, { id, confirmed, readOnly, signal }) => {
      const match = catalog.match(chatLine(line));
      if (match === undefined) throw new MicroError("not_found", `no command ${line}`);
      const { effect, name } = match.command;
      if (effect === "write" && (readOnly || !confirmed)) throw new MicroError("permission_denied", `${name} may not`);
      ids.push(id);
      const { input } = parse(match);
      const ended = new Promise<never>((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(new MicroError("cancelled", "cancelled")), { once: true });
      });
      const result = await Promise.race([match.command.run(input, contextFor()), ended]);
      return { command: name, input, result, view: match.command.view(result, input), effect };
    },
    say: async (_behalf, view, choices = []) => {
      spoken.push({
        text: view.kind === "list" ? view.items.join("\n") : view.text,
        choices: choices.map(({ line }) => line),
      });
    },
  };
  return { answers, said, ids, spoken, catalog, performer };
}

export type World = ReturnType<typeof world>;

/** An engine over a world, in memory; several over the same `kv` are replicas. */
export async function engineOn(it: World, init: Partial<EngineInit> = {}): Promise<Engine> {
  const kv = init.kv ?? memoryKv();
  const db = init.db ?? memoryDb(RUNBOOK_TABLES);
  await kv.start();
  await db.start();
  const engine = createEngine({
    kv,
    db,
    performer: it.performer,
    catalog: () => it.catalog,
    clock: systemClock,
    leaseMs: 300,
    drainMs: 100,
    ...init,
  });
  await engine.start();
  return engine;
}

export const book = (text: string) => readRunbook(text, "drain", "drain.yaml");

/** The run once it is so. */
export async function until(engine: Engine, id: string, so: (run: Run) => boolean, ms = 5000): Promise<Run> {
  const limit = performance.now() + ms;
  for (;;) {
    const run = await engine.runs.get(id);
    if (run && so(run)) return run;
    if (performance.now() > limit) throw new Error(`the run is still ${JSON.stringify(run, undefined, 1)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const ended = (run: Run) => run.endedAt !== undefined;
