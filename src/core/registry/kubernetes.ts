import { hostname } from "node:os";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import { readService, writeService } from "../wire/record.ts";
import { createCalls } from "./calls.ts";
import { createFeedWatches } from "./feed.ts";
import { createGarbage } from "./garbage.ts";
import { joinRecords } from "./join.ts";
import { openKubernetesFeed, TYPE_LABEL } from "./kubernetes-feed.ts";
import { createKubernetesHttp } from "./kubernetes-http.ts";
import { NO_POD, type Pod, type PodList } from "./kubernetes-pods.ts";
import type { Registry, ServiceRecord } from "./registry.ts";
import { checkRegistrable, notFound, sortedNames, withoutRecord, withRecord } from "./versions.ts";

export interface KubernetesRegistryInit {
  /** The API, `https://host:port`, in a pod `KUBERNETES_SERVICE_HOST` and `_PORT`. Empty: `kubernetes.default.svc`. */
  readonly addresses?: readonly string[] | undefined;
  /** Bearer token; never shown. Default: the service account's, read again as it rotates. */
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** Certificate authority as PEM. Default: the service account's. */
  readonly ca?: string | undefined;
  /** Default: the service account's, else `default`. */
  readonly namespace?: string | undefined;
  /** The pod that this process runs in. Default: the host's name, which is the pod's. */
  readonly pod?: string | undefined;
  /** Folder of the service account. Default `/var/run/secrets/kubernetes.io/serviceaccount`. */
  readonly account?: string | undefined;
  /** For each call that says nothing itself, in ms. Default 5000. */
  readonly timeoutMs?: number | undefined;
}

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const ANNOTATION = "micro.mu/service-";
const SELECTOR = "micro.mu/selector-";

/**
 * Services as annotations of the pods that they run in (`wire.md §2.5`). What is registered here is written to this
 * process's own pod, all nodes of a service in one annotation; another version of the same service takes its place, since a
 * pod has room for one. There is no ttl: a node is there as long as its pod is `Running`.
 *
 * A name may have at most 54 characters (a label's 63).
 */
export function kubernetesRegistry(
  init: KubernetesRegistryInit = {},
): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Registry {
  const { addresses = [], token, tokenFile, ca, namespace, account = ACCOUNT, timeoutMs = 5000 } = init;
  const podName = init.pod ?? hostname();
  return ({ clock = systemClock, log = silent } = {}) => {
    const http = createKubernetesHttp({
      addresses: addresses.length > 0 ? addresses : ["https://kubernetes.default.svc"],
      ...{ token, tokenFile, ca, namespace, account, timeoutMs, clock },
    });
    const { where } = http;
    const calls = createCalls(where, timeoutMs);
    const garbage = createGarbage(log, where);
    /** What this process registered, by name. */
    const own = new Map<string, ServiceRecord>();
    /** Patches go out one after the other: the last word must be the last. */
    let patching: Promise<unknown> = Promise.resolve();

    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const turn = patching.then(work);
      patching = turn.catch(() => {});
      return turn;
    };

    const decode = (pod: Pod): readonly ServiceRecord[] => {
      if (pod.phase !== "Running") return [];
      return Object.entries(pod.annotations).flatMap(([key, text]) => {
        if (!key.startsWith(ANNOTATION)) return [];
        try {
          const record = readService(JSON.parse(String(text)));
          if (record.nodes.length > 0) return [record];
        } catch {
          // said below
        }
        garbage.met(`${pod.name} ${key}`);
        return [];
      });
    };
    const write = (name: string, service: ServiceRecord | undefined, call: CallOptions) => {
      const key = keyOf(name);
      const labels = { [SELECTOR + key]: service === undefined ? null : "service" };
      const annotations = { [ANNOTATION + key]: service === undefined ? null : JSON.stringify(writeService(service)) };
      const metadata = { labels: service === undefined ? labels : { ...labels, [TYPE_LABEL]: "service" }, annotations };
      return http.patch(podName, { metadata }, call).catch((error: MicroError) => {
        if (error.code !== "not_found") throw error;
        const why = `there is no pod "${podName}" in ${where}; a service registers on the pod that it runs in`;
        throw new MicroError("unavailable", why, { cause: error });
      });
    };
    /** What this process registered; else what the pod says, which another process in it may have written. */
    const registered = async (name: string, call: CallOptions): Promise<ServiceRecord | undefined> => {
      const known = own.get(name);
      if (known !== undefined) return known;
      const pod = await http.pod(podName, call).catch((error: MicroError) => {
        if (error.code === "not_found") return undefined;
        throw error;
      });
      return decode({ ...(pod ?? NO_POD), phase: "Running" }).find((record) => record.name === name);
    };

    const watches = createFeedWatches(where, (publish, signal) =>
      openKubernetesFeed({ http, clock, decode, publish }, signal),
    );

    return {
      kind: "kubernetes",
      where,
      outlives: true,
      start: async (options = {}) => {
        using limit = deadline(options, timeoutMs, where);
        limit.check();
        await orAbort(http.load(), limit.signal);
      },
      stop: async () => {
        const reason = new MicroError("unavailable", `the registry (${where}) was stopped`);
        calls.stop(reason);
        await watches.stop(reason);
        await http.close();
        own.clear();
      },
      register: async (service, options = {}) => {
        checkRegistrable(service);
        await calls.during(options, (signal) =>
          inTurn(async () => {
            const before = own.get(service.name);
            const joined = before?.version === service.version ? withRecord([before], service)[0] : service;
            await write(service.name, joined, untimed(signal));
            own.set(service.name, joined as ServiceRecord);
          }),
        );
      },
      deregister: async (service, options = {}) => {
        await calls.during(options, (signal) =>
          inTurn(async () => {
            if (service.nodes.length === 0) return;
            const before = await registered(service.name, untimed(signal));
            if (before === undefined) return;
            const [left] = withoutRecord([before], service);
            if (left === before) return;
            await write(service.name, left, untimed(signal));
            if (left === undefined) own.delete(service.name);
            else own.set(service.name, left);
          }),
        );
      },
      get: (name, options = {}) =>
        calls.during(options, async (signal) => {
          const list = await http
            .list(`${SELECTOR}${keyOf(name)}=service`, untimed(signal))
            .catch((error: MicroError): PodList => {
              // A name that is no label can be nobody's.
              if (error.code === "invalid_argument") return { resourceVersion: "", pods: [] };
              throw error;
            });
          const versions = joinRecords(list.pods.flatMap(decode).filter((record) => record.name === name));
          if (versions.length === 0) throw notFound(name, where);
          return versions;
        }),
      list: (options = {}) =>
        calls.during(options, async (signal) => {
          const { pods } = await http.list(`${TYPE_LABEL}=service`, untimed(signal));
          return sortedNames(new Set(pods.flatMap(decode).map(({ name }) => name)));
        }),
      watch: watches.watch,
    };
  };
}

/** The deadline is in the signal. */
function untimed(signal: AbortSignal): CallOptions {
  return { signal, timeoutMs: 0 };
}

/** What a label's key may hold. */
function keyOf(name: string): string {
  return Buffer.from(name)
    .toString("latin1")
    .replace(/[^-A-Za-z0-9_.]/g, "_");
}
