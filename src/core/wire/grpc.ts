import { encodeMessage } from "./grpc-status.ts";

/** How the messages of a call are written. */
export interface GrpcKind {
  /** The header `content-type`. */
  readonly wire: string;
  /** What the same is called among codecs. */
  readonly payload: string;
}

/** `wire.md §7`; protobuf has many names. */
const KINDS: Readonly<Record<string, string>> = {
  "application/proto": "proto",
  "application/protobuf": "proto",
  "application/grpc": "proto",
  "application/octet-stream": "bytes",
};

const PAYLOADS: Readonly<Record<string, string>> = {
  proto: "application/protobuf",
  bytes: "application/octet-stream",
};

/** How a content type of ours stands on the wire: `application/json` is `application/grpc+json`. `undefined`: it cannot. */
export function kindOf(contentType: string): GrpcKind | undefined {
  const sub = KINDS[contentType] ?? /^application\/(?:grpc\+)?([a-z0-9.-]+)$/.exec(contentType)?.[1];
  return sub === undefined ? undefined : kindOfSubtype(sub);
}

/** What the header of a call says; without a subtype it is protobuf. `undefined`: it is no gRPC. */
export function readKind(contentType: string | undefined): GrpcKind | undefined {
  if (contentType === "application/grpc+proto") return PROTO;
  const match = /^application\/grpc(?:\+([a-z0-9.-]+))?(?:\s*;.*)?$/i.exec(contentType ?? "");
  return match === null ? undefined : kindOfSubtype(match[1]?.toLowerCase() ?? "proto");
}

function kindOfSubtype(sub: string): GrpcKind {
  return { wire: `application/grpc+${sub}`, payload: PAYLOADS[sub] ?? `application/${sub}` };
}

const PROTO = kindOfSubtype("proto");

/** What goes as `x-content-type`: Go reads `application/octet-stream` as protobuf there. */
export function statedType({ wire, payload }: GrpcKind): string {
  return payload === PAYLOADS["bytes"] ? wire : payload;
}

/**
 * The path of an endpoint: `/go.micro.srv.greeter.Greeter/Hello`. What is not `A.B` is sent as it is, as Go's clients do
 * (`wire.md §7`).
 */
export function pathOf(service: string, endpoint: string): string {
  const path = plainPath(service, endpoint);
  return /[^!-~]/.test(path) ? encodeMessage(path).replaceAll(" ", "%20") : path;
}

function plainPath(service: string, endpoint: string): string {
  if (endpoint.startsWith("/")) return endpoint;
  const dot = endpoint.indexOf(".");
  if (dot <= 0 || dot !== endpoint.lastIndexOf(".") || dot === endpoint.length - 1) return `/${endpoint}`;
  const prefix = service === "" ? "" : `${service}.`;
  return `/${prefix}${endpoint.slice(0, dot)}/${endpoint.slice(dot + 1)}`;
}

/**
 * The endpoint of a path: `Greeter.Hello`. Only the last part of the service's name counts, because Go's clients put the name
 * before it that the service is registered under, and all others the proto package. `undefined`: it is no path of a method.
 */
export function endpointOfPath(path: string | undefined): string | undefined {
  if (path === undefined || path.charCodeAt(0) !== 0x2f) return undefined;
  const slash = path.lastIndexOf("/");
  const service = path.slice(Math.max(path.lastIndexOf(".", slash), path.lastIndexOf("/", slash - 1)) + 1, slash);
  const method = path.slice(slash + 1);
  return service === "" || method === "" ? undefined : `${service}.${method}`;
}

/** `grpc-timeout`: at most eight digits and a unit. */
export function timeoutText(ms: number): string {
  return ms < 100_000_000 ? `${ms}m` : `${Math.min(Math.ceil(ms / 1000), 99_999_999)}S`;
}

/** Nanoseconds. `undefined`: none, or none that can be read. */
export function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,8}[HMSmun]$/.test(text)) return undefined;
  return Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] as number);
}

const UNITS: Readonly<Record<string, number>> = { H: 3.6e12, M: 6e10, S: 1e9, m: 1e6, u: 1e3, n: 1 };
