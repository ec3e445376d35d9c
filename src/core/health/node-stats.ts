/** What every Go Micro server says of itself (`Debug.Stats`); what one leaves out is zero (`wire.md §9`). */
export interface NodeStats {
  /** Unix seconds. */
  readonly started: number;
  /** Seconds. */
  readonly uptime: number;
  /** Bytes. */
  readonly memory: number;
  readonly threads: number;
  /** Nanoseconds, since it started. */
  readonly gc: number;
  /** Since it started; only from version 2 on, and there not before the first. */
  readonly requests?: number;
  /** As `requests`. */
  readonly errors?: number;
}

/** Whatever was answered, as numbers: each may be spelled as a number or as text. */
export function nodeStats(answer: unknown): NodeStats {
  const said = (answer ?? {}) as Partial<Record<keyof NodeStats, unknown>>;
  const number = (value: unknown) => {
    const read = typeof value === "string" || typeof value === "bigint" ? Number(value) : value;
    return typeof read === "number" && Number.isFinite(read) ? read : 0;
  };
  const counts = said.requests !== undefined || said.errors !== undefined;
  return {
    started: number(said.started),
    uptime: number(said.uptime),
    memory: number(said.memory),
    threads: number(said.threads),
    gc: number(said.gc),
    ...(counts && { requests: number(said.requests), errors: number(said.errors) }),
  };
}
