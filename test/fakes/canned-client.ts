import type { Client } from "../../src/core/client/client.ts";
import { RawJson } from "../../src/core/codec/json.ts";
import { MicroError } from "../../src/core/errors.ts";

/** What was asked of a canned client. */
export interface Asked {
  readonly service: string;
  readonly endpoint: string;
  readonly body: string;
  readonly address: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

/**
 * A client that needs no service: answers stand under `Handler.Method` or, for one node only, `host:port Handler.Method`,
 * as the JSON text that comes back or as the error. For what is printed, not for how it travels.
 */
export function cannedClient(
  answers: Readonly<Record<string, string | MicroError>>,
): Client & { readonly asked: Asked[] } {
  const asked: Asked[] = [];
  const client: Client & { readonly asked: Asked[] } = {
    asked,
    call: async (to, input, options) => to.output.parse(await client.request(to.service, to.name, input, options)),
    request: async (service, endpoint, body, options = {}) => {
      const address = options.address ?? options.node?.address;
      const { metadata } = options;
      asked.push({
        service,
        endpoint,
        body: body instanceof RawJson ? body.text : JSON.stringify(body),
        address,
        metadata,
      });
      const answer = answers[`${address} ${endpoint}`] ?? answers[endpoint];
      if (answer === undefined) throw new MicroError("not_found", `no answer is canned for ${endpoint}`);
      if (answer instanceof MicroError) throw answer;
      return options.raw ? new RawJson(answer) : JSON.parse(answer);
    },
    use: () => {},
    close: async () => {},
  };
  return client;
}
