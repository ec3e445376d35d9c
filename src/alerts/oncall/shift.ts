/** Who is on call for a time. */
export interface Shift {
  /** A name, or an id as `slack:T01/U02`; a stranger may have written it (a calendar, a service). */
  readonly person: string;
  /** Epoch ms; left out where nobody says so. */
  readonly from?: number;
  readonly until?: number;
}

/** Where it is known from, and what has to be known of that. */
export interface Answer {
  /** Nobody: left out. */
  readonly shift?: Shift;
  /** Begins when nobody is on call now, or when this shift ends. */
  readonly next?: Shift;
  /** Said with it: that the calendar could not be read for three hours. */
  readonly note?: string;
}

/** What tells who is on call. */
export interface Rota {
  /** `rotation`, `calendar`, `service`. */
  readonly kind: string;
  /** @param at epoch ms @throws MicroError `unavailable`, `timeout`: nobody can tell now */
  at(at: number, signal?: AbortSignal): Promise<Answer>;
}
