import type { Client, ClientStream } from "../../src/core/client/client.ts";
import { RawJson } from "../../src/core/codec/json.ts";
import { MicroError } from "../../src/core/errors.ts";
import { closable } from "../../src/core/lifecycle.ts";

/** What was asked of a canned client. */
export interface Asked {
  readonly service: string;
  readonly endpoint: string;
  readonly body: string;
  readonly address: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

/** What a stream gives: texts, then an error or its end; `undefined`: it stays open. Given once the request has been sent. */
export type CannedStream = readonly (string | MicroError | undefined)[];

/**
 * A client that needs no service: answers stand under `Handler.Method` or, for one node only, `host:port Handler.Method`,
 * as the JSON text that comes back or as the error; those of a stream as a list. For what is printed, not for how it travels.
 */
export function cannedClient(
  answers: Readonly<Record<string, string | MicroError | CannedStream>>,
): Client & { readonly asked: Asked[]; readonly opened: number } {
  const asked: Asked[] = [];
  let open = 0;
  const canned = (endpoint: string, address: string | undefined) => {
    const answer = answers[`${address} ${endpoint}`] ?? answers[endpoint];
    if (answer === undefined) throw new MicroError("not_found", `no answer is canned for ${endpoint}`);
    if (answer instanceof MicroError) throw answer;
    return answer;
  };
  const written = (body: unknown) => (body instanceof RawJson ? body.text : JSON.stringify(body));
  const read = (text: string, raw: boolean | undefined) => (raw ? new RawJson(text) : JSON.parse(text));

  const client: Client & { readonly asked: Asked[]; readonly opened: number } = {
    asked,
    /** Streams that are open. */
    get opened() {
      return open;
    },
    call: async (to, input, options) => to.output.parse(await client.request(to.service, to.name, input, options)),
    request: async (service, endpoint, body, options = {}) => {
      const address = options.address ?? options.node?.address;
      asked.push({ service, endpoint, body: written(body), address, metadata: options.metadata });
      return read(String(canned(endpoint, address)), options.raw);
    },
    open: async () => {
      throw new MicroError("unimplemented", "typed streams are not canned");
    },
    stream: async (service, endpoint, options = {}) => {
      const address = options.address ?? options.node?.address;
      const found = canned(endpoint, address);
      const items = typeof found === "string" ? [found] : found;
      const { signal, metadata, raw } = options;
      const over = new AbortController();
      let begin = () => {};
      const begun = new Promise<void>((resolve) => {
        begin = resolve;
      });
      const cancelled = () => over.abort();
      signal?.addEventListener("abort", cancelled);
      open += 1;
      const ended = new Promise<void>((resolve) => over.signal.addEventListener("abort", () => resolve()));
      const stream: ClientStream = {
        node: options.node ?? { id: `${service}-1`, address: address ?? "10.0.0.1:1", metadata: {} },
        send: async (message) => {
          asked.push({ service, endpoint, body: written(message), address, metadata });
          begin();
        },
        end: async () => {},
        async *[Symbol.asyncIterator]() {
          await Promise.race([begun, ended]);
          for (const item of items) {
            if (item === undefined) await ended;
            if (signal?.aborted) throw new MicroError("cancelled", "cancelled");
            if (over.signal.aborted) return;
            if (item instanceof MicroError) throw item;
            if (item !== undefined) yield read(item, raw);
          }
        },
        ...closable(() => {
          over.abort();
          signal?.removeEventListener("abort", cancelled);
          open -= 1;
        }),
      };
      return stream;
    },
    use: () => {},
    close: async () => {},
  };
  return client;
}
