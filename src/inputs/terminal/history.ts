import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createRedactor } from "../../core/redact.ts";

const KEPT = 1000;

/** The lines that were typed in earlier sessions, in a file that only its owner reads. */
export interface History {
  /** Newest first, at most 1000. */
  readonly lines: readonly string[];
  add(line: string): void;
}

/** A history that cannot be read or written is done without: nobody should lose a chat over it. */
export function fileHistory(path: string): History {
  const lines = read(path);
  const kept = lines.slice(-KEPT);
  if (lines.length > 2 * KEPT) quietly(() => writeFileSync(path, `${kept.join("\n")}\n`, { mode: 0o600 }));
  let last = kept.at(-1);
  const { text: clean } = createRedactor();
  return {
    lines: kept.reverse(),
    add: (line) => {
      if (line === last || line.trim() === "") return;
      // What looks like a token or a password is for this session only.
      if (clean(line) !== line) return;
      last = line;
      quietly(() => {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        appendFileSync(path, `${line}\n`, { mode: 0o600 });
      });
    },
  };
}

function read(path: string): string[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return [];
  }
}

function quietly(write: () => void): void {
  try {
    write();
  } catch {
    // no history, then
  }
}
