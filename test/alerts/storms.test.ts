import { afterEach, describe, expect, it, vi } from "vitest";
import { closedOnes } from "../../src/alerts/incidents/closed.ts";
import { lastWords, recording } from "./recording.ts";
import { MOST_A_MINUTE, mostInAMinute, replaying } from "./replaying.ts";

// Hundreds of requests, and half an hour goes by.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/* What the real Alertmanager sent in storms, heard again from its webhooks to the room, by a clock that goes when it is told to. */

const MINUTE = 60_000;
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});
const open = async (name: string, asks = false) => {
  const recorded = recording(name);
  const bot = await replaying(recorded, asks);
  opened.push(bot);
  return { recorded, words: lastWords(recorded), ...bot };
};

/** What each holds, so that one that was cut off is seen: groups, alerts, groups that are over, requests that Alertmanager sent again. */
const STORMS = [
  { name: "thousand", groups: 50, alerts: 1000, over: 25, again: 58 },
  { name: "exporter", groups: 17, alerts: 47, over: 14, again: 6 },
  { name: "flapping", groups: 1, alerts: 1, over: 1, again: 0 },
  // What it says again is that it fires once more, so the bot has to ask.
  { name: "stalled", groups: 2, alerts: 3, over: 0, again: 4, asks: true },
];

describe.each(STORMS)("the recorded storm $name", ({ name, groups, alerts, over, again, asks }) => {
  it("is one post for each group, within what Slack lets a bot say, and none is lost", async () => {
    const { recorded, words, replay, pass, incidents, keyOf, inbox, cards, spoken, kv, db } = await open(name, asks);
    const said = [...words.values()];
    expect(said).toHaveLength(groups);
    expect(said.flatMap((group) => [...group])).toHaveLength(alerts);
    const ended = said.filter((group) => [...group.values()].every(({ status }) => status === "resolved"));
    expect(ended).toHaveLength(over);

    const answers = await replay();
    expect(answers.filter((answer) => answer === "known")).toHaveLength(again);
    expect(answers.filter((answer) => answer === "taken")).toHaveLength(recorded.requests.length - again);
    await pass(5 * MINUTE);
    expect(inbox.waiting).toBe(0);
    expect(cards()).toHaveLength(groups);
    expect(mostInAMinute(spoken)).toBeLessThanOrEqual(MOST_A_MINUTE);

    const kept = new Map((await incidents()).map((incident) => [keyOf(incident.group), incident]));
    expect(kept.size).toBe(groups);
    for (const [group, last] of words) {
      const incident = kept.get(keyOf(group));
      const states = [...last].map(([print, { status, startsAt }]) => [print, [startsAt, status === "firing" ? 1 : 0]]);
      expect(incident?.states, group).toEqual(Object.fromEntries(states));
      const firing = [...last.values()].filter(({ status }) => status === "firing").length;
      const card = cards().find(({ text }) => text.includes(`(${incident?.id})`));
      expect(card?.text, group).toMatch(firing > 0 ? /^FIRING/ : /^RESOLVED/);
      if (firing > 1) expect(card?.text, group).toContain(`${firing} firing`);
      expect(card?.choices.length, group)[firing > 0 ? "toBeGreaterThan" : "toBe"](0);
    }

    await pass(30 * MINUTE);
    const closed = await closedOnes(db, { limit: 100 });
    const resolved = [...kept.values()].filter(({ status }) => status === "resolved");
    expect(closed.map(({ id }) => id).sort()).toEqual(resolved.map(({ id }) => id).sort());
    expect(closed).toHaveLength(over);
    expect(await kv.list("incident.")).toHaveLength(groups - over);
  });

  it("changes nothing when all of it is sent a second time", async () => {
    const { replay, pass, cards, below, incidents, spoken } = await open(name, asks);
    await replay();
    await pass(5 * MINUTE);
    const seen = async () => ({
      cards: cards(),
      below: below(),
      incidents: await incidents(),
      spoken: spoken.length,
    });
    const before = await seen();
    expect(new Set(await replay())).toEqual(new Set(["known"]));
    await pass(MINUTE);
    expect(await seen()).toEqual(before);
  });
});

describe("the recorded storm thousand", () => {
  it("is one post for each group, and none is lost, when the bot is started anew twice in the middle of it", async () => {
    const { words, replay, restart, pass, incidents, keyOf, cards, inbox } = await open("thousand");
    await replay(1, async (n) => {
      if (n === 70 || n === 250) await restart(4000);
    });
    await pass(5 * MINUTE);
    expect(inbox.waiting).toBe(0);
    expect(cards()).toHaveLength(words.size);
    for (const { group, states } of await incidents()) {
      const last = [...words].find(([name]) => keyOf(name) === keyOf(group))?.[1];
      const firing = [...(last?.values() ?? [])].map(({ status }) => (status === "firing" ? 1 : 0));
      expect(
        Object.values(states)
          .map(([, fires]) => fires)
          .sort(),
        group,
      ).toEqual(firing.sort());
    }
  });
});

describe("the recorded storm flapping", () => {
  it("is one card that counts, and is changed once a minute while it goes back and forth", async () => {
    const { replay, pass, cards, spoken } = await open("flapping");
    await replay();
    expect(cards()).toEqual([expect.objectContaining({ text: expect.stringMatching(/flapping: it fired \d+ times/) })]);
    // It is said, it turns twice before it flaps, and then a minute and a half goes by; below a change of its first line stands a word.
    expect(spoken.length).toBeLessThanOrEqual(1 + 2 * (2 + 1));
    await pass(30 * MINUTE);
    expect(cards()).toEqual([{ text: expect.stringMatching(/^RESOLVED .*fired 15 times/s), choices: [] }]);
  });
});

describe("the recorded storm stalled", () => {
  it("fires again without anybody being asked, where what is said again was said longer ago than it is known", async () => {
    const { words, replay, pass, incidents, cards } = await open("stalled");
    expect(new Set(await replay(75))).toEqual(new Set(["taken"]));
    await pass(5 * MINUTE);
    const firing = [...words.values()].map(
      (group) => [...group.values()].filter(({ status }) => status === "firing").length,
    );
    const states = (await incidents()).map(
      ({ states }) => Object.values(states).filter(([, fires]) => fires === 1).length,
    );
    expect(states.sort()).toEqual(firing.sort());
    expect(cards().map(({ text }) => text)).toEqual([
      expect.stringMatching(/^FIRING/),
      expect.stringMatching(/^FIRING/),
    ]);
  });
});
