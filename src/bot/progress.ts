import type { OutgoingMessage, Part } from "../inputs/input.ts";
import type { Context, Shown } from "./context.ts";
import { cut } from "./fit.ts";
import type { Mouth } from "./mouth.ts";

/** What a command shows before it ends. */
export interface Progress {
  readonly begun: boolean;
  show(shown: Shown): Promise<void>;
  /** The answer, at the end of what was shown. Nothing is shown after. */
  last(answer: OutgoingMessage): Promise<OutgoingMessage>;
}

/** One message that grows, where the network can change what was said; else one message after the other. */
export function createProgress(context: Context, mouth: Pick<Mouth, "send" | "grow">): Progress {
  return context.input.limits.edits ? oneMessage(context, mouth) : manyMessages(context, mouth);
}

/** The last lines that fit, however many come; so showing costs nothing to wait for. */
function oneMessage(context: Context, mouth: Pick<Mouth, "send" | "grow">): Progress {
  const { id } = context;
  const { place } = context.message;
  const { textLength } = context.input.limits;
  const window = createWindow(textLength);
  let aside = false;
  let over = false;
  const message = (closing: readonly Part[], last: boolean): OutgoingMessage => ({
    place,
    parts: [...window.parts(textLength - lengthOf(closing)), ...closing],
    progress: { key: id, last },
    aside,
  });
  const draw = () => message([{ kind: "text", text: `it goes on; \`cancel ${id}\` ends it` }], false);
  return {
    get begun() {
      return window.count > 0;
    },
    show: async (shown) => {
      if (over) return;
      aside ||= shown.aside;
      window.add(shown.text);
      mouth.grow(context, id, draw);
    },
    last: async (answer) => {
      over = true;
      const room = Math.floor(textLength / 2);
      return message(lengthOf(answer.parts) <= room ? answer.parts : shortened(answer.parts, room), true);
    },
  };
}

/** As many lines wait to be said; then who shows them waits. */
const WAITING = 100;

function manyMessages(context: Context, mouth: Pick<Mouth, "send" | "grow">): Progress {
  const { place } = context.message;
  const key = context.id;
  const { textLength } = context.input.limits;
  const waiting: string[] = [];
  let saying: Promise<void> | undefined;
  let begun = false;
  let over = false;
  let aside = false;
  const say = async () => {
    while (waiting.length > 0) {
      let count = 1;
      let length = waiting[0]?.length ?? 0;
      while (count < waiting.length && length + (waiting[count]?.length ?? 0) < textLength) {
        length += (waiting[count++]?.length ?? 0) + 1;
      }
      const text = waiting.splice(0, count).join("\n");
      const parts: readonly Part[] = [{ kind: "code", text: cut(text, textLength) }];
      await mouth.send(context, { place, parts, progress: { key, last: false }, aside });
    }
    saying = undefined;
  };
  return {
    get begun() {
      return begun;
    },
    show: async (shown) => {
      if (over) return;
      begun = true;
      aside ||= shown.aside;
      waiting.push(shown.text);
      saying ??= say();
      if (waiting.length >= WAITING) await saying;
    },
    last: async (answer) => {
      over = true;
      await saying;
      return { ...answer, progress: { key, last: true }, aside };
    },
  };
}

/** The last lines of many, so many as a message holds. */
function createWindow(size: number) {
  const lines: string[] = [];
  let length = 0;
  let count = 0;
  return {
    /** Lines that came, those that are forgotten among them. */
    get count() {
      return count;
    },
    add: (text: string) => {
      for (const line of text.split("\n")) {
        // One long line must not push out all others.
        const kept = cut(line, Math.floor(size / 2));
        lines.push(kept);
        length += kept.length + 1;
        count += 1;
      }
      while (length > size) length -= (lines.shift()?.length ?? 0) + 1;
    },
    parts: (room: number): readonly Part[] => {
      let from = lines.length;
      for (let left = room - NOTE; from > 0; from--) {
        left -= (lines[from - 1]?.length ?? 0) + 1;
        if (left < 0) break;
      }
      const before = count - (lines.length - from);
      const code: Part = { kind: "code", text: lines.slice(from).join("\n") };
      return before === 0 ? [code] : [{ kind: "text", text: `… after ${before} lines that came before` }, code];
    },
  };
}

/** What the note about lines before takes. */
const NOTE = 60;

function lengthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.text.length + 1, 0);
}

function shortened(parts: readonly Part[], room: number): readonly Part[] {
  return parts.map((part) => ({ ...part, text: cut(part.text, Math.floor(room / parts.length) - 1) }));
}
