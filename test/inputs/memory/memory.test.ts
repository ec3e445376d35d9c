import { describe, expect, it } from "vitest";
import { MicroError } from "../../../src/core/errors.ts";
import type { IncomingMessage } from "../../../src/inputs/input.ts";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";
import { inputContract } from "../../contract/input.contract.ts";

inputContract("memory", {
  create: async () => {
    const input = memoryInput();
    let last: IncomingMessage;
    return {
      input,
      say: (text) => {
        last = input.say(text);
      },
      heard: () =>
        input.sent.map(({ parts, place, file }) => ({
          text: parts.map((part) => part.text).join("\n"),
          where: place.room,
          file,
          live: [],
        })),
      sayElsewhere: (text) => void input.say(text, { room: "elsewhere" }),
      overhear: (text) => void input.say(text, { addressed: false }),
      sayAsStranger: (text) => void input.say(text, { from: { id: "eve", guest: true } }),
      deliverAgain: () => void input.say(last.text, { id: last.id, sentAt: last.sentAt }),
      taken: () => input.taken.length,
      redeliver: () => {},
      lose: input.lose,
      refuse: () => input.failConnects(new MicroError("unauthenticated", "who are you?")),
      unreachable: () => input.failConnects(new MicroError("unavailable", "nobody there")),
      failSend: (code) => input.failSends(new MicroError(code, "no", { details: { retryAfterMs: 1000 } })),
      hold: input.holdSends,
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  },
  without: { noise: "nobody but people speaks in memory" },
});

const answer = (text: string) => ({ place: { room: "room" }, parts: [{ kind: "text" as const, text }] });

describe("memory input", () => {
  it("gives each answer once, in order, whether it was asked for before or after", async () => {
    const input = memoryInput();
    await using link = await input.connect();
    await link.send(answer("one"));
    expect((await input.next()).parts[0]?.text).toBe("one");
    const coming = input.next();
    await link.send(answer("two"));
    expect((await coming).parts[0]?.text).toBe("two");
    await expect(input.next({ timeoutMs: 1 })).rejects.toMatchObject({ code: "timeout" });
    expect(input.sent).toHaveLength(2);
  });

  it("tells who speaks: an id, somebody nobody vouches for, a guest", () => {
    const input = memoryInput();
    expect(input.say("hi", { from: "bob" }).from).toEqual({ id: "bob", name: "bob", guest: false });
    expect(input.say("hi", { from: { id: undefined } }).from).toEqual({
      id: undefined,
      name: "somebody",
      guest: false,
    });
    expect(input.say("hi", { from: { guest: true } }).from).toEqual({ id: "ann", name: "ann", guest: true });
  });

  it("keeps what is said while nobody is connected", async () => {
    const input = memoryInput();
    input.say("early");
    await using link = await input.connect();
    for await (const message of link) {
      expect(message.text).toBe("early");
      break;
    }
  });

  it("holds sends until they are let go", async () => {
    const input = memoryInput();
    await using link = await input.connect();
    const release = input.holdSends();
    const sending = link.send(answer("slow"));
    expect(input.sent).toHaveLength(0);
    release();
    await sending;
    expect(input.sent).toHaveLength(1);
  });

  it("fails to connect on demand, as often as was asked", async () => {
    const input = memoryInput();
    input.failConnects(new MicroError("unavailable", "down"), 2);
    await expect(input.connect()).rejects.toMatchObject({ code: "unavailable" });
    await expect(input.connect()).rejects.toMatchObject({ code: "unavailable" });
    await (await input.connect()).close();
  });
});
