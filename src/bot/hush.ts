import type { Attachment, View } from "../commands/command.ts";
import type { Records, Value } from "../commands/pipe/records.ts";
import { jsonCodec, RawJson } from "../core/codec/json.ts";
import { MicroError } from "../core/errors.ts";
import { CROSSED_OUT, type Redactor } from "../core/redact.ts";
import { isSecretName } from "../core/redact-patterns.ts";
import type { Choice, Form, OutgoingMessage } from "../inputs/input.ts";
import type { Answer } from "./context.ts";
import { mannered, mannersOf } from "./manners.ts";

/** An answer without secrets, but for the one that it is there to tell (`Manners.reveal`). */
export function hushedAnswer(answer: Answer, redactor: Redactor): Answer {
  const { reveal, output, result, file } = answer;
  const clean = (text: string) => textBut(reveal, text, redactor.text);
  // As it will be drawn, so that a secret that its JSON spells otherwise is seen.
  const drawn = output === "text" || result === undefined ? undefined : decoder.decode(jsonCodec.encode(result));
  return {
    ...answer,
    view: hushedView(answer.view, clean, redactor),
    ...(file && { file: cleanFile(file, clean) }),
    ...(drawn !== undefined && { result: new RawJson(textBut(reveal, drawn, redactor.jsonText)) }),
    ...(answer.choices && { choices: hushedChoices(answer.choices, redactor) }),
    ...(answer.form && { form: hushedForm(answer.form, redactor) }),
  };
}

const decoder = new TextDecoder();

function hushedView(view: View, clean: (text: string) => string, { jsonText }: Redactor): View {
  switch (view.kind) {
    case "text":
      return { kind: "text", text: clean(view.text) };
    case "json":
      return { kind: "json", text: jsonText(view.text) };
    case "list":
      return {
        kind: "list",
        items: cleanItems(view.items, clean),
        note: view.note === undefined ? undefined : clean(view.note),
      };
    case "report":
      return { kind: "report", text: clean(view.text), note: view.note === undefined ? undefined : clean(view.note) };
  }
}

/** Together, as they are drawn, which is sooner done than one by one; apart only where there is a secret in one of them. */
function cleanItems(items: readonly string[], clean: (text: string) => string): readonly string[] {
  const all = items.join("\n");
  return clean(all) === all ? items : items.map(clean);
}

/** The same error in words without secrets; what caused it stays, for the log, which looks for itself. */
export function hushedError(error: MicroError, redactor: Redactor): MicroError {
  const message = redactor.text(error.message);
  const details = redactor.json(error.details) as MicroError["details"];
  const { line } = error.details;
  // A caret under a line that has changed would point at something else.
  const shown = details["line"] === line ? details : { ...details, line: undefined };
  const copy = new MicroError(error.code, message, { cause: error.cause, details: shown });
  const { choices, ...manners } = mannersOf(error);
  return mannered(copy, { ...manners, ...(choices && { choices: hushedChoices(choices, redactor) }) });
}

/** A message without secrets: the last look at it before it is sent. */
export function hushedMessage(message: OutgoingMessage, redactor: Redactor): OutgoingMessage {
  const { parts, file, choices, form, reveal } = message;
  const clean = (text: string) => textBut(reveal, text, redactor.text);
  return {
    ...message,
    parts: parts.map((part) => ({ ...part, text: clean(part.text) })),
    ...(file && { file: cleanFile(file, clean) }),
    ...(choices && { choices: hushedChoices(choices, redactor) }),
    ...(form && { form: hushedForm(form, redactor) }),
  };
}

/** Nobody can look through a picture; where the words for it hold a secret it may show one, and only the words stay. */
function cleanFile({ name, text, png }: Attachment, clean: (text: string) => string): Attachment {
  const words = { name: clean(name), text: clean(text) };
  return png !== undefined && words.name === name && words.text === text ? { ...words, png } : words;
}

/** Rows without secrets. All of them are looked through at once, which is sooner done than one by one. */
export function hushedRecords({ fields, rows }: Records, { text }: Redactor): Records {
  const hidden = new Set(fields.filter((name) => name.split(".").some(isSecretName)));
  const all = JSON.stringify(rows);
  if (hidden.size === 0 && text(all) === all) return { fields, rows };
  const clean = (name: string, value: Value): Value => {
    if (value === null || value === "" || typeof value === "boolean") return value;
    const said = String(value);
    if (hidden.has(name)) return CROSSED_OUT;
    return text(said) === said ? value : text(said);
  };
  return {
    fields: fields.map(text),
    rows: rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [text(name), clean(name, value)])),
    ),
  };
}

/** What cannot be pressed without a secret's being kept by the network is left to be typed. */
function hushedChoices(choices: readonly Choice[], { text }: Redactor): readonly Choice[] {
  return choices.filter(({ line, label }) => text(line) === line && text(label) === label);
}

function hushedForm(form: Form, { text }: Redactor): Form {
  return {
    ...form,
    fields: form.fields.map(({ value, ...field }) => ({
      ...field,
      ...(value !== undefined && text(value) === value && { value }),
    })),
  };
}

/** The text, cleaned around one secret that may stand there. */
function textBut(reveal: string | undefined, text: string, clean: (text: string) => string): string {
  if (reveal === undefined || reveal === "") return clean(text);
  return text.split(reveal).map(clean).join(reveal);
}
