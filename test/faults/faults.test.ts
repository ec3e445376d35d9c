import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import { STEPS } from "../../src/bot/steps.ts";
import { botProcess } from "./bot-process.ts";
import { type Network, slackNetwork, telegramNetwork, xmppNetwork } from "./networks.ts";
import { random } from "./random.ts";
import { createTally, toldIn } from "./tally.ts";
import { counting, target } from "./target.ts";

/*
 * The bot as a process, on three networks, in front of a service that counts, while everything goes wrong that can: `npm run
 * test:faults` says 10,000 commands, CI some hundreds. MICRO_FAULTS_SEED repeats what a run did, as far as two machines can.
 */

const COMMANDS = Number(process.env["MICRO_FAULTS_COMMANDS"] ?? 600);
const SEED = Number(process.env["MICRO_FAULTS_SEED"] ?? randomInt(2 ** 31));
const LIMITS = ["PERSON", "GUEST", "ROOM", "COMMAND", "TARGET"] as const;
/** Those of the troubles that are tried; all, if not given: `MICRO_FAULTS_ONLY='disk|400 s'`. */
const ONLY = new RegExp(process.env["MICRO_FAULTS_ONLY"] ?? "");
/** Commands a second. */
const A_SECOND = COMMANDS > 1000 ? 40 : 10;
/** A short run tries no more of them after this; which come first is chance. */
const TROUBLE_MS = COMMANDS > 1000 ? Number.POSITIVE_INFINITY : 120_000;
/** For a process to be up again and answer, and for what is still to be said at the end. */
const RECOVERY_MS = 60_000;
const END_MS = 60_000;

it(`does what it was told once or says that it did not, whatever happens (${COMMANDS} commands, seed ${SEED})`, {
  timeout: (COMMANDS / A_SECOND) * 4000 + 300_000,
}, async () => {
  process.stdout.write(`faults: seed ${SEED}, ${COMMANDS} commands\n`);
  const chance = random(SEED);
  const folder = mkdtempSync(join(tmpdir(), "micro-faults-"));
  writeFileSync(join(folder, "policy.yaml"), "members: ['service:call', 'bot:talk']\n");
  const counter = await target();
  const networks = [await slackNetwork(chance), await telegramNetwork(), await xmppNetwork()];
  const bot = botProcess(
    ["--registry=memory", "--server_address=127.0.0.1:0", "bot", "--inputs=slack,telegram,xmpp"],
    Object.assign(
      { MICRO_STATE_DIR: folder, MICRO_BOT_POLICY: join(folder, "policy.yaml") },
      { MICRO_LOG_LEVEL: "warn" },
      // How much may be said is tried elsewhere.
      Object.fromEntries(LIMITS.map((limit) => [`MICRO_LIMIT_${limit}`, "none"])),
      ...networks.map(({ env }) => env),
    ),
  );
  const tally = createTally();
  const over = new AbortController();
  const said: { readonly id: string; readonly network: Network }[] = [];
  const happened: string[] = [];
  let count = 0;

  const answers = () => {
    const found = new Map<string, string[]>();
    for (const network of networks) {
      for (const [id, text] of network.answers()) {
        for (const [one, told] of toldIn(id, text)) found.set(one, [...(found.get(one) ?? []), told]);
      }
    }
    return found;
  };
  const say = (network: Network, ms: number): string => {
    const id = `${network.name}-${++count}`;
    if (network.say(id, counting(counter.address, id, ms))) {
      tally.said(id);
      said.push({ id, network });
    }
    return id;
  };
  /** One command after the other, some of them twice, edited, or late. */
  const talk = async () => {
    while (!over.signal.aborted) {
      const network = chance.pick(networks);
      say(network, chance.next() < 0.3 ? chance.below(400) : 0);
      const older = chance.pick(said);
      if (older && chance.next() < 0.15) older.network.again(older.id);
      if (older && chance.next() < 0.05) {
        const id = `${older.id}-edited`;
        tally.never(id);
        older.network.edit?.(older.id, counting(counter.address, id, 0));
      }
      await wait((1000 / A_SECOND) * 2 * chance.next());
    }
  };
  /** Waits until a command said from now on is answered, on each network. */
  const well = async () => {
    for (const network of networks) {
      const asked = new Set<string>();
      const until = Date.now() + RECOVERY_MS;
      for (let next = 0; ![...network.answers()].some(([id]) => asked.has(id)); await wait(20)) {
        if (Date.now() > next) asked.add(say(network, 0));
        if (Date.now() > next) next = Date.now() + 2000;
        const words = `${network.name} does not answer any more after ${happened.slice(-3).join(", ")}\n${bot.log}`;
        expect(Date.now(), words).toBeLessThan(until);
      }
    }
  };
  const againAll = () => {
    for (let times = 0; times < 20; times++) {
      const older = chance.pick(said);
      older?.network.again(older.id);
    }
  };
  const dies = async (how: Parameters<typeof bot.doom>[0]) => {
    const dead = await Promise.race([bot.doom(how).then(() => true), wait(RECOVERY_MS, false, { ref: false })]);
    expect(dead, `no message came to ${JSON.stringify(how)}`).toBe(true);
  };

  /** What can happen, by name. Each leaves things as they were. */
  const troubles: Record<string, () => Promise<void>> = {
    "links break": async () => chance.pick(networks).cut(),
    "links go silent": async () => {
      for (const { freeze } of networks) freeze?.();
      await wait(1000);
    },
    "too fast": async () => {
      for (const network of networks) network.slow(1 + chance.below(5));
    },
    "answers are lost on their way": async () => {
      for (const network of networks) network.reset(1 + chance.below(3));
    },
    "400 s go by, and what was said comes again": async () => {
      bot.shift(400_000);
      againAll();
      await wait(500);
      bot.shift(0);
    },
    "it is killed, 400 s go by, and what was said comes again": async () => {
      bot.shift(400_000);
      await bot.kill();
      againAll();
      await wait(2000);
      bot.shift(0);
    },
    "the clock goes back 400 s": async () => {
      bot.shift(-400_000);
      againAll();
      await wait(1000);
      bot.shift(0);
    },
    "it is killed while the clock is behind": async () => {
      bot.shift(-400_000);
      await wait(300);
      await bot.kill();
      againAll();
      await wait(1000);
      bot.shift(0);
    },
    "the disk is full": async () => {
      if (!bot.full(true)) return;
      await wait(1000);
      bot.full(false);
    },
    "it is killed while the disk is full": async () => {
      if (!bot.full(true)) return;
      await wait(500);
      await bot.kill();
    },
    "it is killed": async () => {
      await wait(chance.below(300));
      await bot.kill();
    },
    "it dies somewhere between two steps": () => dies({ continuations: 1 + chance.below(400) }),
  };
  /** Each of them, in an order of chance; in a long run again and again. */
  const trouble = async () => {
    const until = Date.now() + TROUBLE_MS;
    do {
      const names = Object.keys(troubles).filter((name) => ONLY.test(name));
      while (names.length > 0 && Date.now() < until) {
        const [name = ""] = names.splice(chance.below(names.length), 1);
        happened.push(name);
        await troubles[name]?.();
        if (chance.next() < 0.2) await well();
      }
    } while (count < COMMANDS && Date.now() < until);
  };

  try {
    await well();
    const steps = await bot.seen();
    expect([...steps].sort(), "the steps that messages take").toEqual([...STEPS].sort());
    for (const step of steps) {
      troubles[`it dies at ${step}`] = () => dies({ step, times: 1 + chance.below(3) });
    }
    const talking = talk();
    try {
      await trouble();
    } finally {
      over.abort();
      await talking;
    }
    await well();
    const lost = (id: string) => networks.find(({ name }) => id.startsWith(name))?.lost(id) ?? true;
    const wrongs = () => tally.wrongs({ effects: counter.effects, answers: answers(), lost });
    for (const until = Date.now() + END_MS; wrongs().silent.length > 0 && Date.now() < until; ) await wait(200);
    // What would be done twice has had its time.
    await wait(1500);
    const { figures, doneTwice, doneUnsaid, silent, lies } = wrongs();
    const facts = {
      seed: SEED,
      troubles: `${happened.length} of ${Object.keys(troubles).length}`,
      starts: bot.starts,
      ...figures,
    };
    process.stdout.write(`faults: ${JSON.stringify(facts)}\n`);
    expect(doneTwice, "took effect twice").toEqual([]);
    expect(doneUnsaid, "took effect though nobody said it").toEqual([]);
    expect(silent, `nobody was told\n${bot.log}`).toEqual([]);
    expect(lies, "told what is not so").toEqual([]);
  } finally {
    over.abort();
    await bot.stop();
    for (const network of networks) await network.close();
    await counter.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
