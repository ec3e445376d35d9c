import type { Session } from "./session.ts";
import { plain, visible } from "./session.ts";
import { CONTROLS, HOSTILE, SCRIPTS, TYPED } from "./texts.ts";

/** What becomes of text on its way in and out: the same text, and never anything that acts. */
export function writing(session: Session): void {
  const { it, needs, expect, eventually, placed } = session;
  const heardTexts = () => session.chat.heard().map(({ text }) => visible(text));

  it("hears text as it was typed: quotes, entities, links, code, emoji, any script", async () => {
    const { hear, first } = await placed();
    let before = first.id;
    for (const text of TYPED) {
      await session.chat.say(text);
      const message = await hear.unlike(before);
      expect(message.text).toBe(text);
      before = message.id;
    }
  });

  needs(
    "alive",
    "sees what would come alive if it were said as it stands, or the cases below would prove nothing",
    async () => {
      const { chat } = session;
      const seen = [...HOSTILE, CONTROLS].flatMap((raw) => chat.alive?.(raw) ?? []);
      expect(seen.length > 0).toBe(true);
      for (const text of SCRIPTS) expect(chat.alive?.(text)).toEqual([]);
    },
  );

  it("shows hostile text as it is, and nothing of it comes alive", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    for (const text of HOSTILE) {
      await link.send(plain(place, text));
      await link.send({ place, parts: [{ kind: "code", text }] });
    }
    await eventually(() => expect(chat.heard()).toHaveLength(HOSTILE.length * 2), "all answers");
    for (const [index, { text, live }] of chat.heard().entries()) {
      expect(live).toEqual([]);
      expect(visible(text)).toContain(HOSTILE[Math.floor(index / 2)]);
    }
  });

  it("shows any script as it is: quotes, emoji, right to left", async () => {
    const { link, place } = await placed();
    for (const text of SCRIPTS) await link.send(plain(place, text));
    await eventually(() => expect(heardTexts()).toHaveLength(SCRIPTS.length), "all answers");
    for (const [index, text] of heardTexts().entries()) expect(text).toContain(SCRIPTS[index]);
  });

  it("says text with control characters, and none of them acts", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    await link.send(plain(place, CONTROLS));
    await link.send({ place, parts: [{ kind: "code", text: "five \u0000\u001b[1Asix" }] });
    await eventually(() => expect(chat.heard()).toHaveLength(2), "both answers");
    const all = heardTexts().join("\n");
    for (const word of ["one", "two", "three", "four", "five", "six"]) expect(all).toContain(word);
    for (const { live } of chat.heard()) expect(live).toEqual([]);
  });

  it("says line ends as line ends, whatever they would end in the network's own talk", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    await link.send(plain(place, "one\r\nQUIT :gone\r\n.\r\n\r\nDELETE * two"));
    await link.send(plain(place, "three"));
    await eventually(() => expect(heardTexts().join("\n")).toContain("three"), "both answers");
    const all = heardTexts().join("\n");
    for (const words of ["one", "QUIT :gone", "DELETE * two"]) expect(all).toContain(words);
    for (const { live } of chat.heard()) expect(live).toEqual([]);
  });
}
