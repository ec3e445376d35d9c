import { afterAll, expect, it } from "vitest";
import { type Guard, type Kit, real, removeMutants, without } from "./mutant.ts";
import type { Row } from "./rows.ts";

/** What one run of a proof has. */
export interface Scene {
  readonly kit: Kit;
  /** Carried out when the run is over, the last first. */
  later(undo: () => unknown): void;
}

/**
 * A promise, as a test that begins with its class of `chat.md §6`; and for each of its guards a test that the same run finds fault
 * with a program from which that guard was taken out. Fault is an expectation that does not hold: that the program breaks down
 * proves nothing.
 */
export function proven(
  row: Row,
  promise: string,
  guards: readonly Guard[],
  run: (scene: Scene) => Promise<void>,
): void {
  const title = `${row} (chat.md §6): ${promise}`;
  it(title, () => play(real, run));
  for (const guard of guards) {
    it(`${title} - and does not hold without ${guard.what}`, { timeout: 30_000 }, async () => {
      const fault: unknown = await play(await without(guard), run).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(fault, "all is well without it, so it guards nothing or this proof does not see it").toBeDefined();
      expect(`${(fault as Error).name}: ${(fault as Error).message}`).toMatch(/^AssertionError/);
    });
  }
}

async function play(kit: Kit, run: (scene: Scene) => Promise<void>): Promise<void> {
  const undo: (() => unknown)[] = [];
  try {
    await run({ kit, later: (one) => void undo.push(one) });
  } finally {
    for (const one of undo.reverse()) await one();
  }
}

afterAll(removeMutants);
