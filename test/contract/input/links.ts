import type { Session } from "./session.ts";
import { plain, reader, settle, within } from "./session.ts";

/** How a link begins and ends, and that nothing is left of it. */
export function links(session: Session): void {
  const { it, needs, connect, expect, eventually, placed } = session;

  needs("refuse", "says unauthenticated when the credentials are refused, each time", async () => {
    const { chat } = session;
    await chat.refuse?.();
    await expect(chat.input.connect()).rejects.toMatchObject({ code: "unauthenticated" });
    await expect(chat.input.connect()).rejects.toMatchObject({ code: "unauthenticated" });
  });

  needs(["refuse", "lose"], "is refused for good when the credentials die with the link", async () => {
    const { chat } = session;
    const link = await connect();
    const next = reader(link).next();
    await chat.refuse?.();
    await chat.lose?.();
    const ended = await next.catch((error: unknown) => error);
    expect(ended).toMatchObject({ code: expect.stringMatching(/^(unavailable|unauthenticated)$/) });
    await link.close();
    await expect(chat.input.connect()).rejects.toMatchObject({ code: "unauthenticated" });
  });

  needs("unreachable", "says unavailable when nobody can be reached", async () => {
    const { chat } = session;
    await chat.unreachable?.();
    await expect(chat.input.connect()).rejects.toMatchObject({ code: "unavailable" });
  });

  it("does not connect when told to stop before", async () => {
    const connecting = session.chat.input.connect({ signal: AbortSignal.abort() });
    await expect(connecting).rejects.toMatchObject({ code: "cancelled" });
  });

  it("stops connecting when told so on the way, or has connected by then", async () => {
    const leaving = new AbortController();
    const connecting = session.chat.input.connect({ signal: leaving.signal });
    queueMicrotask(() => leaving.abort());
    const ended = await connecting.then(
      (link) => link.close(),
      (error: unknown) => error,
    );
    if (ended !== undefined) expect(ended).toMatchObject({ code: "cancelled" });
  });

  needs("lose", "throws unavailable when the link is lost, and connects again", async () => {
    const { chat } = session;
    const link = await connect();
    const next = reader(link).next();
    await chat.lose?.();
    await expect(next).rejects.toMatchObject({ code: "unavailable" });
    await link.close();
    const hear = reader(await connect());
    await chat.say("still there?");
    expect((await hear.next()).text).toBe("still there?");
  });

  needs(
    "lose",
    "says at once that the link is lost, if it has one that can be, while a message is worked on",
    async () => {
      const { chat } = session;
      const link = await connect();
      const hear = reader(link);
      await chat.say("one");
      await hear.next();
      await chat.lose?.();
      // Nobody asks for the next one meanwhile; an input that does not tell by itself is asked.
      const lost = link.lost ?? hear.next().catch((error: unknown) => error);
      expect(await within(lost, "the loss is told")).toMatchObject({ code: "unavailable" });
    },
  );

  needs("lose", "says what it is given after the link was lost, or throws", async () => {
    const { chat } = session;
    const { link, hear, place } = await placed();
    const next = hear.next().catch(() => {});
    await chat.lose?.();
    await next;
    const failed = await link.send(plain(place, "late"), { timeoutMs: 2000 }).catch((error: unknown) => error);
    if (failed !== undefined) expect(failed).toMatchObject({ code: expect.stringMatching(/^(unavailable|timeout)$/) });
    else await eventually(() => expect(chat.heard().map(({ text }) => text)).toEqual(["late"]), "the answer");
  });

  it("may be left in the middle of listening", async () => {
    const { chat } = session;
    const link = await connect();
    await chat.say("one");
    for await (const message of link) {
      expect(message.text).toBe("one");
      break;
    }
    await link.close();
  });

  it("closes twice, ends who waits, and gives nothing after", async () => {
    const { chat } = session;
    const link = await connect();
    const waiting = link[Symbol.asyncIterator]().next();
    await Promise.all([link.close(), link.close()]);
    expect(await within(waiting, "who waits for a message hears that the link is closed")).toMatchObject({
      done: true,
    });
    await chat.say("too late");
    expect(await link[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
    await expect(link.send(plain({ room: "any", channel: "any" }, "too late"))).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  needs("hold", "closes while a send is in flight, which fails as unavailable", async () => {
    const { chat } = session;
    const { link, place } = await placed();
    const release = chat.hold?.();
    const sending = link.send(plain(place, "slow")).catch((error: unknown) => error);
    await settle();
    await link.close();
    expect(await within(sending, "a send is over when its link is closed")).toMatchObject({ code: "unavailable" });
    release?.();
  });
}
