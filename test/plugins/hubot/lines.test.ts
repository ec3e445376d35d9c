import { expect, it, vi } from "vitest";
import { host, scriptFolder } from "./script-folder.ts";

const LINES = new URL("../../../src/plugins/hubot/hubot-host/lines.mjs", import.meta.url).href;

type Write = (level: string, text: string) => void;

/** A log with a clock that stands until it is moved. */
async function lines() {
  const written: string[] = [];
  let time = 0;
  let timers: { at: number; work: () => void }[] = [];
  const { createLines } = (await import(LINES)) as {
    createLines(write: Write, clock: { now(): number; later(work: () => void, ms: number): void }): Write;
  };
  const say = createLines((level, text) => written.push(`${level} ${text}`), {
    now: () => time,
    later: (work, ms) => timers.push({ at: time + ms, work }),
  });
  /** Timers stand still while a script holds the thread. */
  const pass = (ms: number, held = false) => {
    time += ms;
    if (held) return;
    const due = timers.filter(({ at }) => at <= time);
    timers = timers.filter(({ at }) => at > time);
    for (const { work } of due) work();
  };
  return { say, written, pass, waiting: () => timers.length };
}

it("lets 200 lines into the log in ten seconds, and then tells once how many there were beyond", async () => {
  const { say, written, pass, waiting } = await lines();
  for (let at = 0; at < 1000; at++) say("info", `line ${at}`);
  expect(written).toHaveLength(200);
  expect(written.at(-1)).toBe("info line 199");
  expect(waiting()).toBe(1);
  pass(10_000);
  expect(written.slice(200)).toEqual(["warn 800 lines are left out: scripts log more than 200 in 10 s"]);
  say("error", "again");
  expect(written.at(-1)).toBe("error again");
  pass(20_000);
  expect(written).toHaveLength(202);
});

it("tells of what was left out once, though the thread was held until after its time", async () => {
  const { say, written, pass } = await lines();
  for (let at = 0; at < 201; at++) say("info", `line ${at}`);
  pass(9999);
  say("info", "one more");
  expect(written).toHaveLength(200);
  pass(1, true);
  say("info", "later");
  pass(60_000);
  expect(written.slice(200)).toEqual(["warn 2 lines are left out: scripts log more than 200 in 10 s", "info later"]);
});

it("a script that floods the log does not fill the bot's", async () => {
  const cwd = scriptFolder({
    "scripts/loud.js": `module.exports = (robot) => {
      robot.respond(/shout/i, (res) => {
        for (let at = 0; at < 20000; at++) robot.logger.info("shouting " + at);
        res.send("shouted");
      });
      robot.respond(/reject/i, (res) => {
        for (let at = 0; at < 5000; at++) Promise.reject(new Error("shouting " + at));
        res.send("rejected");
      });
    };`,
  });
  const { ask, logged } = await host(cwd);
  expect(await ask("shout")).toBe("shouted");
  expect(await ask("reject")).toBe("rejected");
  const shouting = () => logged.filter((line) => line.includes("shouting")).length;
  await vi.waitFor(() => expect(shouting()).toBeGreaterThan(100));
  expect(await ask("echo done")).toBe("done");
  expect(shouting()).toBeLessThan(450);
});
