import { createHash } from "node:crypto";
import type { ServiceRecord } from "../core/registry/registry.ts";

/** A node as it was registered. */
export interface RegisteredNode {
  readonly id: string;
  readonly address: string;
  readonly version: string;
  /** By name, a few characters of each value's digest: values are nobody's business. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What was registered of a service at one time. Survives JSON. */
export interface Registered {
  readonly service: string;
  readonly nodes: readonly RegisteredNode[];
  /** Of the service itself, as those of a node. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** More nodes of one service are not compared. */
const MOST_NODES = 2000;
const MOST_METADATA = 64;

export function registeredOf(service: string, records: readonly ServiceRecord[]): Registered {
  const nodes = records.flatMap(({ version, nodes: all }) =>
    all.map(({ id, address, metadata }) => ({ id, address, version, metadata: digests(metadata) })),
  );
  return { service, nodes: nodes.slice(0, MOST_NODES), metadata: digests(records[0]?.metadata ?? {}) };
}

export function sameRegistered(one: Registered, other: Registered): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function digests(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.keys(metadata).sort().slice(0, MOST_METADATA);
  return Object.fromEntries(names.map((name) => [name, digest(metadata[name] ?? "")]));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 8);
}
