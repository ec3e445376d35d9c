import { describe, expect, it } from "vitest";
import { telling, textOf } from "../run-bot.ts";
import { asking, rightsOf } from "./asking.ts";

describe("requests", () => {
  it("shows what waits in this room, for whom and how long, and what became of one", async () => {
    const rights = rightsOf({ approvals: { count: 2, role: "lead" } });
    const { input, clock, ask, idOf } = await asking({
      rights,
      commands: [telling("note", { effect: "write" }).command],
    });
    expect(await ask(() => input.say("requests"))).toBe("nothing waits for a yes in this room");
    await ask(() => input.say("drain payments"));
    const id = idOf();
    await ask(() => input.say(`yes ${id}`, { from: "bob" }));
    rights.approvals = undefined;
    await clock.advance(60_000);
    await ask(() => input.say("note 'a\nb'", { from: "dan" }));
    const plain = idOf();
    const table = (await ask(() => input.say("requests", { from: "eve" }))).split("\n");
    expect(table.map((line) => line.split(/ {2,}/))).toEqual([
      ["Id", "Asked by", "Waits for", "Seconds left", "Command"],
      [id, "ann", "1 of 2 of lead", "1740", "drain payments"],
      [plain, "dan", "dan", "120", "note 'a …"],
    ]);
    expect(await ask(() => input.say(`requests ${id}`))).toMatch(
      /^this changes things: drain payments\n[\s\S]*yes so far: bob/,
    );
    await ask(() => input.say(`no ${id}`));
    expect(await ask(() => input.say(`requests ${id}`))).toBe(
      "this changes things: drain payments\ntouches payments (not registered)\nann said no to it at 00:01:00 UTC",
    );
    expect(await ask(() => input.say("requests nothing"))).toBe("there is no request nothing in this room");
  });

  it("tells other rooms nothing", async () => {
    const { input, ask, idOf } = await asking();
    await ask(() => input.say("drain payments"));
    expect(await ask(() => input.say("requests", { room: "other" }))).toBe("nothing waits for a yes in this room");
    expect(await ask(() => input.say(`requests ${idOf()}`, { room: "other" }))).toContain("there is no request");
    expect(await ask(() => input.say("yes", { room: "other" }))).toContain("nothing of yours");
  });

  it("says how approve and break-glass are said", async () => {
    const { input, ask } = await asking();
    expect(await ask(() => input.say("approve"))).toContain("approve what? `requests` shows the ids");
    expect(await ask(() => input.say("approve it"))).toContain(
      "`it` is not the id of a request (six characters of 0-9 and a-f, as 03f9a1); `requests` shows them",
    );
    expect(await ask(() => input.say("help approve"))).toContain("Say yes to what somebody else has asked for");
    expect(textOf(input.sent.at(-1))).not.toContain("undefined");
  });
});
