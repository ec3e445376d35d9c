import { createHmac, hash, randomBytes, timingSafeEqual } from "node:crypto";

/** How a source proves who it is. */
export type Authentication =
  | { readonly kind: "token"; readonly tokens: readonly string[] }
  | {
      readonly kind: "signature";
      readonly secrets: readonly string[];
      /** Lower case. */
      readonly header: string;
      /** `sha256=<hex>` over the body; or `t=<seconds>,v1=<hex>` over `<seconds>.<body>`, which cannot be sent again later. */
      readonly style: "plain" | "timed";
    }
  | { readonly kind: "certificate"; readonly names: readonly string[] };

/** What a request shows. */
export interface Shown {
  header(name: string): string | undefined;
  /** As it came. */
  readonly body: Uint8Array;
  /** Names in a certificate that our authority has vouched for. */
  readonly peer: readonly string[] | undefined;
  /** A secret within the body, of those kinds of sources that put it there. */
  readonly inBody: string | undefined;
}

/** `known`: it is the source. What else is told to nobody in more words. `once`: the second in which it was signed, by its own word. */
export type Verdict =
  | { readonly known: true; readonly once?: string }
  | { readonly known: false; readonly status: 401 | 403 };

/** How far a signature's time may be from ours. */
const SKEW_MS = 5 * 60_000;

const NOBODY: Verdict = { known: false, status: 401 };

/** Compares secrets in a time that tells nothing of them. @param now epoch ms */
export function authenticate(how: Authentication, shown: Shown, now: number): Verdict {
  switch (how.kind) {
    case "token": {
      const given = bearerOf(shown) ?? shown.inBody;
      return given !== undefined && among(how.tokens, given) ? { known: true } : NOBODY;
    }
    case "signature": {
      const given = shown.header(how.header) ?? "";
      return how.style === "plain"
        ? plainly(how.secrets, given, shown.body)
        : timely(how.secrets, given, shown.body, now);
    }
    case "certificate":
      if (shown.peer === undefined) return NOBODY;
      return shown.peer.some((name) => how.names.includes(name)) ? { known: true } : { known: false, status: 403 };
  }
}

/** What can be told before there is a body. `undefined`: not without it. @param inBody the secret may be in there */
export function atOnce(
  how: Authentication,
  shown: Omit<Shown, "body" | "inBody">,
  inBody: boolean,
): Verdict | undefined {
  if (how.kind === "signature") return shown.header(how.header) === undefined ? NOBODY : undefined;
  if (how.kind === "token" && inBody && bearerOf(shown) === undefined) return undefined;
  const { header, peer } = shown;
  return authenticate(how, { header, peer, body: NO_BODY, inBody: undefined }, 0);
}

const NO_BODY = new Uint8Array();

function bearerOf({ header }: Pick<Shown, "header">): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header("authorization") ?? "")?.[1];
}

function plainly(secrets: readonly string[], given: string, body: Uint8Array): Verdict {
  const [, hex] = /^(?:sha256=)?([0-9a-f]{64})$/i.exec(given.trim()) ?? [];
  if (hex === undefined) return NOBODY;
  return secrets.some((secret) => signs(secret, [body], hex)) ? { known: true } : NOBODY;
}

function timely(secrets: readonly string[], given: string, body: Uint8Array, now: number): Verdict {
  if (given.length > 2000) return NOBODY;
  const said = given.split(",").map((part) => part.trim());
  const times = said.flatMap((part) => /^t=(\d{1,13})$/.exec(part)?.[1] ?? []);
  const [time] = times;
  if (time === undefined || times.length > 1 || Math.abs(Number(time) * 1000 - now) > SKEW_MS) return NOBODY;
  const signatures = said.flatMap((part) => /^v1=([0-9a-f]{64})$/i.exec(part)?.[1] ?? []).slice(0, 5);
  const good = signatures.some((hex) => secrets.some((secret) => signs(secret, [`${time}.`, body], hex)));
  // The time alone: what is signed with two secrets could else be sent again with the other signature.
  return good ? { known: true, once: time } : NOBODY;
}

function signs(secret: string, parts: readonly (string | Uint8Array)[], hex: string): boolean {
  const hmac = createHmac("sha256", secret);
  for (const part of parts) hmac.update(part);
  return timingSafeEqual(hmac.digest(), Buffer.from(hex, "hex"));
}

function among(secrets: readonly string[], given: string): boolean {
  const digest = digestOf(given);
  let digests = known.get(secrets);
  if (digests === undefined) {
    digests = secrets.map(digestOf);
    known.set(secrets, digests);
  }
  return digests.includes(digest);
}

/** Of each source's list of tokens. */
const known = new WeakMap<readonly string[], readonly string[]>();

/** Nobody outside knows of which texts the digests begin alike, so how long it takes to compare them tells nothing. */
const KEY = randomBytes(32).toString("base64url");

/** A text, since a buffer of its own costs a request ten times as much. */
function digestOf(text: string): string {
  return hash("sha256", KEY + text, "base64url");
}
