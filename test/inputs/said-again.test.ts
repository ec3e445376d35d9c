import { expect, it } from "vitest";
import { MicroError } from "../../src/core/errors.ts";
import type { OutgoingMessage } from "../../src/inputs/input.ts";
import { sayMarked } from "../../src/inputs/said-again.ts";

const no = () => false;

/** What is said after an attempt that ended so. */
async function after(error: MicroError, refused: (error: MicroError) => boolean = no): Promise<readonly string[]> {
  const message: OutgoingMessage = { place: { room: "r" }, parts: [{ kind: "text", text: "pong" }] };
  await expect(sayMarked(message, refused, () => Promise.reject(error))).rejects.toBe(error);
  return sayMarked(message, refused, async ({ parts }) => parts.map(({ text }) => text));
}

const MARKED = [expect.stringContaining("said again"), "pong"];

it.each([
  ["the link was lost", new MicroError("unavailable", "gone"), MARKED],
  ["nobody answered in time", new MicroError("timeout", "slow"), MARKED],
  ["it was too much", new MicroError("exhausted", "wait"), ["pong"]],
  ["nobody was there to take it", new MicroError("unavailable", "away", { cause: { code: "ECONNREFUSED" } }), ["pong"]],
])(
  "an answer that is said again because %s has its mark only where it may be there already",
  async (_why, error, said) => {
    expect(await after(error)).toEqual(said);
  },
);

it("one that its network refused is said again without a mark", async () => {
  expect(await after(new MicroError("unavailable", "not now"), () => true)).toEqual(["pong"]);
});
