import { elements, type Xml } from "../../src/inputs/xmpp/xml.ts";

/** What a message of the bot may consist of; anything else would have come out of what it was given to say. */
const USUAL: ReadonlySet<string> = new Set([
  "body",
  "thread",
  "origin-id",
  "unstyled",
  "replace",
  "x",
  "stanza-id",
  "occupant-id",
  "store",
]);

/** What in a message would act in a client: elements that nobody meant, and blocks of XEP-0393 that do not close where they should. */
export function liveIn(stanza: Xml, text: string): readonly string[] {
  const odd = elements(stanza)
    .map((one) => one.name)
    .filter((name) => !USUAL.has(name));
  if (stanza.children.some((one) => typeof one !== "string" && one.name === "body" && elements(one).length > 0)) {
    odd.push("elements in the body");
  }
  const fences = text.split("\n").filter((line) => line.startsWith("```")).length;
  if (fences !== 0 && !(fences === 2 && text.startsWith("```\n") && text.endsWith("\n```"))) odd.push("a fence");
  return odd;
}
