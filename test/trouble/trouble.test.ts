import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createBot } from "../../src/bot/bot.ts";
import { fileJournal } from "../../src/bot/journal.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin, smallTalk } from "../../src/commands/builtin.ts";
import { rpcClient } from "../../src/core/client/rpc.ts";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { defaultSelector } from "../../src/core/selector/default.ts";
import { createService } from "../../src/core/service.ts";
import { httpTransport } from "../../src/core/transport/http.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { hasProsody } from "../fakes/prosody-server.ts";
import { growth, leftOver, resources, sampleHeap } from "../soak/heap.ts";
import { hipchatNetwork, type Network, slackNetwork, telegramNetwork, xmppNetwork } from "./networks.ts";
import { createTally } from "./tally.ts";

/** How often each server is killed. */
const ROUNDS = Number(process.env["MICRO_TROUBLE_ROUNDS"] ?? 20);
/** Commands a second, over all networks. */
const A_SECOND = 5;
/** For a network to answer again once its server is back, and for all that is still to be said at the end. */
const RECOVERY_MS = 40_000;
/** What nine in ten commands take at most on a network that nobody hurts. */
const WITHIN_MS = 1000;

/**
 * The bot's time goes ten times as fast: a link that is lost again and again is not tried more than twice a minute, which
 * is right for people and too slow for a test.
 */
const SPEED = 10;
const began = Date.now();
const fastClock: Clock = {
  now: () => began + (Date.now() - began) * SPEED,
  sleep: (ms, options) => systemClock.sleep(ms / SPEED, options),
};

const lacks = [!globalThis.gc && "run it with npm run test:trouble", !hasProsody && "prosody is not installed"].filter(
  (lack) => typeof lack === "string",
);

describe.skipIf(lacks.length > 0)(
  `one bot on three networks${lacks.length > 0 ? ` (${lacks.join(", ")})` : ""}`,
  () => {
    it(`does what it is told once and says so once, while each server is killed ${ROUNDS} times`, {
      timeout: (ROUNDS * 3 * 15 + 180) * 1000,
    }, async () => {
      const folder = mkdtempSync(join(tmpdir(), "micro-trouble-"));
      const before = resources();
      const networks = await Promise.all([slackNetwork(), xmppNetwork(), hipchatNetwork(), telegramNetwork()]);
      const tally = createTally(networks.map(({ name }) => name));

      const registry = memoryRegistry()();
      await registry.start();
      const shared: Registry = { ...registry, start: async () => {}, stop: async () => {} };
      const counter = createService({ name: "counter", registry: shared, address: "127.0.0.1:0", drainMs: 200 });
      counter.server.handleRaw("Counter.Add", async (given) => {
        const { id, ms } = given as { readonly id: string; readonly ms: number };
        tally.done(id);
        await wait(ms);
        return { counted: id };
      });
      await counter.start();
      const client = rpcClient()({ transport: httpTransport(), selector: defaultSelector()({ registry }) });
      const office = memoryInput({ name: "office" });
      const bot = createBot({
        inputs: networks.map(({ input }) => input),
        beside: [office],
        commands: [...builtin, ...smallTalk],
        registry,
        client,
        policy: readPolicy("{ members: ['*:*'], guests: ['*:*'] }", "test"),
        journal: fileJournal(folder),
        clock: fastClock,
        // Networks date messages by their own clocks.
        maxAgeMs: Number.MAX_SAFE_INTEGER,
        limit: { points: 1000 },
      });
      await bot.start();

      const over = new AbortController();
      const heap = sampleHeap(1000, over.signal);
      const say = (network: Network, ms = 0): string => {
        const id = tally.nextId(network.name);
        const line = `call counter Counter.Add {"id":"${id}","ms":${ms}} --output raw`;
        if (network.say(line)) tally.said(network.name, id, ms === 0);
        else tally.unsaid(network.name);
        return id;
      };
      const answered = async (network: Network, id: string, ms: number) => {
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
          for (const { name, heard } of networks) tally.read(name, heard());
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
              await wait(200 + Math.random() * 600);
              await network.restart();
            });
            const { deafen } = network;
            if (deafen === undefined) continue;
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
            const id = say(network);
            expect(await answered(network, id, 10_000), `${network.name} at the end`).toBe(true);
          }
        }
        const lost = async () => {
          office.say("jobs --output json");
          const { parts } = await office.next();
          const { lost } = JSON.parse(parts[0]?.text ?? "") as { lost: { text: string }[] };
          return lost.map(({ text }) => /"id":"([^"]+)"/.exec(text)?.[1] ?? text);
        };
        const until = Date.now() + RECOVERY_MS;
        while (tally.silent(await lost()).length > 0 && Date.now() < until) {
          await wait(200);
          for (const { name, heard } of networks) tally.read(name, heard());
        }
        // What would be said twice has had its time.
        await wait(1000);
        for (const { name, heard } of networks) tally.read(name, heard());

        const undelivered = await lost();
        process.stdout.write(`${tally.table(undelivered)}\n`);
        expect(tally.doneTwice(), "took effect twice").toEqual([]);
        expect(tally.saidTwice(), "said twice").toEqual([]);
        expect(tally.silent(undelivered), "done, and nobody was told").toEqual([]);
        for (const { name } of networks) expect(tally.slowest(name), name).toBeLessThan(WITHIN_MS);
      } finally {
        over.abort();
        await bot.stop();
        await client.close();
        await counter.stop();
        await registry.stop();
        for (const network of networks) await network.close();
        rmSync(folder, { recursive: true, force: true });
      }
      const { warm, last } = growth(await heap);
      process.stdout.write(`heap: ${warm.toFixed(1)} MB when warm, ${last.toFixed(1)} MB at the end\n`);
      expect(last).toBeLessThan(warm * 1.2 + 8);
      expect(await leftOver(before, 5000)).toEqual([]);
    });
  },
);
