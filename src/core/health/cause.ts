import type { MicroError } from "../errors.ts";
import { type ErrorRecord, toRecord } from "../wire/error.ts";

/**
 * Why a node does not count as well: nobody listens there, it did not answer in time, it cannot be reached, it has no
 * `Debug.Health`, it answered with an error of its own, it said of itself that it is not well, or it was not asked because too
 * many others were.
 */
export type Cause = "refused" | "timeout" | "unreachable" | "unknown" | "failed" | "unwell" | "unasked";

/** Sorts an error by what is to be looked at. Errors of our client say so in their id; all others are the service's. */
export function causeOf(error: MicroError): Exclude<Cause, "unwell"> {
  const { id, code, detail } = toRecord(error);
  if (error.code === "exhausted" && id === OURS) return "unasked";
  if (error.code === "timeout" || code === 408) return "timeout";
  if (id === OURS) {
    if (REFUSED.test(detail)) return "refused";
    if (error.code === "unavailable" || UNREACHABLE.test(detail)) return "unreachable";
  }
  if (error.code === "not_found" || error.code === "unimplemented" || UNKNOWN.test(detail)) return "unknown";
  return "failed";
}

const OURS = "go.micro.client";
const REFUSED = /ECONNREFUSED|connection refused/i;
const UNREACHABLE = /ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE|ETIMEDOUT|\bEOF\b|no such host/;
/** How Go's servers of every age say that they have no such handler (`wire.md §6`). */
const UNKNOWN = /can't find (?:service|method)|unknown (?:service|method)/i;

/** Nodes with one cause are told of together, and those that failed by what they said. */
export function groupOf(cause: Cause, said: string): string {
  return cause === "failed" || cause === "unwell" ? `${cause} ${said}` : cause;
}

/** One line of what somebody else wrote, as long as a line may be. */
export function oneLine(text: string, most = 160): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= most ? line : `${line.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** What follows "2 nodes": `refuse connections`. @param many there are several of them */
export function causeWords(cause: Cause, said: string, withinMs: number, many: boolean): string {
  const verb = (one: string, several: string) => (many ? several : one);
  switch (cause) {
    case "refused":
      return verb("refuses connections", "refuse connections");
    case "timeout":
      return `did not answer within ${withinMs / 1000} s`;
    case "unreachable":
      return "cannot be reached";
    case "unknown":
      return verb("does not know Debug.Health", "do not know Debug.Health");
    case "unasked":
      return `${verb("was", "were")} not asked: too many others were at that moment`;
    case "unwell":
      return `${verb("says", "say")} "${oneLine(said)}" of ${verb("itself", "themselves")}`;
    case "failed":
      return `${verb("answers", "answer")} with the error "${oneLine(said)}"`;
  }
}

/** What an error says beside where it comes from. */
export function detailOf({ detail, status }: ErrorRecord): string {
  return detail || status || "an error without words";
}
