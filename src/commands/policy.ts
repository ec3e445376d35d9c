import { z } from "zod";
import { type AnyCommand, type CommandContext, defineCommand } from "./command.ts";

/** What a policy is made of, for people. */
export interface PolicyAbout {
  /** Absent: there is no policy file. */
  readonly file?: string;
  /** Twelve hex digits of the SHA-256 of the file that holds. */
  readonly digest?: string;
  readonly rules: number;
  readonly people: number;
  /** Why the file that is there now does not hold. */
  readonly error?: string;
}

/** Who asks the policy, from where. */
export interface Asker {
  readonly caller: string;
  readonly guest: boolean;
  readonly room?: string;
  /** Epoch ms. */
  readonly at: number;
  /** As `CommandContext.mayRun`: what they may not see is not told. */
  readonly mayRun: CommandContext["mayRun"];
}

/** What the policy says of a line. */
export interface Verdict {
  /** As it was understood. */
  readonly line: string;
  readonly who: string;
  readonly allowed: boolean;
  /** The rule that decided. */
  readonly rule: string;
  readonly why: string;
  /** Yes, if so many others of that role say yes. */
  readonly approvals?: { readonly count: number; readonly role: string };
  /** Of the lines that are carried out because of it, in their order. */
  readonly carried?: readonly Verdict[];
}

/** Everybody whom the policy names, by what it says of a line. */
export interface WhoCan {
  readonly line: string;
  /** Here and now, by the rule that lets them. */
  readonly here: readonly { readonly names: readonly string[]; readonly by: string }[];
  /** On something else, in another room or at another time. */
  readonly elsewhere: readonly string[];
}

/** How the examples of a test file came out. */
export interface PolicyTested {
  readonly policy: string;
  readonly passed: number;
  /** A line for each that came out otherwise. */
  readonly failed: readonly string[];
}

/** What another policy file would change. */
export interface PolicyDiff {
  /** `+ allow …`, `- deny …`, `~ roles.oncall`. */
  readonly lines: readonly string[];
  /** `ann: may now call`, for those whom either names. */
  readonly effects: readonly string[];
}

/** Answers questions about the policy that holds; kept by the bot. */
export interface PolicyDesk {
  about(): PolicyAbout;
  /** @param who a person, an id, or as somebody is called in the asker's network; the asker when left out @throws MicroError */
  verdict(line: string, asker: Asker, who?: string): Promise<Verdict>;
  /** @throws MicroError `invalid_argument`: the line is no command */
  whoCan(line: string, asker: Asker): WhoCan;
  /** @throws MicroError `conflict` with those that failed, `invalid_argument`: a file cannot be read */
  test(file: string, policy?: string): Promise<PolicyTested>;
  /** @throws MicroError `invalid_argument`: a file cannot be read */
  diff(file: string, policy?: string): Promise<PolicyDiff>;
}

const line = z
  .string({ error: "which line? Say it as you would say it to me: who can call payments Order.Refund" })
  .describe("a command as it would be said, as far as it is known");
const asking = { permission: "policy:read", effect: "read", personal: true } as const;

/**
 * Questions about the policy: who may, whether somebody may, and why not.
 * @param meaning the line that an alias stands for
 */
export function policyQuestions(
  desk: PolicyDesk,
  meaning: (line: string) => Promise<string> = async (line) => line,
): readonly AnyCommand[] {
  const asked = (line: string) => meaning(withoutMark(line));
  const whoCan = defineCommand({
    name: "who can",
    summary: "Tell who may run a line here and now",
    input: z.object({ line }),
    words: ["line"],
    rest: "line",
    ...asking,
    examples: ["who can call payments Order.Refund", "who can register service?"],
    run: async ({ line }, context) => desk.whoCan(await asked(line), askerOf(context)),
    view: (result) => ({ kind: "text", text: drawWhoCan(result) }),
  });
  const own = defineCommand({
    name: "why can't i",
    aliases: ["why can i", "why cannot i", "why cant i", "can i"],
    summary: "Tell whether you may run a line here and now, and why",
    input: z.object({ line }),
    words: ["line"],
    rest: "line",
    ...asking,
    examples: ["why can't I call payments Order.Refund", "can I register service?"],
    run: async ({ line }, context) => desk.verdict(await asked(line), askerOf(context)),
    view: (result) => ({ kind: "text", text: drawVerdict(result) }),
  });
  const others = defineCommand({
    name: "can",
    aliases: ["why can", "why can't", "why cannot", "why cant"],
    summary: "Tell whether somebody may run a line here and now, and why",
    input: z.object({
      who: z
        .string({ error: "who? A person of the policy file, or an id: can @ann call payments" })
        .describe("a person of the policy file, or an id"),
      line,
    }),
    words: ["who", "line"],
    rest: "line",
    ...asking,
    examples: ["can @ann call payments Order.Refund", "why can slack:T01/U02 call payments?"],
    run: async ({ who, line }, context) => desk.verdict(await asked(line), askerOf(context), who.replace(/^@/, "")),
    view: (result) => ({ kind: "text", text: drawVerdict(result) }),
  });
  const about = defineCommand({
    name: "policy",
    summary: "Show which policy holds, and why a newer file does not",
    input: z.object({}),
    permission: "bot:admin",
    // Nothing is changed; but what every member may ask would be a read.
    effect: "write",
    whilePaused: true,
    confirm: false,
    urgent: true,
    examples: ["policy"],
    run: async () => desk.about(),
    view: (about) => ({ kind: "text", text: drawAbout(about) }),
  });
  return [whoCan, own, others, about, ...policyFiles(desk)];
}

/** What is asked of policy files; the command line has it, too. */
export function policyFiles(desk: Pick<PolicyDesk, "test" | "diff">): readonly AnyCommand[] {
  const policy = z.string().optional().describe("a policy file other than the one that holds");
  const admin = { permission: "bot:admin", effect: "write", whilePaused: true, confirm: false } as const;
  const test = defineCommand({
    name: "policy test",
    summary: "Try a policy on a file of examples and what they should come to",
    input: z.object({
      file: z.string({ error: "which file of tests?" }).describe("YAML: tests, each with who, say and expect"),
      policy,
    }),
    words: ["file"],
    ...admin,
    examples: ["policy test policy-tests.yaml", "policy test policy-tests.yaml --policy next.yaml"],
    run: async ({ file, policy }) => desk.test(file, policy),
    view: ({ policy, passed }) => ({ kind: "text", text: `${passed} tests of ${policy} passed` }),
  });
  const diff = defineCommand({
    name: "policy diff",
    summary: "Show what another policy file would change, and for whom",
    input: z.object({
      file: z.string({ error: "which policy file?" }).describe("the policy file that might come"),
      policy,
    }),
    words: ["file"],
    ...admin,
    examples: ["policy diff next.yaml"],
    run: async ({ file, policy }) => desk.diff(file, policy),
    view: ({ lines, effects }) => ({ kind: "text", text: [...lines, ...effects].join("\n") || "nothing would change" }),
  });
  return [test, diff];
}

/** A question may end as one. */
function withoutMark(line: string): string {
  return line.trim().replace(/\s*\?+$/, "");
}

function askerOf({ caller, guest = false, room, clock, mayRun }: CommandContext): Asker {
  return { caller, guest, ...(room !== undefined && { room }), at: clock.now(), mayRun };
}

function drawVerdict({ carried = [], ...verdict }: Verdict): string {
  const said = `, said by ${verdict.who}`;
  if (carried.length === 0) return drawLine(verdict, said);
  const refused = carried.filter(({ allowed }) => !allowed).length;
  const head = `and ${counted(carried.length, "line that it carries out", "lines that it carries out")}`;
  const then = refused === 0 ? ":" : `, of which ${refused === 1 ? "one is" : `${refused} are`} refused:`;
  return [drawLine(verdict, said), `${head}${then}`, ...carried.map((one) => drawLine(one, ""))].join("\n");
}

function drawLine({ line, allowed, why, approvals }: Verdict, said: string): string {
  if (!allowed) return `no: \`${line}\`${said}: ${why}`;
  const after = approvals ? `, once ${approvals.count} of role:${approvals.role} say yes` : "";
  return `yes: \`${line}\`${said}${after}; ${why}`;
}

/** So many names are shown. */
const SHOWN = 30;

function drawWhoCan({ line, here, elsewhere }: WhoCan): string {
  const rows = here.map(({ names, by }) => `${listed(names)}: ${by}`);
  if (rows.length === 0) rows.push("nobody, here and now");
  if (elsewhere.length > 0) rows.push(`in other rooms, at other times or on other things: ${listed(elsewhere)}`);
  return [`who can \`${line}\``, ...rows].join("\n");
}

function listed(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return `${names.slice(0, SHOWN).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

function drawAbout({ file, digest, rules, people, error }: PolicyAbout): string {
  if (file === undefined) return "there is no policy file: members may do what changes nothing";
  const holds = `${file} holds, ${digest}: ${counted(rules, "rule", "rules")}, ${counted(people, "person", "people")}`;
  return error === undefined ? holds : `${holds}\nwhat is in the file now is not taken: ${error}`;
}
