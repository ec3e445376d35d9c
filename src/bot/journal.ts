import type { IncomingMessage } from "../inputs/input.ts";

/** A message that was taken, with what is needed to begin it anew elsewhere, or to speak of it. */
export interface Taken {
  /** Names it in answers, the log and calls (`Context.id`). */
  readonly id: string;
  /** The name of the input that it came by; with the message's own id it is what makes two messages one. */
  readonly input: string;
  readonly caller: string;
  readonly message: IncomingMessage;
  /** Secrets are crossed out in its text, so it is only spoken of. */
  readonly hidden?: true;
  /** Epoch ms. */
  readonly at: number;
}

/**
 * The right to work on one message. It goes to somebody else when this process gives no sign of life for as long as a
 * lease, so whoever has one asks `begin` or `holds` before doing what must happen once.
 */
export interface Claim {
  readonly key: string;
  /** The revision at which it was won: who has it later has a higher one. */
  readonly fence: number;
  /** How often others had it before: they went away before they were done. */
  readonly before: number;
}

/** What a process that went away had taken and not ended; it is ours now. */
export interface Left {
  readonly claim: Claim;
  readonly taken: Taken;
  /** A write was started, so nobody knows what came of it. */
  readonly begun: boolean;
  /** What was begun, where the message says something else: a yes to it. */
  readonly meant?: string;
  /** Its text was too long to be kept, or held what is not to be kept: this is what can be told of it. */
  readonly cut: boolean;
}

/** What the journal tells while it is open. */
export interface JournalEvents {
  /** Whether what was said over this input can be answered now. */
  readonly can: (input: string) => boolean;
  readonly onLeft: (left: Left) => void;
  /** A claim of ours has gone to another: what is done under it ends without a word. */
  readonly onLost: (taken: Taken) => void;
}

/**
 * Remembers which messages were taken, so that each takes effect once, whatever the network, a crash or another replica
 * does, and none is lost: what is open when a process goes away is told or done by the next.
 */
export interface Journal {
  /** Before anything is taken. @throws MicroError `unavailable` where it cannot be written */
  open(events: JournalEvents): Promise<void>;
  /**
   * `undefined`: taken before, here or elsewhere. It is on the disk, or wherever it is safe, when the promise resolves.
   * @throws MicroError where it cannot be written: then nothing may be done, and it is not asked for again
   */
  take(taken: Taken): Promise<Claim | undefined>;
  /**
   * Right before a write starts: marks it as begun. `false`: the claim is another's, and the write must not start.
   * @param meant what it is, where the message says something else
   * @throws MicroError where it cannot be written: then it must not start either
   */
  begin(claim: Claim, meant?: string): Promise<boolean>;
  /** Right before something is said: whether the claim is still ours. @throws MicroError when nobody knows now */
  holds(claim: Claim): Promise<boolean>;
  /** All is done and said. Never rejects; what cannot be written now is written later. */
  done(claim: Claim): Promise<void>;
  /** It could not be brought to its end here: anybody may. Never rejects. */
  drop(claim: Claim): Promise<void>;
  /** Goes on with what there is, and no more; another may do what only one may. Never rejects. */
  leave(): Promise<void>;
  /** What is open is another's from now on. Never rejects. */
  close(): Promise<void>;
}

export interface JournalInit {
  /** How long a message is remembered; networks were seen to deliver again after 368 s (`chat.md §3`). @default 2 h */
  readonly keepMs?: number;
  /** How many at most; the oldest go first. @default 100000 */
  readonly max?: number;
}

export const KEEP_MS = 2 * 3_600_000;
export const MOST = 100_000;

/** For inputs whose messages die with the process that heard them (a terminal). Costs next to nothing. */
export function memoryJournal({ keepMs = KEEP_MS, max = MOST }: JournalInit = {}): Journal {
  const known = new Map<string, number>();
  // Goes through them once, from the oldest; one begun anew for every message would walk over all that was deleted.
  let ages = known.entries();
  let oldest: [string, number] | undefined;
  let fence = 0;
  const forget = (at: number) => {
    while (known.size > 0) {
      oldest ??= ages.next().value;
      if (oldest === undefined || (oldest[1] > at - keepMs && known.size < max)) return;
      known.delete(oldest[0]);
      oldest = undefined;
    }
  };
  return {
    open: async () => {},
    take: async ({ input, message, at }) => {
      const key = `${input}:${message.id}`;
      forget(at);
      if (known.has(key)) return undefined;
      if (known.size === 0) ages = known.entries(); // one that has come to an end stays there
      known.set(key, at);
      fence += 1;
      return { key, fence, before: 0 };
    },
    begin: async () => true,
    holds: async () => true,
    done: async () => {},
    drop: async () => {},
    leave: async () => {},
    close: async () => {},
  };
}
