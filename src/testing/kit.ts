import { AssertionError } from "node:assert";
import { setTimeout as wait } from "node:timers/promises";
import { type BotInit, createBot } from "../bot/bot.ts";
import { readPolicy } from "../bot/policy.ts";
import { builtin, smallTalk } from "../commands/builtin.ts";
import type { AnyCommand } from "../commands/command.ts";
import type { OwnKv } from "../commands/needs.ts";
import { readDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";
import { silent } from "../core/log.ts";
import { createRedactor } from "../core/redact.ts";
import { memoryRegistry } from "../core/registry/memory.ts";
import type { OutgoingMessage } from "../inputs/input.ts";
import { memoryInput } from "../inputs/memory/memory.ts";
import { memoryKv } from "../platform/kv/memory.ts";
import { problemsOf } from "../plugins/files/check.ts";
import { given } from "../plugins/files/give.ts";
import { ownKv } from "../plugins/files/kv.ts";
import { ownSecrets } from "../plugins/files/secrets.ts";
import { manualClock } from "./clock.ts";
import {
  type Recorded,
  type RecordedCall,
  recordedClient,
  recordedHttp,
  serviceOf,
  type TestService,
} from "./recorded.ts";

export type { Recorded, RecordedCall, RecordedPage, TestService } from "./recorded.ts";

export interface KitInit {
  /** Those to be tried; the bot's own are there, too. */
  readonly commands: readonly AnyCommand[];
  /** What the registry has: names, or names with versions and numbers of nodes. */
  readonly services?: readonly TestService[];
  /** What services answer, by `Orders.Scale` or `go.micro.srv.orders Orders.Scale`: a value, a function of the request, an error. */
  readonly answers?: Readonly<Record<string, Recorded>>;
  /** What addresses answer, by `GET https://…`. */
  readonly http?: Parameters<typeof recordedHttp>[0];
  /** Values of secrets, by their names. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** A policy file's text; people are `chat:ann`. Left out: everybody may say the commands to be tried. */
  readonly policy?: string;
  /** When it is. @default the beginning of 2020 */
  readonly now?: Date;
}

export interface SayOptions {
  /** @default "ann" */
  readonly by?: string;
  /** @default "room" */
  readonly room?: string;
}

/** A bot in a chat that is in this process: no network, no waiting, and time that passes when it is told to. */
export interface Kit extends AsyncDisposable {
  /** Somebody says something to the bot. */
  says(text: string, options?: SayOptions): Said;
  /** Time goes on (`30s`, `5m`). What waits goes on by itself while an answer is expected. */
  passes(duration: string): Promise<void>;
  /** Calls that were made, in order. */
  readonly calls: readonly RecordedCall[];
  /** HTTP requests that were made: `GET https://…`. */
  readonly requests: readonly string[];
  /** The keys of the commands' file. */
  readonly kv: OwnKv;
  stop(): Promise<void>;
}

/** What was said, and what came of it. */
export interface Said {
  /**
   * Resolves once the bot has said something that fits, as people read it; a text fits where it stands somewhere in it.
   * @throws AssertionError when it has said all that it says, and tells what that was
   */
  expect(pattern: RegExp | string): Promise<Said>;
  /** All that the bot says to it, once that is all. */
  answers(): Promise<readonly string[]>;
}

/** How long nothing may come, in real ms, before that was all; and before time is moved on for who waits. */
const QUIET_MS = 40;
const PATIENT_MS = 15;
/** What does not come in so many real ms never comes. */
const GIVE_UP_MS = 5000;
/** An answer may take so much of the bot's own time. */
const LONGEST_MS = 3_600_000;

/**
 * A bot for the tests of command files, with any runner: from text to what people read.
 * @throws MicroError `invalid_argument` when a definition is wrong, as `micro lint` would say
 */
export function kit(init: KitInit): Kit {
  const clock = manualClock(init.now?.getTime());
  const client = recordedClient(init.answers ?? {});
  const { http, asked } = recordedHttp(init.http ?? {});
  const kv = memoryKv();
  const redactor = createRedactor();
  const references = init.secrets ?? {};
  const secret = ownSecrets({ references, resolve: async (value) => value, redactor });
  const own = ownKv(kv, "test");
  const commands = init.commands
    .map((command) => checked(command))
    .map((command) => given(command, "the test", { kvOf: () => own, http, secret }, silent));
  // What was said is never changed here, so that each thing can be expected.
  const input = memoryInput({ name: "chat", clock, limits: { edits: false } });
  let over = 0;
  const bot = createBot({
    inputs: [input],
    registry: memoryRegistry({ services: (init.services ?? []).map(serviceOf) })({ clock }),
    client,
    policy: readPolicy(init.policy ?? everybody(init.commands), "the test's policy"),
    commands: [...builtin, ...smallTalk, ...commands],
    clock,
    redactor,
    limit: "none",
    drainMs: 0,
    audit: () => {
      over += 1;
    },
  } satisfies BotInit);
  let starting: Promise<void> | undefined;
  let asks = 0;
  const start = () => {
    starting ??= kv.start().then(() => bot.start());
    return starting;
  };

  /** Until something fits, or that was all. */
  const hear = async (from: number, number: number, fits: (text: string) => boolean): Promise<readonly string[]> => {
    const began = performance.now();
    let last = { at: began, sent: -1, over: -1 };
    let moved = 0;
    for (;;) {
      const texts = input.sent.slice(from).map(textOf);
      if (texts.some(fits)) return texts;
      const now = performance.now();
      if (last.sent !== input.sent.length || last.over !== over) last = { at: now, sent: input.sent.length, over };
      const quiet = now - last.at;
      const ended = over >= number;
      if ((ended && quiet > QUIET_MS) || now - began > GIVE_UP_MS) return texts;
      const { nextMs } = clock;
      if (!ended && quiet > PATIENT_MS && nextMs !== undefined && moved + nextMs <= LONGEST_MS) {
        moved += nextMs;
        await clock.advance(nextMs);
      } else await wait(1);
    }
  };

  const says = (text: string, { by = "ann", room = "room" }: SayOptions = {}): Said => {
    asks += 1;
    const number = asks;
    const from = start().then(() => {
      const before = input.sent.length;
      input.say(text, { from: by, room });
      return before;
    });
    // Told to whoever waits for it.
    from.catch(() => {});
    const said: Said = {
      expect: async (pattern) => {
        const fits = (answer: string) =>
          typeof pattern === "string" ? answer.includes(pattern) : answer.search(pattern) >= 0;
        const texts = await hear(await from, number, fits);
        if (texts.some(fits)) return said;
        const heard = texts.length === 0 ? "it said nothing" : `it said:\n${texts.join("\n---\n")}`;
        throw new AssertionError({
          message: `to "${text}" the bot said nothing that fits ${String(pattern)}; ${heard}${endsAsking(texts) ? YES : ""}`,
          actual: texts.join("\n---\n"),
          expected: String(pattern),
          operator: "match",
          stackStartFn: said.expect,
        });
      },
      answers: async () => hear(await from, number, () => false),
    };
    return said;
  };

  const stop = async () => {
    await starting?.catch(() => {});
    const stopping = bot.stop();
    // What it waits for then is over at once.
    for (let ended = false; !ended; ) {
      ended = await Promise.race([stopping.then(() => true), wait(1).then(() => false)]);
      if (clock.nextMs !== undefined) await clock.advance(clock.nextMs);
    }
    await kv.stop();
  };
  return {
    says,
    passes: async (duration) => {
      await start();
      await clock.advance(readDuration(duration));
    },
    calls: client.calls,
    requests: asked,
    kv: own,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Whether the last that was said is the question that stands before a write. */
function endsAsking(texts: readonly string[]): boolean {
  return /^(?:\S+: )?this changes things: /.test(texts.at(-1) ?? "");
}

const YES = '\nIt asks before it changes something: expect the question, and then `await bot.says("yes").expect(…)`';

function checked(command: AnyCommand): AnyCommand {
  const [problem] = problemsOf(command);
  if (problem !== undefined) throw new MicroError("invalid_argument", `\`${command.name}\`: ${problem}`);
  return command;
}

function everybody(commands: readonly AnyCommand[]): string {
  return JSON.stringify({ members: ["bot:talk", ...new Set(commands.map(({ permission }) => permission))] });
}

/** As people read it: a file with its name. */
function textOf({ parts, file }: OutgoingMessage): string {
  const lines = parts.map(({ text }) => text);
  return [...lines, ...(file ? [`[${file.name}]`, file.text] : [])].join("\n");
}
