import { MicroError } from "../errors.ts";
import type { Log } from "../log.ts";
import { decodeEnvelope, encodeEnvelope } from "../wire/envelope.ts";
import type { BrokerEvent, BrokerMessage } from "./broker.ts";

/** Names come from a few programs and are few; what others make up is not remembered without end. */
const MAX_REMEMBERED = 1000;
const goNames = new Map<string, string>();
const ourNames = new Map<string, string>();

/** `micro-id` as `Micro-Id`, which is how Go's subscribers compare it (`wire.md §11` trap 11); `:topic` stays what it is. */
function goName(name: string): string {
  const known = goNames.get(name);
  if (known !== undefined) return known;
  const spelt = name
    .toLowerCase()
    .replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase());
  if (goNames.size < MAX_REMEMBERED) goNames.set(name, spelt);
  return spelt;
}

/** The name in lower case. */
export function ourName(name: string): string {
  const known = ourNames.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  if (ourNames.size < MAX_REMEMBERED) ourNames.set(name, lower);
  return lower;
}

/**
 * The header of a message that goes out, as Go spells it, with the `Micro-Topic` without which most Go servers drop it
 * silently (`wire.md §8.0`).
 *
 * @throws MicroError `invalid_argument` for a value that is no text
 */
export function outgoing(topic: string, { header }: BrokerMessage): Record<string, string> {
  const spelt: Record<string, string> = {};
  for (const name in header) {
    const value: unknown = header[name];
    if (typeof value !== "string") {
      throw new MicroError("invalid_argument", `the header ${name} of a message to ${topic} is no text`);
    }
    spelt[goName(name)] = value;
  }
  if (!spelt["Micro-Topic"]) spelt["Micro-Topic"] = topic;
  return spelt;
}

/** Makes an object without inherited names: a header may be called anything. */
const Header = function Header() {} as unknown as new () => Record<string, string>;
Header.prototype = Object.create(null);

/** The header of a message that came in, names in lower case; of two that differ in case only, the first. */
export function incoming(header: Readonly<Record<string, unknown>>): Record<string, string> {
  const ours = new Header();
  for (const name in header) {
    const lower = ourName(name);
    const value = header[name];
    if (ours[lower] === undefined && value !== null && value !== undefined) ours[lower] = String(value);
  }
  return ours;
}

/** A message in go-micro's envelope, its header as `outgoing` says. @throws MicroError `invalid_argument` */
export function seal(topic: string, message: BrokerMessage): Buffer {
  const { header, body } = message;
  let hasTopic = false;
  for (const name in header) {
    if (typeof header[name] !== "string" || ourName(name) !== name) return sealSlowly(topic, message);
    if (name !== "micro-topic") continue;
    if (header[name] === "") return sealSlowly(topic, message);
    hasTopic = true;
  }
  const more = hasTopic ? undefined : { name: "Micro-Topic", value: topic };
  return encodeEnvelope(header, body, goName, more) as Buffer;
}

function sealSlowly(topic: string, message: BrokerMessage): Buffer {
  return encodeEnvelope(outgoing(topic, message), message.body) as Buffer;
}

/** What stood in an envelope. What is none is dropped with a warning, as others must be able to go on. */
export function unseal(topic: string, bytes: Uint8Array, log: Log): BrokerEvent | undefined {
  try {
    const { header, body } = decodeEnvelope(bytes, ourName);
    if (body.length > 0) return { topic, header, body };
    for (const _name in header) return { topic, header, body };
    throw new MicroError("invalid_argument", "it has neither header nor body");
  } catch (error) {
    log.warn({ topic, reason: MicroError.from(error).message }, "dropped what was no event");
    return undefined;
  }
}

/** @throws MicroError `invalid_argument` */
export function checkTopic(topic: string): void {
  if (typeof topic !== "string" || topic === "" || topic.length > 1000) {
    throw new MicroError("invalid_argument", "a topic is a text of 1 to 1000 signs");
  }
}

/** @throws MicroError `cancelled` */
export function checkAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new MicroError("cancelled", `${what}: cancelled`);
}

/** What a call before `start()` or after `stop()` gets. */
export function notStarted(where: string): MicroError {
  return new MicroError("unavailable", `the broker ${where} is not started`);
}

/** What a subscription with a queue gets where everybody hears everything. */
export function noQueues(broker: string, topic: string): MicroError {
  return new MicroError(
    "unimplemented",
    `${broker} brings each message to everybody, so ${topic} cannot have a queue: subscribe without one, or use nats or rabbitmq`,
  );
}
