import { MicroError } from "../../core/errors.ts";
import type { Part } from "../../inputs/input.ts";

/** How many bytes one command may say in all: what it shows while it runs, and its answer. */
export const OUTPUT_BYTES = 1_000_000;

/** The parts as far as they may be said; what is beyond is cut, and a word says so. */
export function cutOutput(parts: readonly Part[], most: number): readonly Part[] {
  // No character takes more than three bytes for each of its halves.
  if (parts.reduce((sum, { text }) => sum + text.length, 0) * 3 <= most) return parts;
  const all = parts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  if (all <= most) return parts;
  let left = most;
  const kept = parts.map((part) => {
    const text = beginning(part.text, left);
    // Nothing comes behind a cut.
    left = text.length < part.text.length ? 0 : left - Buffer.byteLength(text);
    return { ...part, text };
  });
  return [
    ...kept.filter(({ text }) => text !== ""),
    { kind: "text", text: `cut here: ${tooMuch(most)}; it is ${all}` },
  ];
}

/** Counts what a command shows while it runs. */
export interface Allowance {
  /** Whether it may be shown. */
  take(text: string): boolean;
  /** Something was too much. */
  readonly spent: boolean;
}

export function createAllowance(most: number): Allowance {
  let left = most;
  return {
    take: (text) => {
      left -= Buffer.byteLength(text);
      return left >= 0;
    },
    get spent() {
      return left < 0;
    },
  };
}

/** Why a command was ended that went on showing things. */
export function outputSpent(most: number): MicroError {
  return new MicroError("exhausted", `it was ended: ${tooMuch(most)}, and it had more to say`);
}

function tooMuch(most: number): string {
  return `one command may say ${most} bytes here`;
}

/** As much as fits into so many bytes, no character cut in two. */
function beginning(text: string, bytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}
