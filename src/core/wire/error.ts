import { ERROR_CODES, type ErrorCode, MicroError } from "../errors.ts";

/** An error as it travels (`wire.md §6`). */
export interface ErrorRecord {
  /** The component that made it: `go.micro.client`, a service's name. */
  readonly id: string;
  /** HTTP-like; 0: unclassified. */
  readonly code: number;
  readonly detail: string;
  /** The standard phrase of `code`; empty for an unknown one. */
  readonly status: string;
}

/** Standard phrases of the codes that go-micro uses. */
const PHRASES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

export function errorRecord(id: string, code: number, detail: string): ErrorRecord {
  return { id, code, detail, status: PHRASES[code] ?? "" };
}

/** What stands in `Micro-Error`: compact JSON with its keys in Go's order. */
export function errorText({ id, code, detail, status }: ErrorRecord): string {
  return JSON.stringify({ id, code, detail, status });
}

/** What stood in `Micro-Error` or an envelope. Never throws: what is no record is a text without a code. */
export function parseErrorText(text: string): ErrorRecord {
  if (text.startsWith("{")) {
    try {
      const { id, code, detail, status } = JSON.parse(text) as Partial<Record<keyof ErrorRecord, unknown>>;
      return {
        id: typeof id === "string" ? id : "",
        code: typeof code === "number" ? code : 0,
        detail: typeof detail === "string" ? detail : "",
        status: typeof status === "string" ? status : "",
      };
    } catch {
      // A text that only looks like a record.
    }
  }
  return { id: "", code: 0, detail: text, status: "" };
}

/** The record of an error: the one that it came with, or one made for it. `id`: who we are. */
export function toRecord(error: MicroError, id = "go.micro.client"): ErrorRecord {
  const known = error.details["record"] as ErrorRecord | undefined;
  return known ?? errorRecord(id, ERROR_CODES[error.code].status, error.message);
}

/** A record of the other side as an error of ours, with the record in `details.record`. */
export function fromRecord(record: ErrorRecord): MicroError {
  return new MicroError(codeOf(record.code), record.detail || record.status || "the service answered with an error", {
    details: { record },
  });
}

const BY_STATUS = new Map<number, ErrorCode>(
  Object.entries(ERROR_CODES).map(([code, { status }]) => [status, code as ErrorCode]),
);

function codeOf(status: number): ErrorCode {
  const known = BY_STATUS.get(status);
  if (known !== undefined) return known;
  if (status === 502 || status === 504) return "unavailable";
  return status >= 400 && status < 500 ? "invalid_argument" : "internal";
}
