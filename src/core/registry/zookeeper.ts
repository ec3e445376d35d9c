import { type Clock, systemClock } from "../clock.ts";
import { deadline } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import { readService, splitAddress, writeService } from "../wire/record.ts";
import { createCalls } from "./calls.ts";
import { createFeedWatches } from "./feed.ts";
import { createGarbage } from "./garbage.ts";
import { joinRecords } from "./join.ts";
import type { Registry, ServiceNode, ServiceRecord } from "./registry.ts";
import { eachAtMost } from "./slices.ts";
import { checkRegistrable, notFound, sortedNames } from "./versions.ts";
import { openZookeeper, type ZookeeperSession } from "./zookeeper-session.ts";
import { openTree, ROOT } from "./zookeeper-tree.ts";

export interface ZookeeperRegistryInit {
  /** Servers, `host:port`, port 2181 unless said; the first that can be reached is used. Empty: `127.0.0.1:2181`. */
  readonly addresses?: readonly string[] | undefined;
  /** For each call that says nothing itself, in ms. Default 5000. */
  readonly timeoutMs?: number | undefined;
}

/** Questions on their way at once. */
const READS = 64;

/**
 * Services in ZooKeeper as go-plugins registers them (`wire.md §2.8`): persistent znodes `/micro-registry/<service>/<node>`
 * with the record of one node. There is no ttl: a `ttlMs` is passed over, and what is registered stays until somebody
 * deregisters it, however long the process is gone.
 */
export function zookeeperRegistry(
  init: ZookeeperRegistryInit = {},
): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Registry {
  const { addresses = [], timeoutMs = 5000 } = init;
  return ({ clock = systemClock, log = silent } = {}) => {
    const servers = (addresses.length > 0 ? addresses : ["127.0.0.1"]).map(parseServer);
    const where = `zookeeper at ${servers.join(", ")}`;
    const calls = createCalls(where, timeoutMs);
    const garbage = createGarbage(log, where);
    let current = 0;
    let connection: Promise<ZookeeperSession> | undefined;
    /** Tries each server once, from the one that answered last. */
    const connect = async (stopped: AbortSignal): Promise<ZookeeperSession> => {
      let failure: unknown;
      for (let tries = 0; tries < servers.length && !stopped.aborted; tries += 1) {
        const server = servers[current % servers.length] as string;
        try {
          const session = await openZookeeper(server, timeoutMs / servers.length);
          if (!stopped.aborted) return session;
          await session.close();
        } catch (error) {
          failure = error;
          current += 1;
        }
      }
      throw stopped.aborted ? stopped.reason : failure;
    };
    /** The one connection, opened when it is first needed or was lost. */
    const session = (): Promise<ZookeeperSession> => {
      if (connection !== undefined) return connection;
      const opening = connect(calls.stopped);
      connection = opening;
      const forget = () => {
        if (connection === opening) connection = undefined;
      };
      opening.then(({ lost }) => lost.addEventListener("abort", forget, { once: true }), forget);
      return opening;
    };

    const during = async <T>(options: CallOptions, work: (zk: ZookeeperSession) => Promise<T>): Promise<T> => {
      let opened: typeof connection;
      try {
        return await calls.during(options, () => {
          opened = session();
          return opened.then(work);
        });
      } catch (error) {
        // A server that is silent may be gone for good: the next call asks another, or on another connection.
        if (error instanceof MicroError && error.code === "timeout" && connection === opened) {
          connection = undefined;
          current += 1;
          opened?.then((zk) => zk.close()).catch(() => {});
        }
        throw error;
      }
    };

    const decode = (path: string, data: Buffer): readonly ServiceRecord[] => {
      try {
        const record = readService(JSON.parse(data.toString()));
        const [node] = record.nodes;
        if (record.nodes.length === 1 && node !== undefined && pathOf(record, node) === path) return [record];
      } catch {
        // said below
      }
      garbage.met(path);
      return [];
    };
    /** All records below one service's znode; `enough` stops early. */
    const readRecords = async (zk: ZookeeperSession, service: string, enough = false): Promise<ServiceRecord[]> => {
      const records = new Map<string, ServiceRecord>();
      const names = (await zk.children(`${ROOT}/${service}`)) ?? [];
      await eachAtMost(enough ? 1 : READS, names, async (node) => {
        if (enough && records.size > 0) return;
        const path = `${ROOT}/${service}/${node}`;
        const data = await zk.read(path);
        for (const record of data === undefined ? [] : decode(path, data)) records.set(node, record);
      });
      return [...names].sort().flatMap((node) => records.get(node) ?? []);
    };

    /** A connection of its own: what is watched there is told until the connection ends. */
    const watches = createFeedWatches(where, async (publish, signal) => {
      const zk = await connect(signal);
      try {
        const tree = await openTree({ session: zk, clock, decode, publish }, signal);
        return { ...tree, follow: () => tree.follow().finally(() => zk.close()) };
      } catch (error) {
        await zk.close();
        throw error;
      }
    });

    return {
      kind: "zookeeper",
      where,
      outlives: true,
      start: async (options = {}) => {
        using limit = deadline(options, timeoutMs, where);
        limit.check();
      },
      stop: async () => {
        const reason = new MicroError("unavailable", `the registry (${where}) was stopped`);
        calls.stop(reason);
        const open = connection;
        connection = undefined;
        await Promise.all([open?.then((zk) => zk.close()).catch(() => {}), watches.stop(reason)]);
      },
      register: async (service, options = {}) => {
        checkRegistrable(service);
        await during(options, async (zk) => {
          for (const node of service.nodes) {
            const path = pathOf(service, node);
            const data = Buffer.from(JSON.stringify(writeService({ ...service, nodes: [node] })));
            // Writing what is there already would wake everybody who watches.
            if (!(await zk.read(path))?.equals(data)) await zk.write(path, data);
          }
        });
      },
      deregister: (service, options = {}) =>
        during(options, async (zk) => {
          for (const node of service.nodes) await zk.remove(pathOf(service, node));
        }),
      get: (name, options = {}) =>
        during(options, async (zk) => {
          if (name === "" || name === "." || name === "..") throw notFound(name, where);
          const records = await readRecords(zk, znode(name));
          const versions = joinRecords(records.filter((record) => record.name === name));
          if (versions.length === 0) throw notFound(name, where);
          return versions;
        }),
      list: (options = {}) =>
        during(options, async (zk) => {
          const names = new Set<string>();
          await eachAtMost(READS, (await zk.children(ROOT)) ?? [], async (service) => {
            // A `-` may stand for `/`: then nodes of two services may be in one place.
            for (const { name } of await readRecords(zk, service, !service.includes("-"))) names.add(name);
          });
          return sortedNames(names);
        }),
      watch: watches.watch,
    };
  };
}

function pathOf(service: ServiceRecord, node: ServiceNode): string {
  return `${ROOT}/${znode(service.name)}/${znode(node.id)}`;
}

/** `/` would be a level of its own. */
function znode(name: string): string {
  return name.replaceAll("/", "-");
}

/** @throws MicroError `invalid_argument` */
function parseServer(text: string): string {
  const { host, port } = splitAddress(text);
  if (host === "" || /[\s/,]/.test(host)) {
    throw new MicroError("invalid_argument", `"${text}" is no address of a ZooKeeper server; write host:port`);
  }
  return `${host}:${port === 0 ? 2181 : port}`;
}
