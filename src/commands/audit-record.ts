import type { CommandContext, Touched } from "./command.ts";

/** What is known of a command that somebody said to the bot. Texts are cut, and what is known as secret is crossed out. */
export interface AuditSaid {
  /** Names the message in answers, `jobs` and the log, and travels with its calls as their trace id. Comes round after 16 million. */
  readonly id: string;
  /** When it was heard, epoch ms; with `id` it names one message for good. */
  readonly at: number;
  /** Who wants it: `slack:T01/U02`, as the network guarantees it. */
  readonly caller: string;
  /** Who that is on every network: `ann`, else the caller. */
  readonly person: string;
  /** What the network calls them; for showing only. */
  readonly name: string;
  /** The network does not vouch for the caller, or calls them a stranger. */
  readonly guest?: true;
  /** The input it was said in: `slack`. */
  readonly network: string;
  /** A room of that network. */
  readonly room: string;
  /** As it was typed. */
  readonly text: string;
  /** What was understood of it, where that is not the same: without the bot's name, or what a yes was said to. */
  readonly line?: string;
  /** The command's name. */
  readonly command?: string;
  readonly effect?: "read" | "write";
  /** Its typed arguments. */
  readonly args?: Readonly<Record<string, unknown>>;
  /** SHA-256 of all of them as canonical JSON (RFC 8785), secrets crossed out, none cut: what `args` has no room for, it proves. */
  readonly argsHash?: string;
  /** The rule that decided, as the policy writes it. */
  readonly rule?: string;
  /** The request that was said yes to, and who did, in their order. */
  readonly request?: string;
  readonly approvers?: readonly string[];
  /** Who said the message itself, where that is not who wants it: the last of the approvers. */
  readonly by?: string;
  /** Why it went without approvers. */
  readonly brokeGlass?: string;
  /** The service that it acts on. */
  readonly target?: string;
  /** What it touches, as that was before it began. */
  readonly touched?: readonly Touched[];
}

/** One call that a command made. */
export interface AuditCall {
  readonly service: string;
  readonly endpoint: string;
  /** The last node that was tried. */
  readonly node?: string;
  /** `ok`, `opened` for a stream, or the code of the error. */
  readonly outcome: string;
  readonly ms: number;
  /** The header `Micro-Trace-Id` that it carried. */
  readonly trace: string;
}

/** What came of a command. */
export interface AuditRecord extends AuditSaid {
  /**
   * `ok`: it ran; `answered`: nothing was run; `asked`: it waits for a yes; `left`: to another replica; else the code of
   * the error. `running`, only where records are read: its end is not written down.
   */
  readonly outcome: string;
  /** The error in words. */
  readonly why?: string;
  readonly ms: number;
  readonly calls?: readonly AuditCall[];
  /** So many calls more than `calls` has. */
  readonly moreCalls?: number;
  /** So many messages of theirs before this one were not listened to, because they were too many. */
  readonly ignored?: number;
  /** SHA-256 of what it found out, as canonical JSON (RFC 8785), or of a service's JSON as it came. */
  readonly result?: string;
}

/** What one row of the audit holds. `replica` is the bot that wrote it. */
export type AuditEntry = { readonly replica: string; readonly at: number } & (
  | ({ readonly kind: "begun" } & AuditSaid)
  | ({ readonly kind: "ended" } & AuditRecord)
  /** Rows that could not be written before this one. */
  | {
      readonly kind: "gap";
      readonly since: number;
      readonly rows: number;
      readonly ids: readonly string[];
      readonly why: string;
    }
  /** When this bot began, the hash that was kept apart at `where` was not that of its row any more. */
  | { readonly kind: "broken"; readonly where: string; readonly row: number; readonly hash: string }
  /** Rows up to and with `upto` were let go, `hash` being the last one's. */
  | {
      readonly kind: "cut";
      readonly upto: number;
      readonly rows: number;
      readonly hash: string;
      readonly why: "age" | "size";
    }
);

/** A row of the chain. */
export interface AuditRow {
  /** From 1, without a gap. */
  readonly seq: number;
  /** Canonical JSON of an entry with its `seq` and, as `before`, the hash of the row before. */
  readonly body: string;
  /** SHA-256 of `body`, hex. */
  readonly hash: string;
}

/** The hash of one row, kept apart from the rows: with it a chain that was cut short, or made anew, is found. */
export interface Anchor {
  readonly seq: number;
  readonly hash: string;
  readonly at: number;
}

/** Which records; what is left out does not matter. */
export interface AuditFilter {
  /** A person, a caller, or what a network calls somebody; who wanted it, or said it. */
  readonly who?: string | undefined;
  /** Only this person's, whatever `who` says. */
  readonly person?: string | undefined;
  /** A command's name, or its beginning: `get`. */
  readonly command?: string | undefined;
  /** Not heard before, epoch ms. */
  readonly since?: number | undefined;
  /** `C02`, or `slack:C02`. */
  readonly room?: string | undefined;
  /** Only what was refused for want of a permission. */
  readonly denied?: boolean | undefined;
  readonly limit: number;
}

/** A record as it is read: where it stands, and who wrote it. */
export interface AuditFound extends AuditRecord {
  readonly seq: number;
  readonly hash: string;
  readonly replica: string;
  /** The row before it started. */
  readonly begunSeq?: number;
}

/** What is wrong with a chain, at a row. */
export interface AuditFlaw {
  readonly seq: number;
  readonly what: string;
}

/** What `audit verify` found. */
export interface AuditVerdict {
  readonly rows: number;
  /** The newest row. */
  readonly head?: Anchor;
  /** The hash that was kept apart, where there is one, and where. */
  readonly anchor?: Anchor & { readonly where: string };
  /** Where one is to be kept, and none is. */
  readonly noneAt?: readonly string[];
  /** The first ones; none: the chain is whole. */
  readonly flaws: readonly AuditFlaw[];
  readonly moreFlaws: number;
  /** Rows that could not be written, as the chain itself tells. */
  readonly lost: number;
  /** Rows that the retention has let go. */
  readonly cut: number;
}

/** What a command would do if it were said again now. */
export interface Replayed {
  /** What was understood, today. */
  readonly command?: string;
  /** Why it is not even understood. */
  readonly misunderstood?: string;
  readonly allowed?: boolean;
  readonly rule?: string;
  readonly why?: string;
  /** It would wait for a yes first. */
  readonly asks?: boolean;
  /** What it would touch. */
  readonly touched?: readonly Touched[];
  /** How that differs from what it touched then. */
  readonly moved?: readonly string[];
}

/** What it takes to read what others did: a grant, since a write is never open to all members. */
export const READ_ALL = { name: "audit", permission: "audit:read", effect: "write" } as const;

/** What was done, for the commands that tell of it. Everything throws `unavailable` when it cannot be read. */
export interface Audit {
  /** Whether who asks may see what others did, here and now (`READ_ALL`); their own everybody may. */
  seesAll(asker: Pick<CommandContext, "caller" | "guest" | "room" | "clock">): boolean;
  /** Newest first. */
  search(filter: AuditFilter): Promise<readonly AuditFound[]>;
  /** The newest with this id. */
  find(id: string): Promise<AuditFound | undefined>;
  verify(signal: AbortSignal): Promise<AuditVerdict>;
  /** Oldest first; a row is as it stood when this was asked. */
  rows(since: number): AsyncIterable<AuditRow>;
  /** Parses and decides again, and runs nothing. */
  replay(found: AuditFound, context: CommandContext): Promise<Replayed>;
  /** Puts rows into a database; those that are there are left alone. Absent where that is not to be had (chat). */
  copyTo?(
    url: string,
    since: number,
    signal: AbortSignal,
  ): Promise<{ readonly copied: number; readonly there: number }>;
}
