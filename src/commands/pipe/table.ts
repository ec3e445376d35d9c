import type { View } from "../command.ts";
import type { Result } from "./apply.ts";
import type { Value } from "./records.ts";

/** Rows as a report, whose tabs chat aligns; or as JSON. */
export function tableView({ rows, fields, as, of }: Result, note?: string): View {
  if (as === "json") return { kind: "json", text: JSON.stringify(rows) };
  const left = rows.length < of && fields.join() !== "count" ? `${rows.length} of ${of}` : undefined;
  const notes = [left, note].filter((line) => line !== undefined).join("; ");
  if (rows.length === 0) return { kind: "text", text: of === 0 ? "there is none" : `none of ${of} is left` };
  const lines = [fields.map(heading), ...rows.map((row) => fields.map((name) => cell(row[name] ?? null)))];
  return { kind: "report", text: lines.map((cells) => cells.join("\t")).join("\n"), note: notes || undefined };
}

function heading(name: string): string {
  return cell(name.charAt(0).toUpperCase() + name.slice(1));
}

/** Never empty, since several tabs are one; and on one line. */
function cell(value: Value): string {
  const text = value === null ? "" : String(value).replace(/\s+/g, " ").trim();
  return text === "" ? "-" : text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
