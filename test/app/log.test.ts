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
});
