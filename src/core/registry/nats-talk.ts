import { setImmediate } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { NatsSession } from "../transport/nats-link.ts";
import { readResult, readService } from "../wire/record.ts";
import type { Garbage } from "./garbage.ts";
import type { RegistryEvent, ServiceRecord } from "./registry.ts";

/** The subjects of go-plugins up to v4 and those of go-micro's core from v5.7 on (`wire.md §2.7`). We speak on both. */
export const QUERY = ["micro.registry.nats.query", "micro.nats.query"] as const;
export const WATCH = ["micro.registry.nats.watch", "micro.nats.watch"] as const;

/** Answers that still come are still taken, at most so long; the more there were, the longer one that is late is waited for. */
const MOST_MS = 10_000;
const MANY = 100;

/** Questions to owners of services, and what they tell. */
export interface NatsTalk {
  /** Asks all owners. @param name of one service; missing: all services */
  ask(session: NatsSession, name: string | undefined, signal: AbortSignal): Promise<readonly ServiceRecord[]>;
  /** `undefined`: it is no event. */
  readEvent(data: Uint8Array, subject: string): RegistryEvent | undefined;
}

/** @param collectMs how long answers are waited for */
export function createTalk(init: {
  readonly clock: Clock;
  readonly garbage: Garbage;
  readonly collectMs: number;
}): NatsTalk {
  const { clock, garbage, collectMs } = init;
  return {
    ask: async (nats, name, signal) => {
      const records: ServiceRecord[] = [];
      let heardAt = performance.now();
      const inbox = nats.expect((message) => {
        // Nobody listens at one of the two subjects.
        if (message.data.length === 0) return;
        heardAt = performance.now();
        try {
          const record = readService(decode(message.data));
          if (name === undefined || record.name === name) records.push(record);
        } catch {
          garbage.met("an answer");
        }
      });
      try {
        const service = name === undefined ? null : { name, version: "", metadata: null, endpoints: null, nodes: null };
        const question = encode({ Action: name === undefined ? "list" : "get", Service: service });
        await Promise.all(QUERY.map((subject) => nats.publish(subject, question, inbox.subject)));
        await nats.confirm(signal);
        const begun = performance.now();
        for (;;) {
          await clock.sleep(collectMs, { signal });
          // What has arrived meanwhile is looked at first.
          await setImmediate();
          const now = performance.now();
          const quietMs = records.length > MANY ? collectMs * 3 : collectMs / 2;
          if (now - heardAt >= quietMs || now - begun > MOST_MS) break;
        }
      } finally {
        inbox.forget();
      }
      return records;
    },
    readEvent: (data, subject) => {
      try {
        return readResult(decode(data));
      } catch {
        garbage.met(subject);
        return undefined;
      }
    },
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encode(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** `undefined`: no JSON. */
export function decode(data: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(data));
  } catch {
    return undefined;
  }
}
