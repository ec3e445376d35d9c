import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { hasProsody } from "../fakes/prosody-server.ts";
import { growth, leftOver, resources, sampleHeap } from "../soak/heap.ts";
import { counting, countingBot } from "./bot.ts";
import { hipchatNetwork, type Network, slackNetwork, telegramNetwork, xmppNetwork } from "./networks.ts";
import { createTally } from "./tally.ts";

/** How often each server is killed. */
const ROUNDS = Number(process.env["MICRO_TROUBLE_ROUNDS"] ?? 20);
/** Commands a second, over all networks. */
const A_SECOND = 5;
/** For a network to answer again once its server is back, and for all that is still to be said at the end. */
const RECOVERY_MS = 40_000;
/** What half of the commands and nine in ten of them take at most on networks that nobody hurts, while others are. */
const HALF_MS = 1000;
const MOST_MS = 5000;

it.skipIf(hasProsody)("needs prosody, which is not here", () => {
  expect(process.env["MICRO_TEST_REQUIRE_SERVERS"]).not.toBe("1");
});

const lacks = [!globalThis.gc && "run it with npm run test:trouble", !hasProsody && "prosody is not installed"].filter(
  (lack) => typeof lack === "string",
);
const because = lacks.length > 0 ? ` (${lacks.join(", ")})` : "";

describe.skipIf(lacks.length > 0)(`one bot on four networks${because}`, () => {
  it(`does what it is told once and says so once, while each server is killed ${ROUNDS} times`, {
    timeout: (ROUNDS * 60 + 180) * 1000,
  }, async () => {
    const before = resources();
    const networks = await Promise.all([slackNetwork(), xmppNetwork(), hipchatNetwork(), telegramNetwork()]);
    const tally = createTally(networks.map(({ name }) => name));
    const bot = await countingBot(
      networks.map(({ input }) => input),
      tally.done,
    );
    const over = new AbortController();
    const heap = sampleHeap(1000, over.signal);

    const say = (network: Network, ms = 0): string => {
      const id = tally.nextId(network.name);
      if (network.say(counting(id, ms))) tally.said(network.name, id, ms === 0);
      else tally.unsaid(network.name);
      return id;
    };
    const readAll = () => {
      for (const { name, heard } of networks) tally.read(name, heard());
    };
    const answered = async (network: Network, id: string, ms: number): Promise<boolean> => {
      for (const until = Date.now() + ms; Date.now() < until; await wait(10)) {
        tally.read(network.name, network.heard());
        if (tally.answers(id) > 0) return true;
      }
      return false;
    };
    const talk = async () => {
      for (let turn = 0; !over.signal.aborted; turn++) {
        const network = networks[turn % networks.length] as Network;
        // Some are at work when their network goes, and their answers are for the next link.
        say(network, turn % 3 === 0 ? 0 : Math.round(Math.random() * 1500));
        readAll();
        await wait(1000 / A_SECOND);
      }
    };
    /** Does it, at any moment of what is going on, and waits until the bot answers there again. */
    const hurt = async (network: Network, harm: () => Promise<void>) => {
      tally.hurt(network.name);
      await wait(Math.random() * 200);
      await harm();
      const until = Date.now() + RECOVERY_MS;
      while (!(await answered(network, say(network), 500))) {
        expect(Date.now(), `${network.name} does not answer any more`).toBeLessThan(until);
      }
      tally.well(network.name);
      await wait(100);
    };
    const trouble = async () => {
      for (let round = 0; round < ROUNDS; round++) {
        for (const network of networks) {
          await hurt(network, async () => {
            await network.kill();
            await wait(100 + Math.random() * 500);
            await network.restart();
          });
          const { deafen } = network;
          if (deafen === undefined || round % 2 === 1) continue;
          await hurt(network, async () => {
            // They are heard before and answered meanwhile.
            for (let count = 0; count < 4; count++) say(network, 400);
            await wait(150);
            await deafen();
          });
        }
      }
    };

    try {
      const talking = talk();
      try {
        await trouble();
      } finally {
        over.abort();
        await talking;
      }
      for (const network of networks) {
        for (let count = 0; count < 3; count++) {
          expect(await answered(network, say(network), 10_000), `${network.name} at the end`).toBe(true);
        }
      }
      const until = Date.now() + RECOVERY_MS;
      while (tally.silent(await bot.undelivered()).length > 0 && Date.now() < until) {
        await wait(200);
        readAll();
      }
      // What would be said twice has had its time.
      await wait(1000);
      readAll();

      const undelivered = await bot.undelivered();
      process.stdout.write(`${tally.table(undelivered)}\n`);
      expect(tally.doneTwice(), "took effect twice").toEqual([]);
      expect(tally.saidTwice(), "said twice").toEqual([]);
      expect(tally.silent(undelivered), "done, and nobody was told").toEqual([]);
      expect(tally.missed(), "said where all was well, and not answered").toEqual([]);
      for (const { name } of networks) {
        expect(tally.took(name, 0.5), name).toBeLessThan(HALF_MS);
        expect(tally.took(name, 0.9), name).toBeLessThan(MOST_MS);
      }
    } finally {
      over.abort();
      await bot.stop();
      for (const network of networks) await network.close();
    }
    const { warm, last } = growth(await heap);
    process.stdout.write(`heap: ${warm.toFixed(1)} MB when warm, ${last.toFixed(1)} MB at the end\n`);
    expect(last).toBeLessThan(warm * 1.2 + 8);
    expect(await leftOver(before, 5000)).toEqual([]);
  });
});
