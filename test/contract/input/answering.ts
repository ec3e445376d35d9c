import type { OutgoingMessage, Place } from "../../../src/inputs/input.ts";
import type { Session } from "./session.ts";
import { plain, reader, visible, within } from "./session.ts";

/** What becomes of an answer: where it is said, whole, once, or not at all and told. */
export function answering(session: Session): void {
  const { it, needs, connect, expect, eventually, placed } = session;
  const heardTexts = () => session.chat.heard().map(({ text }) => text);

  it("answers in place, also after the place went through JSON", async () => {
    const { link, place } = await placed();
    expect(place.room).not.toBe("");
    await link.send(plain(JSON.parse(JSON.stringify(place)) as Place, "pong"));
    await eventually(() => expect(heardTexts()).toEqual(["pong"]), "the answer");
  });

  needs("sayElsewhere", "answers each where it was asked", async () => {
    const { chat } = session;
    const link = await connect();
    const hear = reader(link);
    await chat.say("here");
    const here = await hear.unlike();
    await chat.sayElsewhere?.("there");
    const there = await hear.unlike(here.id);
    await link.send(plain(there.place, "for there"));
    await link.send(plain(here.place, "for here"));
    await link.send(plain(there.place, "for there"));
    await eventually(() => expect(chat.heard()).toHaveLength(3), "three answers");
    const [first, second, third] = chat.heard().map((heard) => heard.where);
    expect(first).toBe(third);
    expect(first).not.toBe(second);
  });

  it("shows a text of the length it names as one whole message", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    const text = "<&>\n".repeat(chat.input.limits.textLength / 4);
    await link.send({ place, parts: [{ kind: "code", text }] });
    await eventually(() => expect(chat.heard()).toHaveLength(1), "one answer");
    expect(visible(chat.heard()[0]?.text ?? "")).toContain(text.trimEnd());
  });

  it("carries a file beside the text, if it says that it can", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    if (!chat.input.limits.files) return;
    const file = { name: "services.txt", text: "greeter\tü\n".repeat(20_000) };
    await link.send({ place, parts: [{ kind: "text", text: "20000 services" }], file });
    await eventually(() => expect(chat.heard()).toHaveLength(1), "one answer");
    expect(chat.heard()[0]).toMatchObject({ text: "20000 services", file });
  });

  it("lets a message grow, if it says that what was said can be changed", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    const grown = (key: string, text: string, last = false): OutgoingMessage => ({
      ...plain(place, text),
      progress: { key, last },
    });
    await link.send(grown("a", "one"));
    await link.send(plain(place, "something else"));
    await link.send(grown("b", "beside"));
    await link.send(grown("a", "one, two"));
    await link.send(grown("a", "<!channel> three, that is all", true));
    await link.send(grown("b", "beside, over", true));
    const { edits } = chat.input.limits;
    const count = edits ? 3 : 6;
    await eventually(() => expect(chat.heard()).toHaveLength(count), `${count} messages`);
    const now = ["<!channel> three, that is all", "something else", "beside, over"];
    await eventually(() => {
      const texts = heardTexts();
      expect(edits ? texts : texts.slice(-2)).toEqual(edits ? now : [now[0], now[2]]);
    }, "the last of each");
    for (const { live } of chat.heard()) expect(live).toEqual([]);
  });

  it("goes on growing a message over the next link", async () => {
    const { link, place } = await placed();
    if (!session.chat.input.limits.edits) return;
    await link.send({ ...plain(place, "before"), progress: { key: "k", last: false } });
    await link.close();
    const next = await connect();
    await next.send({ ...plain(place, "after"), progress: { key: "k", last: true } });
    await eventually(() => expect(heardTexts()).toEqual(["after"]), "the change");
  });

  it("answers aside, where there are threads, and else in place", async () => {
    const { link, place } = await placed();
    await link.send({ ...plain(place, "over here"), aside: true });
    await eventually(() => expect(heardTexts()).toEqual(["over here"]), "the answer");
  });

  it("says a whisper, hidden or not", async () => {
    const { link, place } = await placed();
    await link.send({ ...plain(place, "<!channel> not for all"), whisper: true });
    await eventually(() => expect(heardTexts()).toEqual(["<!channel> not for all"]), "the whisper");
    expect(session.chat.heard()[0]?.live).toEqual([]);
  });

  needs("whispered", "hides a whisper from all but who asked", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    await link.send({ ...plain(place, "for you"), whisper: true });
    await link.send(plain(place, "for all"));
    await eventually(() => expect(chat.heard()).toHaveLength(2), "both");
    expect(chat.whispered?.()).toEqual(["for you"]);
  });

  for (const code of ["invalid_argument", "exhausted", "unavailable"] as const) {
    needs("failSend", `says ${code} when the network refuses a message that way, and goes on`, async () => {
      const { chat } = session;
      const { link, place } = await placed();
      await chat.failSend?.(code);
      const failed = await link.send(plain(place, "lost")).catch((error: unknown) => error);
      expect(failed).toMatchObject({ code });
      if (code === "exhausted") expect(failed).toMatchObject({ details: { retryAfterMs: expect.any(Number) } });
      await link.send(plain(place, "said"));
      await eventually(() => expect(chat.heard().at(-1)?.text).toBe("said"), "the second answer");
    });
  }

  needs("hold", "gives up a send when told so, or when it takes too long", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    const release = chat.hold?.();
    const late = within(link.send(plain(place, "late"), { timeoutMs: 20 }), "a send of 20 ms is over");
    await expect(late).rejects.toMatchObject({ code: "timeout" });
    const impatient = new AbortController();
    const sending = link.send(plain(place, "never mind"), { signal: impatient.signal });
    impatient.abort();
    await expect(within(sending, "a send is over when its signal aborts")).rejects.toMatchObject({ code: "cancelled" });
    release?.();
  });
}
