/**
 * The closed list of what can go wrong, and the one error that crosses a folder.
 *
 * `status` is the number that travels in an error record (`wire.md §6`); `retryable` says that the same call may succeed
 * later. There are no user-defined codes, so a caller can switch over all of them.
 */
export const ERROR_CODES = {
  invalid_argument: { status: 400, retryable: false },
  unauthenticated: { status: 401, retryable: false },
  permission_denied: { status: 403, retryable: false },
  not_found: { status: 404, retryable: false },
  timeout: { status: 408, retryable: true },
  conflict: { status: 409, retryable: false },
  exhausted: { status: 429, retryable: true },
  cancelled: { status: 499, retryable: false },
  internal: { status: 500, retryable: false },
  unimplemented: { status: 501, retryable: false },
  unavailable: { status: 503, retryable: true },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface MicroErrorOptions {
  /** What caused it; for logs, never shown and never sent. */
  readonly cause?: unknown;
  /** Facts that survive JSON: a node id, a position in a line, the milliseconds to wait. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * What every public function throws. The message is for people: what happened, to which thing, what to do next.
 */
export class MicroError extends Error {
  override readonly name = "MicroError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: MicroErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  /** The same request may succeed later. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }

  /**
   * Anything that was thrown, as a `MicroError`: itself when it is one, `cancelled` or `timeout` for the two errors that
   * an `AbortSignal` makes, `unavailable` for a socket that could not be reached, else `fallback`.
   */
  static from(thrown: unknown, fallback: ErrorCode = "internal"): MicroError {
    if (thrown instanceof MicroError) return thrown;
    if (!(thrown instanceof Error)) return new MicroError(fallback, String(thrown), { cause: thrown });
    if (thrown.name === "AbortError") return new MicroError("cancelled", "cancelled", { cause: thrown });
    if (thrown.name === "TimeoutError") return new MicroError("timeout", "deadline passed", { cause: thrown });
    const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
    if (UNREACHABLE.has(code)) return new MicroError("unavailable", thrown.message, { cause: thrown });
    return new MicroError(fallback, thrown.message, { cause: thrown });
  }
}

/** System errors that say "nobody is there", as `node:net` spells them. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
]);
