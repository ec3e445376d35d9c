import { describe, expect, it } from "vitest";
import { MicroError } from "../../../src/core/errors.ts";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";

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
