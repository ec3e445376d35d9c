import { readFile } from "node:fs/promises";
import type { Clock } from "../../core/clock.ts";
import { deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { Startable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import { type KnownCommands, type Policy, type PolicyInit, readPolicy } from "../policy.ts";

export interface LiveInit extends PolicyInit {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How often the file is looked at; a new one holds when it was the same twice. @default 1000 */
  readonly everyMs?: number;
  /** @default from the disk */
  readonly read?: (path: string) => Promise<string>;
}

const READ_MS = 5000;

/** A policy that follows its file. Another one holds from one instant to the next; a bad one changes nothing. */
export interface LivePolicy extends Policy, Startable {}

/**
 * Reads the file, and after `start()` looks whether it has changed. It is looked at and not waited for, because that works
 * for every way in which files are replaced (editors, mounted volumes, network disks), and what is half written is never
 * taken: it is not the same a second later.
 * @throws MicroError `invalid_argument`: the file cannot be read, or is no policy
 */
export async function openPolicy(init: LiveInit): Promise<LivePolicy> {
  const { path, clock, log, everyMs = 1000, read = (file) => readFile(file, "utf8") } = init;
  const load = async (signal?: AbortSignal) => {
    // A network disk may be away for ever.
    using limit = deadline(signal ? { signal } : {}, READ_MS, "reading it");
    try {
      return await limit.race(read(path));
    } catch (error) {
      const words = `policy ${path} cannot be read: ${(error as Error).message}`;
      throw new MicroError("invalid_argument", words, { cause: error });
    }
  };
  let text = await load();
  let { linked } = init;
  const understood = (said: string) => readPolicy(said, path, linked && { linked });
  let current = understood(text);
  let known: KnownCommands | undefined;
  let failure: string | undefined;
  /** What was there when it was looked at last. */
  let seen = text;
  /** The last that was judged. */
  let judged = text;
  let stopping: AbortController | undefined;
  let watched = Promise.resolve();

  const fail = (message: string) => {
    if (message !== failure) log.error({ reason: message }, "the policy file is not taken; the one before holds on");
    failure = message;
  };
  const look = async (signal: AbortSignal) => {
    let now: string;
    try {
      now = await load(signal);
    } catch (error) {
      if (signal.aborted) return;
      judged = "";
      return fail(MicroError.from(error).message);
    }
    const settled = now === seen;
    seen = now;
    if (!settled || now === judged) return;
    judged = now;
    if (now === text) {
      failure = undefined;
      return;
    }
    try {
      if (now.trim() === "") throw new MicroError("invalid_argument", `policy ${path} is empty: write {} for no rules`);
      const next = understood(now);
      // Nothing is lost by saying no here: what was in force stays so.
      if (known !== undefined) next.check?.({ commands: known.commands });
      current = next;
      text = now;
      failure = undefined;
      log.info({ ...next.about?.() }, "another policy holds");
    } catch (error) {
      fail(MicroError.from(error).message);
    }
  };

  const policy: LivePolicy = {
    decide: (request) => current.decide(request),
    allows: (caller, guest, command) => current.allows(caller, guest, command),
    personOf: (caller) => current.personOf?.(caller) ?? caller,
    idsOf: (caller) => current.idsOf?.(caller) ?? [],
    wereOf: (caller) => current.wereOf?.(caller) ?? [],
    hasRole: (caller, guest, role) => current.hasRole?.(caller, guest, role) ?? false,
    known: () => current.known?.() ?? [],
    text: () => text,
    about: () => ({ rules: 0, people: 0, ...current.about?.(), ...(failure !== undefined && { error: failure }) }),
    linkedBy: (others) => {
      linked = others;
      current = understood(text);
      return policy;
    },
    check: (given) => {
      current.check?.(given);
      known = given;
    },
    start: async () => {
      if (stopping) return;
      const leaving = new AbortController();
      stopping = leaving;
      const watch = async () => {
        while (!leaving.signal.aborted) {
          await clock.sleep(everyMs, { signal: leaving.signal });
          await look(leaving.signal);
        }
      };
      watched = watch().catch(() => {});
    },
    stop: async () => {
      stopping?.abort();
      await watched;
    },
  };
  return policy;
}
