import { sharedAbort } from "../core/abort.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Startable } from "../core/lifecycle.ts";
import type { Log } from "../core/log.ts";
import type { Kv } from "../platform/kv/kv.ts";
import type { Replicas } from "./replicas.ts";

/** Questions to the other replicas, over the store that they share. */
export interface Elsewhere extends Startable {
  /**
   * Asks all of them, or one. Resolves when all that are there have answered, or after a second.
   * @throws MicroError `unavailable` where the store is away
   */
  ask(question: Question): Promise<Told>;
}

/** `to`: the id of the one that is asked. */
export interface Question {
  readonly what: "jobs" | "cancel" | "explain";
  readonly id?: string;
  readonly to?: string;
}

export interface Told {
  /** By the id of the replica. */
  readonly answers: ReadonlyMap<string, unknown>;
  /** The names of those that did not answer in time. */
  readonly silent: readonly string[];
}

export interface ElsewhereInit {
  readonly kv: Kv;
  readonly replicas: Pick<Replicas, "id" | "list" | "there">;
  readonly clock: Clock;
  readonly log: Log;
  /** What we say when we are asked, or a promise of it. Survives JSON; has to be quick. */
  readonly answer: (question: Question) => unknown;
}

const ASKED = "asked.";
const TOLD = "told.";
const ANSWER_MS = 1000;
/** An answer that nobody has taken by then is taken away. */
const TAKE_MS = 10_000;
/** After the store was lost. */
const AGAIN_MS = 1000;

export function createElsewhere({ kv, replicas, clock, log, answer }: ElsewhereInit): Elsewhere {
  const leaving = sharedAbort();
  const working = new Set<Promise<void>>();
  let count = 0;
  let following: Promise<void> | undefined;

  const tell = async (key: string, value: string) => {
    const question = readQuestion(value);
    if (question === undefined || (question.to ?? replicas.id) !== replicas.id) return;
    const told = `${TOLD}${key.slice(ASKED.length)}.${replicas.id}`;
    const { signal } = leaving;
    try {
      const said = await answer(question);
      await kv.put(told, JSON.stringify(said ?? null), { signal });
      await clock.sleep(TAKE_MS, { signal }).catch(() => {});
    } finally {
      await kv.delete(told);
    }
  };
  const begin = (work: Promise<void>) => {
    const done = work.catch((error: unknown) => {
      log.debug({ reason: MicroError.from(error).message }, "another replica could not be answered");
    });
    working.add(done);
    void done.finally(() => working.delete(done));
  };
  const follow = async (): Promise<void> => {
    const { signal } = leaving;
    while (!signal.aborted) {
      try {
        await using watcher = await kv.watch(ASKED, { signal });
        const close = () => void watcher.close();
        signal.addEventListener("abort", close, { once: true });
        try {
          for await (const { key, entry } of watcher) {
            if (entry && !key.startsWith(`${ASKED}${replicas.id}.`)) begin(tell(key, entry.value));
          }
        } finally {
          signal.removeEventListener("abort", close);
        }
      } catch (error) {
        if (signal.aborted) return;
        log.debug({ reason: MicroError.from(error).message }, "questions of other replicas are not heard; again soon");
      }
      await clock.sleep(AGAIN_MS, { signal }).catch(() => {});
    }
  };
  /** Of one that died while it asked. */
  const tidy = async () => {
    const there = await replicas.there();
    for (const { key } of [...(await kv.list(ASKED)), ...(await kv.list(TOLD))]) {
      if (!there.has(key.split(".")[1] ?? "")) await kv.delete(key);
    }
  };

  return {
    ask: async (question) => {
      const others = replicas.list().filter(({ id }) => id !== replicas.id && (question.to ?? id) === id);
      const answers = new Map<string, unknown>();
      if (others.length === 0) return { answers, silent: [] };
      const name = `${replicas.id}.${++count}`;
      const enough = new AbortController();
      await using watcher = await kv.watch(`${TOLD}${name}.`);
      const close = () => void watcher.close();
      enough.signal.addEventListener("abort", close, { once: true });
      const listen = async () => {
        for await (const { key, entry } of watcher) {
          if (entry) answers.set(key.slice(`${TOLD}${name}.`.length), JSON.parse(entry.value));
          if (others.every(({ id }) => answers.has(id))) return;
        }
      };
      try {
        await kv.put(`${ASKED}${name}`, JSON.stringify(question));
        const late = clock.sleep(ANSWER_MS, { signal: enough.signal }).catch(() => {});
        await Promise.race([listen(), late]);
      } finally {
        enough.abort();
        await Promise.all([
          kv.delete(`${ASKED}${name}`),
          ...[...answers.keys()].map((id) => kv.delete(`${TOLD}${name}.${id}`)),
        ]);
      }
      return { answers, silent: others.filter(({ id }) => !answers.has(id)).map((other) => other.name) };
    },
    start: async () => {
      following ??= follow();
      begin(tidy());
    },
    stop: async () => {
      leaving.abort();
      await Promise.all([following, ...working]);
    },
  };
}

function readQuestion(value: string): Question | undefined {
  try {
    const { what, id, to } = JSON.parse(value) as Partial<Question>;
    if (what !== "jobs" && what !== "cancel" && what !== "explain") return undefined;
    return { what, ...(id !== undefined && { id }), ...(to !== undefined && { to }) };
  } catch {
    return undefined;
  }
}
