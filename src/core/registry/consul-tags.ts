import { deflateSync, inflateSync } from "node:zlib";
import { readEndpoint, readMetadata, writeEndpoint } from "../wire/record.ts";
import { memo } from "./memo.ts";
import type { EndpointRecord, ServiceNode, ServiceRecord } from "./registry.ts";

/** What the tags of one Consul service say about it. */
export interface TagFacts {
  /** Empty when there is no `v` tag. */
  readonly version: string;
  /** Of the node: all `t` tags together. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly endpoints: readonly EndpointRecord[];
}

type Decoded =
  | { readonly kind: "t"; readonly metadata: Readonly<Record<string, string>> }
  | { readonly kind: "e"; readonly endpoint: EndpointRecord }
  | { readonly kind: "v"; readonly version: string };

/** What may come out of one tag. */
const MAX_TAG_BYTES = 1 << 20;
/** zlib takes 16 KiB for each tag otherwise; thousands of those make the garbage collector stop the world. */
const CHUNK_BYTES = 2048;
/** Distinct tags that are remembered decoded: inflating is 200 times as slow as looking up (`performance.md §4`). */
const MAX_REMEMBERED = 200_000;

/**
 * A node's tags: metadata pairs, then endpoints, then the version (`wire.md §2.1`). Foreign tags follow these, since Go's
 * reader takes its form from the first tag that begins with `e` or `t`.
 */
export function encodeTags(service: ServiceRecord, node: ServiceNode): string[] {
  return [
    ...Object.entries(node.metadata).map(([key, value]) => `t-${pack(JSON.stringify({ [key]: value }))}`),
    ...service.endpoints.map((endpoint) => `e-${pack(JSON.stringify(writeEndpoint(endpoint)))}`),
    `v-${pack(service.version)}`,
  ];
}

/**
 * Reads `x-` (hex of zlib) and `x=` (plain, before May 2016) tags; within each kind the form met first counts. All other
 * tags are somebody else's.
 */
export function decodeTags(tags: readonly string[]): TagFacts {
  const forms: Partial<Record<string, string>> = {};
  const metadata: Record<string, string>[] = [];
  const endpoints: EndpointRecord[] = [];
  let version: string | undefined;
  for (const tag of tags) {
    const kind = tag[0];
    const form = tag[1];
    if ((form !== "-" && form !== "=") || (kind !== "t" && kind !== "e" && kind !== "v")) continue;
    if (form !== (forms[kind] ?? form)) continue;
    const decoded = decodeTag(tag);
    if (decoded === undefined) continue;
    forms[kind] = form;
    if (decoded.kind === "t") metadata.push(decoded.metadata);
    else if (decoded.kind === "e") endpoints.push(decoded.endpoint);
    else version ??= decoded.version;
  }
  return {
    version: version ?? "",
    metadata: Object.freeze(Object.assign({}, ...metadata)),
    endpoints: Object.freeze(endpoints),
  };
}

const decodeTag = memo(MAX_REMEMBERED, (tag): Decoded | undefined => {
  try {
    const plain = tag[1] === "=" ? tag.slice(2) : unpack(tag.slice(2));
    if (tag[0] === "v") return { kind: "v", version: plain };
    if (tag[0] === "t") return { kind: "t", metadata: readMetadata(JSON.parse(plain), "metadata") };
    return { kind: "e", endpoint: readEndpoint(JSON.parse(plain)) };
  } catch {
    return undefined; // a foreign tag that happens to look like ours
  }
});

function pack(text: string): string {
  return deflateSync(text).toString("hex");
}

function unpack(hex: string): string {
  return inflateSync(Buffer.from(hex, "hex"), { chunkSize: CHUNK_BYTES, maxOutputLength: MAX_TAG_BYTES }).toString();
}
