import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import { readService, splitAddress, writeService } from "../wire/record.ts";
import { sharedAbort } from "./abort.ts";
import { createGarbage } from "./garbage.ts";
import { joinRecords } from "./join.ts";
import type { Registry, ServiceNode, ServiceRecord } from "./registry.ts";
import { eachAtMost } from "./slices.ts";
import { checkRegistrable, notFound, sortedNames } from "./versions.ts";
import { createWatchers } from "./watchers.ts";
import { openZookeeper, type ZookeeperSession } from "./zookeeper-session.ts";
import { openTree, ROOT, type ZookeeperTree } from "./zookeeper-tree.ts";

export interface ZookeeperRegistryInit {
  /** Servers, `host:port`, port 2181 unless said; the first that can be reached is used. Empty: `127.0.0.1:2181`. */
  readonly addresses?: readonly string[] | undefined;
  /** For each call that says nothing itself, in ms. Default 5000. */
  readonly timeoutMs?: number | undefined;
}

/** Questions on their way at once. */
const READS = 64;
/** Opening a watch reads the whole tree. */
const WATCH_TIMEOUT_MS = 60_000;

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
    const watchers = createWatchers(where, () => closeTree());
    const garbage = createGarbage(log, where);
    let current = 0;
    let stopping = sharedAbort();
    let connection: Promise<ZookeeperSession> | undefined;
    let tree: { readonly abort: AbortController; readonly opened: Promise<ZookeeperTree> } | undefined;
    /** Trees that are being closed; `stop()` waits for them. */
    const closing = new Set<Promise<void>>();

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
      const opening = connect(stopping.signal);
      connection = opening;
      const forget = () => {
        if (connection === opening) connection = undefined;
      };
      opening.then(({ lost }) => lost.addEventListener("abort", forget, { once: true }), forget);
      return opening;
    };

    /** Within the call's deadline, until `stop()`. */
    const during = async <T>(options: CallOptions, work: (zk: ZookeeperSession) => Promise<T>): Promise<T> => {
      const stopped = stopping.signal;
      using limit = deadline(options, timeoutMs, where);
      limit.check();
      const opened = session();
      const call = opened.then(work);
      try {
        return await orAbort(orAbort(call, stopped), limit.signal);
      } catch (error) {
        // A server that is silent may be gone for good: the next call asks another, or on another connection.
        if (error instanceof MicroError && error.code === "timeout" && connection === opened) {
          connection = undefined;
          current += 1;
          opened.then((zk) => zk.close()).catch(() => {});
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

    /**
     * One tree for all watches, from the first to the last of them. It has a connection of its own: what is watched there is
     * told until the connection ends.
     */
    const watchTree = (): Promise<ZookeeperTree> => {
      if (tree !== undefined) return tree.opened;
      const abort = sharedAbort();
      const lost = (error: unknown) => {
        abort.abort(MicroError.from(error, "unavailable"));
        if (tree?.abort !== abort) return;
        tree = undefined;
        watchers.end(asUnavailable(error, where));
      };
      const connected = connect(abort.signal);
      const opened = connected.then((zk) =>
        openTree({ session: zk, clock, decode, publish: watchers.publish }, abort.signal),
      );
      tree = { abort, opened };
      const ended = opened
        .then((open) => open.follow())
        .catch(lost)
        .then(() => connected.then((zk) => zk.close()))
        .catch(() => {}) // it never connected
        .finally(() => closing.delete(ended));
      closing.add(ended);
      return opened;
    };
    const closeTree = (reason = new MicroError("cancelled", `the watch of ${where} was closed`)) => {
      tree?.abort.abort(reason);
      tree = undefined;
    };

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
        stopping.abort(reason);
        stopping = sharedAbort();
        closeTree(reason);
        const open = connection;
        connection = undefined;
        await Promise.all([open?.then((zk) => zk.close()).catch(() => {}), ...closing]);
        watchers.end(reason);
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
      watch: async (options = {}) => {
        using limit = deadline(options, WATCH_TIMEOUT_MS, where);
        limit.check();
        // Added first, so that the tree is not closed for want of a reader and nothing is missed.
        const watcher = watchers.add(options);
        try {
          const open = await orAbort(watchTree(), limit.signal);
          return { ...watcher, initial: open.current() };
        } catch (error) {
          await watcher.close();
          throw MicroError.from(error, "unavailable");
        }
      },
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

function asUnavailable(error: unknown, where: string): MicroError {
  const known = MicroError.from(error, "unavailable");
  if (known.code === "unavailable") return known;
  return new MicroError("unavailable", `the watch of ${where} ended: ${known.message}`, { cause: error });
}
