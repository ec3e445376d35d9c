import type { Clock } from "../clock.ts";
import type { ServiceRecord } from "./registry.ts";
import { NO_VERSIONS, type Versions, withoutRecord, withRecord } from "./versions.ts";

/** What this process has registered and answers for. */
export interface Own {
  /** @param ttlMs 0: until it is removed */
  add(service: ServiceRecord, ttlMs: number): void;
  remove(service: ServiceRecord): void;
  clear(): void;
  /** One record per version. @param name of one service; missing: of all */
  records(name?: string): readonly ServiceRecord[];
}

/** @param onExpiry is told of nodes that were not registered again in time */
export function createOwn(clock: Clock, onExpiry: (gone: ServiceRecord) => void): Own {
  const services = new Map<string, Versions>();
  /** What ends a node's time, by service, version and id. */
  const waiting = new Map<string, AbortController>();

  const keyOf = ({ name, version }: ServiceRecord, id: string) => JSON.stringify([name, version, id]);
  const forget = (service: ServiceRecord) => {
    for (const { id } of service.nodes) {
      waiting.get(keyOf(service, id))?.abort();
      waiting.delete(keyOf(service, id));
    }
  };
  const drop = (service: ServiceRecord) => {
    forget(service);
    const left = withoutRecord(services.get(service.name) ?? NO_VERSIONS, service);
    if (left.length === 0) services.delete(service.name);
    else services.set(service.name, left);
  };
  const expire = async (service: ServiceRecord, ttlMs: number, renewed: AbortController): Promise<void> => {
    await clock.sleep(ttlMs, { signal: renewed.signal }).catch(() => {});
    if (renewed.signal.aborted) return;
    drop(service);
    onExpiry(service);
  };
  return {
    add: (service, ttlMs) => {
      forget(service);
      services.set(service.name, withRecord(services.get(service.name) ?? NO_VERSIONS, service));
      if (ttlMs <= 0) return;
      for (const node of service.nodes) {
        const renewed = new AbortController();
        waiting.set(keyOf(service, node.id), renewed);
        void expire({ ...service, nodes: [node] }, ttlMs, renewed);
      }
    },
    remove: drop,
    clear: () => {
      for (const renewed of waiting.values()) renewed.abort();
      waiting.clear();
      services.clear();
    },
    records: (name) => (name === undefined ? [...services.values()].flat() : (services.get(name) ?? [])),
  };
}
