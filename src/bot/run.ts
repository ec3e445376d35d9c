import type { Audit, AuditCall } from "../commands/audit-record.ts";
import type { AnyCommand, CommandContext, View } from "../commands/command.ts";
import { drawShown } from "../commands/draw.ts";
import type { Job, Jobs } from "../commands/jobs.ts";
import type { Behalf } from "../commands/perform.ts";
import type { Broker } from "../core/broker/broker.ts";
import type { Client, ClientCall } from "../core/client/client.ts";
import type { Clock } from "../core/clock.ts";
import { type Deadline, deadline } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Asking } from "./asking.ts";
import { watched } from "./audit/calls.ts";
import { type Answer, type Context, toldOf } from "./context.ts";
import { type Allowance, createAllowance, OUTPUT_BYTES, outputSpent } from "./limits/output.ts";
import { roomOf } from "./long.ts";
import { isGuest, whose } from "./people.ts";
import type { Asked } from "./policy.ts";

export interface RunInit {
  readonly registry: Registry;
  readonly client: Client;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly mayRun: (context: Context, command: Asked) => boolean;
  /** On that service, where the message was said. */
  readonly mayRunOn?: (context: Context, command: Asked & Pick<AnyCommand, "name">, service: string) => boolean;
  /** What was done, for the commands that tell of it. */
  readonly audit?: Audit;
  /** Told of each call that a command makes, when it has ended. */
  readonly onCall?: (context: Context, call: AuditCall) => void;
  /** Asks who said it; left out where nobody can be asked. */
  readonly ask?: Asking["ask"];
  /** How long a command may take that does not say otherwise (`Command.maxMs`). @default 30000 */
  readonly commandMs?: number;
  /** How many bytes a command may show before its answer; then it is ended. @default 1000000 */
  readonly outputBytes?: number;
}

/** Runs commands, each with a deadline and a way to be cancelled, and knows which are running. */
export interface Runner {
  readonly jobs: Pick<Jobs, "list" | "cancel">;
  run(context: Context): Promise<Answer>;
  /** Cancels what goes on: nobody waits for its end. */
  endGoingOn(): void;
  /** Cancels everything that runs, and runs nothing more. */
  stop(): void;
}

export function createRunner(init: RunInit): Runner {
  const running = new Map<string, { job: Job; limit: Deadline; goesOn: boolean }>();
  let stopped = false;
  return {
    jobs: {
      list: () => [...running.values()].map(({ job }) => job),
      cancel: (id) => {
        const found = running.get(id);
        found?.limit.cancel();
        return found !== undefined;
      },
    },
    endGoingOn: () => {
      for (const { limit, goesOn } of running.values()) if (goesOn) limit.cancel();
    },
    stop: () => {
      stopped = true;
      for (const { limit } of running.values()) limit.cancel();
    },
    run: async (context) => {
      const { command, input, output } = context.run ?? never();
      if (stopped) throw new MicroError("cancelled", `\`${command.name}\` was not begun: the bot is being stopped`);
      if (command.reveals && !context.input.hides) throw new MicroError("permission_denied", NOT_HERE);
      const { id, caller } = context;
      const person = whose(context);
      const job = { id, caller, person, command: command.name, text: toldOf(context), startedAt: init.clock.now() };
      const goesOn = command.maxMs !== undefined;
      using limit = deadline({}, command.maxMs ?? init.commandMs ?? 30_000, `\`${command.name}\``);
      running.set(job.id, { job, limit, goesOn });
      const most = init.outputBytes ?? OUTPUT_BYTES;
      const allowance = createAllowance(most);
      try {
        const result = await limit.race(command.run(input, commandContext(init, context, limit, allowance)));
        const view = command.view(result, input);
        // Who asks for the facts has no use for the table that is made of them.
        const file = output === "text" ? await limit.race(Promise.resolve(command.file?.(result, input))) : undefined;
        const reveal = command.reveals?.(result);
        const whisper = reveal !== undefined || (command.personal === true && isLong(view));
        const { aside = false } = command;
        const manners = {
          ...(whisper && { whisper }),
          ...(aside && { aside }),
          ...(reveal !== undefined && { reveal }),
        };
        // What goes on has shown its facts by now.
        return { view, result, output: goesOn ? "text" : output, ...(file && { file }), ...manners };
      } catch (error) {
        throw allowance.spent ? outputSpent(most) : error;
      } finally {
        running.delete(job.id);
      }
    },
  };
}

const NOT_HERE =
  "nothing was done: the answer is a secret for you alone, and others would read it here; ask in `micro chat`, a terminal or Slack";

/** More than a room wants to read of what somebody asked for themselves (`chat.md §2`). */
const LONG_LINES = 12;

function isLong(view: View): boolean {
  const lines = view.kind === "list" ? view.items : view.text.split("\n");
  return lines.length > LONG_LINES;
}

function commandContext(init: RunInit, context: Context, limit: Deadline, allowance: Allowance): CommandContext {
  return {
    registry: init.registry,
    get client() {
      const client = traced(init.client, context.id);
      const { onCall, clock } = init;
      return onCall ? watched(client, clock, context.id, (call) => onCall(context, call)) : client;
    },
    broker: init.broker,
    ...(init.audit && { audit: init.audit }),
    clock: init.clock,
    get signal() {
      return limit.signal;
    },
    caller: context.caller,
    person: whose(context),
    room: roomOf(context.input.name, context.message.place.room),
    guest: isGuest(context),
    behalf: behalfOf(context),
    mayRun: (command) => init.mayRun(context, command),
    mayRunOn: (command, service) => init.mayRunOn?.(context, command, service) ?? init.mayRun(context, command),
    oneShot: false,
    ...(init.ask && {
      ask: (question, options = {}) => init.ask?.(context, question, options, limit.signal) ?? never(),
    }),
    emit: async (view, fact) => {
      const { command, output } = context.run ?? never();
      // What comes after the end is let go.
      if (limit.signal.aborted) return;
      const text = drawShown(view, fact, output);
      if (allowance.take(text)) await context.show({ text, aside: command.aside === true });
      else limit.cancel();
    },
  };
}

/** For whom and where a message is. */
export function behalfOf({ input, message }: Context): Behalf {
  const { id, name, guest } = message.from;
  return { input: input.name, place: message.place, from: { id, name, guest } };
}

/**
 * A client whose calls carry the message's id, so that a service's log can be joined with ours (`wire.md §4.1`). What says
 * where a call comes from is ours to say: what somebody typed in its stead is dropped, whatever its letters.
 */
function traced(client: Client, id: string): Client {
  const withTrace = (options: ClientCall["options"] = {}) => ({
    ...options,
    metadata: { ...withoutOrigin(options.metadata), "Micro-Trace-Id": id },
  });
  return {
    ...client,
    call: (to, input, options) => client.call(to, input, withTrace(options)),
    request: (service, endpoint, body, options) => client.request(service, endpoint, body, withTrace(options)),
    open: (to, options) => client.open(to, withTrace(options)),
    stream: (service, endpoint, options) => client.stream(service, endpoint, withTrace(options)),
  };
}

const ORIGIN: ReadonlySet<string> = new Set(["micro-trace-id", "micro-from-service"]);

function withoutOrigin(metadata: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !ORIGIN.has(name.trim().toLowerCase())));
}

function never(): never {
  throw new MicroError("internal", "a line reached the runner without having been understood");
}
