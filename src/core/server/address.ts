import { networkInterfaces } from "node:os";

/** Private ranges that Go prefers to advertise (`wire.md §1.4`). */
const PRIVATE = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|fd)/i;

/**
 * The address that others can reach a listener at: its own, or, where it listens everywhere, the first private one of this
 * machine, failing that the last one there is.
 */
export function advertised(listening: string, interfaces = networkInterfaces()): string {
  const colon = listening.lastIndexOf(":");
  const host = listening.slice(0, colon).replace(/^\[|\]$/g, "");
  if (colon === -1 || !["", "0.0.0.0", "::"].includes(host)) return listening;
  // Go may end up with loopback here, at which nobody else would find the service (`wire.md §11` trap 13).
  const addresses = Object.values(interfaces)
    .flatMap((found) => found ?? [])
    .filter(({ address, internal }) => !internal && !/^fe80/i.test(address))
    .map(({ address }) => address);
  const chosen = addresses.find((address) => PRIVATE.test(address)) ?? addresses.at(-1) ?? "127.0.0.1";
  return `${chosen.includes(":") ? `[${chosen}]` : chosen}${listening.slice(colon)}`;
}
