import { MicroError } from "./errors.ts";

/**
 * Where a server that is asked over HTTP is: `host:port`, or a URL with a path of its own.
 * @param whose for the error: `the Prometheus` @throws MicroError `invalid_argument`
 */
export function httpAddress(address: string, whose: string, example: string): URL {
  const text = /^https?:\/\//.test(address) ? address : `http://${address}`;
  try {
    const url = new URL(text);
    // Who we are is a secret, and is said elsewhere.
    if (url.username === "" && url.search === "" && url.hostname !== "") return url;
  } catch {
    // Told below.
  }
  throw new MicroError("invalid_argument", `the address of ${whose} is host:port or a URL: ${example}`);
}

/** A secret as an `authorization` header: `name:password`, else a token; `undefined` for an empty one. */
export function authorizationOf(secret: string): string | undefined {
  if (secret === "") return undefined;
  return secret.includes(":") ? `Basic ${Buffer.from(secret).toString("base64")}` : `Bearer ${secret}`;
}
