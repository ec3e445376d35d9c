import { setTimeout as wait } from "node:timers/promises";
import type { Broker } from "../../src/core/broker/broker.ts";
import type { Client } from "../../src/core/client/client.ts";
import type { CallOptions, Closable } from "../../src/core/lifecycle.ts";
import type { Micro } from "./micro.ts";
import type { Tally } from "./tally.ts";

/** Endless work: `lanes` times `once`, again and again with a pause, until the signal aborts. Resolves when all is over. */
export async function repeat(lanes: number, pauseMs: number, signal: AbortSignal, once: () => Promise<void>) {
  const lane = async () => {
    while (!signal.aborted) {
      await once();
      await wait(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

const pick = <T>(...of: readonly T[]): T => of[Math.floor(Math.random() * of.length)] as T;
const between = (from: number, to: number) => Math.round(from + Math.random() * (to - from));

/** One call of some kind; what is answered must be right. */
export async function anyCall(client: Client, service: string, tally: Tally): Promise<void> {
  const kind = `call ${service}`;
  const timeoutMs = between(300, 3000);
  const ask = (endpoint: string, body: unknown, options: CallOptions = {}) =>
    client.request(service, endpoint, body, { timeoutMs, ...options });
  const what = Math.random();
  if (what < 0.6) {
    const body = { at: Math.random(), text: "Zoë 💬" };
    const answer = await tally.track(kind, timeoutMs, () => ask("Soak.Echo", body));
    if (answer !== undefined && JSON.stringify(answer) !== JSON.stringify(body)) {
      tally.violation(`${kind} wrong answer: ${JSON.stringify(answer).slice(0, 200)}`);
    }
  } else if (what < 0.75) await tally.track(kind, timeoutMs, () => ask("Soak.Slow", { ms: between(1, 1000) }));
  else if (what < 0.85) await tally.track(kind, timeoutMs, () => ask("Soak.Large", { length: between(1, 200_000) }));
  else if (what < 0.92) await fails(kind, "conflict", tally, timeoutMs, () => ask("Soak.Fail", {}));
  else if (what < 0.96) await fails(kind, "timeout", tally, 300, () => ask("Soak.Hang", {}, { timeoutMs: 300 }));
  else {
    const leaving = new AbortController();
    const timer = setTimeout(() => leaving.abort(), 100);
    await fails(kind, "cancelled", tally, 100, () => ask("Soak.Hang", {}, { signal: leaving.signal }));
    clearTimeout(timer);
  }
}

/** An answer where an error was asked for is a wrong one. */
async function fails(kind: string, code: string, tally: Tally, ms: number, ask: () => Promise<unknown>) {
  const answer = await tally.track(`${kind} (${code})`, ms, () =>
    ask().then(
      (answer) => answer ?? null,
      (error) => {
        if (error?.code === code) return undefined;
        throw error;
      },
    ),
  );
  if (answer !== undefined) tally.violation(`${kind} wrong answer: ${code} was asked for`);
}

/** One stream of some kind, over after `lifeMs` at the latest because its signal aborts then. */
export async function anyStream(client: Client, service: string, tally: Tally): Promise<void> {
  const how = pick("ended by the server", "ended by us", "cancelled", "left", "aborted", "broken by the server");
  const lifeMs = 3000;
  await tally.track(`stream ${service}`, lifeMs, async () => {
    const life = new AbortController();
    const timer = setTimeout(() => life.abort(), lifeMs);
    const open = (endpoint: string) => client.stream(service, endpoint, { timeoutMs: 2000, signal: life.signal });
    const expect = (right: boolean, what: string) => {
      if (!right) tally.violation(`stream ${service} ${how}: ${what}`);
    };
    const whole = (got: number, n: number) => expect(got === n, `${got} of ${n}`);
    try {
      if (how === "ended by the server") {
        const stream = await open("Soak.Count");
        const n = between(0, 50);
        await stream.send({ n });
        let got = 0;
        for await (const message of stream) {
          expect((message as { i: number }).i === got, `message ${JSON.stringify(message)} at ${got}`);
          got++;
        }
        whole(got, n);
      } else if (how === "ended by us") {
        const stream = await open("Soak.Chat");
        const n = between(0, 30);
        for (let i = 0; i < n; i++) await stream.send({ i });
        await stream.end();
        let got = 0;
        for await (const message of stream) {
          expect((message as { i: number }).i === got, `message ${JSON.stringify(message)} at ${got}`);
          got++;
        }
        // To a caller's end servers say none of their own (`wire.md §3.2`), so a killed process's looks like one.
        if (got < n && service === "soak.child.http") tally.count(`stream ${service}`, "cut short after our end");
        else whole(got, n);
      } else if (how === "broken by the server") {
        const stream = await open("Soak.Break");
        await stream.send({});
        let thrown: { code?: string } | undefined;
        try {
          for await (const _ of stream);
        } catch (error) {
          thrown = error as { code?: string };
        }
        expect(thrown !== undefined, "ended well");
        if (thrown && thrown.code !== "not_found") throw thrown;
      } else {
        const stream = await open("Soak.Ticks");
        await stream.send({});
        let left = between(0, 20);
        if (how === "aborted") setTimeout(() => life.abort(), 100);
        try {
          for await (const _ of stream) {
            if (how === "left" && left-- === 0) break;
            if (how === "cancelled" && left-- === 0) await stream.close();
          }
        } catch (error) {
          if ((error as { code?: string }).code !== "cancelled" || how === "left") throw error;
        }
        await stream.close();
      }
    } finally {
      clearTimeout(timer);
    }
  });
}

/** Publishes numbered events and counts how they come in, in the same process and by several subscribers. */
export async function events(
  { publishEvent, readEvent }: Micro,
  broker: Broker,
  tally: Tally,
  signal: AbortSignal,
): Promise<Closable> {
  const kind = `events ${broker.kind}`;
  const topic = `soak.${broker.kind}.events`;
  const hear = (name: string) => {
    let last = -1;
    return (event: Parameters<typeof readEvent>[0]) => {
      const { n } = readEvent(event) as { n: number };
      tally.ok(`${kind} ${name}`, "heard");
      if (n <= last) tally.count(`${kind} ${name}`, "late or twice");
      else last = n;
    };
  };
  const patience = { timeoutMs: 30_000 };
  const open = [await broker.subscribe(topic, hear("all"), patience)];
  const queues = broker.kind !== "redis";
  if (queues)
    for (const worker of ["1", "2"])
      open.push(await broker.subscribe(topic, hear(worker), { queue: "q", ...patience }));
  let n = 0;
  const publishing = repeat(2, 20, signal, async () => {
    const value = { n: n++, text: "x".repeat(between(0, 2000)) };
    await tally.track(`publish ${broker.kind}`, 2000, () => publishEvent(broker, topic, value, { timeoutMs: 2000 }));
  });
  /** Subscribers that come and go. */
  const passing = repeat(1, 300, signal, async () => {
    const subscription = await tally.track(`subscribe ${broker.kind}`, 2000, () =>
      broker.subscribe(topic, () => tally.count(`${kind} in passing`, "heard"), { timeoutMs: 2000 }),
    );
    await wait(between(0, 500), undefined, { signal }).catch(() => {});
    if (subscription) await tally.track(`unsubscribe ${broker.kind}`, 5000, () => subscription.close());
  });
  const close = async () => {
    await Promise.all([publishing, passing]);
    for (const subscription of open) await subscription.close();
  };
  return { close, [Symbol.asyncDispose]: close };
}
