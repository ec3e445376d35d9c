import { expect, it } from "vitest";
import { createOutbox } from "../../src/bot/outbox.ts";
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
