import { isIPv6 } from "node:net";
import { MicroError } from "../errors.ts";
import type { EndpointRecord, RegistryEvent, ServiceNode, ServiceRecord, ValueRecord } from "../registry/registry.ts";

/** A service record as JSON carries it: what Go Micro of every year reads (`wire.md §1.1`). */
export interface ServiceJson {
  readonly name: string;
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly endpoints: readonly EndpointJson[];
  readonly nodes: readonly ServiceNode[];
}
export interface EndpointJson {
  readonly name: string;
  readonly request: ValueJson | null;
  readonly response: ValueJson | null;
  readonly metadata: Readonly<Record<string, string>>;
}
/** A leaf has `null`, as Go writes it. */
interface ValueJson {
  readonly name: string;
  readonly type: string;
  readonly values: readonly ValueJson[] | null;
}
export interface ResultJson {
  readonly Action: RegistryEvent["action"];
  readonly Service: ServiceJson;
}

/** Deeper than any real message; a bound for records that come from the network. */
const MAX_VALUE_DEPTH = 16;

/**
 * Reads a service record of any year: `null`, missing, `{}` and `[]` are one, keys are found whatever their case, a node
 * may have `host` and `port` apart (`wire.md §1.1`). The record is frozen.
 *
 * @throws MicroError `invalid_argument` naming the field that is wrong
 */
export function readService(json: unknown): ServiceRecord {
  const read = fields(json, "a service");
  const name = text(read("name"), "name");
  if (name === "") throw invalid('a service needs a name, such as {"name":"go.micro.srv.greeter"}');
  return Object.freeze({
    name,
    version: text(read("version"), "version"),
    metadata: readMetadata(read("metadata"), `metadata of ${name}`),
    endpoints: Object.freeze(list(read("endpoints"), "endpoints").map(readEndpoint)),
    nodes: Object.freeze(list(read("nodes"), "nodes").map((node) => readNode(node, name))),
  });
}

/** The record as JSON, in Go's order of keys: `host:port` in `address`, no `port` (`wire.md §1.1`). */
export function writeService(service: ServiceRecord): ServiceJson {
  const { name, version, metadata, endpoints, nodes } = service;
  return {
    name,
    version,
    metadata,
    endpoints: endpoints.map(writeEndpoint),
    nodes: nodes.map((node) => ({ id: node.id, address: node.address, metadata: node.metadata })),
  };
}

/**
 * Reads what a watch delivers, `{"Action":"create","Service":{…}}` (`wire.md §2`).
 * @throws MicroError `invalid_argument`
 */
export function readResult(json: unknown): RegistryEvent {
  const read = fields(json, "a registry result");
  const action = text(read("action"), "Action");
  if (action !== "create" && action !== "update" && action !== "delete") {
    throw invalid(`Action is "${action}"; it must be create, update or delete`);
  }
  return { action, service: readService(read("service")) };
}

export function writeResult(event: RegistryEvent): ResultJson {
  return { Action: event.action, Service: writeService(event.service) };
}

/** One endpoint; frozen. @throws MicroError `invalid_argument` */
export function readEndpoint(json: unknown): EndpointRecord {
  const read = fields(json, "an endpoint");
  const name = text(read("name"), "name of an endpoint");
  const request = readValue(read("request"), 0);
  const response = readValue(read("response"), 0);
  const metadata = readMetadata(read("metadata"), `metadata of endpoint ${name}`);
  return Object.freeze({ name, request, response, metadata });
}

export function writeEndpoint({ name, request, response, metadata }: EndpointRecord): EndpointJson {
  return { name, request: writeValue(request), response: writeValue(response), metadata };
}

/** A flat map of strings; frozen. @throws MicroError `invalid_argument` */
export function readMetadata(json: unknown, what: string): Readonly<Record<string, string>> {
  if (isAbsent(json)) return NO_METADATA;
  if (typeof json !== "object" || Array.isArray(json)) throw invalid(`${what} must be an object of strings`);
  const entries = Object.entries(json as object);
  for (const [key, value] of entries) {
    if (typeof value === "string") continue;
    const example = typeof value === "object" ? "" : `, such as "${String(value)}"`;
    throw invalid(`${what}: "${key}" must be a string${example}`);
  }
  return Object.freeze(Object.fromEntries(entries));
}

/** `host:port`, brackets around an IPv6 host; without a port the host alone (a queue name, `wire.md §1.1`). */
export function joinAddress(host: string, port: number): string {
  if (port === 0) return host;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The reverse: port 0 when the address has none. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3] ?? 0);
  if (match === null || port > 65535) return { host: address.replace(/^\[(.+)\]$/, "$1"), port: 0 };
  return { host: match[1] ?? match[2] ?? "", port };
}

const NO_METADATA: Readonly<Record<string, string>> = Object.freeze({});

function readNode(json: unknown, service: string): ServiceNode {
  const read = fields(json, `a node of ${service}`);
  const id = text(read("id"), "id of a node");
  if (id === "") throw invalid(`a node of ${service} needs an id, such as {"id":"${service}-1"}`);
  const address = text(read("address"), `address of node ${id}`);
  const port = read("port") ?? 0;
  if (typeof port !== "number" || !Number.isInteger(port) || port < 0 || port > 65535) {
    throw invalid(`port of node ${id} must be a number from 0 to 65535`);
  }
  if (address === "") throw invalid(`node ${id} needs an address, such as "10.0.0.5:9090"`);
  const bare = splitAddress(address).port === 0;
  return Object.freeze({
    id,
    address: bare ? joinAddress(address.replace(/^\[(.+)\]$/, "$1"), port) : address,
    metadata: readMetadata(read("metadata"), `metadata of node ${id}`),
  });
}

/** Go writes "no value" as `null` or, after a round trip through its memory registry, as an empty one (`wire.md §1.5`). */
function readValue(json: unknown, depth: number): ValueRecord | undefined {
  if (isAbsent(json)) return undefined;
  if (depth > MAX_VALUE_DEPTH) throw invalid(`a message is described more than ${MAX_VALUE_DEPTH} levels deep`);
  const read = fields(json, "a request or response");
  const name = text(read("name"), "name of a value");
  const type = text(read("type"), "type of a value");
  const values = list(read("values"), "values").flatMap((value) => readValue(value, depth + 1) ?? []);
  if (name === "" && type === "" && values.length === 0) return undefined;
  return Object.freeze({ name, type, values: Object.freeze(values) });
}

function writeValue(value: ValueRecord | undefined): ValueJson | null {
  if (value === undefined) return null;
  const values = value.values.map((part) => writeValue(part)).filter((part) => part !== null);
  return { name: value.name, type: value.type, values: values.length === 0 ? null : values };
}

/** Looks fields up by name, the exact spelling first, then whatever its case. */
function fields(json: unknown, what: string): (name: string) => unknown {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw invalid(`${what} must be a JSON object`);
  const object = json as Record<string, unknown>;
  return (name) => {
    if (Object.hasOwn(object, name)) return object[name];
    const key = Object.keys(object).find((candidate) => candidate.toLowerCase() === name);
    return key === undefined ? undefined : object[key];
  };
}

function text(value: unknown, what: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw invalid(`${what} must be a string`);
  return value;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (isAbsent(value)) return [];
  if (!Array.isArray(value)) throw invalid(`${what} must be an array`);
  return value;
}

/** `null`, missing and `{}` say the same where a list or a value is expected. */
function isAbsent(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function invalid(message: string): MicroError {
  return new MicroError("invalid_argument", message);
}
