import { expect, it } from "vitest";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { brittleKv } from "../fakes/brittle-kv.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

it("while nothing can be written down, says nothing was done only where that is so", async () => {
  const store = await brittleKv();
  const input = memoryInput();
  const { command, runs } = telling("look");
  await botOn([input], { store, commands: [command] }).start();
  input.say("look once", { id: "1" });
  expect(textOf(await input.next())).toBe("look once done");

  store.fail("full");
  input.say("look once", { id: "1" }); // its network had not heard that it was taken
  input.say("look twice", { id: "2" });
  expect(textOf(await input.next())).toMatch(/^nothing was done, because I cannot write down/);

  store.fail("unreached");
  input.say("look once", { id: "1" });
  expect(textOf(await input.next())).toMatch(/^I did not begin this, because.*an answer that was here already holds/);
  store.fail(undefined);
  input.say("look twice", { id: "2" }); // it was told that nothing was done, and may have been said anew by now
  input.say("look anew", { id: "3" });
  expect(textOf(await input.next())).toBe("look anew done");
  expect(runs).toEqual(["once", "anew"]);
});
