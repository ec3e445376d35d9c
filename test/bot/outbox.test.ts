import { expect, it } from "vitest";
import { createOutbox } from "../../src/bot/outbox.ts";
import { MicroError } from "../../src/core/errors.ts";
import { silent } from "../../src/core/log.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { manualClock } from "../fakes/clock.ts";

it("gives up what a network never takes when it is closed, and tells why", async () => {
  const outbox = createOutbox(manualClock(), silent);
  const connection = await memoryInput().connect();
  outbox.use({ ...connection, send: () => new Promise(() => {}) });
  const lost: string[] = [];
  const sending = outbox.send({ place: { room: "room" }, parts: [{ kind: "text", text: "hello" }] }, (why) => {
    lost.push(why);
  });
  await new Promise((resolve) => setImmediate(resolve));
  outbox.close();
  expect(await sending).toBe(false);
  expect(lost).toHaveLength(1);
});

const hello = { place: { room: "room" }, parts: [{ kind: "text", text: "hello" }] } as const;

it("gives up together what has waited together for a link", async () => {
  const clock = manualClock();
  const outbox = createOutbox(clock, silent, 1000);
  const lost: string[] = [];
  const sending = [1, 2, 3].map(() => outbox.send(hello, (why) => lost.push(why)));
  await clock.advance(1001);
  expect(await Promise.all(sending)).toEqual([false, false, false]);
  expect(lost).toHaveLength(3);
});

it.each([
  ["ahead", 3_600_000],
  ["back", -3_600_000],
] as const)("waits as long for a link when the clock on the wall is set %s meanwhile", async (_way, byMs) => {
  const time = manualClock();
  let set = 0;
  const clock = { ...time, now: () => time.now() + set, monotonic: time.now };
  const outbox = createOutbox(clock, silent, 1000);
  const early = outbox.send(hello);
  const never = outbox.send({ ...hello, place: { room: "away" } });
  await time.advance(500);
  set = byMs;
  const input = memoryInput();
  const connection = await input.connect();
  const send: typeof connection.send = (message) => {
    if (message.place.room === "away") throw new MicroError("unavailable", "the link was lost");
    return connection.send(message);
  };
  outbox.use({ ...connection, send });
  await time.advance(100);
  expect(await early).toBe(true);
  await time.advance(1000);
  expect(await Promise.race([never, time.advance(0)])).toBe(false);
});

it("keeps no more than can be said in time where more is asked than a network takes", async () => {
  const clock = manualClock();
  const outbox = createOutbox(clock, silent, 1000);
  let said = 0;
  const send = async () => {
    await clock.sleep(100);
    said += 1;
  };
  outbox.use({ ...(await memoryInput().connect()), send });
  const lost: string[] = [];
  const sending = Array.from({ length: 50 }, () => outbox.send(hello, (why) => lost.push(why)));
  await clock.advance(2000);
  await Promise.all(sending);
  expect(said).toBeLessThan(15);
  expect(said + lost.length).toBe(50);
  expect(lost[0]).toBe("too much was to be said in its room before it");
  expect(await Promise.all([outbox.send(hello), clock.advance(200)])).toEqual([true, undefined]);
});

it("gives an input the same object each time, so that it knows what it may have said before", async () => {
  const clock = manualClock();
  const outbox = createOutbox(clock, silent);
  const given: unknown[] = [];
  const send = async (message: unknown) => {
    given.push(message);
    if (given.length < 3) throw new MicroError("unavailable", "the link was lost");
  };
  outbox.use({ ...(await memoryInput().connect()), send });
  await Promise.all([outbox.send(hello), clock.advance(5000)]);
  expect(given).toHaveLength(3);
  expect(new Set(given).size).toBe(1);
});

it("takes what would move a cursor or turn writing around out of whatever is said, shown or put into a file", async () => {
  const clock = manualClock();
  const outbox = createOutbox(clock, silent);
  const input = memoryInput();
  outbox.use(await input.connect());
  const hostile = "a\u001b[2Jb\u009b31mc\u202ed\u0007\te\r\nf";
  const plain = "abcd\te\nf";
  const parts = [{ kind: "code", text: hostile }] as const;
  await outbox.send({ ...hello, parts, file: { name: "x.txt", text: hostile } });
  outbox.grow("k", () => ({ ...hello, parts, progress: { key: "k", last: false } }));
  await clock.advance(2000);
  expect(input.sent.map((message) => message.parts[0]?.text)).toEqual([plain, plain]);
  expect(input.sent[0]?.file?.text).toBe(plain);
  outbox.close();
});
