import type { View } from "./command.ts";
import { indentJson } from "./json.ts";

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
