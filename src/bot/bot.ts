import { randomInt } from "node:crypto";
import { type Catalog, createCatalog } from "../commands/catalog.ts";
import type { AnyCommand } from "../commands/command.ts";
import { helpCommand } from "../commands/help.ts";
import { jobsCommands } from "../commands/jobs.ts";
import type { Line } from "../commands/line.ts";
import type { Broker } from "../core/broker/broker.ts";
import type { Client } from "../core/client/client.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Startable } from "../core/lifecycle.ts";
import { type Log, silent } from "../core/log.ts";
import { compose } from "../core/middleware.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { IncomingMessage, Input, InputConnection, OutgoingMessage } from "../inputs/input.ts";
import { address } from "./address.ts";
import { type Answer, type Context, type Layer, say } from "./context.ts";
import { type Journal, memoryJournal } from "./journal.ts";
import { answer } from "./layers/answer.ts";
import { type AuditRecord, audit } from "./layers/audit.ts";
import { authorize, isGuest } from "./layers/authorize.ts";
import { confirm } from "./layers/confirm.ts";
import { fresh } from "./layers/fresh.ts";
import { type LimitInit, limit } from "./layers/limit.ts";
import { once } from "./layers/once.ts";
import { type OrderInit, order } from "./layers/order.ts";
import { understand } from "./layers/understand.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { defaultPolicy, type Policy } from "./policy.ts";
import { cut, renderAnswer, renderError } from "./render.ts";
import { createRunner } from "./run.ts";

export interface BotInit {
  /** What it is called in rooms. @default "micro" */
  readonly name?: string;
  readonly inputs: readonly Input[];
  /** Other ways in, there as long as the inputs are: they neither keep the bot running nor bring it down. */
  readonly beside?: readonly Input[];
  /** Beside `help`, `jobs` and `cancel`, which the bot brings. */
  readonly commands: readonly AnyCommand[];
  /** Started and stopped by whoever made them. */
  readonly registry: Registry;
  readonly client: Client;
  /** For `publish` and `subscribe`; without one they say that there is none. */
  readonly broker?: Broker;
  readonly policy?: Policy;
  readonly journal?: Journal;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly audit?: (record: AuditRecord) => void;
  readonly order?: OrderInit;
  readonly limit?: LimitInit;
  /** How long one command may take. @default 30000 */
  readonly commandMs?: number;
  /** An older message is not carried out. @default 60000 */
  readonly maxAgeMs?: number;
  /** How long `stop()` lets running commands finish. @default 10000 */
  readonly drainMs?: number;
}

/**
 * Listens to its inputs and answers. `start()` throws `unauthenticated` when a network refuses the bot; a network that is
 * away is joined when it is back. `stop()` finishes what runs.
 */
export interface Bot extends Startable {
  readonly catalog: Catalog;
  /**
   * Resolves when every input has ended by itself (pipes do), or after `stop()`; with the error when one was refused
   * while the bot ran.
   */
  readonly done: Promise<MicroError | undefined>;
}

/** An input with what the bot keeps for it. */
interface Wire {
  readonly input: Input;
  readonly outbox: Outbox;
  connection: InputConnection | undefined;
}

/** Puts the parts together; the layers below stand in the order in which a message meets them. */
export function createBot(init: BotInit): Bot {
  const { name = "micro", clock = systemClock, log = silent, policy = defaultPolicy, journal = memoryJournal() } = init;
  const { beside = [] } = init;
  const wires = [...init.inputs, ...beside].map(
    (input): Wire => ({ input, outbox: createOutbox(clock, log), connection: undefined }),
  );
  const mayRun = (context: Context, command: AnyCommand) => policy.allows(context.caller, isGuest(context), command);
  const runner = createRunner({ ...init, broker: init.broker ?? noBroker, clock, mayRun });
  const catalog: Catalog = createCatalog([...init.commands, helpCommand(() => catalog), ...jobsCommands(runner.jobs)]);
  const outboxOf = (input: Input) => wires.find((wire) => wire.input === input)?.outbox;
  const asked = confirm(clock, name);
  const saidTo = address(name);
  const send = async ({ input }: Context, message: OutgoingMessage) => (await outboxOf(input)?.send(message)) ?? false;
  const refuse = async (context: Context, error: MicroError) => {
    log.error({ id: context.id, err: error }, "the journal cannot be written");
    await send(context, renderError(error, context.id, context.message.place, context.input.limits));
  };
  const layers: readonly Layer[] = [
    once(journal, clock, refuse),
    answer({ send, grow: ({ input }, key, draw) => outboxOf(input)?.grow(key, draw) }, log),
    audit(init.audit ?? ((record) => log.info(record, "audit")), clock),
    fresh(clock, init.maxAgeMs ?? 60_000),
    limit(init.limit),
    asked.heard,
    understand(() => catalog, mayRun),
    authorize(policy),
    asked.ask,
    order(clock, init.order),
  ];
  const handle = compose<Context, Answer | undefined>(layers, runner.run);

  const nextId = createIds();
  const stopping = new AbortController();
  const working = new Set<Promise<unknown>>();
  let ended: Promise<unknown> | undefined;
  let finish: (error: MicroError | undefined) => void = () => {};
  const done = new Promise<MicroError | undefined>((resolve) => {
    finish = resolve;
  });

  /** One link of one input, from its first message to its last. */
  const listen = async (wire: Wire, connection: InputConnection): Promise<void> => {
    wire.connection = connection;
    wire.outbox.use(connection);
    try {
      for await (const message of connection) {
        if (stopping.signal.aborted) break;
        const said = saidTo(message);
        if (said === undefined) continue;
        const work: Promise<unknown> = handle(contextOf(wire.input, message, said, nextId()))
          .catch((error) => log.error({ err: error }, "lost a message"))
          .then(() => working.delete(work));
        working.add(work);
      }
    } finally {
      wire.outbox.use(undefined);
      wire.connection = undefined;
    }
  };

  /** Tries until there is a link; only refused credentials end it. */
  const connect = async (wire: Wire): Promise<InputConnection | undefined> => {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      try {
        return await wire.input.connect({ signal: stopping.signal, timeoutMs: 30_000 });
      } catch (thrown) {
        const error = MicroError.from(thrown, "unavailable");
        if (stopping.signal.aborted) return undefined;
        if (error.code !== "unavailable" && error.code !== "timeout") throw error;
        const waitMs = Math.min(30_000, 500 * 2 ** Math.min(attempt, 6)) * (0.5 + Math.random() / 2);
        log.warn({ input: wire.input.name, reason: error.message, waitMs }, "cannot connect; trying again");
        await clock.sleep(waitMs, { signal: stopping.signal }).catch(() => {});
      }
    }
    return undefined;
  };

  const loop = async (wire: Wire, first: InputConnection | undefined): Promise<void> => {
    let brief = 0;
    for (let connection = first; connection; connection = await connect(wire)) {
      const since = clock.now();
      log.info({ input: wire.input.name }, "connected");
      try {
        await listen(wire, connection);
        if (stopping.signal.aborted) return;
        // The other side said good-bye for good: say what is still to be said, then end.
        wire.outbox.use(connection);
        await Promise.all(working);
        return;
      } catch (thrown) {
        const error = MicroError.from(thrown, "unavailable");
        // A network that lets us in only to drop us is not knocked at without end.
        brief = clock.now() - since < 30_000 ? brief + 1 : 0;
        const waitMs = brief === 0 ? 0 : Math.min(30_000, 100 * 2 ** Math.min(brief, 9)) * (0.5 + Math.random() / 2);
        log.warn({ input: wire.input.name, reason: error.message, waitMs }, "the link was lost; connecting again");
        await clock.sleep(waitMs, { signal: stopping.signal }).catch(() => {});
      } finally {
        await connection.close().catch(() => {});
      }
    }
  };

  /** What was running when the process before this one died is told, not repeated. */
  const confess = (wire: Wire): void => {
    for (const taken of journal.interrupted.filter((message) => message.input === wire.input.name)) {
      const text = cut(taken.text, 200);
      const words = `I was restarted while this was running, asked by ${taken.caller}: ${text}\nwhether it took effect is unknown, and it was not repeated; say it again if that does no harm`;
      const told: Promise<unknown> = wire.outbox
        .send(renderAnswer(say(words), taken.place, wire.input.limits))
        .then((told) => told && journal.done(taken.key))
        .then(() => working.delete(told));
      working.add(told);
    }
  };

  return {
    catalog,
    done,
    start: async ({ signal } = {}) => {
      const giveUp = () => stopping.abort();
      if (signal?.aborted) giveUp();
      else signal?.addEventListener("abort", giveUp, { once: true });
      const firsts = wires.map(async (wire) => {
        try {
          return await connect(wire);
        } catch (error) {
          if (!beside.includes(wire.input)) throw error;
          log.warn({ input: wire.input.name, reason: (error as Error).message }, "goes without this input");
          return undefined;
        }
      });
      const soon = new AbortController();
      const enough = clock.sleep(START_MS, { signal: soon.signal }).catch(() => {});
      try {
        await Promise.race([Promise.all(firsts), enough]);
      } catch (error) {
        stopping.abort();
        const others = await Promise.allSettled(firsts);
        for (const other of others) if (other.status === "fulfilled") await other.value?.close();
        throw error;
      } finally {
        soon.abort();
        signal?.removeEventListener("abort", giveUp);
      }
      const loops = wires.map(async (wire, index) => {
        confess(wire);
        try {
          await loop(wire, await firsts[index]);
        } catch (error) {
          log.error({ input: wire.input.name, reason: (error as Error).message }, "an input has ended");
          throw error;
        } finally {
          wire.outbox.close();
        }
      });
      ended = Promise.allSettled(loops);
      void Promise.allSettled(loops.slice(0, init.inputs.length)).then((ends) => {
        const failed = ends.find((end) => end.status === "rejected");
        finish(failed && MicroError.from(failed.reason));
      });
    },
    stop: async () => {
      stopping.abort();
      const drained = new AbortController();
      const within = (ms: number) => {
        const patience = clock.sleep(ms, { signal: drained.signal }).catch(() => {});
        return Promise.race([Promise.all(working), patience]);
      };
      runner.endGoingOn();
      await within(init.drainMs ?? 10_000);
      runner.stop();
      // What was cut off is told so, if its network takes it quickly; a message that grew has to wait a second itself.
      if (working.size > 0) await within(2000);
      drained.abort();
      for (const { outbox } of wires) outbox.close();
      await Promise.all(wires.map(({ connection }) => connection?.close()));
      await ended;
      journal.close();
      finish(undefined);
    },
  };
}

const noBroker: Broker = {
  kind: "none",
  where: "nowhere",
  start: async () => {},
  stop: async () => {},
  publish: async () => nothingThere(),
  subscribe: async () => nothingThere(),
};

function nothingThere(): never {
  throw new MicroError("unimplemented", "this bot has no broker: who made it gave it none");
}

/** How long `start()` waits for the networks; one that is away by then is joined when it is back. */
const START_MS = 10_000;

/** Six hex digits that come round after 16 million; from anywhere, so that two bots' ids seldom meet in a service's log. */
function createIds(): () => string {
  let last = randomInt(2 ** 24);
  return () => {
    last = (last + 1) % 2 ** 24;
    return last.toString(16).padStart(6, "0");
  };
}

function contextOf(input: Input, message: IncomingMessage, line: Line, id: string): Context {
  return {
    input,
    message,
    line,
    caller: `${input.name}:${message.from.id ?? "guest"}`,
    id,
    show: async () => {},
    confirmed: false,
  };
}
