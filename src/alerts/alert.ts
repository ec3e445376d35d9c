/** How bad an alert is by its source's own word; what says nothing is a warning. */
export type Severity = "critical" | "warning" | "info";

/**
 * Something that is wrong, or was, as its source tells of it. Whoever can reach a receiver wrote the texts in it, so they are
 * never markup, never a mention, and links are only what `links` holds.
 */
export interface Alert {
  /** The same for the same alert however often its source tells of it, and no other alert of that source has it. */
  readonly fingerprint: string;
  readonly status: "firing" | "resolved";
  /** `InstanceDown`: what kind of alert it is. */
  readonly name: string;
  readonly severity: Severity;
  /** One line; may be empty. */
  readonly summary: string;
  readonly description?: string;
  /** 64 at most, with names and values of 1000 characters at most. */
  readonly labels: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly startsAt: number;
  /** Epoch ms; only of what is resolved. */
  readonly endsAt?: number;
  /** `http` and `https` only. */
  readonly links: readonly Link[];
  /** Name of a runbook (`runbooks/`) that its source recommends, and what it takes: `restart-payments node=db1`. */
  readonly runbook?: string;
}

export interface Link {
  /** A word or two: `source`, `dashboard`. */
  readonly label: string;
  readonly url: string;
}

/** What a source said at once: alerts of one group. Survives JSON. */
export interface Notification {
  /** The same when it is told again: by it a second delivery is known. */
  readonly id: string;
  /** The source's name in the configuration: `alertmanager`, `ci`. */
  readonly source: string;
  /** What kind of source it is: `alertmanager`, `grafana`, `pagerduty`, `generic`, `monitor`, `watch`, `chat`. */
  readonly kind: string;
  /** Epoch ms by our clock. */
  readonly receivedAt: number;
  /** What belongs together by the source's own word, unique within it (Alertmanager's `groupKey`). */
  readonly group: string;
  /** 1 to 500, each fingerprint once. */
  readonly alerts: readonly Alert[];
  /** So many more there were that its source, or we, left out. */
  readonly left?: number;
}

/**
 * Where notifications wait to be worked on. What was put is there after `kill -9`, is worked on by one process of all that share the
 * store, oldest first, and is put once however often it comes.
 */
export interface Inbox {
  /**
   * Resolves when it is on the disk. @returns `known`: it was put before, and nothing was done
   * @throws MicroError `unavailable` (cannot be written: let the source send it again), `exhausted` (too much waits)
   */
  put(notification: Notification): Promise<"taken" | "known">;
}
