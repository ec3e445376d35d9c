import { say } from "../../../src/bot/context.ts";
import { renderAnswer } from "../../../src/bot/render.ts";
import type { OutgoingMessage, Place } from "../../../src/inputs/input.ts";
import type { Session } from "./session.ts";
import { plain, visible } from "./session.ts";
import { CALLING, HOSTILE } from "./texts.ts";

/** The smallest PNG, and every byte there is behind it, so that nothing on the way may take it for text. */
const PNG = Uint8Array.from([
  ...Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  ),
  ...Array.from({ length: 256 }, (_, byte) => byte),
]);

/** What the bot says by itself: cards that stay and change, what belongs to them, pictures. */
export function cards(session: Session): void {
  const { it, needs, connect, expect, eventually, placed } = session;
  const texts = () => session.chat.heard().map(({ text }) => text);
  /** A message that can be changed, and where it stands by now. */
  const standing = (place: Place, text: string, key: string, at?: string) => {
    const stands: string[] = [];
    const progress = { key, last: false, at, onSaid: (told: string) => void stands.push(told) };
    return { stands, message: { ...plain(place, text), progress } satisfies OutgoingMessage };
  };

  it("shows a picture byte by byte, or says its words where none are shown", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    const picture = { name: "latency.png", text: "▁▂▅█ 12 ms to 80 ms", png: PNG };
    await link.send(renderAnswer({ ...say("payments, 1h"), file: picture }, place, chat.input.limits));
    await eventually(() => expect(chat.heard()).toHaveLength(1), "one answer");
    const [heard] = chat.heard();
    expect(heard?.text).toContain("payments, 1h");
    if (!chat.input.limits.pictures) return expect(heard?.text).toContain(picture.text);
    expect(heard?.text).not.toContain(picture.text);
    expect(heard?.file?.name).toBe(picture.name);
    expect([...(heard?.file?.png ?? [])]).toEqual([...PNG]);
  });

  it("changes a message by where it stands alone, as another process does", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    if (!chat.input.limits.edits) return;
    const first = standing(place, "it is on fire", "card");
    await link.send(first.message);
    await eventually(() => expect(texts()).toEqual(["it is on fire"]), "the card");
    expect(first.stands).toHaveLength(1);
    await link.close();
    const next = await connect();
    const again = standing(JSON.parse(JSON.stringify(place)) as Place, "it is out", "another key", first.stands[0]);
    await next.send(again.message);
    await eventually(() => expect(texts()).toEqual(["it is out"]), "the change");
  });

  needs("remove", "says anew what somebody has deleted, and tells where it stands now", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    const first = standing(place, "it is on fire", "card");
    await link.send(first.message);
    await eventually(() => expect(texts()).toEqual(["it is on fire"]), "the card");
    await chat.remove?.();
    const second = standing(place, "still", "card", first.stands[0]);
    await link.send(second.message);
    await eventually(() => expect(texts()).toEqual(["still"]), "the card again");
    expect(second.stands).toHaveLength(1);
    expect(second.stands[0] === first.stands[0]).toBe(false);
    const third = standing(place, "out", "card", second.stands[0]);
    await link.send(third.message);
    await eventually(() => expect(texts()).toEqual(["out"]), "the change");
    expect(third.stands).toEqual([]);
  });

  needs("under", "puts what belongs to a message into its thread, or beside it as an answer", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    const card = standing(place, "it is on fire", "card");
    await link.send(card.message);
    const thread = chat.input.threadIn?.(place, card.stands[0] ?? "") ?? place;
    for (const words of ["ann looks at it", "<!channel> it is out"]) {
      await link.send(plain(JSON.parse(JSON.stringify(thread)) as Place, words));
    }
    await eventually(() => expect(chat.heard()).toHaveLength(3), "all of it");
    const under = chat.under?.() ?? [];
    const belongs = texts().flatMap((text, at) => (under[at] === "it is on fire" ? [text] : []));
    expect(belongs).toEqual(["ann looks at it", "<!channel> it is out"]);
  });

  needs(
    "alone",
    "says something to one person alone, who can be written to, changes it there, and adds to it",
    async () => {
      const { chat } = session;
      const { link, first } = await placed();
      const to = chat.input.placeTo?.(first.from.id ?? "");
      if (to === undefined) throw new Error(`there is no place to write to ${first.from.id}`);
      const place = JSON.parse(JSON.stringify(to)) as Place;
      const card = standing(place, "wake up", "card");
      await link.send(card.message);
      await eventually(() => expect(chat.alone?.()).toEqual(["wake up"]), "the message");
      const { edits } = chat.input.limits;
      if (edits) {
        await link.send(standing(place, "good morning", "another key", card.stands[0]).message);
        await eventually(() => expect(chat.alone?.()).toEqual(["good morning"]), "the change");
      }
      const { threadIn } = chat.input;
      await link.send(plain(threadIn?.(place, card.stands[0] ?? "") ?? place, "now"));
      await eventually(() => expect(chat.alone?.()).toHaveLength(2), "what belongs to it");
      expect(chat.heard()).toHaveLength(2);
    },
  );

  it("knows nobody to write to by what is no id", () => {
    const { placeTo } = session.chat.input;
    for (const id of ["", " ", "@here", "<!channel>", "#general", "a b", "../x", "ann/../bob"]) {
      const place = placeTo?.(id);
      // Whoever takes any id is at least not led elsewhere by it.
      if (place !== undefined) expect(place.room).toContain(id);
    }
    return Promise.resolve();
  });

  it("calls nobody, whatever an alert says: in words, on what can be picked, in a change", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    const { edits, buttons } = chat.input.limits;
    const all = [...CALLING, ...HOSTILE];
    for (const [at, text] of all.entries()) {
      const choices = [{ label: text.slice(0, 70), line: `ack ${at}` }];
      // A change to the same would be none.
      const before = { ...plain(place, `alert ${at}`), progress: { key: `k${at}`, last: false } };
      const after = { ...plain(place, text), choices, progress: { key: `k${at}`, last: true } };
      if (edits) await link.send(before);
      await link.send(after);
    }
    await eventually(() => expect(chat.heard()).toHaveLength(all.length), "all of it");
    await eventually(() => expect(visible(texts().at(-1) ?? "")).toContain(all.at(-1)), "the last change");
    for (const [at, heard] of chat.heard().entries()) {
      expect([all[at], heard.live]).toEqual([all[at], []]);
      expect(visible(heard.text)).toContain(all[at]);
      if (buttons) expect(heard.choices).toEqual([all[at]?.slice(0, 70)]);
    }
  });
}
