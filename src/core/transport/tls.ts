import { hostname, networkInterfaces } from "node:os";
import type { ConnectionOptions, TlsOptions } from "node:tls";
import { MicroError } from "../errors.ts";
import { selfSigned } from "./certificate.ts";

/** How connections are encrypted. All that is text is PEM. `{}` is enough to begin with. */
export interface TlsInit {
  /** Who vouches for servers that are dialled. @default the authorities that node knows */
  readonly ca?: string;
  /**
   * What is shown: by who listens, and by who dials a server that asks for it. Who listens without one makes one that vouches for itself
   * (ECDSA P-256), as Go does; only clients that skip verification get through to it.
   */
  readonly cert?: string;
  /** Of `cert`. */
  readonly key?: string;
  /**
   * Takes any server for the one that was dialled: safe from who listens in, not from who stands in between. Go's clients do
   * so before v6 (`wire.md §3.1`), ours only when told to. @default false
   */
  readonly insecureSkipVerify?: boolean;
}

/** What node needs to dial. */
export function dialOptions(tls: TlsInit): ConnectionOptions {
  return { ...shown(tls), ...authority(tls), rejectUnauthorized: tls.insecureSkipVerify !== true };
}

/** What node needs to listen at a host; empty: everywhere. @throws MicroError `invalid_argument` */
export function listenOptions(tls: TlsInit, host: string): TlsOptions {
  const own = tls.cert === undefined && tls.key === undefined ? selfSigned(namesOf(host)) : shown(tls);
  // Who does not even begin may not stay.
  return { ...own, handshakeTimeout: 10_000 };
}

/** Whether dialling failed because the server's certificate is not believed. */
export function isDistrust(error: unknown): boolean {
  return error instanceof Error && "code" in error && /CERT|ALTNAME/.test(String(error.code));
}

function shown({ cert, key }: TlsInit): { cert?: string; key?: string } {
  if (cert === undefined && key === undefined) return {};
  if (cert !== undefined && key !== undefined) return { cert, key };
  throw new MicroError("invalid_argument", "a certificate needs its key: give both cert and key, or none");
}

function authority({ ca }: TlsInit): { ca?: string } {
  return ca === undefined ? {} : { ca };
}

function namesOf(host: string): string[] {
  if (!["", "0.0.0.0", "::"].includes(host)) return [host];
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return [...new Set([hostname(), "localhost", ...addresses.map(({ address }) => address)])];
}
