import type { Clock } from "../clock.ts";
import { orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { Feed } from "./feed.ts";
import { type KubernetesHttp, WATCH_SECONDS } from "./kubernetes-http.ts";
import type { Pod } from "./kubernetes-pods.ts";
import { createLedger } from "./ledger.ts";
import type { RegistryEvent, ServiceRecord } from "./registry.ts";

export interface KubernetesFeedParts {
  readonly http: KubernetesHttp;
  readonly clock: Clock;
  /** What a pod says of itself; nothing when it does not run. */
  decode(pod: Pod): readonly ServiceRecord[];
  publish(event: RegistryEvent): void;
}

/** Every pod that ever registered has it, set to `service`. */
export const TYPE_LABEL = "micro.mu/type";

/** How much longer than asked for a watch may last before it is taken for dead. */
const PATIENCE_MS = 10_000;
/** Between two watches, at least, so that a server that ends each at once is not stormed. */
const PAUSE_MS = 200;

/**
 * All services on all pods: lists the pods, then watches from there: a watch that ends or breaks goes on from the last resource version seen, and
 * one that is told 410 Gone begins with a list again, of which the differences are told. Only an API that cannot be
 * reached at all ends it.
 */
export async function openKubernetesFeed(
  { http, clock, decode, publish }: KubernetesFeedParts,
  signal: AbortSignal,
): Promise<Feed> {
  const ledger = createLedger();
  const label = `${TYPE_LABEL}=service`;
  let resourceVersion = "";
  const tell = () => {
    for (const event of ledger.settle()) publish(event);
  };
  const readAll = async (): Promise<void> => {
    const list = await http.list(label, { signal });
    const there = new Set(list.pods.map(({ name }) => name));
    for (const name of [...ledger.places()]) if (!there.has(name)) ledger.put(name, []);
    for (const pod of list.pods) ledger.put(pod.name, decode(pod));
    resourceVersion = list.resourceVersion;
  };
  /** One watch, until it ends; `false` when what it asked for is gone. */
  const watchOnce = async (onOpen: () => void): Promise<boolean> => {
    const over = new AbortController();
    const end = () => over.abort(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    const enough = new AbortController();
    clock.sleep(WATCH_SECONDS * 1000 + PATIENCE_MS, { signal: enough.signal }).then(
      () => over.abort(new MicroError("timeout", `${http.where} went silent during a watch`)),
      () => {}, // it ended by itself
    );
    try {
      for await (const { type, pod } of http.watch(label, resourceVersion, over.signal)) {
        if (type === "gone") return false;
        if (type === "open") onOpen();
        if (pod.resourceVersion !== "") resourceVersion = pod.resourceVersion;
        if (type !== "changed" && type !== "deleted") continue;
        ledger.put(pod.name, type === "deleted" ? [] : decode(pod));
        tell();
      }
      return true;
    } finally {
      enough.abort();
      signal.removeEventListener("abort", end);
    }
  };
  const follow = async (): Promise<never> => {
    let broken = false;
    const onOpen = () => {
      broken = false;
    };
    for (;;) {
      try {
        if (!(await watchOnce(onOpen))) {
          await readAll();
          tell();
        }
      } catch (error) {
        if (signal.aborted) throw MicroError.from(signal.reason);
        // A connection that broke is no reason to read everything; a server that is not there any more is one to say so.
        const known = MicroError.from(error, "unavailable");
        if (broken || known.code !== "unavailable") throw known;
        broken = true;
      }
      await clock.sleep(PAUSE_MS, { signal });
    }
  };

  await orAbort(readAll(), signal);
  ledger.settle();
  return { current: ledger.current, follow: () => orAbort(follow(), signal) };
}
