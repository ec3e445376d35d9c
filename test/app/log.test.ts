import { describe, expect, it } from "vitest";
import { createLog } from "../../src/app/log.ts";
import { createRedactor } from "../../src/core/redact.ts";
import { collector } from "../fakes/run-program.ts";

describe("the log", () => {
  it("is JSON lines from its level on, without secrets wherever they stand", async () => {
    const output = collector();
    const log = await createLog("warn", output, createRedactor(["xoxb-1-secret", 'quo"ted-secret', "84213377"]));
    log.info({}, "not this");
    log.warn({ url: "https://slack.com/?token=xoxb-1-secret" }, 'refused quo"ted-secret');
    log.warn({ pin: 84_213_377, deep: { password: 4711, more: ["84 21 33 77"] } }, "numbers");
    const cause = new Error("xoxb-1-secret is not known");
    log.warn({ err: new Error("login failed", { cause }) }, "a cause");
    const lines = output.text().trim().split("\n");
    expect(lines).toHaveLength(3);
    expect(output.text()).not.toMatch(/secret"|-secret|84.?21|4711/);
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      level: 40,
      url: "https://slack.com/?token=[secret]",
      msg: "refused [secret]",
    });
    expect(JSON.parse(lines[1] as string)).toMatchObject({ pin: "[secret]", deep: { password: "[secret]" } });
    expect(lines[2]).toContain("login failed");
  });

  it("is for people on a screen, each in one line, without secrets and without what moves a cursor", async () => {
    const output = Object.assign(collector(), { isTTY: true });
    const log = await createLog("info", output, createRedactor(["xoxb-1-secret"]));
    log.warn({ room: "C02", waitMs: 250, why: "xoxb-1-secret said\n\u001b[2J no" }, "an answer waits\nto be sent");
    log.error({ err: new Error("it is away"), list: Array.from({ length: 200 }, (_, at) => at) }, "lost");
    const [first = "", second = "", ...more] = output.text().split("\n");
    expect(first).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d WARN {2}an answer waits to be sent room=C02 waitMs=250 why="\[secret\] said/,
    );
    expect(first).not.toContain("\u001b");
    expect(second).toMatch(/ ERROR lost err="it is away" list=\[0,1,2,.{150,220}…$/);
    expect(more).toEqual([""]);
  });
});
