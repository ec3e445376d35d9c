import type { Input, InputConnection, OutgoingMessage } from "../../src/inputs/input.ts";
import type { MemoryInput } from "../../src/inputs/memory/memory.ts";
import { textOf } from "../bot/run-bot.ts";
import type { MortalKv } from "./mortal-kv.ts";

/** A message as people see it now, whoever said it. */
export interface Seen {
  readonly room: string;
  readonly text: string;
  /** Below which one it stands. */
  readonly under?: string | undefined;
}

/** One network that several processes are on: what one of them said there another can change by where it stands. */
export interface SharedChat {
  readonly seen: readonly Seen[];
  /** What stands in a room, without threads. */
  texts(room: string): readonly string[];
  /** The process says such a message, or not, and hears no more of it. */
  dieAt(when: "before" | "after", so: (text: string) => boolean): void;
  /** The network as one process is on it, which ends with its store. @param own where people speak to that one */
  input(kv: Pick<MortalKv, "dead" | "die">, own: MemoryInput): Input;
}

export function sharedChat(): SharedChat {
  const seen: Seen[] = [];
  let doom: { readonly when: "before" | "after"; readonly so: (text: string) => boolean } | undefined;
  return {
    seen,
    texts: (room) => seen.filter((one) => one.room === room && one.under === undefined).map(({ text }) => text),
    dieAt: (when, so) => {
      doom = { when, so };
    },
    input: (kv, own) => {
      const growing = new Map<string, number>();
      const said = ({ place, progress, ...message }: OutgoingMessage): void => {
        const now: Seen = {
          room: place.room,
          text: textOf({ place, ...message }),
          ...(place["under"] !== undefined && { under: place["under"] }),
        };
        const before = progress && (growing.get(progress.key) ?? (progress.at ? Number(progress.at) : undefined));
        const at = before ?? seen.length;
        seen[at] = now;
        if (progress === undefined) return;
        if (progress.last) growing.delete(progress.key);
        else growing.set(progress.key, at);
        if (before === undefined) progress.onSaid?.(String(at));
      };
      const send: InputConnection["send"] = async (message) => {
        const fatal = doom?.so(textOf(message)) ?? false;
        if (fatal && doom?.when === "before") kv.die();
        // It is no more, so nothing of it goes out.
        if (kv.dead) await new Promise(() => {});
        said(message);
        if (fatal) kv.die();
        if (kv.dead) await new Promise(() => {});
      };
      const connect: Input["connect"] = async (options) =>
        Object.assign(Object.create(await own.connect(options)) as InputConnection, { send });
      return { ...own, connect };
    },
  };
}
