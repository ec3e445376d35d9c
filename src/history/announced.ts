import protobuf from "protobufjs";
import { z } from "zod";
import type { Broker, BrokerEvent } from "../core/broker/broker.ts";
import { readEvent } from "../core/broker/events.ts";
import type { Clock } from "../core/clock.ts";
import { elapsedBy } from "../core/clock.ts";
import { protobufCodec } from "../core/codec/protobuf.ts";
import { MicroError } from "../core/errors.ts";
import { oneLine } from "../core/health/cause.ts";
import { meant } from "../core/health/short-name.ts";
import type { Closable } from "../core/lifecycle.ts";
import type { Log } from "../core/log.ts";
import { plainText } from "../core/plain-text.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { ServiceChange } from "../core/registry/service-change.ts";
import type { Changes } from "./changes.ts";

/** Where go-platform's programs publish events (`platform.md §1.5`). */
export const EVENT_TOPIC = "micro.event.record";

/** `Record` of `platform.md §1.5`: JSON, or protobuf with these numbers. */
const RECORD = protobuf.Type.fromJSON("Record", {
  fields: {
    id: { type: "string", id: 1 },
    type: { type: "string", id: 2 },
    origin: { type: "string", id: 3 },
    timestamp: { type: "int64", id: 4 },
    root_id: { type: "string", id: 5 },
    metadata: { keyType: "string", type: "string", id: 6 } as protobuf.IMapField,
    data: { type: "string", id: 7 },
  },
});
const codec = protobufCodec(new protobuf.Root().add(RECORD).lookupType("Record"));
const PROTOBUF = new Set(["", "application/octet-stream", "application/protobuf", "application/proto-rpc"]);

const record = z.object({
  id: z.string().max(200).default(""),
  type: z.string().max(200).default(""),
  origin: z.string().max(200).default(""),
  metadata: z.record(z.string(), z.string()).default({}),
  data: z.string().max(65_536).default(""),
});

/** One event, or `undefined` where it is none that tells of a change. @throws MicroError `invalid_argument` */
export function announcedIn(event: BrokerEvent, at: number): ServiceChange | undefined {
  const type = event.header["content-type"] ?? "";
  const said = record.safeParse(PROTOBUF.has(type) ? codec.decode(event.body) : readEvent(event));
  if (!said.success) throw new MicroError("invalid_argument", `an event of ${event.topic} is no record of an event`);
  const { data, metadata, origin } = said.data;
  if (!/^deploy/i.test(said.data.type)) return undefined;
  const within = objectIn(data);
  const named = (...names: readonly string[]) =>
    names.map((name) => metadata[name] ?? within[name]).find((value) => value !== undefined && value !== "");
  const version = named("version", "tag");
  const revision = named("sha", "commit", "revision");
  const words = [
    said.data.type,
    ...(version === undefined ? [] : [`of ${version}`]),
    ...(revision === undefined ? [] : [`(${revision.slice(0, 12)})`]),
    ...(origin === "" ? [] : [`announced by ${origin}`]),
  ].join(" ");
  const service = line(named("service", "svc", "name") ?? "", 150);
  return { at, service, kind: "event", ...(version && { version: line(version, 100) }), words: line(words, 200) };
}

function line(text: string, most: number): string {
  return oneLine(plainText(text), most);
}

function objectIn(text: string): Readonly<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
    const texts = Object.entries(value).filter(([, one]) => typeof one === "string" || typeof one === "number");
    return Object.fromEntries(texts.map(([name, one]) => [name, String(one)]));
  } catch {
    return {};
  }
}

export interface AnnouncedInit {
  readonly broker: Broker;
  readonly registry: Registry;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Log;
}

/** More in a minute are let go: whoever can publish could else fill what is remembered. */
const MOST_A_MINUTE = 30;
/** An event that comes twice is one. */
const MOST_IDS = 1000;

/** Writes down the deploys that are announced, until it is closed. @throws MicroError as `Broker.subscribe` */
export async function followAnnounced({ broker, registry, changes, clock, log }: AnnouncedInit): Promise<Closable> {
  const elapsed = elapsedBy(clock);
  const ids = new Set<string>();
  let minute = elapsed();
  let count = 0;
  return broker.subscribe(EVENT_TOPIC, async (event) => {
    try {
      const found = announcedIn(event, Math.round(clock.now()));
      if (found === undefined || isKnown(ids, event)) return;
      if (elapsed() - minute >= 60_000) {
        minute = elapsed();
        count = 0;
      }
      count += 1;
      if (count === MOST_A_MINUTE + 1) log.warn({ topic: EVENT_TOPIC }, "more deploys are announced than I write down");
      if (count > MOST_A_MINUTE) return;
      // It may be announced by a short name.
      const [service = found.service, ...others] = meant(found.service, await registry.list().catch(() => []));
      await changes.add([{ ...found, service: others.length > 0 ? found.service : service }]);
    } catch (error) {
      log.warn({ topic: EVENT_TOPIC, reason: MicroError.from(error).message }, "an event could not be written down");
    }
  });
}

/** Whether it came before, by all of it: its sender's id alone is anybody's to use. */
function isKnown(ids: Set<string>, { body }: BrokerEvent): boolean {
  const text = Buffer.from(body).toString("base64");
  if (ids.has(text)) return true;
  if (ids.size >= MOST_IDS) ids.clear();
  ids.add(text);
  return false;
}
