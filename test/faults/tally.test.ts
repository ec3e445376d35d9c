import { describe, expect, it } from "vitest";
import { createTally, toldIn } from "./tally.ts";

/** As `src/bot/interrupted.ts` words it, whose own test holds the words. */
const OF_TWO = [
  "I was stopped while 2 things were asked of me here:",
  '0a (unknown): slack:U1 asked for: call counter Counter.Add {"id":"slack-1","ms":0}',
  '0b (not done): slack:U2 asked for: call counter Counter.Add {"id":"slack-2","ms":0}',
  "whether those that are unknown took effect nobody knows, and they were not repeated",
].join("\n");

function wrongs(effects: Readonly<Record<string, number>>, answers: readonly (readonly [id: string, text: string])[]) {
  const tally = createTally();
  for (const id of ["slack-1", "slack-2"]) tally.said(id);
  const told = new Map<string, string[]>();
  for (const [id, text] of answers) {
    for (const [one, words] of toldIn(id, text)) told.set(one, [...(told.get(one) ?? []), words]);
  }
  return tally.wrongs({ effects: new Map(Object.entries(effects)), answers: told, lost: () => false });
}

describe("the tally of what was said and what came of it", () => {
  it("takes a message that tells of several line by line", () => {
    expect(wrongs({ "slack-1": 1 }, [["slack-1", OF_TWO]])).toMatchObject({ silent: [], lies: [] });
    expect(wrongs({ "slack-2": 1 }, [["slack-1", OF_TWO]]).lies).toEqual([expect.stringMatching(/^slack-2: 0b \(not/)]);
  });

  it("finds what was done twice, what nobody was told of, and what is not so", () => {
    const undone =
      "I was stopped before I did what slack:U1 asked for\nnothing was changed; say it again if it still holds";
    expect(wrongs({ "slack-1": 2, "slack-9": 1 }, [["slack-1", undone]])).toMatchObject({
      doneTwice: ["slack-1"],
      doneUnsaid: ["slack-9"],
      silent: ["slack-2"],
      lies: [`slack-1: ${undone}`],
    });
    expect(wrongs({}, [["slack-1", '{"counted":"slack-1"}']]).lies).toHaveLength(1);
  });
});
