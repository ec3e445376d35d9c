import { readFile } from "node:fs/promises";
import { isReference } from "./secret-references.ts";

/**
 * A policy file with what its values refer to, so that who is on call may stand elsewhere. A file without references comes
 * back as it is.
 * @throws what reading and `resolve` throw
 */
export async function policyText(path: string, resolve: (text: string) => Promise<string>): Promise<string> {
  const text = await readFile(path, "utf8");
  if (!/(?:file|env|vault):/.test(text)) return text;
  const { isScalar, parseDocument, visit } = await import("yaml");
  const document = parseDocument(text);
  // What it is no YAML for is told by who reads it.
  if (document.errors.length > 0) return text;
  const found: { value: unknown }[] = [];
  visit(document, (key, node) => {
    if (key !== "key" && isScalar(node) && typeof node.value === "string" && isReference(node.value)) found.push(node);
  });
  if (found.length === 0) return text;
  for (const node of found) node.value = await resolve(String(node.value));
  return document.toString();
}
