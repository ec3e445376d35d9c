import { expect, it } from "vitest";
import { MicroError } from "../../src/core/errors.ts";
import { createOpening } from "../../src/platform/opening.ts";

/** Opening and closing take some turns of the loop; what is open may not be opened again. */
function setUp() {
  const did: string[] = [];
  let open = false;
  let failing = false;
  const pause = async () => {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const opening = createOpening({
    where: "the box",
    open: async (signal) => {
      if (open) throw new Error("it is open");
      open = true;
      did.push("open");
      await pause();
      signal.throwIfAborted();
      if (failing) throw new Error("it is jammed");
    },
    close: async () => {
      await pause();
      if (open) did.push("close");
      open = false;
    },
    errorOf: (thrown) => MicroError.from(thrown, "unavailable"),
  });
  const fail = (whether: boolean) => {
    failing = whether;
  };
  return { opening, did, fail };
}

const lives = (opening: ReturnType<typeof setUp>["opening"]) => opening.call({}, async () => "lives");

it("what is started while it stops is opened when it has closed, and lives", async () => {
  const { opening, did } = setUp();
  await opening.start();
  const stopping = opening.stop();
  await Promise.all([opening.start(), stopping]);
  expect(did).toEqual(["open", "close", "open"]);
  expect(await lives(opening)).toBe("lives");
  await opening.stop();
  expect(did).toEqual(["open", "close", "open", "close"]);
});

it("what is stopped while it starts, and started while that ends, is open once", async () => {
  const { opening, did } = setUp();
  const first = opening.start().catch((error: unknown) => error);
  await new Promise((resolve) => setImmediate(resolve));
  const stopping = opening.stop();
  const second = opening.start();
  expect(await first).toMatchObject({ code: "unavailable" });
  await Promise.all([stopping, second]);
  expect(opening.start()).toBe(second);
  expect(did).toEqual(["open", "close", "open"]);
  expect(await lives(opening)).toBe("lives");
  await opening.stop();
});

it("what was stopped before it began opens nothing", async () => {
  const { opening, did } = setUp();
  await opening.start();
  const stopping = opening.stop();
  const late = opening.start().catch((error: unknown) => error);
  await Promise.all([stopping, opening.stop()]);
  expect(await late).toMatchObject({ code: "unavailable" });
  expect(did).toEqual(["open", "close"]);
});

it("what could not be opened is closed, and may be started again", async () => {
  const { opening, did, fail } = setUp();
  fail(true);
  await expect(opening.start()).rejects.toThrow("it is jammed");
  fail(false);
  await opening.start();
  expect(did).toEqual(["open", "close", "open"]);
  await opening.stop();
});
