import { jsonCodec, RawJson } from "../core/codec/json.ts";
import type { View } from "./command.ts";
import { indentJson, jsonOnOneLine } from "./json.ts";
import type { Output } from "./parse.ts";

/** A view as the terminal prints it, in the layout that people's scripts know (`toolkit.md §1.4`-`1.9`). */
export function drawText(view: View): string {
  switch (view.kind) {
    case "text":
    case "report":
      return view.text;
    case "list":
      return view.items.join("\n");
    case "json":
      return indentJson(view.text);
  }
}

/** What a command shows while it runs (`CommandContext.emit`). JSON takes one line each, so that a script can read it. */
export function drawShown(view: View, fact: unknown, output: Output): string {
  if (output === "text" || fact === undefined) return view.kind === "json" ? jsonOnOneLine(view.text) : drawText(view);
  if (!(fact instanceof RawJson)) return new TextDecoder().decode(jsonCodec.encode(fact)).trimEnd();
  return output === "raw" ? fact.text : jsonOnOneLine(fact.text);
}
