/**
 * An address, `local@domain/resource` (RFC 7622). Split at the first slash only: a nick may have slashes of its own, and
 * `room@conf/admin@example.org/x` is the occupant `admin@example.org/x` of a room and nobody else.
 */
export interface Jid {
  /** `local@domain`. */
  readonly bare: string;
  /** Empty for a server. */
  readonly local: string;
  readonly domain: string;
  /** In a room: the nick. Empty when there is none. */
  readonly resource: string;
}

/** The parts of an address that a server has written, or of one in a setting. Local part and domain in lower case. */
export function parseJid(text: string): Jid {
  const slash = text.indexOf("/");
  const bare = (slash < 0 ? text : text.slice(0, slash)).toLowerCase();
  const at = bare.indexOf("@");
  return {
    bare,
    local: at < 0 ? "" : bare.slice(0, at),
    domain: bare.slice(at + 1),
    resource: slash < 0 ? "" : text.slice(slash + 1),
  };
}

/** Somebody's address without a resource, as servers write it; `undefined` where the text is none. */
export function personJid(text: string): string | undefined {
  const { bare, local, domain, resource } = parseJid(text);
  const whole = local !== "" && domain !== "" && resource === "" && !text.includes("/") && !/[\s<>"&']/.test(text);
  return whole ? bare : undefined;
}
