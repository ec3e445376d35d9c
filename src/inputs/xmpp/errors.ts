import { type ErrorCode, MicroError } from "../../core/errors.ts";
import { NS } from "./names.ts";
import { child, elements, textOf, type Xml } from "./xml.ts";

/** What a server or a room says is wrong: a condition of RFC 6120 (§4.9.3, §6.5, §8.3.3), and its own words. */
export interface Complaint {
  readonly condition: string;
  /** Empty when it has none. */
  readonly text: string;
  /** `wait`: it may pass. Only stanza errors have a type. */
  readonly type: string;
}

/** The complaint in an `error` or `failure` element, whose condition is in the namespace `ns`. */
export function complaintOf(element: Xml | undefined, ns: string): Complaint {
  const parts = element === undefined ? [] : elements(element).filter((one) => (one.ns ?? element.ns) === ns);
  const text = parts.find((one) => one.name === "text");
  return {
    condition: parts.find((one) => one.name !== "text")?.name ?? "undefined-condition",
    text: text === undefined ? "" : textOf(text).slice(0, 300),
    type: element?.attrs["type"] ?? "",
  };
}

/** The complaint of a stanza of type `error`. */
export function stanzaComplaint(stanza: Xml): Complaint {
  return complaintOf(child(stanza, "error", stanza.ns ?? NS.client), NS.stanzaErrors);
}

/** For people: `conflict (that nick is taken)`. */
export function inWords({ condition, text }: Complaint): string {
  return text === "" ? condition : `${condition}: ${text}`;
}

/** Conditions that say "too much, too fast", when they are said to pass (RFC 6120 §8.3.3; XEP-0045 §7.4 and servers' flood limits). */
const BUSY: ReadonlySet<string> = new Set(["resource-constraint", "policy-violation"]);

/** Conditions that are over by themselves, whatever their type says. */
const PASSING: ReadonlySet<string> = new Set([
  "internal-server-error",
  "remote-server-timeout",
  "remote-server-not-found",
  "undefined-condition",
  // What a room says to somebody who is no longer in it; the bot joins again.
  "not-acceptable",
]);

/** Why something that was said did not arrive. @param what "saying something in ops@conf.example.org" */
export function sendError(name: string, what: string, complaint: Complaint): MicroError {
  const wait = complaint.type === "wait";
  if (wait && BUSY.has(complaint.condition)) {
    return new MicroError("exhausted", `${name}: ${what} was too much at once (${inWords(complaint)})`, {
      details: { condition: complaint.condition, retryAfterMs: 2000 },
    });
  }
  const code: ErrorCode = wait || PASSING.has(complaint.condition) ? "unavailable" : "invalid_argument";
  return new MicroError(code, `${name}: ${what} was refused (${inWords(complaint)})`, {
    details: { condition: complaint.condition },
  });
}

/** Why a stream ended, from its `<stream:error/>` (RFC 6120 §4.9.3). */
export function streamError(name: string, element: Xml): MicroError {
  const complaint = complaintOf(element, NS.streamErrors);
  const details = { condition: complaint.condition };
  if (complaint.condition === "see-other-host") {
    const other = child(element, "see-other-host", NS.streamErrors);
    const where = other === undefined ? "" : ` (${textOf(other).slice(0, 200)})`;
    // Not followed: who may send the bot elsewhere is who set it up.
    return new MicroError("unavailable", `${name}: the server sends the bot elsewhere${where}: name that server`, {
      details,
    });
  }
  return new MicroError("unavailable", `${name}: the server ended the stream (${inWords(complaint)})`, { details });
}
