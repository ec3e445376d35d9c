import type { SaxesOptions, SaxesParser } from "saxes";
import type { Xml } from "./xml.ts";

/** What a stream consists of (RFC 6120 §4): a header, elements, an end. */
interface StreamEvents {
  opened(header: Xml): void;
  element(element: Xml): void;
  ended(): void;
}

/** Reads one stream; after a restart there is a new one. */
export interface StreamParser {
  /** @throws Error for what is no XML, what RFC 6120 §11.1 forbids, and what is too large */
  feed(bytes: Uint8Array): void;
}

/** How deep elements may stand in each other; servers' own limits are near. */
const DEPTH = 64;

/**
 * A parser of one stream. Strict, and with namespaces: what a lenient one makes of odd XML may be something else than what
 * the server has checked.
 *
 * @param maxBytes how large one element may be
 */
export async function streamParser(events: StreamEvents, maxBytes: number): Promise<StreamParser> {
  const { SaxesParser: Parser } = await import("saxes");
  const parser: SaxesParser<SaxesOptions & { xmlns: true }> = new Parser({ xmlns: true });
  // It keeps what it has of a character whose bytes came in two pieces.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const open: (Omit<Xml, "children"> & { readonly children: (Xml | string)[] })[] = [];
  let root: Xml | undefined;
  let size = 0;

  const forbidden = (what: string) => () => {
    throw new Error(`${what} in the stream`);
  };
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("doctype", forbidden("a document type"));
  parser.on("comment", forbidden("a comment"));
  parser.on("processinginstruction", forbidden("a processing instruction"));
  parser.on("opentag", ({ local, uri, attributes }) => {
    const attrs: Record<string, string> = Object.create(null);
    for (const { name, value } of Object.values(attributes)) if (!name.startsWith("xmlns")) attrs[name] = value;
    const element = { name: local, ns: uri, attrs, children: [] };
    if (root === undefined) {
      root = element;
      events.opened(element);
      return;
    }
    if (open.length >= DEPTH) throw new Error(`more than ${DEPTH} elements in each other`);
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  const onText = (text: string) => void open.at(-1)?.children.push(text);
  parser.on("text", onText);
  parser.on("cdata", onText);
  parser.on("closetag", () => {
    const element = open.pop();
    if (element === undefined) return events.ended();
    if (open.length > 0) return;
    size = 0;
    events.element(element);
  });

  return {
    feed: (bytes) => {
      size += bytes.length;
      parser.write(decoder.decode(bytes, { stream: true }));
      // Counted from the end of the last element, so that a tag that never ends counts as well.
      if (size > maxBytes) throw new Error(`an element of more than ${maxBytes} bytes`);
    },
  };
}
