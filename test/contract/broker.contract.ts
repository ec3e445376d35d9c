import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Broker, BrokerEvent, BrokerMessage, SubscribeOptions } from "../../src/core/broker/broker.ts";

export interface BrokerContract {
  /** Another broker on the same network, not started. What it needs (a server) is closed by the caller's own hooks. */
  create(): Promise<Broker>;
  /** How long (real ms) it may take until what was published has arrived. */
  readonly settleMs: number;
  /** How long a case may take where subscribing is slow. */
  readonly limitMs?: number;
  /** Cases that an implementation cannot pass, each with the reason. */
  readonly without?: {
    readonly queues?: string;
    /** Topics that it cannot have. */
    readonly oddTopics?: string;
    readonly oddHeaders?: string;
  };
  /** A real server that can be killed and started again on the same port. */
  readonly server?: {
    kill(): Promise<void>;
    restart(): Promise<void>;
    /** How long it may take until everything works again. @default 20000 */
    readonly backMs?: number;
  };
  /** Sends bytes that are no message to a topic, past the broker. */
  readonly hostile?: {
    readonly payloads: readonly (string | Uint8Array)[];
    send(topic: string, payload: string | Uint8Array): Promise<void>;
  };
}

export const message = (text: string, header: Record<string, string> = {}): BrokerMessage => ({
  header: { "content-type": "application/json", ...header },
  body: new TextEncoder().encode(text),
});
export const textOf = ({ body }: BrokerMessage): string => new TextDecoder().decode(body);

/** Asks again until it says so. */
export async function eventually(limitMs: number, check: () => void | Promise<void>): Promise<void> {
  const until = performance.now() + limitMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > until) throw error;
      await wait(10);
    }
  }
}

let topics = 0;

/** Every broker passes these cases. */
export function brokerContract(name: string, contract: BrokerContract): void {
  const { settleMs, limitMs = 30_000, without = {}, server, hostile } = contract;
  const soon = (check: () => void | Promise<void>) => eventually(settleMs, check);
  /** Long enough for what should not come. */
  const quiet = () => wait(Math.min(settleMs / 10, 300));

  describe(`broker contract: ${name}`, { timeout: limitMs }, () => {
    let resources: readonly string[];
    let topic: string;
    const brokers: Broker[] = [];

    const started = async (): Promise<Broker> => {
      const broker = await contract.create();
      brokers.push(broker);
      await broker.start();
      return broker;
    };
    const listen = async (broker: Broker, options?: SubscribeOptions, on = topic) => {
      const seen: BrokerEvent[] = [];
      const subscription = await broker.subscribe(on, (event) => void seen.push(event), options);
      return { seen, subscription, texts: () => seen.map(textOf) };
    };

    beforeEach(() => {
      topic = `events-${process.pid}-${++topics}`;
      resources = process.getActiveResourcesInfo();
    });

    afterEach(async () => {
      await Promise.all(brokers.splice(0).map((broker) => broker.stop()));
      // The test runner has timers of its own that come and go, hence the patience.
      await eventually(5000, () => expect(leftOver(resources)).toEqual([]));
    }, 30_000);

    it("stops without having been started, twice, and with subscriptions open", async () => {
      const broker = await contract.create();
      await broker.stop();
      await broker.stop();
      await broker.start();
      await broker.start();
      const subscription = await broker.subscribe(topic, () => {});
      await broker.stop();
      await broker.stop();
      await subscription.close();
    });

    it("starts again after a stop", async () => {
      const broker = await started();
      await broker.stop();
      await broker.start();
      const { seen } = await listen(broker);
      await broker.publish(topic, message("again"));
      await soon(() => expect(seen.map(textOf)).toEqual(["again"]));
    });

    it("says what and where it is", async () => {
      const broker = await contract.create();
      expect(broker.kind).toMatch(/^[a-z]+$/);
      expect(broker.where).not.toBe("");
    });

    it("can be used between start and stop only", async () => {
      const broker = await contract.create();
      const unavailable = { code: "unavailable" };
      await expect(broker.publish(topic, message("x"))).rejects.toMatchObject(unavailable);
      await expect(broker.subscribe(topic, () => {})).rejects.toMatchObject(unavailable);
      await broker.start();
      await broker.stop();
      await expect(broker.publish(topic, message("x"))).rejects.toMatchObject(unavailable);
      await expect(broker.subscribe(topic, () => {})).rejects.toMatchObject(unavailable);
    });

    it("has nothing against a message that nobody wants", async () => {
      await (await started()).publish(topic, message("x"));
    });

    it("brings a message to everybody, the publisher too, as it was", async () => {
      const [one, two] = [await started(), await started()];
      const all = [await listen(one), await listen(one), await listen(two)];
      const body = Uint8Array.from({ length: 256 }, (_, index) => index);
      await one.publish(topic, { header: { "content-type": "application/octet-stream", "x-user": "u1" }, body });
      await soon(() => expect(all.map(({ seen }) => seen.length)).toEqual([1, 1, 1]));
      for (const { seen } of all) {
        expect(seen[0]?.topic).toBe(topic);
        expect({ ...seen[0]?.header }).toMatchObject({
          "content-type": "application/octet-stream",
          "x-user": "u1",
          "micro-topic": topic,
        });
        expect(Object.keys(seen[0]?.header ?? {}).filter((key) => key.startsWith(":"))).toEqual([]);
        expect(Buffer.from(seen[0]?.body ?? []).equals(body)).toBe(true);
      }
      await quiet();
      expect(all.map(({ seen }) => seen.length)).toEqual([1, 1, 1]);
    });

    it("keeps topics apart", async () => {
      const [one, two] = [await started(), await started()];
      const [mine, other] = [await listen(one), await listen(one, {}, `${topic}-other`)];
      await two.publish(`${topic}-other`, message("other"));
      await two.publish(topic, message("mine"));
      await soon(() => expect([mine.texts(), other.texts()]).toEqual([["mine"], ["other"]]));
    });

    it.skipIf(without.queues !== undefined)(
      `brings a message to one of each queue, and to everybody without one${because(without.queues)}`,
      async () => {
        const [one, two] = [await started(), await started()];
        const red = [await listen(one, { queue: "red" }), await listen(two, { queue: "red" })];
        const blue = [await listen(two, { queue: "blue" })];
        const free = [await listen(one), await listen(two)];
        const texts = Array.from({ length: 40 }, (_, index) => `m${index}`);
        for (const text of texts) await one.publish(topic, message(text));
        const sorted = (of: typeof red) => of.flatMap((each) => each.texts()).sort();
        await soon(() => {
          expect(sorted(red)).toEqual([...texts].sort());
          expect(sorted(blue)).toEqual([...texts].sort());
          for (const each of free) expect(each.texts()).toEqual(texts);
        });
        await quiet();
        expect(sorted(red)).toEqual([...texts].sort());
      },
    );

    it.runIf(without.queues !== undefined)("says that it has no queues", async () => {
      const broker = await started();
      await expect(broker.subscribe(topic, () => {}, { queue: "red" })).rejects.toMatchObject({
        code: "unimplemented",
      });
    });

    it("keeps a publisher's order", async () => {
      const [one, two] = [await started(), await started()];
      const { texts } = await listen(two);
      const expected = Array.from({ length: 500 }, (_, index) => `m${index}`);
      await Promise.all(expected.slice(0, 250).map((text) => one.publish(topic, message(text))));
      for (const text of expected.slice(250)) await one.publish(topic, message(text));
      await soon(() => expect(texts().length).toBeGreaterThanOrEqual(500));
      expect(texts()).toEqual(expected);
    });

    it("hands over one event after the other", async () => {
      const broker = await started();
      let running = 0;
      let most = 0;
      const seen: string[] = [];
      await broker.subscribe(topic, async (event) => {
        most = Math.max(most, ++running);
        await wait(1);
        running--;
        seen.push(textOf(event));
      });
      for (let index = 0; index < 20; index++) await broker.publish(topic, message(`m${index}`));
      await soon(() => expect(seen.length).toBe(20));
      expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => `m${index}`));
      expect(most).toBe(1);
    });

    it("goes on when a handler throws, and when it fails later", async () => {
      const broker = await started();
      const seen: string[] = [];
      await broker.subscribe(topic, (event) => {
        seen.push(textOf(event));
        if (textOf(event) === "throw") throw new Error("thrown");
        if (textOf(event) === "fail") return Promise.reject(new Error("failed"));
        return undefined;
      });
      for (const text of ["throw", "fail", "fine"]) await broker.publish(topic, message(text));
      await soon(() => expect(seen).toEqual(["throw", "fail", "fine"]));
    });

    it("lets a handler publish to its own topic", async () => {
      const broker = await started();
      const seen: string[] = [];
      await broker.subscribe(topic, async (event) => {
        seen.push(textOf(event));
        if (seen.length < 3) await broker.publish(topic, message(`m${seen.length}`));
      });
      await broker.publish(topic, message("m0"));
      await soon(() => expect(seen).toEqual(["m0", "m1", "m2"]));
    });

    it("delivers nothing after close, and closes twice like once", async () => {
      const [one, two] = [await started(), await started()];
      const [kept, closed] = [await listen(one), await listen(one)];
      await two.publish(topic, message("first"));
      await soon(() => expect([kept.texts(), closed.texts()]).toEqual([["first"], ["first"]]));
      await closed.subscription.close();
      await closed.subscription.close();
      await two.publish(topic, message("second"));
      await soon(() => expect(kept.texts()).toEqual(["first", "second"]));
      await quiet();
      expect(closed.texts()).toEqual(["first"]);
    });

    it("drops what waits when it is closed", async () => {
      const broker = await started();
      const seen: string[] = [];
      let letGo = () => {};
      const blocked = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      const subscription = await broker.subscribe(topic, async (event) => {
        seen.push(textOf(event));
        await blocked;
      });
      for (let index = 0; index < 10; index++) await broker.publish(topic, message(`m${index}`));
      await soon(() => expect(seen).toEqual(["m0"]));
      await quiet();
      await subscription.close();
      letGo();
      await quiet();
      expect(seen).toEqual(["m0"]);
    });

    it("subscribes again to what was closed", async () => {
      const broker = await started();
      const first = await listen(broker);
      await first.subscription.close();
      const second = await listen(broker);
      await broker.publish(topic, message("x"));
      await soon(() => expect(second.texts()).toEqual(["x"]));
      expect(first.texts()).toEqual([]);
    });

    it("compares names of headers in any case", async () => {
      const broker = await started();
      const { seen } = await listen(broker);
      await broker.publish(topic, { header: { "CONTENT-Type": "a/b", "Micro-ID": "7" }, body: new Uint8Array(0) });
      await soon(() => expect(seen.length).toBe(1));
      expect({ ...seen[0]?.header }).toEqual({ "content-type": "a/b", "micro-id": "7", "micro-topic": topic });
    });

    it.skipIf(without.oddHeaders !== undefined)(
      `carries text of every script in headers and bodies${because(without.oddHeaders)}`,
      async () => {
        const broker = await started();
        const { seen } = await listen(broker);
        const text = 'Grüße, "Мир" \\ 世界 🎉 <&>\u2028';
        await broker.publish(topic, message(text, { "x-text": text, "x-long": "é".repeat(5000), "x-empty": "" }));
        await soon(() => expect(seen.length).toBe(1));
        expect(textOf(seen[0] as BrokerEvent)).toBe(text);
        expect({ ...seen[0]?.header }).toMatchObject({ "x-text": text, "x-long": "é".repeat(5000), "x-empty": "" });
      },
    );

    it.skipIf(without.oddTopics !== undefined)(
      `carries topics with signs of every kind${because(without.oddTopics)}`,
      async () => {
        const broker = await started();
        const odd = `${topic}/a-b_c&d=e%20é`;
        const { seen } = await listen(broker, {}, odd);
        await broker.publish(odd, message("x"));
        await soon(() => expect(seen.map((event) => event.topic)).toEqual([odd]));
      },
    );

    it("carries an empty body and one of a megabyte", async () => {
      const [one, two] = [await started(), await started()];
      const { seen } = await listen(two);
      const big = new Uint8Array(1 << 20).map((_, index) => (index * 31) & 255);
      await one.publish(topic, { header: {}, body: new Uint8Array(0) });
      await one.publish(topic, { header: {}, body: big });
      await one.publish(topic, { header: {}, body: new Uint8Array(0) });
      await soon(() => expect(seen.map(({ body }) => body.length)).toEqual([0, 1 << 20, 0]));
      expect(Buffer.from(seen[1]?.body ?? []).equals(big)).toBe(true);
    });

    it("refuses what cannot be sent", async () => {
      const broker = await started();
      const invalid = { code: "invalid_argument" };
      await expect(broker.publish("", message("x"))).rejects.toMatchObject(invalid);
      await expect(broker.subscribe("", () => {})).rejects.toMatchObject(invalid);
      const header = { "x-number": 1 as unknown as string };
      await expect(broker.publish(topic, { header, body: new Uint8Array(0) })).rejects.toMatchObject(invalid);
    });

    it("gives up at once when the signal was aborted before", async () => {
      const broker = await started();
      const signal = AbortSignal.abort();
      await expect(broker.publish(topic, message("x"), { signal })).rejects.toMatchObject({ code: "cancelled" });
      await expect(broker.subscribe(topic, () => {}, { signal })).rejects.toMatchObject({ code: "cancelled" });
    });

    it("does not hold up others, nor grow, when a subscriber never ends", async () => {
      const [one, two] = [await started(), await started()];
      const { seen } = await listen(two);
      let stuck = 0;
      await two.subscribe(topic, () => {
        stuck++;
        return new Promise<void>(() => {});
      });
      for (let index = 0; index < 3000; index++) await one.publish(topic, message(`m${index}`));
      await eventually(settleMs + 5000, () => expect(seen.length).toBe(3000));
      expect(stuck).toBe(1);
    });

    if (hostile !== undefined) {
      it("drops what is no message, and goes on", async () => {
        const [one, two] = [await started(), await started()];
        const { texts } = await listen(two);
        for (const payload of hostile.payloads) await hostile.send(topic, payload);
        await one.publish(topic, message("fine"));
        await soon(() => expect(texts()).toEqual(["fine"]));
        for (const payload of hostile.payloads) await hostile.send(topic, payload);
        await quiet();
        expect(texts()).toEqual(["fine"]);
      });
    }

    if (server !== undefined) {
      it("is back by itself after its server was killed, and says so meanwhile", async () => {
        const [one, two] = [await started(), await started()];
        const [first, second] = [await listen(two), await listen(one)];
        await one.publish(topic, message("before"));
        await soon(() => expect([first.texts(), second.texts()]).toEqual([["before"], ["before"]]));
        let lost = 0;
        await server.kill();
        try {
          await eventually(10_000, async () => {
            const outcome = await one
              .publish(topic, message(`lost ${++lost}`), { timeoutMs: 500 })
              .catch((error) => error.code);
            expect(["unavailable", "timeout"]).toContain(outcome);
          });
          const late = two.subscribe(`${topic}-late`, () => {}, { timeoutMs: 500 });
          await expect(late.catch((error) => error.code)).resolves.toMatch(/unavailable|timeout/);
        } finally {
          await server.restart();
        }
        let tries = 0;
        await eventually(server.backMs ?? 20_000, async () => {
          await one.publish(topic, message(`after ${++tries}`), { timeoutMs: 1000 });
          await eventually(300, () => {
            expect(first.texts().at(-1)).toMatch(/^after/);
            expect(second.texts().at(-1)).toMatch(/^after/);
          });
        });
        // Each once, although subscriptions were made again.
        for (const { texts } of [first, second]) expect(new Set(texts()).size).toBe(texts().length);
      }, 90_000);

      it("stops while its server is away", async () => {
        const broker = await started();
        await listen(broker);
        await server.kill();
        try {
          await broker.stop();
        } finally {
          await server.restart();
        }
      }, 60_000);
    }
  });
}

/** Timers and sockets that are there now and were not before. */
function leftOver(before: readonly string[]): readonly string[] {
  const rest = [...before];
  return process.getActiveResourcesInfo().filter((kind) => {
    const at = rest.indexOf(kind);
    if (at >= 0) rest.splice(at, 1);
    return at < 0 && OURS.test(kind);
  });
}

const OURS = /Timeout|Immediate|TCP|UDP|Pipe|TLS/;

function because(reason: string | undefined): string {
  return reason === undefined ? "" : ` (not here: ${reason})`;
}
