import type { Client } from "../../../src/core/client/client.ts";
import { MicroError } from "../../../src/core/errors.ts";
import type { ServiceRecord } from "../../../src/core/registry/registry.ts";
import { errorRecord } from "../../../src/core/wire/error.ts";
import { cannedClient } from "../../fakes/canned-client.ts";

/** What a node does when it is asked: answer, fail, or nothing for ever. */
export type Behaviour = object | MicroError | "hangs";

/** A client whose nodes behave as is said, by address, for `Debug.Health`; `Debug.Stats` is answered by `stats`. */
export function nodesThat(behaviours: Record<string, Behaviour>, stats: Record<string, object> = {}) {
  const asked: string[] = [];
  let open = 0;
  let most = 0;
  const client: Client = {
    ...cannedClient({}),
    request: async (_service, endpoint, _body, { node } = {}) => {
      const address = node?.address ?? "";
      asked.push(`${endpoint} ${address}`);
      open += 1;
      most = Math.max(most, open);
      try {
        await new Promise((resolve) => setImmediate(resolve));
        const found = endpoint === "Debug.Stats" ? stats[address] : behaviours[address];
        if (found === "hangs") await new Promise(() => {});
        if (found instanceof MicroError) throw found;
        return found ?? (endpoint === "Debug.Health" ? { status: "ok" } : {});
      } finally {
        open -= 1;
      }
    },
  };
  return {
    client,
    asked,
    behaviours,
    get most() {
      return most;
    },
  };
}

export function clientError(code: MicroError["code"], status: number, detail: string): MicroError {
  return new MicroError(code, detail, { details: { record: errorRecord("go.micro.client", status, detail) } });
}

export const refused = (address: string) =>
  clientError("unavailable", 500, `connection error: dial tcp ${address}: connect ECONNREFUSED`);

/** `{ "1.0.0": ["10.0.0.1:1", …] }`: nodes a1, a2, … of a service in their order. */
export function serviceOf(
  name: string,
  versions: Readonly<Record<string, readonly string[]>>,
  metadata: Readonly<Record<string, string>> = {},
): readonly ServiceRecord[] {
  let count = 0;
  return Object.entries(versions).map(([version, addresses]) => ({
    name,
    version,
    metadata,
    endpoints: [],
    nodes: addresses.map((address) => ({ id: `a${++count}`, address, metadata: { protocol: "mucp" } })),
  }));
}
