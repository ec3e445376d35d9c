import { MicroError } from "./errors.ts";

/** Where a server is, and who we are to it. */
export interface Addresses {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** The first of the schemes when none was given. */
  readonly scheme: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Without its slash: a vhost, the number of a database. */
  readonly path: string;
  /** For people, without a secret: `redis at 127.0.0.1:6379`. */
  readonly where: string;
}

/**
 * Reads `host`, `host:port` and `scheme://user:password@host:port/path`. Of several, the first that says so decides about
 * everything but hosts.
 *
 * @throws MicroError `invalid_argument`
 */
export function parseAddresses(
  kind: string,
  addresses: readonly string[] | undefined,
  defaults: { readonly schemes: readonly string[]; readonly port: number },
): Addresses {
  const given = addresses?.length ? addresses : ["127.0.0.1"];
  const urls = given.map((address) => parse(kind, address, defaults.schemes));
  const hosts = urls.map(({ hostname, port }) => ({
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? defaults.port : Number(port),
  }));
  const first = (read: (url: URL) => string) => urls.map(read).find((value) => value !== "");
  const decoded = (value: string | undefined) => (value === undefined ? undefined : decodeURIComponent(value));
  const names = hosts.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`);
  return {
    hosts,
    scheme: (urls[0] as URL).protocol.slice(0, -1),
    user: decoded(first(({ username }) => username)),
    password: decoded(first(({ password }) => password)),
    path: first(({ pathname }) => pathname.slice(1)) ?? "",
    where: `${kind} at ${names.join(", ")}`,
  };
}

function parse(kind: string, address: string, schemes: readonly string[]): URL {
  const [first = kind] = schemes;
  try {
    const url = new URL(/^[a-z]+:\/\//.test(address) ? address : `${first}://${address}`);
    if (schemes.includes(url.protocol.slice(0, -1)) && url.hostname !== "") return url;
  } catch {
    // Below.
  }
  // The address is not repeated: there may be a password in it.
  throw new MicroError("invalid_argument", `an address of ${kind} is none: write ${first}://host:port`);
}
