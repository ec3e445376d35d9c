import type { Clock } from "../clock.ts";
import { orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { Feed } from "./feed.ts";
import { createLedger } from "./ledger.ts";
import type { RegistryEvent, ServiceRecord } from "./registry.ts";
import type { ZookeeperSession } from "./zookeeper-session.ts";

export interface TreeParts {
  readonly session: ZookeeperSession;
  readonly clock: Clock;
  /** The record in a znode, or nothing when it holds something else. */
  decode(path: string, data: Buffer): readonly ServiceRecord[];
  publish(event: RegistryEvent): void;
}

export const ROOT = "/micro-registry";
/** Questions on their way at once. */
const IN_FLIGHT = 64;
/** How often a quiet server is asked whether it is still there, and how long it has to say so. */
const PING_MS = 10_000;
const PONG_MS = 5000;

/**
 * Reads the whole tree once and then what its watches tell: children of the root (services), children of a service (nodes),
 * what a node holds. A watch tells once, so each reading sets the next one; nothing can happen in between unseen, since
 * ZooKeeper answers and notifies in order.
 */
export async function openTree({ session, clock, decode, publish }: TreeParts, signal: AbortSignal): Promise<Feed> {
  const ledger = createLedger();
  /** Nodes by service, both as znodes are named. */
  const services = new Map<string, ReadonlySet<string>>();
  const todo = new Set<string>();
  const busy = new Set<string>();
  let live = false;
  let idle = () => {};
  let fail = (_: unknown) => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // whoever follows is told

  const tell = () => {
    if (!live) return;
    for (const event of ledger.settle()) publish(event);
  };
  const again = (path: string) => () => {
    if (signal.aborted) return;
    todo.add(path);
    pump();
  };
  const dropService = (service: string) => {
    for (const node of services.get(service) ?? []) ledger.put(`${ROOT}/${service}/${node}`, []);
    services.delete(service);
  };
  const readRoot = async () => {
    const names = await session.children(ROOT, again(ROOT));
    // Nobody ever registered: wait for the first who does. It may have come between the two questions.
    if (names === undefined && (await session.exists(ROOT, again(ROOT)))) todo.add(ROOT);
    const now = new Set(names);
    for (const service of [...services.keys()]) if (!now.has(service)) dropService(service);
    for (const service of now) {
      if (services.has(service)) continue;
      services.set(service, new Set());
      todo.add(`${ROOT}/${service}`);
    }
  };
  const readService = async (service: string) => {
    const names = await session.children(`${ROOT}/${service}`, again(`${ROOT}/${service}`));
    const before = services.get(service);
    if (before === undefined) return;
    const now = new Set(names);
    // When it went and came again between two looks at the root, nothing else would look at it.
    if (names === undefined) {
      dropService(service);
      todo.add(ROOT);
      return;
    }
    services.set(service, now);
    for (const node of before) if (!now.has(node)) ledger.put(`${ROOT}/${service}/${node}`, []);
    for (const node of now) if (!before.has(node)) todo.add(`${ROOT}/${service}/${node}`);
  };
  const readNode = async (path: string, service: string, node: string) => {
    const data = await session.read(path, again(path));
    if (!services.get(service)?.has(node)) return;
    ledger.put(path, data === undefined ? [] : decode(path, data));
    // Gone, and perhaps there again: its service's children tell.
    if (data === undefined) {
      services.set(service, new Set([...(services.get(service) ?? [])].filter((each) => each !== node)));
      todo.add(`${ROOT}/${service}`);
    }
  };
  const look = async (path: string) => {
    const [service, node] = path.slice(ROOT.length + 1).split("/");
    if (service === undefined || service === "") await readRoot();
    else if (node === undefined) await readService(service);
    else await readNode(path, service, node);
  };
  const pump = () => {
    for (const path of todo) {
      if (busy.size >= IN_FLIGHT) break;
      if (busy.has(path)) continue;
      todo.delete(path);
      busy.add(path);
      look(path)
        .then(tell)
        .catch(fail)
        .finally(() => {
          busy.delete(path);
          if (signal.aborted) return;
          pump();
          if (busy.size === 0 && todo.size === 0) idle();
        });
    }
  };

  const read = new Promise<void>((resolve) => {
    idle = resolve;
  });
  todo.add(ROOT);
  pump();
  await orAbort(Promise.race([read, failed]), signal);
  ledger.settle();
  live = true;

  const ping = async (): Promise<never> => {
    for (;;) {
      await clock.sleep(PING_MS, { signal });
      const enough = new AbortController();
      const late = clock.sleep(PONG_MS, { signal: enough.signal }).then(() => {
        throw new MicroError("unavailable", "zookeeper did not answer a ping");
      });
      late.catch(() => {});
      try {
        await Promise.race([session.exists("/"), late]);
      } finally {
        enough.abort();
      }
    }
  };
  return {
    current: ledger.current,
    follow: () => {
      const lost = orAbort(new Promise<never>(() => {}), session.lost);
      return orAbort(Promise.race([failed, lost, ping()]), signal);
    },
  };
}
