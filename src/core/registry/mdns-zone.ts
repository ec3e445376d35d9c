import { isIPv6 } from "node:net";
import type { Answer, Packet, Question } from "dns-packet";
import { MicroError } from "../errors.ts";
import { joinAddress } from "../wire/record.ts";
import { decodeTxt, encodeTxt, isInternet, type TxtPayload } from "./mdns-packet.ts";
import type { ServiceNode, ServiceRecord } from "./registry.ts";

/** Seconds that a record may be believed, as every Go Micro responder says. */
export const TTL_SECONDS = 120;
const LIST = "_services";
/** RFC 6763 §9: how browsers of other makes find out what there is; Go's responder answers it too. */
const ENUMERATE = "_services._dns-sd._udp";

/** What one responder in Go Micro's sense answers for: a node, or the marker by which a service is listed. */
export interface Zone {
  /** `<service>.<domain>`, for a marker `_services.<domain>`. Names have no dot at the end. */
  readonly type: string;
  readonly instance: string;
  readonly host: string;
  readonly ip: string;
  readonly port: number;
  readonly txt: Buffer[];
  readonly domain: string;
}

/** A service as one packet tells it, and for how long: 0 says goodbye. */
export interface Heard {
  readonly service: ServiceRecord;
  readonly ttl: number;
}

export function typeName(service: string, domain: string): string {
  return `${service}.${domain}`;
}
export function listName(domain: string): string {
  return `${LIST}.${domain}`;
}

/** @throws MicroError `invalid_argument` when a name does not fit on the wire */
export function nodeZone(
  service: ServiceRecord,
  node: ServiceNode,
  at: { readonly ip: string; readonly port: number; readonly host: string; readonly domain: string },
): Zone {
  const type = typeName(service.name, at.domain);
  return { ...at, type, instance: checkName(`${node.id}.${type}`), txt: encodeTxt(service, node) };
}

/** The record by which `list` finds the service: port 9999, address 0.0.0.0, an empty TXT (`wire.md §2.2`). */
export function markerZone(service: string, host: string, domain: string): Zone {
  const type = listName(domain);
  return { type, instance: checkName(`${service}.${type}`), host, ip: "0.0.0.0", port: 9999, txt: [], domain };
}

/**
 * A name as the wire can carry it: split at every dot into labels of 1 to 63 bytes, 255 in all.
 * @throws MicroError `invalid_argument`
 */
export function checkName(name: string): string {
  const fits = name.split(".").every((label) => label.length > 0 && Buffer.byteLength(label) <= 63);
  if (fits && Buffer.byteLength(name) <= 253) return name;
  const rule = "mDNS allows 1 to 63 bytes between two dots and 253 in all; use a shorter service name or node id";
  throw new MicroError("invalid_argument", `"${name}" cannot be announced: ${rule}`);
}

/** SRV, A and TXT in this order, which Go's reader counts on: it learns the host's name from SRV. */
export function ownRecords(zone: Zone, ttl = TTL_SECONDS): Answer[] {
  return [srv(zone, ttl), address(zone, ttl), txt(zone, ttl)];
}

/** What this zone says to one question; nothing when it is not meant. */
export function answers(zone: Zone, question: Question): Answer[] {
  if (!isInternet(question)) return [];
  const { name } = question;
  const type: string = question.type; // the library's types lack ANY
  const any = type === "ANY";
  if (sameName(name, zone.type)) return any || type === "PTR" ? [ptr(zone), ...ownRecords(zone)] : [];
  if (sameName(name, zone.instance)) {
    if (any) return ownRecords(zone);
    if (type === "SRV") return [srv(zone), address(zone)];
    if (type === "TXT") return [txt(zone)];
    return type === "A" || type === "AAAA" ? only(type, zone) : [];
  }
  if (zone.type === listName(zone.domain)) return []; // a marker's 0.0.0.0 is nobody's address
  if (sameName(name, zone.host)) return any ? [address(zone)] : only(type, zone);
  if (sameName(name, `${ENUMERATE}.${zone.domain}`) && (any || type === "PTR")) {
    return [{ type: "PTR", name, ttl: TTL_SECONDS, data: zone.type }];
  }
  return [];
}

/** Names that a packet's list markers tell. */
export function heardNames(packet: Packet, domain: string): readonly string[] {
  const type = listName(domain);
  return recordsOf(packet).flatMap((record) => {
    if (record.type !== "PTR" || record.ttl === 0 || !sameName(record.name, type)) return [];
    return withoutSuffix(record.data, type) ?? [];
  });
}

/** Nodes that a packet tells whole: SRV, an address for its target, and a TXT of ours. A before AAAA. */
export function heardNodes(packet: Packet, domain: string): readonly Heard[] {
  const records = recordsOf(packet);
  const ips = new Map<string, string>();
  const payloads = new Map<string, TxtPayload>();
  for (const record of records) {
    const name = record.name.toLowerCase();
    if (record.type === "A" || (record.type === "AAAA" && !ips.has(name))) ips.set(name, record.data);
    const payload = record.type === "TXT" ? decodeTxt(record.data) : undefined;
    if (payload !== undefined) payloads.set(name, payload);
  }
  return records.flatMap((record): Heard[] => {
    if (record.type !== "SRV" || record.data.port === 0) return [];
    const ip = ips.get(record.data.target.toLowerCase());
    const payload = payloads.get(record.name.toLowerCase());
    if (ip === undefined || payload === undefined) return [];
    const { service: name, version, endpoints, metadata } = payload;
    const id = withoutSuffix(record.name, typeName(name, domain));
    if (id === undefined) return [];
    const node = Object.freeze({ id, address: joinAddress(ip, record.data.port), metadata });
    const service = Object.freeze({ name, version, metadata: NONE, endpoints, nodes: Object.freeze([node]) });
    return [{ service, ttl: record.ttl ?? 0 }];
  });
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
/** `foo-1` of `foo-1.foo.micro` and `foo.micro`; nothing when the name does not end so. */
function withoutSuffix(name: string, suffix: string): string | undefined {
  const at = name.length - suffix.length - 1;
  return at > 0 && name[at] === "." && sameName(name.slice(at + 1), suffix) ? name.slice(0, at) : undefined;
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

function recordsOf(packet: Packet): readonly Answer[] {
  return packet.type === "response" ? [...(packet.answers ?? []), ...(packet.additionals ?? [])] : [];
}
function ptr({ type, instance }: Zone): Answer {
  return { type: "PTR", name: type, ttl: TTL_SECONDS, data: instance };
}
function srv({ instance, host, port }: Zone, ttl = TTL_SECONDS): Answer {
  return { type: "SRV", name: instance, ttl, data: { priority: 10, weight: 1, port, target: host } };
}
function address({ host, ip }: Zone, ttl = TTL_SECONDS): Answer {
  return { type: isIPv6(ip) ? "AAAA" : "A", name: host, ttl, data: ip };
}
function txt({ instance, txt: strings }: Zone, ttl = TTL_SECONDS): Answer {
  return { type: "TXT", name: instance, ttl, data: strings };
}
function only(type: string, zone: Zone): Answer[] {
  const record = address(zone);
  return record.type === type ? [record] : [];
}
