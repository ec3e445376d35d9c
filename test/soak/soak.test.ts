import { setMaxListeners } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Service, ServiceInit } from "../../src/core/service.ts";
import { hasConsul, startConsul } from "../fakes/consul-agent.ts";
import { hasNats, startNats } from "../fakes/nats-server.ts";
import { hasRabbitmq, startRabbitmq } from "../fakes/rabbitmq-server.ts";
import { hasRedis, startRedis } from "../fakes/redis-server.ts";
import { agreement, recordChurn, serviceChurn } from "./churn.ts";
import { serve } from "./handlers.mjs";
import { growth, leftOver, resources, sampleHeap } from "./heap.ts";
import { anyCall, anyStream, events, repeat } from "./load.ts";
import { builtLibrary } from "./micro.ts";
import { createTally } from "./tally.ts";
import { childService, trouble } from "./trouble.ts";

const SECONDS = Number(process.env["MICRO_SOAK_SECONDS"] ?? 600);
/** For everything to work again when nothing is hurt any more. */
const RECOVERY_MS = 60_000;

const lacks = [
  !globalThis.gc && "run it with npm run test:soak",
  !hasConsul && "consul is not installed",
  !hasNats() && "nats-server is not installed",
].filter((lack) => typeof lack === "string");
const because = lacks.length > 0 ? ` (${lacks.join(", ")})` : "";

describe.skipIf(lacks.length > 0)(`a fleet under load and in trouble${because}`, () => {
  it(`holds for ${SECONDS} s, and leaves nothing`, { timeout: (SECONDS + 300) * 1000 }, async () => {
    const micro = await builtLibrary();
    const tally = createTally(micro);
    const onWarning = ({ stack }: Error) => tally.violation(`warning: ${stack}`);
    process.on("warning", onWarning);
    const before = resources();

    const servers = {
      consul: await startConsul(),
      nats: await startNats(),
      ...(hasRedis && { redis: await startRedis() }),
      ...(hasRabbitmq && { rabbitmq: await startRabbitmq() }),
    };
    const { consul, nats, redis, rabbitmq } = servers;
    const registry = () => micro.cached(micro.consulRegistry({ addresses: [consul.address] })());
    const natsTransport = () => micro.natsTransport({ addresses: [nats.address], idleMs: 10_000 });
    const rabbitmqTransport = () => micro.rabbitmqTransport({ addresses: [rabbitmq?.address ?? ""], idleMs: 10_000 });
    const init = (more: Partial<ServiceInit> = {}): Omit<ServiceInit, "name"> => ({
      registry: registry(),
      address: "127.0.0.1:0",
      registerTtlMs: 10_000,
      registerIntervalMs: 1000,
      drainMs: 2000,
      ...more,
    });
    const doors = [
      () => init(),
      () => init({ transport: natsTransport(), address: "" }),
      () => init({ door: micro.grpcDoor() }),
    ] as const;

    const running: (() => number)[] = [];
    const services: Service[] = [];
    const start = async (name: string, given: Omit<ServiceInit, "name">) => {
      const service = micro.createService({ name, ...given });
      running.push(serve(service.server, micro.MicroError));
      await service.start({ timeoutMs: 20_000 });
      services.push(service);
      return service;
    };
    const atCaller = registry();
    const caller = await start("soak.caller", {
      ...init({
        registry: atCaller,
        transports: { nats: async () => natsTransport(), rabbitmq: async () => rabbitmqTransport() },
      }),
      broker: micro.httpBroker({ address: "127.0.0.1:0" })({ registry: atCaller }),
    });
    await start("soak.http", doors[0]());
    await start("soak.nats", { ...doors[1](), broker: micro.natsBroker({ addresses: [nats.address] })() });
    await start("soak.grpc", {
      ...doors[2](),
      ...(redis && { broker: micro.redisBroker({ addresses: [redis.address] })() }),
    });
    if (rabbitmq) await start("soak.rabbitmq", init({ transport: rabbitmqTransport(), address: "" }));
    const truth = micro.consulRegistry({ addresses: [consul.address] })();
    await truth.start();

    const hurting = new AbortController();
    const stopping = new AbortController();
    const measuring = new AbortController();
    setMaxListeners(0, hurting.signal, stopping.signal);
    const { client } = caller;
    const brokers = services.flatMap(({ broker }) => broker ?? []);
    const listening = await Promise.all(brokers.map((broker) => events(micro, broker, tally, stopping.signal)));
    const children = ["http", "grpc"].map((door) =>
      childService([`soak.child.${door}`, consul.address, door], 20_000, tally, stopping.signal),
    );
    const targets = ["soak.http", "soak.nats", "soak.grpc", "soak.child.http", "soak.child.grpc"];
    if (rabbitmq) targets.push("soak.rabbitmq");
    const load = [
      ...children,
      ...targets.map((name) => repeat(3, 20, stopping.signal, () => anyCall(client, name, tally))),
      ...targets.map((name) => repeat(2, 50, stopping.signal, () => anyStream(client, name, tally))),
      recordChurn(truth, atCaller, tally, hurting.signal),
      ...doors.map((door) => serviceChurn(micro, door, client, tally, stopping.signal)),
    ];
    const heap = sampleHeap(Math.min(5000, SECONDS * 25), measuring.signal);
    const troubles = [
      trouble("consul", consul, 25_000, tally, hurting.signal),
      trouble("nats", nats, 21_000, tally, hurting.signal),
      ...(redis ? [trouble("redis", redis, 33_000, tally, hurting.signal)] : []),
      ...(rabbitmq ? [trouble("rabbitmq", rabbitmq, 50_000, tally, hurting.signal)] : []),
    ];

    await wait(SECONDS * 1000);
    measuring.abort();
    const series = await heap;
    hurting.abort();
    await Promise.all(troubles);

    // Everything works again, without anybody's doing.
    const healed = performance.now();
    const CHURNED = /^(registry|register|deregister|subscribe|unsubscribe)/;
    const silent = () => tally.silentSince(healed).filter((kind) => !CHURNED.test(kind));
    while (silent().length > 0 && performance.now() < healed + RECOVERY_MS) await wait(100);
    const recoveryMs = performance.now() - healed;
    for (const kind of silent()) tally.violation(`${kind}: nothing for ${RECOVERY_MS} ms after the last trouble`);

    stopping.abort();
    await tally.track("the load ends", 40_000, () => Promise.all(load));
    const disagreement = await agreement(atCaller, truth, 10_000);
    if (disagreement) tally.violation(`cache: ${disagreement}`);
    for (const topic of listening) await tally.track("unsubscribe all", 10_000, () => topic.close());
    for (const service of services) await tally.track("service stop", 15_000, () => service.stop());
    await truth.stop();
    const handlers = running.reduce((sum, count) => sum + count(), 0);
    if (handlers > 0) tally.violation(`handlers: ${handlers} run after stop()`);
    for (const server of Object.values(servers)) await server.stop();

    const left = await leftOver(before, 10_000);
    process.off("warning", onWarning);
    const { warm, last } = growth(series);
    const summary = [
      `${SECONDS} s; everything worked again ${(recoveryMs / 1000).toFixed(1)} s after the last trouble`,
      ...tally.lines(),
      `heap after gc, MB: ${series.map((mb) => mb.toFixed(1)).join(" ")}`,
      `heap when warm ${warm.toFixed(1)} MB, at the end ${last.toFixed(1)} MB; left over: ${left.join(", ") || "nothing"}`,
    ];
    process.stdout.write(`\n${summary.join("\n")}\n`);
    expect(tally.violations).toEqual([]);
    expect(left).toEqual([]);
    expect(last).toBeLessThanOrEqual(1.25 * warm + 8);
  });
});
