import { isMap, isNode, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { MicroError } from "../../core/errors.ts";

/** A larger file is not read. */
const MAX_BYTES = 256 << 10;
const ALIASES = 50;

/**
 * The configuration of alerts (`--alerts=alerts.yaml`), checked.
 * @param schema of all its sections (`sections.ts`) @param file names it in errors
 * @throws MicroError `invalid_argument` that names file, line and column and says what is expected there; it repeats no value
 */
export function readAlertsFile<T extends z.ZodType>(text: string, file: string, schema: T): z.output<T> {
  const fail = (words: string, line = 1, column = 1): never => {
    throw new MicroError("invalid_argument", `${file}, line ${line}, column ${column}: ${words}`, {
      details: { file, line, column },
    });
  };
  if (Buffer.byteLength(text) > MAX_BYTES) fail(`the file has ${MAX_BYTES >> 10} KB at most`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const flaw = document.errors[0] ?? document.warnings[0];
  if (flaw) {
    const { line, col } = lines.linePos(flaw.pos[0]);
    fail(`that is not YAML: ${flaw.message.split("\n")[0]}`, line, col);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES }) ?? {};
  } catch {
    fail(`its aliases (*name) stand for too much: ${ALIASES} at most, and none for itself`);
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const { issues } = checked.error;
  // A key that nobody knows is mostly a known one misspelt, which is missing then.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  const path = issue?.path ?? [];
  const key = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const { line, col } = lines.linePos(offsetOf(document, path, key));
  const shown = path.map((part) => (typeof part === "number" ? `[${part + 1}]` : `.${String(part)}`)).join("");
  const where = shown === "" ? "" : `${shown.replace(/^\./, "")}: `;
  return fail(`${where}${issue?.message ?? "not understood"}`, Math.max(1, line), Math.max(1, col));
}

/** Where a path stands in the text; of what is missing, where its parent does. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: readonly PropertyKey[], key?: string): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (!isNode(node) || !node.range) continue;
    if (key !== undefined && length === path.length && isMap(node)) {
      const pair = node.items.find((item) => String((item.key as { value?: unknown } | null)?.value) === key);
      const at = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
      if (at !== undefined) return at;
    }
    return node.range[0];
  }
  return 0;
}
