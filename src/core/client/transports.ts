import { MicroError } from "../errors.ts";
import type { ServiceNode } from "../registry/registry.ts";
import type { Transport } from "../transport/transport.ts";

/**
 * How a node is reached: by the transport that it names, made when it is first met. A node that names none is reached by the
 * usual one, and so is everybody where there is no other.
 */
export function createTransportOf(
  usual: Transport,
  others: Readonly<Record<string, () => Promise<Transport>>> | undefined,
): (node: ServiceNode) => Transport | Promise<Transport> {
  const made = new Map<string, Transport | Promise<Transport>>([[usual.kind, usual]]);
  return ({ id, metadata }) => {
    const kind = metadata["transport"];
    if (!kind || others === undefined) return usual;
    const known = made.get(kind);
    if (known) return known;
    const make = Object.hasOwn(others, kind) ? others[kind] : undefined;
    if (make === undefined) {
      const spoken = [...new Set([usual.kind, ...Object.keys(others)])].join(", ");
      throw new MicroError(
        "unimplemented",
        `${id} is reached by "${kind}", which is not spoken here; there are ${spoken}`,
      );
    }
    const making = make().then(
      (transport) => {
        made.set(kind, transport);
        return transport;
      },
      (error) => {
        made.delete(kind);
        throw error;
      },
    );
    made.set(kind, making);
    return making;
  };
}
