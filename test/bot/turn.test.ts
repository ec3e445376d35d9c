import { expect, it } from "vitest";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { botOn, telling } from "./run-bot.ts";

it("lets others work several times while a long answer is made ready, and never for a short one", async () => {
  const input = memoryInput({ limits: { textLength: 800 } });
  let turns = 0;
  let ended = 0;
  const view = (text: string) => ({
    view: () => {
      ended = turns;
      return { kind: "text" as const, text };
    },
  });
  const long = telling("long", view("line of a table\n".repeat(10_000)));
  const short = telling("short", view("line"));
  await botOn([input], { commands: [long.command, short.command] }).start();
  const turnsUntilSaid = async (line: string) => {
    let going = true;
    const count = () => {
      turns++;
      if (going) setImmediate(count);
    };
    setImmediate(count);
    input.say(line);
    await input.next();
    going = false;
    return turns - ended;
  };
  expect(await turnsUntilSaid("long")).toBeGreaterThanOrEqual(4);
  expect(await turnsUntilSaid("short")).toBeLessThan(2);
});
