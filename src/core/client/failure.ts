import { type ErrorCode, MicroError } from "../errors.ts";
import { errorRecord } from "../wire/error.ts";

/** In an error's details: the service cannot have begun with the call, so it may be repeated whatever it does. */
export const NOT_BEGUN = "notBegun";

/** An error that the client makes itself, as Go's client words it (`wire.md §6`). `id`: the part of it that failed. */
export function failure(
  code: ErrorCode,
  id: string,
  status: number,
  detail: string,
  { cause, ...details }: { readonly cause?: unknown } & Record<string, unknown> = {},
): MicroError {
  return new MicroError(code, detail, { cause, details: { record: errorRecord(id, status, detail), ...details } });
}
