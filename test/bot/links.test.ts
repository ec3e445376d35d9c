import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createLink, type LinkInit } from "../../src/bot/links.ts";
import { systemClock } from "../../src/core/clock.ts";
import { MicroError } from "../../src/core/errors.ts";
import { closable } from "../../src/core/lifecycle.ts";
import { silent } from "../../src/core/log.ts";
import { createQueue } from "../../src/core/queue.ts";
import type {
  ConnectOptions,
  IncomingMessage,
  Input,
  InputConnection,
  OutgoingMessage,
} from "../../src/inputs/input.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import { manualClock } from "../fakes/clock.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

/* Each input is a failure domain of its own: whatever one does, no other is slowed or stopped by it. */

const never = () => new Promise<never>(() => {});
/** What is not even an `Error`. */
const nonsense = () => {
  throw "nonsense";
};

/** An input whose connection is bent. */
function bent(input: MemoryInput, how: (connection: InputConnection) => Partial<InputConnection>): Input {
  return {
    ...input,
    connect: async (options) => {
      const connection = await input.connect(options);
      return { ...connection, ...how(connection) };
    },
  };
}

/** An input that tells when its connection was closed. */
function watched(input: MemoryInput) {
  let closes = 0;
  const close = (connection: InputConnection) => async () => {
    closes++;
    await connection.close();
  };
  return { input: bent(input, (connection) => ({ close: close(connection) })), closes: () => closes };
}

const BAD: readonly (readonly [string, (input: MemoryInput) => Input])[] = [
  ["hangs while connecting", (input) => ({ ...input, connect: never })],
  ["throws while connecting", (input) => ({ ...input, connect: nonsense })],
  ["throws what it should not while connecting", (input) => ({ ...input, connect: () => Promise.reject(null) })],
  ["hangs while sending", (input) => bent(input, () => ({ send: never }))],
  ["throws while sending", (input) => bent(input, () => ({ send: nonsense }))],
  ["hangs while closing", (input) => bent(input, () => ({ close: never }))],
  ["throws while closing", (input) => bent(input, () => ({ close: nonsense }))],
  ["throws while it is read", (input) => bent(input, () => ({ [Symbol.asyncIterator]: nonsense }))],
  ["is never to be read", (input) => bent(input, () => ({ [Symbol.asyncIterator]: undefined as never }))],
  [
    "hangs at the end of being read",
    (input) => bent(input, () => ({ [Symbol.asyncIterator]: () => ({ next: never, return: never }) })),
  ],
  ["hangs while it puts a sign", (input) => bent(input, () => ({ mark: never }))],
];

describe("beside an input that", () => {
  it.each(BAD)("%s, another starts, answers and stops", async (_how, spoil) => {
    const clock = manualClock();
    const bad = memoryInput({ name: "bad", clock });
    const good = memoryInput({ name: "good", clock });
    const { input, closes } = watched(good);
    const bot = botOn([spoil(bad), input], { clock, drainMs: 10_000 });
    const starting = bot.start();
    for (const words of ["one", "two", "three"]) {
      good.say(`echo ${words}`);
      bad.say(`echo ${words}`);
      expect(textOf(await good.next())).toBe(words);
    }
    await clock.advance(10_000);
    // One that cannot even be connected is tried again; one that is refused in a way of its own ends the start.
    const started = await starting.then(
      () => "started",
      () => "refused",
    );
    if (started === "started") {
      good.say("echo four");
      expect(textOf(await good.next())).toBe("four");
    }
    let over = false;
    const stopping = bot.stop().then(() => {
      over = true;
    });
    // Without the clock having moved: it does not wait for what hangs beside it.
    await expect.poll(closes).toBeGreaterThan(0);
    for (let s = 0; s < 60 && !over; s++) await clock.advance(1000);
    await stopping;
  });
});

describe("each link has work of its own", () => {
  it("the end of a pipe waits for its own answers, not for what another network has under way", async () => {
    const slack = memoryInput({ name: "slack" });
    const terminal = memoryInput({ name: "terminal" });
    const { input, closes } = watched(terminal);
    let end = () => {};
    const { command, runs } = telling("work", { gate: () => new Promise<void>((resolve) => (end = resolve)) });
    const bot = botOn([slack, input], { commands: [command] });
    await bot.start();
    slack.say("work hour");
    await expect.poll(() => runs).toHaveLength(1);
    terminal.say("echo last words");
    terminal.end();
    await expect.poll(closes).toBe(1);
    expect(textOf(terminal.sent[0])).toBe("last words");
    end();
    expect(textOf(await slack.next())).toBe("work hour done");
  });

  it("commands that hang in one network take no turns of another's", async () => {
    const [slack, xmpp] = [memoryInput({ name: "slack" }), memoryInput({ name: "xmpp" })];
    const { command, runs } = telling("work", { gate: () => new Promise<void>(() => {}) });
    const init = { commands: [command], order: { atOnce: 2, waiting: 3 }, limit: "none" as const };
    const bot = botOn([slack, xmpp], init);
    await bot.start();
    for (let n = 0; n < 10; n++) slack.say("work", { room: `room ${n}`, from: `person ${n}` });
    await expect.poll(() => runs).toHaveLength(2);
    await expect.poll(() => slack.sent.length).toBe(5);
    expect(textOf(slack.sent[0])).toContain("3 commands are waiting already");
    xmpp.say("echo still here");
    expect(textOf(await xmpp.next())).toBe("still here");
  });

  it("commands of one person that hang leave half of the turns, and of the waiting, to others", async () => {
    const input = memoryInput();
    const { command, runs } = telling("work", { gate: () => new Promise<void>(() => {}) });
    const init = { commands: [command], order: { atOnce: 4, waiting: 8 }, limit: "none" as const };
    await botOn([input], init).start();
    for (let n = 0; n < 20; n++) input.say("work", { room: `room ${n}`, from: "eve" });
    expect(textOf(await input.next())).toBe("4 commands of yours are waiting already; say it again in a moment");
    expect(runs).toHaveLength(2);
    await expect.poll(() => input.sent.length).toBe(14);
    for (let n = 0; n < 3; n++) {
      input.say(`echo ${n}`, { room: "another", from: "ann" });
      await expect.poll(() => textOf(input.sent.at(-1))).toBe(String(n));
    }
    expect(runs).toHaveLength(2);
  });

  it("what comes while the bot stops is left to the next process, and what was begun is still said", async () => {
    const input = memoryInput();
    let end = () => {};
    const { command, runs } = telling("work", { gate: () => new Promise<void>((resolve) => (end = resolve)) });
    const bot = botOn([input], { commands: [command], drainMs: 5000 });
    await bot.start();
    input.say("work begun", { id: "begun" });
    await expect.poll(() => runs).toEqual(["begun"]);
    const stopping = bot.stop();
    input.say("work late", { id: "late" });
    await new Promise((resolve) => setImmediate(resolve));
    end();
    await stopping;
    expect(input.sent.map(textOf)).toEqual(["work begun done"]);
    expect(runs).toEqual(["begun"]);
    expect(input.taken).not.toContain("late");
  });
});

/** A network whose links tell at once that they are lost, and give what they had all the same. */
function network() {
  const links: { say(text: string): void; lose(): void; readonly options: ConnectOptions }[] = [];
  const sent: OutgoingMessage[] = [];
  const connect = async (options: ConnectOptions = {}): Promise<InputConnection> => {
    const queue = createQueue<IncomingMessage>();
    const gone = new MicroError("unavailable", "the link was lost");
    let over = false;
    let tell = (_: MicroError) => {};
    const lost = new Promise<MicroError>((resolve) => {
      tell = resolve;
    });
    links.push({
      options,
      say: (text) => {
        const from = { id: "ann", name: "ann", guest: false };
        queue.push({ id: text, from, place: { room: "room" }, text, addressed: true, sentAt: 0 });
      },
      lose: () => {
        over = true;
        queue.end(gone);
        tell(gone);
      },
    });
    return {
      [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
      lost,
      send: async (message) => {
        if (over) throw gone;
        sent.push(message);
      },
      ...closable(() => queue.end()),
    };
  };
  return { input: { ...memoryInput({ name: "net" }), connect } satisfies Input, links, sent };
}

describe("a link that is lost", () => {
  /** Each message is taken when the test says so. */
  const reader = (init: Partial<LinkInit> = {}) => {
    const net = network();
    const begun: string[] = [];
    let release = () => {};
    const link = createLink(net.input, {
      clock: systemClock,
      log: silent,
      onMessage: ({ text }) => {
        begun.push(text);
        const taken = new Promise<void>((resolve) => {
          release = resolve;
        });
        return { taken, done: taken };
      },
      ...init,
    });
    return { ...net, link, begun, release: () => release() };
  };

  it("is replaced while what it gave waits for the store, which is taken before what comes over the next", async () => {
    const { link, links, begun, release } = reader();
    await link.open().joined;
    for (const text of ["one", "two"]) links[0]?.say(text);
    await expect.poll(() => begun).toEqual(["one"]);
    links[0]?.lose();
    await expect.poll(() => links.length).toBe(2);
    await expect.poll(() => link.live).toBe(true);
    links[1]?.say("three");
    for (const so_far of [
      ["one", "two"],
      ["one", "two", "three"],
    ]) {
      release();
      await expect.poll(() => begun).toEqual(so_far);
    }
    release();
    await link.close();
  });

  it("does not wait for a refusal that is to be said over the next", async () => {
    const { link, links, sent, begun } = reader({
      onMessage: ({ text, place }) => {
        begun.push(text);
        // As while the store is away.
        const refused = link.outbox.send({ place, parts: [{ kind: "text", text: `not ${text}` }] });
        return { taken: refused.then(() => {}), done: refused };
      },
    });
    await link.open().joined;
    links[0]?.say("one");
    links[0]?.lose();
    await expect.poll(() => sent.map(textOf), { timeout: 10_000 }).toEqual(["not one"]);
    expect(links).toHaveLength(2);
    await link.close();
  });

  it("is not replaced without end while nothing is taken", async () => {
    const clock = manualClock();
    const { link, links, begun, release } = reader({ clock });
    await link.open().joined;
    links[0]?.say("one");
    await expect.poll(() => begun).toEqual(["one"]);
    for (const n of [1, 2, 3]) {
      expect(links).toHaveLength(n);
      links.at(-1)?.lose();
      await clock.advance(60_000);
    }
    expect(links).toHaveLength(3);
    release();
    await clock.advance(60_000);
    expect(links).toHaveLength(4);
    await link.close();
  });

  it("ends with the link, whatever is still to be taken", async () => {
    const { link, links, begun, release } = reader();
    const { joined, ended } = link.open();
    await joined;
    for (const text of ["one", "two"]) links[0]?.say(text);
    await expect.poll(() => begun).toEqual(["one"]);
    links[0]?.lose();
    await expect.poll(() => links.length).toBe(2);
    const closing = link.close();
    release();
    await closing;
    expect(await ended).toBeUndefined();
    expect(begun).toEqual(["one"]);
  });
});

describe("what an input could not take", () => {
  const untaken = async () => {
    const clock = manualClock();
    const net = network();
    const link = createLink(net.input, {
      clock,
      log: silent,
      awaited: ({ addressed }) => addressed,
      onMessage: () => undefined,
    });
    await link.open().joined;
    const miss = (room: string, times: number) => {
      for (let n = 0; n < times; n++)
        net.links[0]?.options.onUntaken?.({ id: `${n}`, place: { room }, text: "ping", addressed: room !== "chatter" });
    };
    const told = () => net.sent.splice(0).map((message) => `${message.place.room}: ${textOf(message)}`);
    return { clock, link, miss, told };
  };

  it("is told in its room, once in three seconds, with how much it was", async () => {
    const { clock, link, miss, told } = await untaken();
    miss("a", 1);
    miss("b", 1000);
    // Overheard by scripts, and no answer is waited for.
    miss("chatter", 1000);
    await clock.advance(3000);
    expect(told()).toEqual([
      expect.stringMatching(/^a: .*a message to me here, so it was not done\. Say again what has no answer/),
      expect.stringMatching(/^b: .*1000 messages to me here, so they were not done\. Say again/),
    ]);
    miss("b", 2);
    await clock.advance(2900);
    expect(told()).toEqual([]);
    await clock.advance(3000);
    expect(told()).toEqual([expect.stringContaining("2 messages")]);
    await clock.advance(10_000);
    expect(told()).toEqual([]);
    await link.close();
  });

  it("is told by a bot that stops, and nothing more is", async () => {
    const { link, miss, told } = await untaken();
    miss("a", 3);
    link.leave();
    await link.idle();
    expect(told()).toEqual([expect.stringContaining("3 messages")]);
    miss("a", 3);
    await link.idle();
    expect(told()).toEqual([]);
    await link.close();
  });

  it("is asked for by a bot that heeds what is said to it", async () => {
    const { input, links } = network();
    await botOn([input]).start();
    const heeds = (text: string, addressed = false) => links[0]?.options.heeds?.({ text, addressed });
    expect([heeds("shall we?"), heeds("micro list services"), heeds("shall we?", true)]).toEqual([false, true, true]);
  });
});

describe("a start", () => {
  const away = () => {
    const input = memoryInput({ name: "away" });
    input.failConnects(new MicroError("unavailable", "away"), 1000);
    return input;
  };

  it("that is told to stop rejects, and leaves nothing open", async () => {
    const good = watched(memoryInput({ name: "good" }));
    const bot = botOn([away(), good.input]);
    const leave = new AbortController();
    const starting = expect(bot.start({ signal: leave.signal })).rejects.toMatchObject({ code: "cancelled" });
    await turn();
    leave.abort();
    await starting;
    expect(good.closes()).toBeGreaterThan(0);
    expect(await bot.done).toBeUndefined();
  });

  it("that was told to stop before does not connect", async () => {
    let connects = 0;
    const input = memoryInput();
    const counted: Input = {
      ...input,
      connect: (options) => {
        connects++;
        return input.connect(options);
      },
    };
    const bot = botOn([counted]);
    await expect(bot.start({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
    expect(connects).toBe(0);
  });

  it.each([
    ["is away", away],
    ["hangs while connecting", () => ({ ...memoryInput(), connect: never })],
  ])("rejects when the bot is stopped while an input %s, and both end at once", async (_how, make) => {
    const clock = manualClock();
    const bot = botOn([make()], { clock });
    const starting = expect(bot.start()).rejects.toMatchObject({ code: "cancelled" });
    await turn();
    // The clock does not go, so nothing that waits a while would ever end.
    await bot.stop();
    await starting;
  });

  it("happens once", async () => {
    const bot = botOn([memoryInput()]);
    await bot.start();
    await expect(bot.start()).rejects.toMatchObject({ code: "conflict" });
    await bot.stop();
    await expect(bot.start()).rejects.toMatchObject({ code: "conflict" });
  });

  it("that one network refuses closes the others", async () => {
    const good = watched(memoryInput({ name: "good" }));
    const refused = memoryInput({ name: "refused" });
    refused.failConnects(new MicroError("unauthenticated", "the token is refused"));
    const bot = botOn([good.input, refused]);
    await expect(bot.start()).rejects.toThrow("the token is refused");
    expect(good.closes()).toBeGreaterThan(0);
  });

  it("closes a connection that comes too late", async () => {
    const good = watched(memoryInput());
    let arrive = () => {};
    const late = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const bot = botOn([{ ...good.input, connect: () => late.then(() => good.input.connect()) }]);
    const starting = expect(bot.start()).rejects.toMatchObject({ code: "cancelled" });
    await turn();
    await bot.stop();
    await starting;
    arrive();
    await expect.poll(good.closes).toBe(1);
  });
});
