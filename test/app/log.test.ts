import { describe, expect, it } from "vitest";
import { createLog, redacted } from "../../src/app/log.ts";
import { collector } from "../fakes/run-program.ts";

describe("the log", () => {
  it("is JSON lines from its level on, without secrets wherever they stand", async () => {
    const output = collector();
    const log = await createLog("warn", output, ["xoxb-1-secret", 'quo"ted-secret']);
    log.info({}, "not this");
    log.warn({ url: "https://slack.com/?token=xoxb-1-secret" }, 'refused quo"ted-secret');
    const lines = output.text().trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(output.text()).not.toMatch(/secret"|-secret/);
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      level: 40,
      url: "https://slack.com/?token=[secret]",
      msg: "refused [secret]",
    });
  });

  it("does not cross out everything for an empty secret", () => {
    expect(redacted("all is well", ["", "a"])).toBe("all is well");
  });
});
