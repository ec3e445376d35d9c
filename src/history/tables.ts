/** The tables that what is remembered of services wants of a `Db`. */
export const HISTORY_TABLES = {
  /** What changed, a record each (`changes.ts`). */
  changes: { most: 20_000 },
  /** What was registered when it was last looked, a record for each service (`recorder.ts`). */
  registered: { most: 5000 },
  /** How nodes were when they were last asked, a record for each service (`last.ts`). */
  health: { most: 5000 },
} as const;

/** The table that samples want (`samples.ts`). */
export const SAMPLE_TABLES = {
  /**
   * A record of a quarter of an hour of one service, 97 of them for a day: a day of 1000 services, or a shorter time of more.
   */
  samples: { most: 100_000 },
} as const;
