import { afterEach, describe, expect, it } from "vitest";
import { readPolicy } from "../../src/bot/policy.ts";
import type { AuditRecord } from "../../src/commands/audit-record.ts";
import { MicroError } from "../../src/core/errors.ts";
import type { InputConnection, Standing } from "../../src/inputs/input.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import type { Kv } from "../../src/platform/kv/kv.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import type { CommandSource, Offer } from "../../src/plugins/plugins.ts";
import { type SchedulesInit, schedules } from "../../src/schedules/schedules.ts";
import { botOn, telling, textOf } from "../bot/run-bot.ts";
import { type ManualClock, manualClock } from "../fakes/clock.ts";

/* Schedules, from message to answer, by a clock that goes when it is told to. */

const stores: Kv[] = [];
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  for (const store of stores.splice(0)) await store.stop();
});

async function storeNow(): Promise<Kv> {
  const store = memoryKv();
  await store.start();
  stores.push(store);
  return store;
}

const NOON = Date.UTC(2026, 0, 1, 12);
let said = 0;

interface Init extends SchedulesInit {
  readonly clock?: ManualClock;
  readonly store?: Kv;
  readonly rules?: string;
  readonly input?: MemoryInput;
  readonly replica?: string;
  readonly records?: AuditRecord[];
  /** What `look` waits for. */
  readonly gate?: () => Promise<unknown>;
  /** What `change` waits for. */
  readonly changing?: () => Promise<unknown>;
  readonly sources?: readonly CommandSource[];
}

async function setUp({ rules = "members: ['*:*']", ...init }: Init = {}) {
  const clock = init.clock ?? manualClock(NOON);
  const input = init.input ?? memoryInput({ clock });
  const store = init.store ?? (await storeNow());
  const look = telling("look", init.gate ? { gate: init.gate } : {});
  const change = telling("change", { effect: "write", ...(init.changing && { gate: init.changing }) });
  const rotate = telling("rotate", { effect: "write", secrets: ["what"] });
  const bot = botOn([input], {
    commands: [look.command, change.command, rotate.command],
    ...(init.sources && { sources: init.sources }),
    ...(init.records && { audit: (record) => init.records?.push(record) }),
    policy: readPolicy(rules, "test"),
    limit: "none",
    clock,
    // Time goes by while a message is worked on.
    maxAgeMs: 3_600_000_000,
    drainMs: 0,
    store,
    ...(init.replica !== undefined && { replica: { name: init.replica } }),
    extensions: [schedules({ zone: "Europe/Berlin", ...init })],
  });
  await bot.start();
  /** What is said on the way out takes its time. */
  const stop = async () => {
    let over = false;
    const stopping = bot.stop().then(() => {
      over = true;
    });
    while (!over) await clock.advance(500);
    await stopping;
  };
  stops.push(stop);
  const ask = async (text: string, from = "ann", room = "room"): Promise<string> => {
    const before = input.sent.length;
    input.say(text, { from, room, id: `said-${++said}` });
    await expect.poll(() => input.sent.length).toBe(before + 1);
    return textOf(input.sent.at(-1));
  };
  /** What is said by itself while so much time goes by. */
  const heard = async (ms: number): Promise<readonly string[]> => {
    const before = input.sent.length;
    const until = clock.now() + ms;
    // In steps, since what is done at one time waits for the store and the network.
    while (clock.now() < until) {
      await clock.advance(Math.min(10_000, until - clock.now()));
      for (let turn = 0; turn < 60; turn++) await clock.advance(0);
    }
    return input.sent.slice(before).map(textOf);
  };
  const idOf = (text: string) => /schedule ([0-9a-f]{6})/.exec(text)?.[1] ?? "";
  return { stop, clock, input, store, look, change, ask, heard, idOf };
}

describe("a schedule", () => {
  it("says a line again and again, and which schedule it is", async () => {
    const { ask, heard, idOf, look } = await setUp();
    const made = await ask('every 10m "look here"');
    expect(made).toMatch(/^schedule [0-9a-f]{6}: every 10m, `look here`; next at 2026-01-01 13:10 \(Europe\/Berlin\)/);
    expect(await heard(599_000)).toEqual([]);
    expect(await heard(2000)).toEqual([`schedule ${idOf(made)}, every 10m, of ann: look here\nlook here done`]);
    expect(await heard(1_200_000)).toHaveLength(2);
    expect(look.runs).toEqual(["here", "here", "here"]);
  });

  it("pipes what its line finds, and knows an alias as it was then", async () => {
    const { ask, heard } = await setUp();
    await ask('alias add seen "look $1 | select what"');
    // Nobody can say at once whether it writes, so it is asked about.
    expect(await ask('every 1m "seen here"')).toContain("this changes things");
    expect(await ask("yes")).toContain("`look here | select what`");
    await ask("alias remove seen");
    expect(await heard(61_000)).toEqual([expect.stringMatching(/^schedule .*: look here \| select what\nWhat\nhere$/)]);
  });

  it("shows what its alias stands for, and a yes to that is none to what it means by then", async () => {
    const { ask, heard, change } = await setUp();
    await ask('alias add up "change prod"', "mallory");
    expect(await ask('every 1m "up"')).toMatch(/: every 1m "up"\ntouches what that stands for: change prod\n/);
    await ask('alias add up "change everything"', "mallory");
    expect(await ask("yes")).toMatch(/- what that stands for: change prod\n\+ what that stands for: change everything/);
    expect(await heard(61_000)).toEqual([]);
    expect(await ask("yes")).toContain("every 1m, `change everything`");
    expect(await heard(61_000)).toHaveLength(1);
    expect(change.runs).toEqual(["everything"]);
    await ask(`alias add long "change ${"x".repeat(100)}"`);
    expect(await ask('every 1m "long"')).toContain("say it without the alias: change xxx");
  });

  it("of an alias that is changed while its yes waits for its turn is not made", async () => {
    let wait: Promise<unknown> = Promise.resolve();
    const { input, ask, look } = await setUp({ gate: () => wait });
    await ask('alias add up "look here"', "mallory");
    await ask('every 1m "up"');
    let go = () => {};
    wait = new Promise<void>((resolve) => {
      go = resolve;
    });
    input.say("look first", { from: "ann" });
    await expect.poll(() => look.runs).toEqual(["first"]);
    const before = input.sent.length;
    input.say("yes", { from: "ann" });
    // In another room, so that it does not wait for its turn, too.
    await ask('alias add up "look there"', "mallory", "elsewhere");
    go();
    await expect
      .poll(() => input.sent.slice(before).map(textOf).join("\n"))
      .toContain("nothing is scheduled: `up` means");
    expect(await ask("schedule list")).toContain("nothing is scheduled: every");
  });

  it("of a line with a secret is refused before it is asked about or written down", async () => {
    const records: AuditRecord[] = [];
    const { ask, store } = await setUp({ records });
    expect(await ask('every 1m "rotate tiger-77"')).toContain("that line holds a secret");
    const kept = (await store.list("")).filter(({ key }) => !key.startsWith("journal")).map(({ value }) => value);
    expect(`${JSON.stringify(records)} ${kept.join(" ")}`).not.toContain("tiger-77");
    expect(records).not.toEqual([]);
  });

  it("once that is said yes to after its time is asked about again", async () => {
    const { ask, clock } = await setUp();
    expect(await ask('at 13:01 "change prod"')).toContain(
      "touches at 2026-01-01 13:01 (Europe/Berlin), what `change` does",
    );
    await clock.advance(61_000);
    expect(await ask("yes")).toContain("+ at 2026-01-02 13:01 (Europe/Berlin)");
  });

  it("says a line once, after so long, counted from the yes where one is wanted", async () => {
    const { ask, heard, idOf, clock, change, look } = await setUp();
    const made = await ask('in 5s "look here"');
    expect(made).toMatch(
      /^schedule [0-9a-f]{6}: at 2026-01-01 13:00:05 \(Europe\/Berlin\), `look here`\. I have no store/,
    );
    expect(await ask("schedule list")).toContain("at 2026-01-01 13:00:05 (Europe/Berlin)");
    expect(await heard(4000)).toEqual([]);
    expect(await heard(2000)).toEqual([expect.stringContaining(`schedule ${idOf(made)}, at 2026-01-01 13:00:05`)]);
    expect(look.runs).toEqual(["here"]);
    expect(await ask('in 10m "change prod"')).toContain("this changes things");
    await clock.advance(60_000);
    expect(await ask("yes")).toContain("13:11:06 (Europe/Berlin), `change prod`");
    await heard(540_000);
    expect(change.runs).toEqual([]);
    await heard(61_000);
    expect(change.runs).toEqual(["prod"]);
    expect(await ask("schedules")).toContain("nothing is scheduled");
    expect(await ask("every 1h \"in 5s 'look'\"")).toContain("makes schedules is refused");
    expect(await ask('in 0s "look"')).toContain('in 10m "');
    expect(await ask('in soon "look"')).toContain("it is said like this");
    expect(await ask('in 400d "look"')).toContain("longer than a year");
  });

  it("made with `in` is bound by what rules deny of `at`", async () => {
    const rules = "members: ['bot:*', 'test:*']\nrules: ['deny members at']";
    const { ask } = await setUp({ rules });
    expect(await ask('in 5s "look here"')).toContain("deny members at");
  });

  it("is listed, paused, resumed and ended by its owner, and by nobody else", async () => {
    const rules =
      "members: ['bot:talk', 'bot:schedule', 'test:*']\nroles: { lead: { members: ['memory:cid'], grants: ['*:*'] } }";
    const { ask, heard, idOf } = await setUp({ rules });
    const id = idOf(await ask('every 1m "look"'));
    expect(await ask("schedule list")).toMatch(
      new RegExp(`${id}  every 1m  look  here  memory:ann  2026-01-01 13:01 .*  on`),
    );
    expect(await ask("schedule list", "bob", "elsewhere")).toContain("nothing is scheduled");
    expect(await ask("schedule list", "cid", "elsewhere")).toMatch(new RegExp(`${id} .* look  memory:room `));
    expect(await ask("schedules")).toContain(id);
    expect(await ask("list schedules | select id")).toContain(id);
    expect(await ask(`schedule remove ${id}`, "bob")).toContain("is memory:ann's");
    expect(await ask(`schedule pause ${id}`)).toContain("is paused");
    expect(await heard(120_000)).toEqual([]);
    expect(await ask(`schedule resume ${id}`)).toContain("goes on: every 1m");
    expect(await heard(61_000)).toHaveLength(1);
    expect(await ask(`schedule remove ${id}`, "cid")).toContain("is ended");
    expect(await heard(120_000)).toEqual([]);
    expect(await ask(`schedule remove ${id}`)).toContain("there is no schedule");
  });

  it("of a write is confirmed when it is made, and not again", async () => {
    const { ask, heard, change } = await setUp();
    expect(await ask('every 1m "change prod"')).toMatch(/^this changes things: every 1m "change prod"/);
    expect(await heard(61_000)).toEqual([]);
    expect(await ask("yes")).toContain("every 1m, `change prod`");
    expect(await heard(61_000)).toEqual([expect.stringContaining("change prod done")]);
    expect(change.runs).toEqual(["prod"]);
  });

  it("has the rights that its owner has by then, and none that approvers have to give", async () => {
    let rules = "members: ['*:*']";
    const clock = manualClock(NOON);
    const input = memoryInput({ clock });
    const store = await storeNow();
    const first = await setUp({ clock, input, store, rules });
    await first.ask('every 1m "change prod"');
    await first.ask("yes");
    await first.stop();
    rules =
      "members: ['*:*']\nroles: { lead: { members: ['memory:cid'] } }\nrules: ['allow members change approve 1 of role:lead']";
    const then = await setUp({ clock, input: memoryInput({ clock }), store, rules });
    expect(await then.heard(61_000)).toEqual([
      expect.stringMatching(/failed: .*1 of the role lead have to approve it/),
    ]);
    expect(then.change.runs).toEqual([]);
    await then.stop();
    const late = await setUp({
      clock,
      input: memoryInput({ clock }),
      store,
      rules: "members: ['bot:talk', 'bot:schedule']",
    });
    expect((await late.heard(600_000))[0]).toMatch(/failed \(10 times in a row\): .*test:change/);
  });

  it("is paused when its owner may make none any more, and says so", async () => {
    const clock = manualClock(NOON);
    const store = await storeNow();
    const first = await setUp({ clock, store });
    const id = first.idOf(await first.ask('every 1m "look"'));
    await first.stop();
    const then = await setUp({ clock, store, rules: "members: ['bot:talk', 'test:*']" });
    expect(await then.heard(300_000)).toEqual([
      expect.stringMatching(/nothing was done: ann may not say `every` any more.*It is paused now/),
    ]);
    expect(then.look.runs).toEqual([]);
    expect(await then.ask("schedule list")).toMatch(
      new RegExp(`${id} .*paused: its owner may not say \`every\` any more`),
    );
    await then.stop();
    const again = await setUp({ clock, store });
    expect(await again.ask(`schedule resume ${id}`)).toContain("goes on");
    expect(await again.heard(61_000)).toHaveLength(1);
  });

  it("is paused when its command is another one than was agreed to, and says so", async () => {
    let offer: Offer = () => {};
    const start = async (given: Offer) => {
      offer = given;
    };
    const deploy = (from: string) => {
      const { command, runs } = telling("deploy", { effect: "write" });
      offer({ commands: [{ command, from }] });
      return runs;
    };
    const { ask, heard, idOf } = await setUp({ sources: [{ name: "services", start, stop: async () => {} }] });
    deploy("go.micro.bot.other");
    await ask('every 1m "deploy prod"');
    const first = deploy("go.micro.bot.deploy");
    expect(await ask("yes")).toMatch(/^the yes is void/);
    const id = idOf(await ask("yes"));
    expect(await heard(61_000)).toHaveLength(1);
    expect(first).toEqual(["prod"]);
    const other = deploy("commands/deploy.ts");
    expect(await heard(180_000)).toEqual([
      expect.stringMatching(
        /nothing was done: its command is another than the one that was agreed to\. It is paused now/,
      ),
    ]);
    expect([...first, ...other]).toEqual(["prod"]);
    expect(await ask("schedule list")).toMatch(new RegExp(`${id} .*paused: its command is another one now`));
  });

  it("that fails says so at once, and then seldom", async () => {
    let fails = true;
    const gate = async () => {
      if (fails) throw new MicroError("unavailable", "orders is away");
    };
    const { ask, heard } = await setUp({ gate });
    await ask('every 1m "look"');
    expect(await heard(61_000)).toEqual([
      expect.stringMatching(/\nfailed: orders is away; said again after 10 failures$/),
    ]);
    expect(await ask("schedule list")).toContain("failing (1)");
    expect(await heard(480_000)).toEqual([]);
    expect(await heard(60_000)).toEqual([expect.stringContaining("failed (10 times in a row): orders is away")]);
    fails = false;
    expect(await heard(60_000)).toEqual([expect.stringContaining("look  done")]);
    fails = true;
    expect(await heard(60_000)).toEqual([expect.stringContaining("failed: orders is away")]);
  });

  it("that makes schedules, comes too often, goes on, or is one too many is refused", async () => {
    const { ask } = await setUp({ maxOwn: 2, max: 3 });
    expect(await ask('every 1m "every 1m look"')).toContain("a schedule that makes schedules is refused");
    await ask('alias add again "every 1m look"');
    expect(await ask('every 1m "again"')).toContain("a schedule that makes schedules is refused");
    expect(await ask('every 9s "look"')).toContain("nothing is done oftener than every 10s");
    expect(await ask('cron "*/5 * * * * *" "look"')).toContain("nothing is done oftener");
    expect(await ask('every 1m "look | srot x"')).toContain("the nearest is `sort`");
    expect(await ask('every 1m "look" | top 1')).toContain("stands in quotes, all of it");
    expect(await ask('every 1m "lok"')).toContain('"lok" is no command; the nearest are `look`');
    await ask('every 1m "look a"');
    await ask('every 1m "look b"');
    expect(await ask('every 1m "look c"')).toContain("you have 2 schedules");
    await ask('every 1m "look d"', "bob");
    expect(await ask('every 1m "look e"', "bob")).toContain("there are 3 schedules");
    expect(await ask('every 1m "look"', "eve")).toContain("there are 3 schedules");
  });

  it("answers in another room where the network can, and acts where it was asked for", async () => {
    const clock = manualClock(NOON);
    const base = memoryInput({ clock });
    const input: MemoryInput = Object.assign(Object.create(base), { placeIn: (room: string) => ({ room }) });
    const { heard } = await setUp({ clock, input });
    const before = input.sent.length;
    input.say('every 1m "look" in #ops', { from: "ann" });
    await expect.poll(() => input.sent.length).toBe(before + 2);
    expect(input.sent.slice(before).map(({ place, parts }) => [place.room, parts[0]?.text])).toEqual(
      expect.arrayContaining([
        ["ops", expect.stringMatching(/^schedule .* of ann, will answer here: look$/)],
        ["room", expect.stringContaining("in #ops (look there: I have said so)")],
      ]),
    );
    expect(await heard(61_000)).toEqual([expect.stringContaining("look  done")]);
    expect(input.sent.at(-1)?.place.room).toBe("ops");
  });

  it("whose owner is gone is paused, and says so once", async () => {
    const clock = manualClock(NOON);
    const base = memoryInput({ clock });
    let standing: Standing = "member";
    const input: MemoryInput = Object.assign(Object.create(base), {
      connect: async (): Promise<InputConnection> => {
        const link = await base.connect();
        return Object.assign(Object.create(link), {
          [Symbol.asyncIterator]: () => link[Symbol.asyncIterator](),
          send: link.send.bind(link),
          close: link.close.bind(link),
          standing: async () => standing,
        });
      },
    });
    const { ask, heard, idOf } = await setUp({ clock, input });
    const id = idOf(await ask('every 1m "look"'));
    standing = "gone";
    expect(await heard(300_000)).toEqual([
      expect.stringMatching(/ann has no account in memory any more\. It is paused now/),
    ]);
    expect(await ask("schedule list")).toMatch(new RegExp(`${id} .*paused: the account of its owner is gone`));
  });
});

describe("each time of a schedule", () => {
  it("is taken by exactly one replica", async () => {
    const clock = manualClock(NOON);
    const store = await storeNow();
    const one = await setUp({ clock, store, replica: "a" });
    const other = await setUp({ clock, store, replica: "b" });
    for (let count = 0; count < 10; count++) await one.ask(`every 1m "look ${count}"`);
    await one.heard(300_000);
    const runs = [...one.look.runs, ...other.look.runs];
    expect(runs).toHaveLength(50);
    expect(new Set(runs).size).toBe(10);
  });

  it("is missed while nobody is there: the next is done, and what was to be done once is told of", async () => {
    const clock = manualClock(NOON);
    const store = await storeNow();
    const first = await setUp({ clock, store });
    await first.ask('every 10m "look often"');
    await first.ask('at 14:00 "look once"');
    await first.stop();
    await clock.advance(7_200_000 - 60_000);
    const then = await setUp({ clock, store });
    expect(await then.heard(50_000)).toEqual([
      expect.stringMatching(/it was missed: I was not there at 2026-01-01 14:00.*: look once$/),
    ]);
    expect(await then.heard(20_000)).toEqual([expect.stringContaining("look often done")]);
    expect(await then.ask("schedule list")).not.toContain("look once");
  });

  it("once is done once, and then it is no schedule any more", async () => {
    const { ask, heard, look } = await setUp();
    await ask('at 13:05 "look once"');
    expect(await heard(301_000)).toEqual([expect.stringContaining("look once done")]);
    expect(await ask("schedule list")).toContain("nothing is scheduled");
    await heard(86_400_000 / 24);
    expect(look.runs).toEqual(["once"]);
  });

  it("once that was begun by a process that died is told of, and not repeated", async () => {
    const clock = manualClock(NOON);
    const store = await storeNow();
    const first = await setUp({ clock, store });
    const id = first.idOf(await first.ask('at 13:05 "look once"'));
    await first.stop();
    const [entry] = await store.list("schedule.");
    const held = JSON.parse(entry?.value ?? "{}");
    await store.put(`schedule.${id}`, JSON.stringify({ ...held, taken: held.when.at }));
    await clock.advance(400_000);
    const then = await setUp({ clock, store });
    expect(await then.heard(600_000)).toEqual([expect.stringContaining("whether it was done is not known")]);
    expect(then.look.runs).toEqual([]);
    expect(await store.list("schedule.")).toEqual([]);
  });

  it("of a write ends before the bot does, where it can", async () => {
    const clock = manualClock(NOON);
    const changing = () => clock.sleep(3000);
    const { ask, heard, stop, input, store, change } = await setUp({ clock, changing });
    await ask('every 1m "change prod"');
    await ask("yes");
    expect(await heard(60_000)).toEqual([]);
    expect(change.runs).toEqual(["prod"]);
    await stop();
    expect(textOf(input.sent.at(-1))).toMatch(/^schedule .*: change prod\nchange prod done$/);
    expect((await store.list("schedule."))[0]?.value).not.toContain("open");
  });

  it.each([
    [
      "every 1m",
      "change",
      "whether it was done is not known: I was stopped in the middle of it. It is carried out again",
    ],
    ["at 13:01", "change", "whether it was done is not known: I was stopped in the middle of it. It is not done again"],
    ["every 1m", "look", "it has no answer: I was stopped in the middle of it. It is carried out again"],
    ["at 13:01", "look", "it has no answer: I was stopped in the middle of it. Say it if you still want it: look"],
  ])("that is cut off when the bot ends is told of: %s %s", async (when, what, words) => {
    const clock = manualClock(NOON);
    const never = () => new Promise<void>(() => {});
    const store = await storeNow();
    const first = await setUp({ clock, store, gate: never, changing: never });
    await first.ask(`${when} "${what} prod"`);
    if (what === "change") await first.ask("yes");
    expect(await first.heard(61_000)).toEqual([]);
    await first.stop();
    expect(textOf(first.input.sent.at(-1))).toContain(words);
    const then = await setUp({ clock, store });
    const often = when === "every 1m";
    expect(await then.heard(700_000)).toHaveLength(often ? 11 : 0);
    expect(then.input.sent.map(textOf).join("\n")).not.toContain("not known");
    expect(await store.list("schedule.")).toHaveLength(often ? 1 : 0);
  });

  it("of a write that was begun by a process that died is told of once, and the next is done", async () => {
    const clock = manualClock(NOON);
    const store = await storeNow();
    const first = await setUp({ clock, store });
    const id = first.idOf((await first.ask('every 5m "change prod"')) && (await first.ask("yes")));
    await first.stop();
    const [entry] = await store.list("schedule.");
    const at = NOON + 300_000;
    await store.put(`schedule.${id}`, JSON.stringify({ ...JSON.parse(entry?.value ?? "{}"), taken: at, open: [at] }));
    await clock.advance(310_000);
    const then = await setUp({ clock, store });
    // It may still go on somewhere.
    expect(await then.heard(300_000)).toEqual([expect.stringContaining("change prod done")]);
    expect(await then.heard(600_000)).toEqual([
      expect.stringMatching(/whether it was done at 2026-01-01 12:05 .* is not known: it was begun/),
      expect.stringContaining("change prod done"),
      expect.stringContaining("change prod done"),
    ]);
  });
});
