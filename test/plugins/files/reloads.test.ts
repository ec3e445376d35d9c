import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";
import { botOn, textOf } from "../../bot/run-bot.ts";
import { folderOf, saying } from "./folder.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const RELOADS = Number(process.env["RELOADS"] ?? 1000);
/** What each version holds besides its code, so that one that stays shows: a thousand of them are 100 MB. */
const BALLAST = "const ballast: Float64Array = new Float64Array(12_500).fill(1);";

async function heapMb(): Promise<number> {
  // What was let go in this turn is collected in a later one.
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

describe("a thousand hot reloads", () => {
  it("leave memory flat and no message unanswered, each with a version that is in force", async () => {
    const version = (n: number) =>
      `${BALLAST}\n${saying("which", `version ${n}`).replace('"text", text }', '"text", text: text.slice(0, ballast.length) }')}`;
    const folder = await folderOf({ "which.ts": version(0) });
    const source = folder.source({ everyMs: 60_000 });
    const input = memoryInput();
    const bot = botOn([input], {
      limit: "none",
      sources: [
        {
          name: source.name,
          stop: source.stop,
          start: (offer) =>
            source.start((offered) => {
              offer(offered);
              if (offered.broken?.length === 0) loaded();
            }),
        },
      ],
    });
    let loaded = () => {};
    await bot.start();
    const said: string[] = [];
    let early = 0;
    for (let n = 1; n <= RELOADS; n++) {
      const anew = new Promise<void>((resolve) => {
        loaded = resolve;
      });
      // Said while the file is written, bundled and put in force.
      input.say("which", { room: `room ${n % 7}` });
      await folder.write("which.ts", version(n));
      await anew;
      said.push(textOf(await input.next()));
      if (n === RELOADS / 5) early = await heapMb();
    }
    input.say("which");
    expect(textOf(await input.next())).toBe(`version ${RELOADS}`);
    expect(said).toHaveLength(RELOADS);
    const versions = said.map((text) => Number(/^version (\d+)$/.exec(text)?.[1]));
    versions.forEach((found, n) => {
      // Never one from before, nor one that was not written yet.
      expect(found).toBeGreaterThanOrEqual(versions[n - 1] ?? 0);
      expect(found).toBeLessThanOrEqual(n + 1);
    });
    const grown = (await heapMb()) - early;
    process.stdout.write(
      `heap after ${RELOADS / 5} reloads ${early.toFixed(1)} MB, ${grown.toFixed(1)} MB more at the end\n`,
    );
    // Were versions kept, the last 800 of them would be 80 MB.
    expect(grown).toBeLessThan(8);
  }, 300_000);
});
