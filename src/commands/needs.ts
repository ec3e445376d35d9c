import type { z } from "zod";
import type { CallOptions } from "../core/lifecycle.ts";
import type { Kv } from "../platform/kv/kv.ts";
import type { AnyCommand, Command, CommandContext } from "./command.ts";

/**
 * What a command of a file or package may ask for (`Command.needs`); what it does not name it does not get. `secrets:X` is one
 * secret by its name.
 */
export type Need = (typeof PARTS)[number] | `secrets:${string}`;

/** The needs that are words by themselves. */
export const PARTS = ["client", "registry", "broker", "audit", "kv", "http"] as const;

/** What only commands of files and packages are given, each as far as it is named in `needs`. */
export interface Given {
  /** Keys and values of this command's file alone, shared by all replicas and kept as long as the bot's store is. */
  readonly kv: OwnKv;
  readonly http: Http;
  readonly secrets: Secrets;
  /** Always there; throws `permission_denied` where nobody can be asked. */
  readonly ask: NonNullable<CommandContext["ask"]>;
}

/** The bot's store as far as the commands of one file see it: their keys are no other's. */
export type OwnKv = Omit<Kv, "kind" | "start" | "stop">;

/**
 * One HTTP request. Whatever status comes back is an answer; what throws is that none came.
 * @throws MicroError `unavailable`, `timeout`, `cancelled`, `exhausted` (a longer body), `invalid_argument` (no http address)
 */
export type Http = (url: string | URL, init?: HttpInit) => Promise<HttpAnswer>;

export interface HttpInit extends CallOptions {
  /** @default "GET", with a body "POST" */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text as it is; anything else as JSON, with its content type. */
  readonly body?: unknown;
  /** For everything until the last byte of the body. @default 10000 */
  readonly timeoutMs?: number;
  /** The longest body of the answer. @default 1000000 */
  readonly maxBytes?: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** It is 200 to 299. */
  readonly ok: boolean;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** @throws MicroError `unavailable` when the body is no JSON */
  json(): unknown;
}

export interface Secrets {
  /**
   * The value, which is crossed out from now on wherever the bot says or writes something.
   * @throws MicroError `permission_denied` (it is not in `needs`), `not_found` (nobody has set it), `invalid_argument` (too
   * short to be crossed out)
   */
  get(name: string): Promise<string>;
}

/** What a file's definition is: a command whose `run` is given what it asks for. */
export interface OwnCommand<S extends z.ZodObject = z.ZodObject, R = unknown>
  extends Omit<Command<S, R>, "run" | "touches" | "complete"> {
  run(input: z.output<S>, context: CommandContext & Given): Promise<R>;
  touches?(input: z.output<S>, context: CommandContext & Given): ReturnType<NonNullable<Command<S, R>["touches"]>>;
  complete?(
    field: string,
    given: Readonly<Record<string, unknown>>,
    context: CommandContext & Given,
  ): Promise<readonly string[]>;
}

/**
 * A command of one's own, for a file in `commands/`: what the package exports as `defineCommand`. The same as those of the
 * bot, and what `needs` names is in its context.
 */
export function defineOwnCommand<S extends z.ZodObject, R>(command: OwnCommand<S, R>): Command<S, R> {
  return command as AnyCommand;
}
