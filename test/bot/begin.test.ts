import { expect, it } from "vitest";
import type { Context } from "../../src/bot/context.ts";
import type { Journal } from "../../src/bot/journal.ts";
import { begin } from "../../src/bot/layers/begin.ts";
import { chatLine } from "../../src/commands/line.ts";
import { telling } from "./run-bot.ts";

it("a write that another process had is not begun, and says which: as it may be shown, not as it was said", async () => {
  const { command } = telling("change", { effect: "write" });
  const context = {
    line: chatLine("change tiger"),
    told: "change [secret]",
    run: { command, input: {}, output: "text" },
    claim: { before: 1 },
  } as unknown as Context;
  const begun: unknown[] = [];
  const layer = begin(() => ({ begin: async (...given: unknown[]) => begun.push(given) }) as unknown as Journal);
  await expect(layer(context, async () => undefined)).rejects.toMatchObject({
    code: "unavailable",
    message:
      "nothing was done: the process of mine that heard this stopped before it had begun; say it again if you still want it: change [secret]",
  });
  expect(begun).toEqual([]);
});
