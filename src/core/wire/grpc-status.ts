import type { ErrorCode, MicroError } from "../errors.ts";
import { type ErrorRecord, errorRecord, errorText, fromRecord, parseErrorText } from "./error.ts";
import { readFields } from "./fields.ts";

/** How an error record's code stands as `grpc-status`; any other is 2, "unknown" (`wire.md §7`). */
const STATUS_OF_RECORD: Readonly<Record<number, number>> = {
  200: 0,
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  408: 4,
  409: 6,
  412: 9,
  500: 13,
  501: 12,
  503: 14,
};

/** The reverse, for errors that bring no record: Go services that answer with a bare gRPC error, proxies, other languages. */
const RECORD_OF_STATUS: Readonly<Record<number, number>> = {
  1: 499,
  3: 400,
  4: 408,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 412,
  10: 409,
  11: 400,
  12: 501,
  14: 503,
  16: 401,
};

/** For what goes wrong before a handler is asked. */
const STATUS_OF_CODE: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 3,
  unauthenticated: 16,
  permission_denied: 7,
  not_found: 5,
  timeout: 4,
  conflict: 6,
  exhausted: 8,
  cancelled: 1,
  internal: 13,
  unimplemented: 12,
  unavailable: 14,
};

/** How a call ended. */
export interface Status {
  readonly "grpc-status": string;
  /** Percent-encoded; missing: nothing to say. */
  readonly "grpc-message"?: string;
}

export const OK: Status = { "grpc-status": "0" };

export function statusOfRecord(record: ErrorRecord): Status {
  let text = encodeMessage(errorText(record));
  for (let length = MAX_MESSAGE_LENGTH; text.length > MAX_MESSAGE_LENGTH && length > 0; length >>= 1) {
    text = encodeMessage(errorText({ ...record, detail: `${record.detail.slice(0, length)}…` }));
  }
  return { "grpc-status": String(STATUS_OF_RECORD[record.code] ?? 2), "grpc-message": text };
}

/** An error of the server itself, which needs no record. */
export function statusOfError({ code, message }: MicroError): Status {
  return statusOfText(STATUS_OF_CODE[code], message);
}

export function statusOfText(status: number, text: string): Status {
  return { "grpc-status": String(status), "grpc-message": encodeMessage(text).slice(0, MAX_MESSAGE_LENGTH) };
}

/** The headers of a message have room for 64 KiB in most clients. */
const MAX_MESSAGE_LENGTH = 32 << 10;

/** What a call ended with, as Go's clients read it; `undefined`: well. Never throws. */
export function readStatus(headers: Readonly<Record<string, unknown>>): MicroError | undefined {
  const status = text(headers["grpc-status"]);
  if (status === "0") return undefined;
  const detailed = readDetails(text(headers["grpc-status-details-bin"]));
  if (detailed) return fromRecord(detailed);
  const message = decodeMessage(text(headers["grpc-message"]));
  const record = parseErrorText(message);
  if (record.code > 0) return fromRecord(record);
  const code = RECORD_OF_STATUS[Number(status)] ?? 500;
  return fromRecord(errorRecord("go.micro.client", code, message || `the service answered with gRPC status ${status}`));
}

/** What an answer says that is none of gRPC's, from a proxy or another server. */
export function statusOfHttp(status: number): ErrorCode {
  if (status === 401) return "unauthenticated";
  if (status === 403) return "permission_denied";
  if (status === 404) return "unimplemented";
  return status === 429 || (status >= 502 && status <= 505) ? "unavailable" : "internal";
}

/** The first detail of a `google.rpc.Status`, where servers from v2 on put the record itself (`wire.md §7`). */
function readDetails(base64: string): ErrorRecord | undefined {
  if (base64 === "") return undefined;
  try {
    const any = readFields(Buffer.from(base64, "base64")).find(({ number }) => number === 3);
    if (any === undefined) return undefined;
    const parts = readFields(any.bytes);
    const type = parts.find(({ number }) => number === 1)?.bytes.toString("utf8") ?? "";
    const value = parts.find(({ number }) => number === 2)?.bytes;
    if (value === undefined || !/[/.]Error$/.test(type)) return undefined;
    const record = { id: "", code: 0, detail: "", status: "" };
    for (const field of readFields(value)) {
      if (field.number === 1) record.id = field.bytes.toString("utf8");
      else if (field.number === 2) record.code = field.value;
      else if (field.number === 3) record.detail = field.bytes.toString("utf8");
      else if (field.number === 4) record.status = field.bytes.toString("utf8");
    }
    return record.code > 0 ? record : undefined;
  } catch {
    return undefined;
  }
}

/** What stands in `grpc-message`: printable ASCII as it is, anything else as `%` and two digits. */
export function encodeMessage(message: string): string {
  if (!/[^ -$&-~]/.test(message)) return message;
  let encoded = "";
  for (const byte of Buffer.from(message, "utf8")) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== PERCENT
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** The reverse; what is not encoded well stays as it is. */
export function decodeMessage(encoded: string): string {
  if (!/[^ -$&-~]/.test(encoded)) return encoded;
  const raw = Buffer.from(encoded, "latin1");
  const bytes = Buffer.allocUnsafe(raw.length);
  let length = 0;
  for (let at = 0; at < raw.length; at++) {
    const digits = raw[at] === PERCENT ? raw.toString("latin1", at + 1, at + 3) : "";
    if (/^[0-9a-fA-F]{2}$/.test(digits)) {
      bytes[length++] = Number.parseInt(digits, 16);
      at += 2;
    } else bytes[length++] = raw[at] as number;
  }
  return bytes.toString("utf8", 0, length);
}

const PERCENT = 0x25;

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
