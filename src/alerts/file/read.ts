import { LineCounter, parseDocument } from "yaml";
import { MicroError } from "../../core/errors.ts";
import { offsetOf, pathText } from "../../core/yaml-place.ts";
import { examined } from "./examined.ts";
import type { Reach } from "./references.ts";
import type { AlertsFile } from "./sections.ts";

/** A larger file is not read. */
const MAX_BYTES = 256 << 10;
const ALIASES = 50;
/** More is not told at once: who mends that will look again. */
const MOST_FLAWS = 50;

/** Something that is wrong with a file. */
export interface Flaw {
  /** What is expected there; it repeats no value. */
  readonly words: string;
  readonly line: number;
  readonly column: number;
}

/** A file that was looked at. */
export interface ExaminedAlerts {
  /** Absent where anything is wrong. */
  readonly config?: AlertsFile;
  /** In the order of the file. */
  readonly flaws: readonly Flaw[];
}

/**
 * The configuration of alerts (`--alerts=alerts.yaml`), checked.
 * @param file names it in errors @param reach where and to whom something can be said; left out: that is not looked at
 * @throws MicroError `invalid_argument` with a line for all that is wrong, each with file, line and column and what is expected there;
 * `details` has `line` and `column` of the first. It repeats no value
 */
export function readAlertsFile(text: string, file: string, reach?: Reach): AlertsFile {
  const { config, flaws } = examineAlertsFile(text, reach);
  if (config) return config;
  const words = flaws.map((flaw) => `${file}, line ${flaw.line}, column ${flaw.column}: ${flaw.words}`);
  const [{ line, column } = { line: 1, column: 1 }] = flaws;
  throw new MicroError("invalid_argument", words.join("\n"), { details: { file, line, column } });
}

/** Tells all that is wrong with the text of such a file: of what can be understood also what its sections say of each other. */
export function examineAlertsFile(text: string, reach?: Reach): ExaminedAlerts {
  const only = (words: string, line = 1, column = 1) => ({ flaws: [{ words, line, column }] });
  if (Buffer.byteLength(text) > MAX_BYTES) return only(`the file has ${MAX_BYTES >> 10} KB at most`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const flaw = document.errors[0] ?? document.warnings[0];
  if (flaw) {
    const { line, col } = lines.linePos(flaw.pos[0]);
    return only(`that is not YAML: ${flaw.message.split("\n")[0]}`, line, col);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES }) ?? {};
  } catch {
    return only(`its aliases (*name) stand for too much: ${ALIASES} at most, and none for itself`);
  }
  const { config, issues } = examined(value, reach);
  if (config) return { config, flaws: [] };
  const flaws = issues.map(({ path, key, message }): Flaw => {
    const { line, col } = lines.linePos(offsetOf(document, path, key));
    const where = pathText(path);
    return {
      words: `${where}${where === "" ? "" : ": "}${message}`,
      line: Math.max(1, line),
      column: Math.max(1, col),
    };
  });
  const said = new Set<string>();
  const once = flaws.filter((one) => {
    const text = JSON.stringify(one);
    return !said.has(text) && said.add(text);
  });
  return { flaws: once.toSorted((a, b) => a.line - b.line || a.column - b.column).slice(0, MOST_FLAWS) };
}
