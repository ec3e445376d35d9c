import { describe, expect, it, vi } from "vitest";
import { textOf } from "../../bot/run-bot.ts";
import { host, scriptFolder } from "./script-folder.ts";

const GOOD = `module.exports = (robot) => {
  robot.respond(/good/i, (res) => res.send("good it is"));
  robot.respond(/wait for it/i, async (res) => { await new Promise((done) => setTimeout(done, 60000)); });
};`;

const BAD = `module.exports = (robot) => {
  robot.respond(/hang/i, () => { for (;;); });
  robot.respond(/exit/i, () => process.exit(3));
  robot.respond(/late throw/i, () => { setTimeout(() => { throw new Error("too late"); }, 10); });
  robot.respond(/answer and throw/i, (res) => { res.send("answered"); setTimeout(() => { throw new Error("too late"); }, 50); });
  robot.respond(/eat/i, () => { const all = []; for (;;) all.push(new Array(1e5).fill(Math.random())); });
  robot.respond(/rejects/i, (res) => { Promise.reject(new Error("nobody waits")); res.send("went on"); });
};`;

/** Matching alone takes for ever. */
const REGEX = `module.exports = (robot) => { robot.respond(/x(a+)+$/i, (res) => res.send("matched")); };`;

describe("a script that misbehaves", () => {
  it.each([
    ["hangs", "hang", /the script bad was ended: it held its thread for more than 2500 ms/],
    ["exits", "exit", /the script bad was ended: it called process\.exit\(3\)/],
    ["throws late", "late throw", /the script bad was ended: it threw when nobody waited for it: too late/],
    ["eats memory", "eat", /the script bad was ended: it took more than 64 MB of memory/],
    [
      "has a pattern that hangs",
      `x${"a".repeat(60)}!`,
      /cut off, because the script regex ended all scripts: it held its thread/,
    ],
  ])(
    "and %s is ended, who asked is told, and the others go on",
    async (_what, line, why) => {
      const cwd = scriptFolder({ "scripts/good.js": GOOD, "scripts/bad.js": BAD, "scripts/regex.js": REGEX });
      const { ask, until } = await host(cwd, { memoryMb: 64, ...(line === "eat" && { hangMs: 12_000 }) });
      expect(await ask("good")).toBe("good it is");
      const told = await ask(line);
      expect(told).toMatch(why);
      expect(told).toContain("the scripts are started again; say it again in a moment");
      expect(told).not.toContain(" at ");
      await until("good", /^good it is$/m);
      await until("echo the bot as well", /^the bot as well$/m);
    },
    60_000,
  );

  it("tells whose work it cut off, and who asked when the answer was said already", async () => {
    const cwd = scriptFolder({ "scripts/good.js": GOOD, "scripts/bad.js": BAD });
    const { input, until } = await host(cwd);
    input.say("wait for it", { room: "other" });
    await until("exit", /the script bad was ended/);
    await vi.waitFor(() => expect(input.sent.map(({ place }) => place.room)).toContain("other"));
    expect(input.sent.map(textOf).join()).toContain("cut off, because the script bad ended all scripts");
    await until("good", /good it is/);
    await until("answer and throw", /the script bad was ended after its answer: it threw/);
  });

  it.each(["rooms", "an answer"])(
    "and floods %s is cut short with a word",
    async (where) => {
      const cwd = scriptFolder({
        "scripts/good.js": GOOD,
        "scripts/flood.js": `module.exports = (robot) => {
        robot.respond(/flood rooms/i, (res) => {
          for (let at = 0; at < 5000; at++) robot.messageRoom("ops", "wave " + at);
          res.send("over");
        });
        robot.respond(/flood an answer/i, async (res) => {
          for (let at = 0; at < 50; at++) {
            for (let nth = 0; nth < 100; nth++) res.send("wave " + at);
            await new Promise((done) => setTimeout(done, 50));
          }
        });
      };`,
      });
      const { input, ask } = await host(cwd);
      const before = input.sent.length;
      input.say(`flood ${where}`);
      const said = () => input.sent.slice(before).map(textOf).join("\n");
      await vi.waitFor(() => expect(said()).toMatch(/left out/), { timeout: 20_000 });
      input.say("good", { room: "another" });
      await vi.waitFor(() => expect(said()).toMatch(/good it is/), { timeout: 20_000 });
      expect(input.sent.length - before).toBeLessThan(1000);
      expect(said().split("wave").length).toBeLessThan(1000);
      expect(await ask("echo the bot as well")).toBeDefined();
    },
    60_000,
  );

  it("and whose promises nobody waits for goes on", async () => {
    const cwd = scriptFolder({ "scripts/bad.js": BAD });
    const { ask } = await host(cwd);
    expect(await ask("rejects")).toBe("went on");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await ask("rejects")).toBe("went on");
  });

  it("and ends the others as it loads is left out, and `plugins` says why", async () => {
    const cwd = scriptFolder({
      "scripts/a-exits.js": "process.exit(1);",
      "scripts/b-hangs.js": "for (;;);",
      "scripts/c-throws.js": `setTimeout(() => { throw new Error("as it loads"); }); for (const end = Date.now() + 50; Date.now() < end;);`,
      "scripts/good.js": GOOD,
    });
    const { until } = await host(cwd, { startMs: 4000 });
    await until("good", /good it is/);
    await until("plugins", /a-exits\.js: it called process\.exit\(1\); all scripts ended with it as it was loaded/);
    await until("plugins", /b-hangs\.js: it was not loaded within 4000 ms/);
  }, 60_000);

  it("and ends the others again and again is left out in the end", async () => {
    const cwd = scriptFolder({ "scripts/good.js": GOOD, "scripts/bad.js": BAD });
    const { until } = await host(cwd);
    for (let times = 0; times < 5; times++) await until("exit", /the script bad was ended/);
    await until("good", /good it is/);
    await until("exit", /there is no command "exit"/);
    await until("plugins", /scripts\/bad\.js: .*it has ended all scripts 5 times, so it is left out/);
  }, 60_000);
});
