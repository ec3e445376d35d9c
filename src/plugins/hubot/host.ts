import { backoff } from "../../core/backoff.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { createBlame } from "./blame.ts";
import type {
  BrainEntry,
  BusCommand,
  FromThread,
  HeardText,
  ListenerFacts,
  OfferedScripts,
  ToThread,
} from "./protocol.ts";
import { type End, openThread, type Thread } from "./thread.ts";

export interface HostInit {
  readonly cwd: string;
  readonly folder: string;
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  readonly hangMs: number;
  readonly startMs: number;
  /** How long a message waits to be looked at by all patterns, for a thread that begins among others. */
  readonly patienceMs: number;
  readonly httpPath: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly redact: (text: string) => string;
  /** What the brain holds now; asked at each start of the thread. */
  readonly brain: () => readonly BrainEntry[];
  onBrain(entries: readonly BrainEntry[]): void;
  onOffer(offered: OfferedScripts): void;
  /** Something is said later than the answer, or to a room. */
  onSay(said: Extract<FromThread, { kind: "say" }>): void;
}

/** Hubot's scripts in their thread, which begins again when it has ended. */
export interface Host {
  /** Resolves when the scripts are loaded, or it is clear that they are not now; then that is tried on. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What would act on that. @throws MicroError `unavailable`, `permission_denied` (a script's middleware) */
  hear(token: number, said: HeardText): Promise<readonly number[]>;
  /** The same for what nobody waits for. */
  overhear(token: number, said: HeardText, found: (listeners: readonly number[]) => void): void;
  /** Lets those act. @returns what they have said until now. @throws MicroError `unavailable`, `internal` (it threw) */
  act(token: number, allowed: readonly number[], options: ActOptions): Promise<Acted>;
  execute(token: number, command: Pick<BusCommand, "id" | "script">, given: Given, options: ActOptions): Promise<Acted>;
  forget(token: number): void;
}

export interface ActOptions {
  readonly signal: AbortSignal;
  /** How long what has ended without a word may still say one: what it has begun may call back. */
  readonly quietMs: number;
}

/** What a command of the bus gets. */
export interface Given {
  readonly args: Readonly<Record<string, unknown>>;
  readonly said: HeardText;
}

export interface Acted {
  readonly words: readonly string[];
  /** It goes on. */
  readonly more: boolean;
}

/** Word that somebody waits for. */
interface Waiting<T> {
  readonly script: string | undefined;
  readonly quietMs: number;
  resolve(value: T): void;
  reject(error: MicroError): void;
}

/** A thread that has lived so long was well. */
const WELL_MS = 60_000;
/** Sentences of rooms that nobody waits for, at once. */
const OVERHEARD = 1000;

export function createHost(init: HostInit): Host {
  const { clock, log, redact } = init;
  /** Hubot says an error with all of its stack; the log of a bot in a terminal stands among what people read there. */
  const logged = (text: string, level: string) => {
    const [words = "", at] = text.split(/\n\s+at /);
    log[level === "info" ? "info" : "warn"](at === undefined ? {} : { at }, `hubot scripts: ${words}`);
  };
  const hearing = new Map<number, Waiting<readonly number[]>>();
  const overhearing = new Map<number, (listeners: readonly number[]) => void>();
  const acting = new Map<number, Waiting<Acted>>();
  const stopping = new AbortController();
  const blame = createBlame(clock);
  let listeners: readonly ListenerFacts[] = [];
  let files = new Map<string, string>();
  let thread: Thread | undefined;
  let ready = resolvable();
  let begun: Promise<void> | undefined;

  const onMessage = (message: FromThread) => {
    switch (message.kind) {
      case "offer":
        listeners = message.listeners;
        files = new Map(message.files);
        return init.onOffer(message);
      case "ready":
        return ready.resolve();
      case "heard": {
        const { token, found = [], error } = message;
        const overheard = overhearing.get(token);
        overhearing.delete(token);
        if (overheard) return overheard(found);
        const waiting = hearing.get(token);
        hearing.delete(token);
        if (error !== undefined)
          return waiting?.reject(new MicroError("internal", `a script failed: ${redact(error)}`));
        if (message.found === undefined) return waiting?.reject(stoppedByScript());
        return waiting?.resolve(found);
      }
      case "acted": {
        const { token, words, error } = message;
        const waiting = acting.get(token);
        if (waiting === undefined) {
          // Its answer was its first words; this is how it ended.
          const rest = [...words, ...(error === undefined ? [] : [`it failed then: ${redact(error)}`])].join("\n");
          if (rest !== "") init.onSay({ kind: "say", token, text: rest });
          return;
        }
        if (error !== undefined) {
          acting.delete(token);
          const said = words.length > 0 ? `${words.join("\n")}\n` : "";
          return waiting.reject(
            new MicroError("internal", `${said}${nameOf(waiting.script)} failed: ${redact(error)}`),
          );
        }
        if (words.length > 0 || waiting.quietMs === 0) {
          acting.delete(token);
          return waiting.resolve({ words, more: false });
        }
        void clock.sleep(waiting.quietMs, { signal: stopping.signal }).then(
          () => acting.get(token) === waiting && acting.delete(token) && waiting.resolve({ words: [], more: true }),
          () => {},
        );
        return;
      }
      case "say": {
        const waiting = message.token === undefined ? undefined : acting.get(message.token);
        if (message.token === undefined || waiting === undefined) return init.onSay(message);
        acting.delete(message.token);
        return waiting.resolve({ words: [message.text], more: true });
      }
      case "brain":
        return init.onBrain(message.entries);
      case "log":
        return logged(redact(message.text), message.level);
      default:
        return;
    }
  };

  /** Tells whoever waited whose fault it was. */
  const onEnd = (end: End) => {
    thread = undefined;
    const culprit = end.script ?? (end.listener === undefined ? undefined : listeners[end.listener]?.script);
    const why = redact(end.why);
    log.warn({ script: culprit ?? end.loading, reason: why }, "the thread of the Hubot scripts has ended");
    const from = end.from ?? (culprit === undefined ? undefined : files.get(culprit)) ?? end.loading;
    if (from !== undefined && end.loading !== undefined) blame.never({ from, why });
    else if (from !== undefined) blame.count(from, why);
    const again = "the scripts are started again; say it again in a moment";
    const error = ({ script }: Waiting<unknown>) => {
      const own = culprit !== undefined && script === culprit;
      const words = own
        ? `${nameOf(script)} was ended: ${why}`
        : `cut off, because ${nameOf(culprit)} ended all scripts: ${why}`;
      return new MicroError("unavailable", `${words}; ${again}`);
    };
    for (const waiting of [...hearing.values(), ...acting.values()]) waiting.reject(error(waiting));
    // Nobody waits for its answer any more, but it was this that failed.
    if (end.token !== undefined && !acting.has(end.token)) {
      init.onSay({ kind: "say", token: end.token, text: `${nameOf(culprit)} was ended after its answer: ${why}` });
    }
    hearing.clear();
    overhearing.clear();
    acting.clear();
  };

  /** One life after the other. */
  const live = async () => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const since = clock.now();
      await new Promise<void>((resolve) => {
        thread = openThread({
          begin: {
            cwd: init.cwd,
            folder: init.folder,
            name: init.name,
            skip: blame.left(),
            brain: init.brain(),
            httpPath: init.httpPath,
          },
          ...init,
          onMessage,
          onEnd: (end) => {
            if (!stopping.signal.aborted) onEnd(end);
            resolve();
          },
        });
      });
      if (stopping.signal.aborted) return;
      ready.resolve();
      ready = resolvable();
      failures = clock.now() - since > WELL_MS ? 0 : failures + 1;
      const waitMs = Math.round(backoff(failures, 50, 30_000));
      await clock.sleep(waitMs, { signal: stopping.signal }).catch(() => {});
    }
  };

  /** @throws MicroError `unavailable` when it is not there in time */
  const there = async (): Promise<Thread> => {
    const waiting = ready.done ? Promise.resolve() : ready.promise;
    if (!ready.done) {
      const late = clock.sleep(init.patienceMs, { signal: stopping.signal }).catch(() => {});
      await Promise.race([waiting, late]);
    }
    if (thread !== undefined && ready.done) return thread;
    throw new MicroError("unavailable", "the Hubot scripts are being started; say it again in a moment");
  };

  const wait = <T>(map: Map<number, Waiting<T>>, token: number, who: Pick<Waiting<T>, "script" | "quietMs">) =>
    new Promise<T>((resolve, reject) => map.set(token, { ...who, resolve, reject }));

  const actOf = async (token: number, script: string | undefined, message: ToThread, options: ActOptions) => {
    const { signal, quietMs } = options;
    const { tell } = await there();
    const acted = wait(acting, token, { script, quietMs });
    tell(message);
    const leave = () => void acting.delete(token);
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await acted;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  };

  const scriptOf = (index: number | undefined) => (index === undefined ? undefined : listeners[index]?.script);

  return {
    start: async () => {
      begun ??= live();
      await ready.promise;
    },
    stop: async () => {
      stopping.abort();
      await thread?.close();
      ready.resolve();
      const ended = new MicroError("cancelled", "the bot is being stopped");
      for (const waiting of [...hearing.values(), ...acting.values()]) waiting.reject(ended);
      await begun;
    },
    hear: async (token, said) => {
      const { tell } = ready.done && thread ? thread : await there();
      const heard = wait(hearing, token, { script: undefined, quietMs: 0 });
      tell({ kind: "hear", token, said });
      return heard;
    },
    overhear: (token, said, found) => {
      if (thread === undefined || !ready.done) return;
      overhearing.set(token, found);
      // Most of them come to nothing, and nothing is heard of them again.
      if (overhearing.size > OVERHEARD) overhearing.delete(overhearing.keys().next().value as number);
      thread.tell({ kind: "hear", token, said });
    },
    act: (token, allowed, options) => actOf(token, scriptOf(allowed[0]), { kind: "act", token, allowed }, options),
    execute: (token, { id, script }, given, options) =>
      actOf(token, script, { kind: "execute", token, id, ...given }, options),
    forget: (token) => {
      hearing.delete(token);
      thread?.tell({ kind: "forget", token });
    },
  };
}

function nameOf(script: string | undefined): string {
  return script === undefined ? "a script" : `the script ${script}`;
}

function stoppedByScript(): MicroError {
  return new MicroError(
    "permission_denied",
    "nothing was done: a script that checks every message has stopped this one",
  );
}

interface Resolvable {
  readonly promise: Promise<void>;
  readonly done: boolean;
  resolve(): void;
}

function resolvable(): Resolvable {
  let done = false;
  let release = () => {};
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return {
    promise,
    get done() {
      return done;
    },
    resolve: () => {
      done = true;
      release();
    },
  };
}
