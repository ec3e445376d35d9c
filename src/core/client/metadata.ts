/**
 * Headers that belong to one message and never to the next: a call made on behalf of another one carries its metadata on
 * without these (`wire.md §4.5`).
 */
const OWN: ReadonlySet<string> = new Set([
  ...["topic", "error", "stream", "id", "service", "method", "endpoint", "target", "protocol"].flatMap((name) => [
    `micro-${name}`,
    `x-micro-${name}`,
  ]),
  "content-type",
  "content-length",
  "accept",
  "accept-encoding",
  "timeout",
  "host",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "user-agent",
  "local",
  "remote",
  "te",
  "trailer",
  "upgrade",
]);

/** Adds the metadata that goes with a call to its headers: names in lower case, without what belongs to messages. */
export function addMetadata(header: Record<string, string>, metadata: Readonly<Record<string, string>>): void {
  for (const name in metadata) {
    const lower = name.toLowerCase();
    if (!OWN.has(lower) && !lower.startsWith(":")) header[lower] = metadata[name] as string;
  }
}
