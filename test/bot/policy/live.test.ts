import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LivePolicy, openPolicy } from "../../../src/bot/policy/live.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { type Log, silent } from "../../../src/core/log.ts";
import { manualClock } from "../../fakes/clock.ts";
import { restart } from "./request.ts";

/* A policy that follows its file. */

const ANN = restart({ caller: "slack:ann" });
const BOB = restart({ caller: "slack:bob" });
const EVE = restart({ caller: "slack:eve" });
/** Of both, ann may and eve may not; bob only of the second. */
const FIRST = 'rules:\n  - "allow slack:ann restart"\n  - "allow slack:eve restart"\n  - "deny slack:eve *"\n';
const SECOND = `${FIRST}  - "allow slack:bob restart"\n`;

describe("a live policy", () => {
  const clock = manualClock();
  let text = FIRST;
  let errors: string[] = [];
  let policy: LivePolicy;
  const log: Log = { ...silent, error: (facts) => errors.push(String((facts as { reason: string }).reason)) } as Log;
  beforeEach(async () => {
    text = FIRST;
    errors = [];
    policy = await openPolicy({
      path: "policy.yaml",
      clock,
      log,
      read: async () => {
        if (text === "gone") throw new Error("ENOENT: no such file");
        return text;
      },
    });
    await policy.start();
  });
  afterEach(async () => policy.stop());
  const bobMay = () => policy.decide(BOB).allowed;

  it("takes a new file once it was the same twice, and tells its digest", async () => {
    const before = policy.about?.();
    text = SECOND;
    await clock.advance(1000);
    expect(bobMay()).toBe(false);
    await clock.advance(1000);
    expect(bobMay()).toBe(true);
    expect(policy.about?.()).toMatchObject({ file: "policy.yaml", rules: 4 });
    expect(policy.about?.().digest).not.toBe(before?.digest);
  });

  it.each([
    ["no YAML", "rules: [", "is not YAML"],
    ["no policy", "rule: []", "Unrecognized key"],
    ["a rule that is none", 'rules: ["allow slack:eve"]', "line 1, column 25"],
    ["nothing", " \n", "is empty"],
    ["gone", "gone", "cannot be read"],
  ])(
    "a file that is %s changes nothing, is told once, and is over when it is right again",
    async (_what, bad, words) => {
      text = bad;
      await clock.advance(10_000);
      expect(policy.decide(ANN).allowed).toBe(true);
      expect(policy.decide(EVE).allowed).toBe(false);
      expect(policy.about?.()).toMatchObject({ rules: 3, error: expect.stringContaining(words) });
      expect(errors).toEqual([expect.stringContaining(words)]);
      text = SECOND;
      await clock.advance(3000);
      expect(policy.about?.()).not.toHaveProperty("error");
      expect(bobMay()).toBe(true);
      text = bad;
      await clock.advance(10_000);
      expect(errors).toHaveLength(2);
      text = SECOND;
      await clock.advance(3000);
      expect(policy.about?.()).not.toHaveProperty("error");
    },
  );

  it("does not take a file with a command that there is not", async () => {
    policy.check?.({ commands: () => [{ name: "restart", permission: "service:restart" }] });
    text = 'rules: ["deny anyone restrat"]';
    await clock.advance(3000);
    expect(policy.about?.().error).toContain("there is no command restrat");
    expect(policy.decide(ANN).allowed).toBe(true);
  });

  it("never takes what is half written, though it may be a policy with fewer rules", async () => {
    // Cut behind a line it is one that lets eve.
    const torn = SECOND.slice(0, SECOND.indexOf('  - "deny'));
    for (let round = 0; round < 20; round++) {
      text = torn;
      await clock.advance(1000);
      expect(policy.decide(EVE).allowed).toBe(false);
      text = round % 2 === 0 ? SECOND : FIRST;
      await clock.advance(2000);
      expect(policy.decide(EVE).allowed).toBe(false);
      expect(bobMay()).toBe(round % 2 === 0);
    }
    expect(errors).toEqual([]);
  });

  it("looks no more when it is stopped", async () => {
    await policy.stop();
    text = SECOND;
    await clock.advance(5000);
    expect(bobMay()).toBe(false);
    expect(clock.sleepers).toBe(0);
  });
});

describe("a file on the disk", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "micro-policy-"));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  it("is rewritten 200 times, and at no moment may everybody or nobody", async () => {
    const path = join(folder, "policy.yaml");
    await writeFile(path, FIRST);
    const policy = await openPolicy({ path, clock: systemClock, log: silent, everyMs: 1 });
    await policy.start();
    let writing = true;
    let decided = 0;
    const taken = new Set<string | undefined>();
    const wrong: string[] = [];
    const deciding = async () => {
      while (writing) {
        for (let i = 0; i < 20; i++) {
          if (!policy.decide(ANN).allowed) wrong.push("ann may not");
          if (policy.decide(EVE).allowed) wrong.push("eve may");
          decided += 2;
        }
        taken.add(policy.about?.().digest);
        await turn();
      }
    };
    const loop = deciding();
    for (let round = 0; round < 200; round++) {
      const next = round % 2 === 0 ? SECOND : FIRST;
      if (round % 3 === 0) {
        await writeFile(`${path}.new`, next);
        await rename(`${path}.new`, path);
      } else await writeFile(path, next);
      await systemClock.sleep(round % 10 === 0 ? 20 : 2);
    }
    await expect.poll(() => policy.decide(BOB).allowed).toBe(false);
    writing = false;
    await loop;
    await policy.stop();
    expect(wrong).toEqual([]);
    expect(decided).toBeGreaterThan(1000);
    // It did follow.
    expect(taken.size).toBe(2);
  });

  it("has to be there at the start, and right", async () => {
    const open = (path: string) => openPolicy({ path, clock: systemClock, log: silent });
    await expect(open(join(folder, "none.yaml"))).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("none.yaml cannot be read"),
    });
  });
});
