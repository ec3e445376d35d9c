import type { ValueRecord } from "../core/registry/registry.ts";

/** What a request looks like, from what the endpoint has registered: `{"name": string, "tags": [string]}`. */
export function shape(value: ValueRecord | undefined): string {
  const parts = value?.values ?? [];
  if (parts.length === 0) return "{}";
  return `{${parts.map((part) => `"${part.name}": ${kind(part)}`).join(", ")}}`;
}

function kind(value: ValueRecord): string {
  const list = value.type.startsWith("[]");
  const element = list ? value.type.slice(2) : value.type;
  const body = value.values.length > 0 && !(list && value.values.length === 1) ? shape(value) : element || "object";
  return list ? `[${body}]` : body;
}
