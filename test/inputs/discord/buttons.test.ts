import { describe, expect, it } from "vitest";
import { buttons } from "../../../src/inputs/discord/buttons.ts";

describe("buttons in Discord", () => {
  it("have labels that are cut between two characters", () => {
    const rows = buttons([{ label: `${"x".repeat(79)}😀`, line: "ping" }]);
    expect(JSON.stringify(rows)).toContain(`"${"x".repeat(79)}"`);
  });
});
