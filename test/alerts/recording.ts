import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Alertmanager } from "../../src/alerts/incidents/alertmanager.ts";
import type { Clock } from "../../src/core/clock.ts";

/** What the real Alertmanager sent in a storm, as `scripts/record-storm.mjs` heard it. */
export interface Recording {
  readonly what: string;
  /** Epoch ms. */
  readonly startedAt: number;
  /** Versions: `0.25.0`. */
  readonly alertmanager: string;
  readonly prometheus?: string;
  readonly requests: readonly Recorded[];
}

interface Recorded {
  /** Since the start. */
  readonly ms: number;
  /** What it was answered then: 503 lets Alertmanager send it again. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** As it came. */
  readonly body: string;
}

/** What an alert's source said of it last. */
export interface LastWord {
  readonly status: "firing" | "resolved";
  /** Epoch ms. */
  readonly startsAt: number;
}

/** `test/fixtures/storms/<name>.jsonl.gz`. */
export function recording(name: string): Recording {
  const file = join(import.meta.dirname, "../fixtures/storms", `${name}.jsonl.gz`);
  const [head, ...requests] = gunzipSync(readFileSync(file))
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  return { ...head, requests };
}

/** By group and fingerprint, by so many ms since the start; read from what was sent, by nothing of the bot's. */
export function lastWords(
  { requests }: Recording,
  until = Number.POSITIVE_INFINITY,
): ReadonlyMap<string, ReadonlyMap<string, LastWord>> {
  const groups = new Map<string, Map<string, LastWord>>();
  for (const { ms, body } of requests) {
    if (ms > until) break;
    const { groupKey, alerts } = JSON.parse(body);
    const group = groups.get(groupKey) ?? new Map<string, LastWord>();
    groups.set(groupKey, group);
    for (const { fingerprint, status, startsAt } of alerts) {
      group.set(fingerprint, { status, startsAt: Date.parse(startsAt) });
    }
  }
  return groups;
}

/** The Alertmanager of a recording, as it answers when it is asked what fires. */
export function alertmanagerOf(recording: Recording, clock: Clock): Alertmanager {
  const none = () => Promise.reject(new Error("nobody asks for silences in a storm"));
  return {
    where: "Alertmanager of a recording",
    silence: none,
    expire: none,
    silences: none,
    active: async () => {
      const groups = [...lastWords(recording, clock.now() - recording.startedAt).values()];
      const all = groups.flatMap((group) => [...group]);
      return new Set(all.filter(([, { status }]) => status === "firing").map(([fingerprint]) => fingerprint));
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
