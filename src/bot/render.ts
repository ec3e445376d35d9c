import { drawText } from "../commands/draw.ts";
import type { Mark } from "../commands/parse.ts";
import { jsonCodec } from "../core/codec/json.ts";
import type { MicroError } from "../core/errors.ts";
import type { Input, OutgoingMessage, Part, Place } from "../inputs/input.ts";
import type { Answer } from "./context.ts";

/** How many lines of a long answer are said; the rest goes into a file. */
const SUMMARY_LINES = 15;

/** An answer as a message within the limits of its network. Pure. */
export function renderAnswer(answer: Answer, place: Place, limits: Input["limits"]): OutgoingMessage {
  return fitted(answerParts(answer), place, limits);
}

/** An error in words for the person who asked: what went wrong, where in the line, how it should look. */
export function renderError(error: MicroError, id: string, place: Place, limits: Input["limits"]): OutgoingMessage {
  const lines: string[] = [];
  const { usage, line, mark } = error.details as { usage?: string; line?: string; mark?: Mark };
  if (line !== undefined && mark !== undefined && !line.includes("\n")) lines.push(...caret(line, mark));
  if (usage !== undefined) lines.push(`usage: ${usage}`);
  const parts: Part[] = [
    { kind: "text", text: error.code === "internal" ? `${error.message} (${id})` : error.message },
  ];
  if (lines.length > 0) parts.push({ kind: "code", text: lines.join("\n") });
  return fitted(parts, place, limits);
}

function answerParts({ view, output, result }: Answer): readonly Part[] {
  if (output !== "text" && result !== undefined) {
    const json = new TextDecoder().decode(jsonCodec.encode(result)).trimEnd();
    return [{ kind: "code", text: output === "raw" ? json : spread(json) }];
  }
  switch (view.kind) {
    case "text":
      return [{ kind: "text", text: view.text || "(nothing)" }];
    case "json":
      return [{ kind: "code", text: spread(view.text) }];
    case "list":
      if (view.items.length === 0) return noted([{ kind: "text", text: "there is none" }], view.note);
      return noted([{ kind: "code", text: view.items.join("\n") }], view.note);
    case "report":
      return noted([{ kind: "code", text: align(view.text.trimEnd()) }], view.note);
  }
}

/** JSON over several lines. What nobody will read line by line is left as it is, since others wait while it is done. */
function spread(json: string): string {
  return json.length > 200_000 ? json : drawText({ kind: "json", text: json }).replaceAll("\t", "  ");
}

function noted(parts: readonly Part[], note: string | undefined): readonly Part[] {
  return note === undefined ? parts : [...parts, { kind: "text", text: note }];
}

/** Lines with tabs become columns, each as wide as its widest cell among its neighbours. */
export function align(text: string): string {
  const lines = text.split("\n").map((line) => {
    const indent = /^\t*/.exec(line)?.[0].length ?? 0;
    return { indent: "  ".repeat(indent), cells: line.slice(indent).split(/\t+/) };
  });
  const out: string[] = [];
  for (let at = 0; at < lines.length; ) {
    let end = at;
    while (end < lines.length && (lines[end]?.cells.length ?? 0) > 1) end++;
    if (end === at) end++;
    const block = lines.slice(at, end);
    const widths: number[] = [];
    for (const { cells } of block) {
      for (const [column, cell] of cells.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
    for (const { indent, cells } of block) {
      const padded = cells.map((cell, column) => (column < cells.length - 1 ? cell.padEnd(widths[column] ?? 0) : cell));
      out.push(indent + padded.join("  "));
    }
    at = end;
  }
  return out.join("\n");
}

function caret(line: string, { start, end }: Mark): readonly string[] {
  const from = Math.max(0, start - 40);
  const shown = line.slice(from, Math.min(line.length, from + 100));
  const width = Math.max(1, Math.min(end, from + 100) - start);
  return [shown, " ".repeat(start - from) + "^".repeat(width)];
}

/** At most `length` characters; what is left out is marked. */
export function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, Math.max(0, length - 1))}…` : text;
}

/** One message, whatever its length: what is too long is said in part and sent whole as a file, where there are files. */
function fitted(parts: readonly Part[], place: Place, limits: Input["limits"]): OutgoingMessage {
  const length = parts.reduce((sum, part) => sum + part.text.length, 0);
  if (length <= limits.textLength) return { place, parts };
  const long = parts.reduce((longest, part) => (part.text.length > longest.text.length ? part : longest));
  const lines = long.text.split("\n");
  const room = Math.max(200, limits.textLength - (length - long.text.length) - 200);
  let head = lines.slice(0, SUMMARY_LINES).join("\n");
  head = cut(head, room);
  const rest = `${lines.length} lines, ${long.text.length} characters in all`;
  const note = limits.files ? `${rest}; all of it is in the file` : `${rest}; the rest does not fit here`;
  const said = parts.map((part) => (part === long ? { ...part, text: head } : part));
  return {
    place,
    parts: [...said, { kind: "text", text: note }],
    file: limits.files ? { name: "answer.txt", text: long.text } : undefined,
  };
}
