import type { Attachment } from "../commands/command.ts";
import { drawText } from "../commands/draw.ts";
import type { Mark } from "../commands/parse.ts";
import { jsonCodec } from "../core/codec/json.ts";
import type { MicroError } from "../core/errors.ts";
import type { Input, OutgoingMessage, Part, Place } from "../inputs/input.ts";
import type { Answer } from "./context.ts";
import { cut, fitted, type KeepRest } from "./fit.ts";
import { cutOutput } from "./limits/output.ts";

/**
 * An answer as a message within the limits of its network. Pure, but for what `keep` does with what does not fit.
 * @param most how many bytes of it there may be at all
 */
export function renderAnswer(
  answer: Answer,
  place: Place,
  limits: Input["limits"],
  keep?: KeepRest,
  most = Number.POSITIVE_INFINITY,
): OutgoingMessage {
  const { file, note } = answer;
  const parts = answerParts(answer);
  // What is too long to be said needs the place of the file.
  const beside = file === undefined || limits.files ? parts : [...parts, ...attached(file)];
  const message = fitted(noted(cutOutput(beside, most), note), place, limits, keep);
  if (file === undefined || !limits.files) return message;
  if (message.file === undefined) return { ...message, file: { name: file.name, text: cut(file.text, most) } };
  return fitted(noted(cutOutput([...parts, ...attached(file)], most), note), place, limits, keep);
}

/** A file, said. */
function attached({ name, text }: Attachment): readonly Part[] {
  return [
    { kind: "text", text: `${name}:` },
    { kind: "code", text },
  ];
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
  if (!text.includes("\t")) return text;
  const lines = text.split("\n");
  const rows = lines.map(cellsOf);
  for (let at = 0; at < lines.length; ) {
    let end = at;
    while ((rows[end]?.cells.length ?? 0) > 1) end++;
    if (end === at) end++;
    const widths: number[] = [];
    // Others wait while a long table is drawn, so it is done in few steps.
    for (let row = at; row < end; row++) {
      const cells = rows[row]?.cells ?? [];
      for (let column = 0; column < cells.length; column++) {
        const width = cells[column]?.length ?? 0;
        if (width > (widths[column] ?? 0)) widths[column] = width;
      }
    }
    for (let row = at; row < end; row++) {
      const { indent, cells } = rows[row] as Row;
      let line = "  ".repeat(indent);
      for (let column = 0; column < cells.length - 1; column++) {
        line += (cells[column] as string).padEnd((widths[column] ?? 0) + 2);
      }
      lines[row] = line + (cells.at(-1) ?? "");
    }
    at = end;
  }
  return lines.join("\n");
}

interface Row {
  /** How many tabs it begins with. */
  readonly indent: number;
  readonly cells: readonly string[];
}

/** Several tabs are one, as the reference's own tables have them. */
function cellsOf(line: string): Row {
  let indent = 0;
  while (line[indent] === "\t") indent++;
  const rest = indent === 0 ? line : line.slice(indent);
  return { indent, cells: rest.includes("\t\t") ? rest.split(/\t+/) : rest.split("\t") };
}

function caret(line: string, { start, end }: Mark): readonly string[] {
  const from = Math.max(0, start - 40);
  const shown = line.slice(from, Math.min(line.length, from + 100));
  const width = Math.max(1, Math.min(end, from + 100) - start);
  return [shown, " ".repeat(start - from) + "^".repeat(width)];
}
