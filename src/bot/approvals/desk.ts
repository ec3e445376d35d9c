import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { type Log, silent } from "../../core/log.ts";
import type { Input, OutgoingMessage } from "../../inputs/input.ts";
import type { Kv } from "../../platform/kv/kv.ts";
import { say } from "../context.ts";
import { fitsWhole } from "../fit.ts";
import type { Policy } from "../policy.ts";
import { renderAnswer } from "../render.ts";
import { type Guards, guards } from "./guards.ts";
import { type Fate, type Pending, shownLine } from "./pending.ts";
import { createPendings, type Held, isOpen, type Pendings, type PendingsInit } from "./store.ts";
import { choicesOf, closing, expiredText, keyOf, question } from "./words.ts";

export interface DeskSettings extends PendingsInit {
  /** How long a question waits for the yes of who asked (ms). @default 120000 */
  readonly waitMs?: number;
  /** How long it waits for approvers (ms). @default 1800000 */
  readonly approveMs?: number;
  /** For a test that takes one away and sees what it was good for. */
  readonly guards?: Guards;
}

export interface DeskInit extends DeskSettings {
  /** What the bot is called. */
  readonly name: string;
  readonly clock: Clock;
  readonly policy: Policy;
  /** Where requests are kept, below `requests.`. */
  readonly kv: Kv;
  /** The inputs of this process; what was asked on another is told of by another process. */
  readonly input: (name: string) => Input | undefined;
  /** Says something beside an answer. */
  readonly tell: (input: string, message: OutgoingMessage) => void;
  readonly log?: Log;
}

/** Where requests lie until they are decided: in the store, and in the room where each was asked. */
export interface Desk extends Required<Omit<DeskInit, "kv" | "log" | "max" | "maxOwn" | "keepMs">> {
  readonly pendings: Pendings;
  /** Shows a question as it is now, with its buttons while there is no fate, if it can be changed where it was asked. */
  redraw(pending: Pending, fate?: string): void;
  /** Ends a request. @param more what the room sees beside that @returns `undefined`: somebody changed it meanwhile */
  end(held: Held, fate: Fate, more?: readonly string[]): Promise<Held | undefined>;
  /** Ends one that nobody decided in time, and tells its room. */
  expire(held: Held): Promise<void>;
  /** Looks for those, until the signal. Never rejects. */
  watch(signal: AbortSignal): Promise<void>;
}

const SWEEP_MS = 15_000;

export function createDesk(init: DeskInit): Desk {
  const { name, clock, input: inputOf, tell, log = silent } = init;
  const pendings = createPendings(init.kv, clock, init);

  const redraw = (pending: Pending, fate?: string) => {
    const limits = inputOf(pending.input)?.limits;
    if (!limits?.edits) return;
    const asked = question(pending, name);
    // As it was asked, where the names of those who said yes do not fit beside that.
    const open = fitsWhole(asked, limits) ? asked : question({ ...pending, votes: [] }, name);
    const text = fate === undefined ? open : closing(pending, fate);
    const { place, parts } = renderAnswer(say(text), pending.place, limits);
    const asks = fate === undefined && fitsWhole(open, limits);
    const choices = asks && limits.buttons ? { choices: choicesOf(pending) } : {};
    const progress = { key: keyOf(pending), last: fate !== undefined, at: pending.shown };
    tell(pending.input, { place, parts, ...choices, progress });
  };

  const end = async (held: Held, fate: Fate, more: readonly string[] = []) => {
    const { told, ...whole } = held.pending;
    // Nobody runs it any more, so what is secret in it need not lie there.
    const ended = await pendings.change(held, { ...whole, line: told ?? whole.line, fate });
    if (ended) redraw(ended.pending, [fate.text, ...more].join("\n"));
    return ended;
  };

  const expire = async (held: Held): Promise<void> => {
    const text = expiredText(held.pending);
    const ended = await end(held, { kind: "expired", text });
    const { input, place } = held.pending;
    const limits = inputOf(input)?.limits;
    // What cannot be changed has to be said.
    if (ended && limits?.edits === false)
      tell(input, renderAnswer(say(`${shownLine(held.pending)}\n${text}`), place, limits));
  };

  return {
    waitMs: 120_000,
    approveMs: 1_800_000,
    guards,
    ...init,
    pendings,
    redraw,
    end,
    expire,
    watch: async (signal) => {
      while (!signal.aborted) {
        try {
          const all = await pendings.list();
          const late = all.filter(({ pending }) => pending.fate === undefined && !isOpen(pending, clock.now()));
          for (const held of late) if (inputOf(held.pending.input)) await expire(held);
          await pendings.prune(all);
        } catch (error) {
          log.warn({ reason: MicroError.from(error).message }, "requests that are over could not be looked after");
        }
        await clock.sleep(SWEEP_MS, { signal }).catch(() => {});
      }
    },
  };
}

/** How often a word is tried on a request that others change at that moment. */
export const TRIES = 10;

export function busy(): MicroError {
  const words = "others are deciding this at the same moment, and your word did not count; say it again";
  return new MicroError("conflict", words);
}
