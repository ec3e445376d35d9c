import { describe, expect, it } from "vitest";
import { createInterrupted } from "../../src/bot/interrupted.ts";
import type { Left } from "../../src/bot/journal.ts";
import type { Link } from "../../src/bot/links.ts";
import type { OutgoingMessage } from "../../src/inputs/input.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { manualClock } from "../fakes/clock.ts";
import { textOf } from "./run-bot.ts";

function left(id: string, room: string, begun: boolean): Left {
  const message = {
    id,
    from: { id: "ann", name: "ann", guest: false },
    place: { room },
    text: `dig ${id}`,
    addressed: true,
    sentAt: 0,
  };
  const claim = { key: id, fence: 1, before: 0 };
  return { claim, taken: { id, input: "memory", caller: "memory:ann", message, at: 0 }, begun, cut: false };
}

function setUp({ done = [] }: { readonly done?: readonly string[] } = {}) {
  const clock = manualClock();
  const sent: OutgoingMessage[] = [];
  const ended: string[] = [];
  const outbox = { send: async (message: OutgoingMessage) => sent.push(message) > 0 };
  const link = { input: memoryInput(), outbox, during: () => {} } as unknown as Link;
  const interrupted = createInterrupted(
    clock,
    () => true,
    async ({ taken }) => done.includes(taken.id),
    async (one, told) => void ended.push(`${one.claim.key} ${told}`),
  );
  const tell = async (...all: readonly Left[]) => {
    for (const one of all) interrupted.tell(one, link);
    await clock.advance(1000);
  };
  return { sent, ended, tell };
}

describe("what a process has left (chat.md §6: silence is no answer)", () => {
  it("of one room is one message, which tells of each whether it may have taken effect", async () => {
    const { sent, ended, tell } = setUp();
    await tell(left("0a", "ops", true), left("0b", "ops", false), left("0c", "dev", false));
    expect(sent.map((message) => message.place.room)).toEqual(["ops", "dev"]);
    expect(textOf(sent[0])).toBe(
      [
        "I was stopped while 2 things were asked of me here:",
        "0a (unknown): memory:ann asked for: dig 0a",
        "0b (not done): memory:ann asked for: dig 0b",
        "whether those that are unknown took effect nobody knows, and they were not repeated",
        "to find out: `explain <id>` tells what is known of it, and services know it by the trace id <id>; say it again only if that does no harm",
      ].join("\n"),
    );
    expect(textOf(sent[1])).toBe(
      "I was stopped before I did what memory:ann asked for: dig 0c\nnothing was changed; say it again if it still holds",
    );
    expect(ended).toEqual(["0a true", "0b true", "0c true"]);
  });

  it("is told as done where that is known, and only its answer may be missing", async () => {
    const { sent, tell } = setUp({ done: ["0a", "0b"] });
    await tell(left("0a", "ops", true));
    await tell(left("0a", "ops", true), left("0b", "ops", false));
    expect(sent.map(textOf)).toEqual([
      "I was stopped as I answered what memory:ann asked for: dig 0a\nit was done once; my answer may not have come; `explain 0a` tells how it went",
      [
        "I was stopped while 2 things were asked of me here:",
        "0a (done): memory:ann asked for: dig 0a",
        "0b (not done): memory:ann asked for: dig 0b",
      ].join("\n"),
    ]);
  });

  it("of a yes is told as what it was said to", async () => {
    const { sent, tell } = setUp();
    await tell({ ...left("0a", "ops", true), meant: "drain payments" });
    expect(textOf(sent[0])).toMatch(/^I was stopped while I did what memory:ann said yes to: drain payments\n/);
  });

  it("is told in a few messages, however much it is", async () => {
    const { sent, ended, tell } = setUp();
    await tell(...Array.from({ length: 100 }, (_, at) => left(String(at), "ops", true)));
    expect(sent).toHaveLength(4);
    expect(ended).toHaveLength(100);
  });
});
