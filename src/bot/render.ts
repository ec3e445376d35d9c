import { align } from "../commands/columns.ts";
import type { Attachment } from "../commands/command.ts";
import { drawText } from "../commands/draw.ts";
import type { Mark } from "../commands/parse.ts";
import { jsonCodec } from "../core/codec/json.ts";
import type { MicroError } from "../core/errors.ts";
import type { Input, OutgoingMessage, Part, Place } from "../inputs/input.ts";
import type { Answer } from "./context.ts";
import { cut, fitted, type KeepRest } from "./fit.ts";
import { cutOutput } from "./limits/output.ts";
import { isPicture, isShown, wordsOf } from "./picture.ts";

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
  if (file !== undefined && isShown(file, limits)) {
    const { textLength, captionLength = textLength } = limits;
    // There is one file at most, and that is the picture: what does not fit beside it is cut, and can be read on.
    const within = { ...limits, files: false, textLength: Math.min(textLength, captionLength) };
    const text = cut(file.text, ALT_LENGTH);
    return { ...fitted(noted(cutOutput(parts, most), note), place, within, keep), file: { ...file, text } };
  }
  if (file !== undefined && isPicture(file)) {
    return fitted(noted(cutOutput([...parts, ...wordsOf(file)], most), note), place, limits, keep);
  }
  // What is too long to be said needs the place of the file.
  const beside = file === undefined || limits.files ? parts : [...parts, ...attached(file)];
  const message = fitted(noted(cutOutput(beside, most), note), place, limits, keep);
  if (file === undefined || !limits.files) return message;
  if (message.file === undefined) return { ...message, file: { name: file.name, text: cut(file.text, most) } };
  return fitted(noted(cutOutput([...parts, ...attached(file)], most), note), place, limits, keep);
}

/** So much is told of a picture to those who cannot see it (docs.discord.com, "Attachment": 1024 characters, the least of them). */
const ALT_LENGTH = 1000;

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

function caret(line: string, { start, end }: Mark): readonly string[] {
  const from = Math.max(0, start - 40);
  const shown = line.slice(from, Math.min(line.length, from + 100));
  const width = Math.max(1, Math.min(end, from + 100) - start);
  return [shown, " ".repeat(start - from) + "^".repeat(width)];
}
