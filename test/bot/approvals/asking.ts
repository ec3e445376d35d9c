import { afterEach, expect } from "vitest";
import type { BotInit } from "../../../src/bot/bot.ts";
import type { ConfirmSettings } from "../../../src/bot/layers/confirm.ts";
import type { Decision, Policy, Request } from "../../../src/bot/policy.ts";
import type { AnyCommand } from "../../../src/commands/command.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { ServiceRecord } from "../../../src/core/registry/registry.ts";
import type { OutgoingMessage } from "../../../src/inputs/input.ts";
import { type MemoryInput, memoryInput } from "../../../src/inputs/memory/memory.ts";
import type { Kv } from "../../../src/platform/kv/kv.ts";
import { type MemoryShelf, memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { type ManualClock, manualClock } from "../../fakes/clock.ts";
import { botOn, telling, textOf } from "../run-bot.ts";

/* What the tests of approvals share: rights that change while a request waits, and bots on one store. */

/** Who may do what in a test; it may change while the bot runs, as a policy file does. */
export interface Rights {
  approvals: Decision["approvals"];
  /** Approvers are asked before a read as well. */
  readonly always: boolean;
  readonly leads: Set<string>;
  /** May not do what they ask for. */
  readonly barred: Set<string>;
  /** What strangers ask for is refused. */
  readonly noGuests: boolean;
  /** May break the glass. */
  readonly breakers: Set<string>;
  readonly people: Map<string, string>;
}

export function rightsOf(init: Partial<Rights> = {}): Rights {
  return {
    approvals: undefined,
    always: false,
    leads: new Set(["memory:bob", "memory:cid", "memory:dan"]),
    barred: new Set(),
    breakers: new Set(),
    noGuests: false,
    people: new Map(),
    ...init,
  };
}

export function policyOf(rights: Rights): Policy {
  const allows = (caller: string, { permission }: Pick<Request["command"], "permission">) =>
    permission === "bot:break-glass" ? rights.breakers.has(caller) : !rights.barred.has(caller);
  return {
    allows: (caller, _guest, command) => allows(caller, command),
    decide: ({ caller, guest, command }) => {
      const allowed = allows(caller, command) && !(rights.noGuests && guest);
      const asks = allowed && (command.effect === "write" || (rights.always && command.permission.startsWith("test:")));
      const why = allowed ? "in the test" : `you need the permission ${command.permission}`;
      return { allowed, rule: "test", why, ...(asks && rights.approvals && { approvals: rights.approvals }) };
    },
    personOf: (caller) => rights.people.get(caller) ?? caller,
    idsOf: (caller) => {
      const person = rights.people.get(caller);
      return [...rights.people].filter(([, of]) => of === person).map(([id]) => id);
    },
    hasRole: (caller, _guest, role) => role === "lead" && rights.leads.has(caller),
  };
}

/** A service as its nodes registered it. */
export function service(name: string, version: string, ...ids: readonly string[]): ServiceRecord {
  const nodes = ids.map((id) => ({ id, address: "127.0.0.1:1", metadata: {} }));
  return { name, version, metadata: {}, endpoints: [], nodes };
}

export interface Asking {
  readonly input: MemoryInput;
  readonly runs: string[];
  /** In whose name it ran each time. */
  readonly callers: string[];
  readonly clock: ManualClock;
  readonly registry: NonNullable<BotInit["registry"]>;
  readonly shelf: MemoryShelf;
  readonly kv: Kv;
  readonly stop: () => Promise<void>;
  /** Does something and gives what is said back to it. */
  ask(act: () => unknown): Promise<string>;
  /** The id of the request that the so-manieth message asks about; of the last one that asks, if none is given. */
  idOf(at?: number): string;
  last(): OutgoingMessage | undefined;
}

export interface AskingInit {
  readonly limits?: Partial<MemoryInput["limits"]>;
  readonly confirm?: ConfirmSettings;
  readonly rights?: Rights;
  readonly clock?: ManualClock;
  readonly shelf?: MemoryShelf;
  readonly kv?: Kv;
  readonly input?: MemoryInput;
  readonly commands?: readonly AnyCommand[];
  readonly bot?: Partial<BotInit>;
}

const stops: (() => Promise<void>)[] = [];
// Before the bot is stopped by `botOn`, which lets no time pass.
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** What the journal has still to write waits a moment, for more. */
async function inTime(clock: ManualClock, stopping: Promise<void>): Promise<void> {
  let stopped = false;
  const end = stopping.finally(() => {
    stopped = true;
  });
  while (!stopped) await clock.advance(10);
  await end;
}

/** A bot with a command `drain <service>` that changes things, in a room with buttons. */
export async function asking(init: AskingInit = {}): Promise<Asking> {
  const { clock = manualClock(), shelf = memoryShelf(), rights = rightsOf(), confirm = {} } = init;
  const input = init.input ?? memoryInput({ clock, limits: { buttons: true, ...init.limits } });
  const kv = init.kv ?? memoryKv({ shelf });
  await kv.start();
  const registry = init.bot?.registry ?? memoryRegistry()();
  await registry.start();
  const { command, runs } = telling("drain", { effect: "write", target: ({ what }) => what || undefined });
  const callers: string[] = [];
  const drain: AnyCommand = {
    ...command,
    run: async (given, context) => {
      callers.push(context.caller);
      return command.run(given, context);
    },
  };
  const bot = botOn([input], {
    commands: [drain, ...(init.commands ?? [])],
    policy: policyOf(rights),
    store: kv,
    clock,
    confirm,
    drainMs: 0,
    ...init.bot,
    registry,
  });
  const stop = () => inTime(clock, bot.stop());
  stops.push(stop);
  await bot.start();
  const ask = async (act: () => unknown): Promise<string> => {
    const before = input.sent.length;
    act();
    await expect.poll(() => input.sent.length).toBeGreaterThan(before);
    return textOf(input.sent.at(-1));
  };
  const idOf = (at?: number) => {
    const choice = (message: OutgoingMessage | undefined) => message?.choices?.[0]?.line ?? "";
    const asked = at === undefined ? input.sent.findLast((one) => choice(one).startsWith("yes ")) : input.sent[at];
    return choice(asked).slice(4);
  };
  return { input, runs, callers, clock, registry, shelf, kv, stop, ask, idOf, last: () => input.sent.at(-1) };
}
