/* biome-ignore-all lint/suspicious/noControlCharactersInRegex: control characters are what this file is about */

/** An element as it travels. What is in no namespace of its own is in the one around it. */
export interface Xml {
  readonly name: string;
  /** `undefined` in what we make and give to a parent of the same namespace. */
  readonly ns: string | undefined;
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: readonly (Xml | string)[];
}

/**
 * Makes an element. Stanzas are only ever made like this and written by `write`, so nothing that somebody said can become
 * an element or an attribute (`chat.md §6`, XMPP stanza injection).
 *
 * @param attrs what is undefined is left out; `xmlns` names the namespace
 */
export function xml(
  name: string,
  attrs: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly (Xml | string | undefined)[]
): Xml {
  const { xmlns, ...rest } = attrs;
  return {
    name,
    ns: xmlns,
    attrs: Object.fromEntries(Object.entries(rest).filter((pair): pair is [string, string] => pair[1] !== undefined)),
    children: children.filter((child) => child !== undefined),
  };
}

/** The first child of that name and namespace. Never by name alone: anybody may put a `body` of their own into a message. */
export function child(element: Xml, name: string, ns: string): Xml | undefined {
  return children(element, name, ns)[0];
}

export function children(element: Xml, name: string, ns: string): readonly Xml[] {
  return element.children.filter(
    (one): one is Xml => typeof one !== "string" && one.name === name && (one.ns ?? element.ns) === ns,
  );
}

/** The child elements, whatever they are. */
export function elements(element: Xml): readonly Xml[] {
  return element.children.filter((one) => typeof one !== "string");
}

/** The text directly in it. */
export function textOf(element: Xml): string {
  return element.children.filter((one) => typeof one === "string").join("");
}

/** The element as text, with everything escaped. */
export function write(element: Xml): string {
  const attrs = Object.entries(element.ns === undefined ? element.attrs : { xmlns: element.ns, ...element.attrs })
    .map(([name, value]) => ` ${name}="${escapeXml(value)}"`)
    .join("");
  const inner = element.children.map((one) => (typeof one === "string" ? escapeXml(one) : write(one))).join("");
  return inner === "" ? `<${element.name}${attrs}/>` : `<${element.name}${attrs}>${inner}</${element.name}>`;
}

/** What XML 1.0 has no way to write (its production `Char`): half a surrogate pair and most control characters. */
const ILLEGAL =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  // A parser takes a bare one for a line's end.
  "\r": "&#13;",
};

function escapeXml(text: string): string {
  return legal(text).replace(/[&<>"'\r]/g, (one) => ENTITIES[one] ?? one);
}

/** The text without the characters that would end the whole stream: the server may not take them. */
export function legal(text: string): string {
  return text.replace(ILLEGAL, "");
}
