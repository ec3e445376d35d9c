import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Closable } from "../../src/core/lifecycle.ts";
import type { IncomingMessage, Input, InputConnection, OutgoingMessage, Place } from "../../src/inputs/input.ts";

/** A chat network with one member in it, and what a test can do to it. What it cannot do is named in `without`. */
interface ChatUnderTest extends Closable {
  readonly input: Input;
  /** A member says something to the bot. */
  say(text: string): void | Promise<void>;
  /** What the people see of the bot, oldest first. */
  heard(): readonly Heard[];
  /** The same in another room or thread; `heard` tells them apart by `where`. */
  sayElsewhere?(text: string): void | Promise<void>;
  /** A member says something to somebody else, where the bot hears it. */
  overhear?(text: string): void | Promise<void>;
  /** A stranger says something to the bot: another organisation, a guest account. */
  sayAsStranger?(text: string): void | Promise<void>;
  /** What was said last is delivered once more. */
  deliverAgain?(): void | Promise<void>;
  /** Edits, deletions, joins, other bots, the bot's own words: things that nobody says to it. */
  noise?(): void | Promise<void>;
  /** How many of the things said were acknowledged. */
  taken?(): number;
  /** The network delivers again what was not acknowledged. */
  redeliver?(): void | Promise<void>;
  /** The link breaks. */
  lose?(): void | Promise<void>;
  /** The credentials are worthless from now on. */
  refuse?(): void | Promise<void>;
  /** Nobody can be reached when the bot connects next. */
  unreachable?(): void | Promise<void>;
  /** The next send fails for a reason that will not pass, one that says when it passes, one that may pass. */
  failSend?(how: "invalid_argument" | "exhausted" | "unavailable"): void | Promise<void>;
  /** Sends are not answered until the returned function is called. */
  hold?(): () => void;
}

interface Heard {
  readonly text: string;
  readonly where?: string;
  readonly file?: { readonly name: string; readonly text: string } | undefined;
  /** What in the text would act: a link, a mention, an escape sequence. */
  readonly live: readonly string[];
}

export interface InputSetup {
  create(): Promise<ChatUnderTest>;
  /** What this network does not have, each with the reason. */
  readonly without?: Partial<Record<Feature, string>>;
}

/** The optional methods of `ChatUnderTest`. */
type Feature = Exclude<
  { [K in keyof ChatUnderTest]-?: undefined extends ChatUnderTest[K] ? K : never }[keyof ChatUnderTest],
  undefined
>;

/** Texts that mean something to some chat network, some terminal or some browser. */
export const HOSTILE: readonly string[] = [
  "<!channel> <!here> <!everyone> <!subteam^S1|@ops>",
  "<@U1> <@U1|ann> <#C1|general>",
  "<https://evil.example/?q=secret|your balance> <mailto:a@b.c|mail>",
  "<!date^1392734382^{date}|<!channel>>",
  "&lt;!channel&gt; &amp;lt;!here&amp;gt; &",
  "``` <!channel> ``` then ```` and `<@U1>`",
  "<script>alert(1)</script> <a href='x'>y</a> </body><message/>",
  '{"json": "<!channel>", "n": [1, 2]}',
  "@channel @here @everyone",
];

/** What every input keeps, run once per implementation. */
export function inputContract(name: string, { create, without = {} }: InputSetup): void {
  const needs = (feature: Feature, title: string, test: () => Promise<void>) => {
    const reason = without[feature];
    it.skipIf(reason !== undefined)(reason === undefined ? title : `${title} (not here: ${reason})`, test);
  };

  describe(`${name}: what every input keeps`, () => {
    let chat: ChatUnderTest;
    let resources: readonly string[];
    const links: InputConnection[] = [];
    const connect = async () => {
      const link = await chat.input.connect();
      links.push(link);
      return link;
    };

    beforeEach(async () => {
      chat = await create();
      resources = process.getActiveResourcesInfo();
    });

    afterEach(async () => {
      for (const link of links.splice(0)) await link.close();
      await eventually(() => expect(left(resources)).toEqual([]), "sockets and timers are gone after close");
      await chat.close();
    });

    describe("hearing", () => {
      it("gives what is said, in order, with who, where and when", async () => {
        const link = await connect();
        const hear = reader(link);
        await chat.say("list services");
        await chat.say('call greeter Say.Hello {"name": "a  b"}');
        const first = await hear.unlike();
        const second = await hear.unlike(first.id);
        expect([first.text, second.text]).toEqual(["list services", 'call greeter Say.Hello {"name": "a  b"}']);
        expect(first.addressed).toBe(true);
        expect(first.from).toMatchObject({ guest: false, id: expect.stringMatching(/./) });
        expect(first.from.name).not.toBe("");
        expect(Math.abs(Date.now() - first.sentAt)).toBeLessThan(60_000);
        expect(Number.isInteger(first.sentAt)).toBe(true);
      });

      needs("deliverAgain", "gives the same id to what is delivered twice", async () => {
        const hear = reader(await connect());
        await chat.say("ping");
        const first = await hear.unlike();
        await chat.deliverAgain?.();
        const again = await hear.next();
        expect(again).toEqual(first);
      });

      needs("noise", "never gives edits, bots, joins or its own words", async () => {
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
        const hear = reader(await connect());
        await chat.overhear?.("shall we list services?");
        expect(await hear.next()).toMatchObject({ text: "shall we list services?", addressed: false });
      });

      needs("sayAsStranger", "marks a stranger as a guest", async () => {
        const hear = reader(await connect());
        await chat.sayAsStranger?.("list services");
        expect((await hear.next()).from.guest).toBe(true);
      });

      needs("taken", "acknowledges a message when asked for the next one, not before", async () => {
        const hear = reader(await connect());
        await chat.say("one");
        await chat.say("two");
        const one = await hear.unlike();
        await settle();
        expect(chat.taken?.()).toBe(0);
        await hear.unlike(one.id);
        await eventually(() => expect(chat.taken?.()).toBe(1), "the first is acknowledged");
      });

      needs("redeliver", "gets again what a process took without asking for the next one", async () => {
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
    });

    describe("answering", () => {
      it("answers in place, also after the place went through JSON", async () => {
        const link = await connect();
        await chat.say("ping");
        const { place } = await reader(link).next();
        expect(place.room).not.toBe("");
        await link.send(plain(JSON.parse(JSON.stringify(place)) as Place, "pong"));
        await eventually(() => expect(chat.heard().map((heard) => heard.text)).toEqual(["pong"]), "the answer");
      });

      needs("sayElsewhere", "answers each where it was asked", async () => {
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

      it("shows hostile text as it is, and nothing of it comes alive", async () => {
        const { link, place } = await placed(chat, connect);
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

      it("shows a text of the length it names as one whole message", async () => {
        const { link, place } = await placed(chat, connect);
        const text = "<&>\n".repeat(chat.input.limits.textLength / 4);
        await link.send({ place, parts: [{ kind: "code", text }] });
        await eventually(() => expect(chat.heard()).toHaveLength(1), "one answer");
        expect(visible(chat.heard()[0]?.text ?? "")).toContain(text.trimEnd());
      });

      it("carries a file beside the text, if it says that it can", async () => {
        const { link, place } = await placed(chat, connect);
        if (!chat.input.limits.files) return;
        const file = { name: "services.txt", text: "greeter\tü\n".repeat(20_000) };
        await link.send({ place, parts: [{ kind: "text", text: "20000 services" }], file });
        await eventually(() => expect(chat.heard()).toHaveLength(1), "one answer");
        expect(chat.heard()[0]).toMatchObject({ text: "20000 services", file });
      });

      it("lets a message grow, if it says that what was said can be changed", async () => {
        const { link, place } = await placed(chat, connect);
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
        const count = chat.input.limits.edits ? 3 : 6;
        await eventually(() => expect(chat.heard()).toHaveLength(count), `${count} messages`);
        const texts = chat.heard().map((heard) => heard.text);
        const now = ["<!channel> three, that is all", "something else", "beside, over"];
        expect(chat.input.limits.edits ? texts : texts.slice(-2)).toEqual(
          chat.input.limits.edits ? now : [now[0], now[2]],
        );
        for (const { live } of chat.heard()) expect(live).toEqual([]);
      });

      it("goes on growing a message over the next link", async () => {
        const { link, place } = await placed(chat, connect);
        if (!chat.input.limits.edits) return;
        await link.send({ ...plain(place, "before"), progress: { key: "k", last: false } });
        await link.close();
        const next = await connect();
        await next.send({ ...plain(place, "after"), progress: { key: "k", last: true } });
        await eventually(() => expect(chat.heard().map(({ text }) => text)).toEqual(["after"]), "the change");
      });

      it("answers aside, where there are threads, and else in place", async () => {
        const { link, place } = await placed(chat, connect);
        await link.send({ ...plain(place, "over here"), aside: true });
        await eventually(() => expect(chat.heard().map(({ text }) => text)).toEqual(["over here"]), "the answer");
      });

      for (const code of ["invalid_argument", "exhausted", "unavailable"] as const) {
        needs("failSend", `says ${code} when the network refuses a message that way, and goes on`, async () => {
          const { link, place } = await placed(chat, connect);
          await chat.failSend?.(code);
          const failed = await link.send(plain(place, "lost")).catch((error: unknown) => error);
          expect(failed).toMatchObject({ code });
          if (code === "exhausted") expect(failed).toMatchObject({ details: { retryAfterMs: expect.any(Number) } });
          await link.send(plain(place, "said"));
          await eventually(() => expect(chat.heard().at(-1)?.text).toBe("said"), "the second answer");
        });
      }

      needs("hold", "gives up a send when told so, or when it takes too long", async () => {
        const { link, place } = await placed(chat, connect);
        const release = chat.hold?.();
        await expect(link.send(plain(place, "late"), { timeoutMs: 20 })).rejects.toMatchObject({ code: "timeout" });
        const impatient = new AbortController();
        const sending = link.send(plain(place, "never mind"), { signal: impatient.signal });
        impatient.abort();
        await expect(sending).rejects.toMatchObject({ code: "cancelled" });
        release?.();
      });
    });

    describe("links", () => {
      needs("refuse", "says unauthenticated when the credentials are refused", async () => {
        await chat.refuse?.();
        await expect(chat.input.connect()).rejects.toMatchObject({ code: "unauthenticated" });
      });

      needs("unreachable", "says unavailable when nobody can be reached", async () => {
        await chat.unreachable?.();
        await expect(chat.input.connect()).rejects.toMatchObject({ code: "unavailable" });
      });

      it("does not connect when told to stop before", async () => {
        await expect(chat.input.connect({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
      });

      needs("lose", "throws unavailable when the link is lost, and connects again", async () => {
        const link = await connect();
        const next = reader(link).next();
        await chat.lose?.();
        await expect(next).rejects.toMatchObject({ code: "unavailable" });
        await link.close();
        const hear = reader(await connect());
        await chat.say("still there?");
        expect((await hear.next()).text).toBe("still there?");
      });

      it("closes twice, ends who waits, and gives nothing after", async () => {
        const link = await connect();
        const waiting = link[Symbol.asyncIterator]().next();
        await Promise.all([link.close(), link.close()]);
        expect(await waiting).toMatchObject({ done: true });
        await chat.say("too late");
        expect(await link[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
        await expect(link.send(plain({ room: "any", channel: "any" }, "too late"))).rejects.toMatchObject({
          code: "unavailable",
        });
      });

      needs("hold", "closes while a send is in flight, which fails as unavailable", async () => {
        const { link, place } = await placed(chat, connect);
        const release = chat.hold?.();
        const sending = expect(link.send(plain(place, "slow"))).rejects.toMatchObject({ code: "unavailable" });
        await settle();
        await link.close();
        await sending;
        release?.();
      });
    });
  });
}

/** One reader of a link; it may skip what it has seen, for networks that tell one thing in two events. */
function reader(link: InputConnection) {
  const iterator = link[Symbol.asyncIterator]();
  const next = async (): Promise<IncomingMessage> => {
    const { done, value } = await iterator.next();
    if (done) throw new Error("the link ended");
    return value;
  };
  return {
    next,
    /** The next message with an id other than `id`. */
    unlike: async (id?: string) => {
      let message = await next();
      while (message.id === id) message = await next();
      return message;
    },
  };
}

async function placed(chat: ChatUnderTest, connect: () => Promise<InputConnection>) {
  const link = await connect();
  await chat.say("hello");
  return { link, place: (await reader(link).next()).place };
}

function plain(place: Place, text: string): OutgoingMessage {
  return { place, parts: [{ kind: "text", text }] };
}

/** Without the characters of no width that keep markup apart. */
function visible(text: string): string {
  return text.replaceAll("\u200b", "");
}

/** Sockets and timers that were not there before. */
function left(before: readonly string[]): readonly string[] {
  const rest = [...before];
  return process.getActiveResourcesInfo().filter((kind) => {
    const at = rest.indexOf(kind);
    if (at >= 0) rest.splice(at, 1);
    return at < 0 && /Socket|Timeout|Pipe|TTY/.test(kind);
  });
}

/** Long enough for whatever is on its way over loopback. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

async function eventually(check: () => void, what: string): Promise<void> {
  const until = Date.now() + 4000;
  for (;;) {
    try {
      return check();
    } catch (error) {
      if (Date.now() > until) throw new Error(`not in 4 s: ${what}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
