import { createHash } from "node:crypto";
import type { AnyCommand } from "../commands/command.ts";
import type { PolicyAbout } from "../commands/policy.ts";
import { createEngine, type Linked } from "./policy/engine.ts";
import { policyOf, readPolicyFile } from "./policy/file.ts";

/** One thing that somebody wants to do, as rules see it. */
export interface Request {
  readonly caller: string;
  /** The network does not vouch for the caller, or calls them a stranger. */
  readonly guest: boolean;
  /** With its fields, arguments that it does not declare are looked for in the JSON that the line ends with. */
  readonly command: Pick<AnyCommand, "name" | "permission" | "effect"> &
    Partial<Pick<AnyCommand, "aliases" | "boundAs" | "input" | "words" | "rest">>;
  /** The name of the service it acts on; absent where it acts on none. */
  readonly target?: string;
  /** Its typed arguments. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** `slack:C02`: the network and the room's id; absent on the command line. */
  readonly room?: string;
  /** Epoch ms. */
  readonly at: number;
}

/** What a policy says of a request, and why. */
export interface Decision {
  readonly allowed: boolean;
  /** The rule that decided, as it is written; `default` when none did. */
  readonly rule: string;
  /** For who asks: what is missing, and who can give it. */
  readonly why: string;
  /** So many others of that role have to say yes first. */
  readonly approvals?: { readonly count: number; readonly role: string };
}

/** A command as help asks about it. */
export type Asked = Pick<AnyCommand, "permission" | "effect"> &
  Partial<Pick<AnyCommand, "name" | "aliases" | "boundAs">>;

/** Somebody whom a policy names: a person with all their ids, one id, or `slack:*`. */
export interface Known {
  readonly name: string;
  readonly ids: readonly string[];
}

/** Who may do what. */
export interface Policy {
  decide(request: Request): Decision;
  /**
   * Whether the caller may run it in some circumstance, on something, somewhere: for help and completion.
   * @param guest the network does not vouch for the caller, or calls them a stranger
   * @param command without a name only what is said of its permission counts
   */
  allows(caller: string, guest: boolean, command: Asked): boolean;
  /** Who the caller is on every network: `ann` for each of her ids, else the caller. Nobody is linked when left out. */
  personOf?(caller: string): string;
  /** All callers that are that person, if there are others. Only the caller when left out or empty. */
  idsOf?(caller: string): readonly string[];
  /** All callers that are that person or were so in the last day, by a link that has ended. Only the caller when left out. */
  wereOf?(caller: string): readonly string[];
  /** Whether the caller has that role now, as approvals ask (`Decision.approvals`). Nobody has any when left out. */
  hasRole?(caller: string, guest: boolean, role: string): boolean;
  about?(): PolicyAbout;
  /** The text of its file. */
  text?(): string;
  /** Whom it names. */
  known?(): readonly Known[];
  /** The same, with ids that people have linked themselves; the file's word counts before theirs. */
  linkedBy?(linked: Linked): Policy;
  /** Told once where to see which commands there are. @throws MicroError `invalid_argument`: a rule means none of them */
  check?(known: KnownCommands): void;
}

/** The commands that rules may name. */
export interface KnownCommands {
  commands(): readonly Named[];
  /** Others may come while the bot runs: a rule that means none is no error then, and this is told. */
  readonly later?: (words: string) => void;
}

/** A command by all its names. */
export type Named = Pick<AnyCommand, "name" | "aliases" | "permission">;

/**
 * What holds when no policy file is given: members may do what changes nothing, guests nothing, and whoever sits at this
 * machine's terminal may do what the `micro` command line lets them do anyway.
 * @param owners callers who have the bot's own powers already, such as the OS user that it runs as
 */
export function policyFor(owners: readonly string[], { linked }: PolicyInit = {}): Policy {
  const file = policyOf({ roles: { owners: { members: ["terminal:*", ...owners], grants: ["*:*"] } } }, "");
  return { ...createEngine(file, linked && { linked }), linkedBy: (others) => policyFor(owners, { linked: others }) };
}

/** The policy of a bot that nobody owns beside its terminal. */
export const defaultPolicy: Policy = policyFor([]);

/**
 * A policy file.
 * @param name names the file in errors
 * @throws MicroError `invalid_argument` that says which entry is wrong, or line and column of a rule
 */
export function readPolicy(text: string, name: string, init: PolicyInit = {}): Policy {
  const file = readPolicyFile(text, name);
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 12);
  return {
    ...createEngine(file, { ...init, file: name }),
    text: () => text,
    linkedBy: (linked) => readPolicy(text, name, { linked }),
    about: () => ({ file: name, digest, rules: file.rules.length, people: Object.keys(file.people).length }),
  };
}

/** What a policy takes beside its file. */
export interface PolicyInit {
  /** Ids that people have linked themselves; the file's word counts before theirs. */
  readonly linked?: Linked;
}
