import type { AnyCommand } from "../../commands/command.ts";
import { sharedAbort } from "../../core/abort.ts";
import { backoff } from "../../core/backoff.ts";
import type { Client } from "../../core/client/client.ts";
import type { Clock } from "../../core/clock.ts";
import { RawJson } from "../../core/codec/json.ts";
import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Registry } from "../../core/registry/registry.ts";
import type { Broken, CommandSource, Offer, Owned } from "../plugins.ts";
import { plainCommand, typedCommand } from "./command.ts";
import { HELP, helpSchema, SPEC, specSchema } from "./protocol.ts";

export interface ServicesInit {
  /** Started and stopped by whoever made it. */
  readonly registry: Registry;
  readonly client: Client;
  /** Services called `<namespace>.<word>` are commands. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * How often all of them are looked at, beside what the registry tells.
   * @default 30000, and as often as the registry forgets where services vanish without a word
   */
  readonly everyMs?: number;
}

/** A service in the namespace, as it was last seen. */
interface Known {
  /** Its nodes and what they serve: it is asked again when this changes. */
  readonly seen: string;
  readonly command?: AnyCommand;
  readonly why?: string;
  /** When one that did not say what it is is asked again. */
  readonly againAt?: number;
}

/** More commands than anybody can tell apart; the rest is named as not taken. */
const MOST = 500;
const ASK_MS = 5000;
const AGAIN_MS = 30_000;
const EVERY_MS = 30_000;
/** How many are asked at once. */
const AT_ONCE = 8;

/**
 * Services that are commands (`toolkit.md §3.7`): there as soon as they register, and gone with their last node. Unlike the
 * original, one node of several may go, a registry that was away is asked again, and so is a service that did not answer.
 */
export function serviceCommands(init: ServicesInit): CommandSource {
  const { registry, client, namespace, clock, log } = init;
  const everyMs = init.everyMs ?? Math.min(registry.maxAgeMs ?? EVERY_MS, EVERY_MS);
  const prefix = `${namespace}.`;
  const leaving = sharedAbort();
  const { signal } = leaving;
  let known: ReadonlyMap<string, Known> = new Map();
  let offered = "";
  let offer: Offer = () => {};
  let looking: Promise<void> | undefined;
  let again = false;
  let working: Promise<unknown> = Promise.resolve();

  const ask = async (service: string, spec: boolean): Promise<AnyCommand> => {
    const word = service.slice(prefix.length).toLowerCase();
    const options = { raw: true, timeoutMs: ASK_MS, signal, idempotent: true } as const;
    const answer = await client.request(service, spec ? SPEC : HELP, new RawJson("{}"), options);
    const facts = answer instanceof RawJson ? JSON.parse(answer.text) : answer;
    if (!spec) return plainCommand(service, word, helpSchema.parse(facts));
    const read = specSchema.safeParse(JSON.parse(String((facts as { spec?: unknown }).spec)));
    if (read.success) return typedCommand(service, word, read.data);
    const [issue] = read.error.issues;
    throw new MicroError("invalid_argument", `its ${SPEC}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  };

  const learn = async (service: string, before: Known | undefined): Promise<Known | undefined> => {
    const versions = await registry.get(service, { signal }).catch((error: unknown) => {
      if (MicroError.from(error).code === "not_found") return [];
      throw error;
    });
    if (versions.every(({ nodes }) => nodes.length === 0)) return undefined;
    const seen = JSON.stringify(
      versions.map(({ version, nodes, endpoints }) => [
        version,
        nodes.map(({ id, address }) => [id, address]).sort(),
        endpoints.map(({ name }) => name).sort(),
      ]),
    );
    const due = before?.againAt !== undefined && before.againAt <= clock.now();
    if (before?.seen === seen && !due) return before;
    const spec = versions.some(({ endpoints }) => endpoints.some(({ name }) => name === SPEC));
    try {
      return { seen, command: await ask(service, spec) };
    } catch (error) {
      // One of several nodes may just be going; what the service said before holds as long as it is there.
      const why = `${service} does not say what it does (${spec ? SPEC : HELP}: ${reasonOf(error)}); it is asked again`;
      const kept = before?.command && { command: before.command };
      return { seen, why, againAt: clock.now() + AGAIN_MS, ...kept };
    }
  };

  const look = async (): Promise<void> => {
    const names = (await registry.list({ signal })).filter(
      (name) => name.startsWith(prefix) && name.length > prefix.length,
    );
    const next = new Map<string, Known>();
    const waiting = names.slice(0, MOST);
    const work = async () => {
      for (let service = waiting.shift(); service !== undefined; service = waiting.shift()) {
        const found = await learn(service, known.get(service));
        if (found) next.set(service, found);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (signal.aborted) return;
    known = new Map(names.flatMap((name) => (next.has(name) ? [[name, next.get(name) as Known]] : [])));
    tell(names.slice(MOST));
  };

  const tell = (over: readonly string[]) => {
    const commands: Owned[] = [];
    const broken: Broken[] = [];
    for (const [from, { command, why }] of known) {
      if (command) commands.push({ command, from });
      if (why !== undefined) broken.push({ from, why, ...(command && { kept: true as const }) });
    }
    for (const from of over) broken.push({ from, why: `there are ${MOST} command services already` });
    const now = JSON.stringify([[...known].map(([name, { seen }]) => [name, seen]), broken]);
    if (now === offered) return;
    offered = now;
    offer({ commands, broken });
  };

  /** One look at a time; what happens meanwhile is seen by another. */
  const relook = (): Promise<void> => {
    again = true;
    looking ??= (async () => {
      try {
        while (again && !signal.aborted) {
          again = false;
          await look();
        }
      } finally {
        looking = undefined;
      }
    })();
    return looking;
  };

  const quietly = (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => {
      if (signal.aborted) return;
      log.debug({ reason: MicroError.from(error).message }, "command services cannot be looked up; again soon");
    });

  const watch = async (): Promise<void> => {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await using watcher = await registry.watch({ signal });
        const close = () => void watcher.close();
        signal.addEventListener("abort", close, { once: true });
        await relook();
        attempt = 0;
        for await (const { service } of watcher) if (service.name.startsWith(prefix)) void quietly(relook());
        signal.removeEventListener("abort", close);
      } catch (error) {
        if (signal.aborted) return;
        log.debug(
          { reason: MicroError.from(error).message },
          "the registry does not tell of command services; again soon",
        );
      }
      await clock.sleep(backoff(attempt, 500, 10_000), { signal }).catch(() => {});
    }
  };
  const lookOften = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(everyMs, { signal }).catch(() => {});
      if (!signal.aborted) await quietly(relook());
    }
  };

  return {
    name: "services",
    start: async (given) => {
      offer = given;
      // A registry that is away is no reason not to start: its commands come when it does.
      working = Promise.all([watch(), lookOften()]);
    },
    stop: async () => {
      leaving.abort();
      await working;
      await looking?.catch(() => {});
    },
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof MicroError) return error.message.slice(0, 300);
  return "that is no answer to it";
}
