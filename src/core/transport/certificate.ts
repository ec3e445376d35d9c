import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

/** A certificate and its key as PEM text. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * A certificate that vouches for itself, for servers that were given none (`wire.md §3.1`): ECDSA P-256, good for a year,
 * made anew at each start. Nobody can check it who does not have it.
 *
 * @param hosts names and addresses that it is for; the first is its subject
 */
export function selfSigned(hosts: readonly string[], now: number = Date.now()): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "der" },
  });
  const subject = sequence(set(sequence(oid(2, 5, 4, 3), text(hosts[0] ?? "localhost"))));
  // An hour back, for clocks that are behind.
  const validity = sequence(time(now - HOUR_MS), time(now + 365 * 24 * HOUR_MS));
  const signed = sequence(
    tagged(0xa0, integer(Buffer.of(2))), // version 3
    integer(serial()),
    ECDSA_WITH_SHA256,
    subject, // its issuer
    validity,
    subject,
    publicKey,
    tagged(0xa3, sequence(...extensions(hosts))),
  );
  const signature = sign("sha256", signed, createPrivateKey(privateKey));
  const der = sequence(signed, ECDSA_WITH_SHA256, bits(signature));
  const lines = der.toString("base64").replace(/.{64}(?!$)/g, "$&\n");
  return { cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`, key: privateKey };
}

const HOUR_MS = 3_600_000;

/** Positive, and of 16 bytes. */
function serial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes;
}

/** RFC 5280 §4.2.1: whom it is for, that it may sign itself, and that servers use it. */
function extensions(hosts: readonly string[]): Buffer[] {
  const names = hosts.map((host) =>
    isIP(host) ? tagged(0x87, address(host)) : tagged(0x82, Buffer.from(host, "latin1")),
  );
  const critical = tagged(0x01, Buffer.of(0xff));
  return [
    sequence(oid(2, 5, 29, 17), octets(sequence(...names))),
    sequence(oid(2, 5, 29, 19), critical, octets(sequence(critical))), // basicConstraints: CA
    sequence(oid(2, 5, 29, 15), critical, octets(tagged(0x03, Buffer.of(2, 0x84)))), // keyUsage: sign, sign certificates
    sequence(oid(2, 5, 29, 37), octets(sequence(oid(1, 3, 6, 1, 5, 5, 7, 3, 1)))), // extKeyUsage: serverAuth
  ];
}

/** The bytes of an IP address. */
function address(host: string): Buffer {
  if (isIP(host) === 4) return Buffer.from(host.split(".").map(Number));
  const { hostname } = new URL(`http://[${host.replace(/%.*$/, "")}]`);
  const [head = "", tail] = hostname.slice(1, -1).split("::");
  const groups = (part: string | undefined) => (part ? part.split(":").map((group) => Number.parseInt(group, 16)) : []);
  const [first, last] = [groups(head), groups(tail)];
  const bytes = Buffer.alloc(16);
  first.forEach((group, at) => void bytes.writeUInt16BE(group, at * 2));
  last.forEach((group, at) => void bytes.writeUInt16BE(group, 16 - (last.length - at) * 2));
  return bytes;
}

/* DER (ITU-T X.690), as much of it as a certificate needs. */

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) size.unshift(rest & 0xff);
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 | size.length, ...size];
  return Buffer.concat([Buffer.from(head), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function set(part: Buffer): Buffer {
  return tagged(0x31, part);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function octets(content: Buffer): Buffer {
  return tagged(0x04, content);
}

function bits(content: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.of(0), content]));
}

function text(value: string): Buffer {
  return tagged(0x0c, Buffer.from(value, "utf8"));
}

/** GeneralizedTime; UTCTime, which is asked for up to 2049. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
  return digits < "2050"
    ? tagged(0x17, Buffer.from(digits.slice(2), "latin1"))
    : tagged(0x18, Buffer.from(digits, "latin1"));
}

function oid(first: number, second: number, ...rest: number[]): Buffer {
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}

const ECDSA_WITH_SHA256 = sequence(oid(1, 2, 840, 10045, 4, 3, 2));
