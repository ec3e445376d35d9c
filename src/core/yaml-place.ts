import { type Document, isMap, isNode } from "yaml";

/** Where a path stands in the text of a document; of what is missing, where its parent does. @param key of the map that is there */
export function offsetOf(
  document: Pick<Document, "contents" | "getIn">,
  path: readonly PropertyKey[],
  key?: string,
): number {
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

/** `routes[1].escalate[2].to`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part + 1}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}
