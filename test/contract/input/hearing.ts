import type { Session } from "./session.ts";
import { plain, reader, settle } from "./session.ts";

/** What an input gives to the bot, and what it keeps from it. */
export function hearing(session: Session): void {
  const { it, needs, connect, expect, eventually, placed } = session;

  it("gives what is said, in order, with who, where and when", async () => {
    const { chat } = session;
    const hear = reader(await connect());
    await chat.say("list services");
    await chat.say('call greeter Say.Hello {"name": "a  b"}');
    const first = await hear.unlike();
    const second = await hear.unlike(first.id);
    expect([first.text, second.text]).toEqual(["list services", 'call greeter Say.Hello {"name": "a  b"}']);
    expect(first.addressed).toBe(true);
    expect(first.from).toMatchObject({ guest: false, id: expect.stringMatching(/./) });
    expect(first.from.name).not.toBe("");
    expect(first.filled).toBe(undefined);
    expect(Math.abs(Date.now() - first.sentAt)).toBeLessThan(60_000);
    expect(Number.isInteger(first.sentAt)).toBe(true);
  });

  needs("deliverAgain", "gives the same id to what is delivered twice", async () => {
    const { chat } = session;
    const hear = reader(await connect());
    await chat.say("ping");
    const first = await hear.unlike();
    await chat.deliverAgain?.();
    expect(await hear.next()).toEqual(first);
  });

  needs("noise", "never gives edits, bots, joins or its own words", async () => {
    const { chat } = session;
    const link = await connect();
    const hear = reader(link);
    await chat.say("before");
    const before = await hear.unlike();
    await link.send(plain(before.place, "the bot's own words"));
    await chat.noise?.();
    await chat.say("after");
    expect((await hear.unlike(before.id)).text).toBe("after");
  });

  needs("overhear", "tells what was not said to it", async () => {
    const { chat } = session;
    const hear = reader(await connect());
    await chat.overhear?.("shall we list services?");
    expect(await hear.next()).toMatchObject({ text: "shall we list services?", addressed: false });
  });

  needs("sayDirect", "is spoken to in direct talk without its name, and answers there", async () => {
    const { chat } = session;
    const { link, hear, first, place } = await placed();
    await chat.sayDirect?.("list services");
    const direct = await hear.unlike(first.id);
    expect(direct).toMatchObject({ text: "list services", addressed: true });
    expect(direct.from.id).toBe(first.from.id);
    expect(direct.place.room).not.toBe(place.room);
    await link.send(plain(place, "for all"));
    await link.send(plain(direct.place, "for you"));
    await eventually(() => expect(chat.heard()).toHaveLength(2), "both answers");
    const where = new Map(chat.heard().map((heard) => [heard.text, heard.where]));
    expect(where.get("for you")).not.toBe(where.get("for all"));
  });

  needs("sayAsStranger", "marks a stranger as a guest", async () => {
    const { chat } = session;
    const hear = reader(await connect());
    await chat.sayAsStranger?.("list services");
    expect((await hear.next()).from.guest).toBe(true);
  });

  needs("spoof", "gives nobody's id to who only shows their name", async () => {
    const { chat } = session;
    const { hear, first } = await placed();
    await chat.spoof?.("list services");
    const said = await hear.unlike(first.id);
    expect(said.text).toBe("list services");
    expect(said.from.id).not.toBe(first.from.id);
  });

  needs("flood", "is not hurt by a megabyte in one message", async () => {
    const { chat } = session;
    const { hear, first } = await placed();
    await chat.flood?.(1_000_000);
    await chat.say("still there?");
    let message = await hear.unlike(first.id);
    // It may be cut, left out or come in pieces.
    while (message.text !== "still there?") message = await hear.unlike(message.id);
  });

  needs("taken", "acknowledges a message when asked for the next one, not before", async () => {
    const { chat } = session;
    const hear = reader(await connect());
    await chat.say("one");
    await chat.say("two");
    const one = await hear.unlike();
    await settle();
    expect(chat.taken?.()).toBe(0);
    await hear.unlike(one.id);
    await eventually(() => expect(chat.taken?.()).toBe(1), "the first is acknowledged");
  });

  needs(["redeliver", "taken"], "gets again what a process took without asking for the next one", async () => {
    const { chat } = session;
    const dying = await connect();
    await chat.say("one");
    await chat.say("two");
    const hear = reader(dying);
    const one = await hear.unlike();
    const two = await hear.unlike(one.id);
    await eventually(() => expect(chat.taken?.()).toBe(1), "the first is acknowledged");
    await dying.close();

    const next = reader(await connect());
    await chat.redeliver?.();
    expect(await next.next()).toEqual(two);
  });
}
