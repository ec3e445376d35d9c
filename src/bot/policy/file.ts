import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, Scalar } from "yaml";
import { z } from "zod";
import { MicroError } from "../../core/errors.ts";
import { createPeople, peopleSchema } from "../people.ts";
import { EVERYBODY, type Names, parseRule, subject } from "./grammar.ts";
import type { Rule } from "./rule.ts";

const pattern = z
  .string()
  .regex(/^[a-z*][\w-]*:[a-z*][\w-]*$/, { error: "a grant is area:verb, either may be *, as in registry:*" });

const word = z.string().regex(/^[A-Za-z][\w.-]*$/, { error: "a name is a word, as in oncall" });
const members = z.array(z.string().min(3));
const roomId = z.string().regex(/^[a-z][\w-]*:.+$/, { error: "a room is input:id, as in slack:C02" });

const schema = z.strictObject({
  /** Granted to everybody whom the network vouches for, beside all that changes nothing. */
  members: z.array(pattern).default([]),
  /** Granted to strangers too; nothing else is. */
  guests: z.array(pattern).default([]),
  /** Ids of one person on several networks; roles may name the person. */
  people: peopleSchema,
  /** People who are spoken of together. */
  groups: z.record(word, members).default({}),
  /** A role is a group that may be granted something by permission, and that approves. */
  roles: z.record(z.string(), z.strictObject({ members, grants: z.array(pattern).default([]) })).default({}),
  /** Names of rooms for rules: a network's own names may be taken by another room. */
  rooms: z.record(word, z.union([roomId.transform((one) => [one]), z.array(roomId)])).default({}),
  /** One a line, or a list of them. */
  rules: z.union([z.string(), z.array(z.string())]).default([]),
});

/** A policy file, understood. */
export interface PolicyFile extends Omit<z.output<typeof schema>, "rules"> {
  readonly rules: readonly Rule[];
  /** `policy.yaml`: names the file in errors and reasons. */
  readonly name: string;
}

/** What a policy consists of that is made without a file. */
export function policyOf(value: z.input<typeof schema>, name: string): PolicyFile {
  return { ...schema.parse(value), rules: [], name };
}

/** @throws MicroError `invalid_argument` that says where and what is wrong */
export function readPolicyFile(text: string, name: string): PolicyFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  const flaw = document.errors[0];
  if (flaw !== undefined) {
    const words = flaw.message.split("\n")[0];
    throw new MicroError("invalid_argument", `policy ${name} is not YAML: ${words}`, { cause: flaw });
  }
  const checked = schema.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {});
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw new MicroError("invalid_argument", `policy ${name}, at ${issue?.path.join(".") || "top"}: ${issue?.message}`);
  }
  const file = checked.data;
  const names: Names = {
    people: new Set(Object.keys(file.people)),
    groups: new Set(Object.keys(file.groups)),
    roles: new Set(Object.keys(file.roles)),
    rooms: new Map(Object.entries(file.rooms)),
  };
  checkMembers(file, names, name);
  try {
    createPeople(file.people);
  } catch (error) {
    const words = MicroError.from(error).message;
    throw new MicroError("invalid_argument", `policy ${name}, at ${words}`, { cause: error });
  }
  const rules = ruleLines(document, text, name, lines).map(({ text: said, line, column }) => {
    try {
      return parseRule(said, line, names);
    } catch (error) {
      const { message, details } = MicroError.from(error);
      const at = column + Number(details["at"] ?? 0);
      throw new MicroError("invalid_argument", `policy ${name}, line ${line}, column ${at}: ${message}`, {
        cause: error,
        details: { line, column: at },
      });
    }
  });
  return { ...file, rules, name };
}

function checkMembers(file: Pick<PolicyFile, "groups" | "roles">, names: Names, name: string): void {
  const taken = [...names.people].find((person) => EVERYBODY.has(person));
  if (taken !== undefined) {
    throw new MicroError(
      "invalid_argument",
      `policy ${name}, at people: ${taken} means many, so nobody is called that`,
    );
  }
  const lists = [
    ...Object.entries(file.groups).map(([group, list]) => [`groups.${group}`, list] as const),
    ...Object.entries(file.roles).map(([role, { members }]) => [`roles.${role}.members`, members] as const),
  ];
  for (const [where, list] of lists) {
    for (const member of list) {
      if (!member.includes(":") && !names.people.has(member)) {
        throw new MicroError(
          "invalid_argument",
          `policy ${name}, at ${where}: there is no person ${member} under people, and an id is input:id, as in slack:T01/U02`,
        );
      }
      if (member.startsWith("role:")) {
        throw new MicroError("invalid_argument", `policy ${name}, at ${where}: a role has no roles, name a group`);
      }
      try {
        subject({ text: member, at: 0 }, names);
      } catch (error) {
        const words = MicroError.from(error).message;
        throw new MicroError("invalid_argument", `policy ${name}, at ${where}: ${words}`, { cause: error });
      }
    }
  }
}

interface RuleLine {
  readonly text: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/** The rules with their places in the file. */
function ruleLines(document: Document, text: string, name: string, lines: LineCounter): readonly RuleLine[] {
  const top = document.contents;
  const node = isMap(top) ? (top.get("rules", true) as Node | undefined) : undefined;
  if (isSeq(node)) return node.items.flatMap((item) => (isScalar(item) ? [listed(item, name, lines)] : []));
  if (!isScalar(node) || typeof node.value !== "string") return [];
  const start = lines.linePos(node.range?.[0] ?? 0).line;
  if (node.type !== Scalar.BLOCK_LITERAL) {
    throw new MicroError(
      "invalid_argument",
      `policy ${name}, line ${start}: rules are a list, or lines below \`rules: |\``,
    );
  }
  const source = text.split(/\r?\n/);
  return node.value.split("\n").flatMap((said, at) => {
    const line = start + 1 + at;
    const rule = said.trim();
    if (rule === "" || rule.startsWith("#")) return [];
    return [{ text: rule, line, column: (source[line - 1] ?? "").indexOf(rule) + 1 }];
  });
}

function listed(item: Scalar, name: string, lines: LineCounter): RuleLine {
  const { line, col } = lines.linePos(item.range?.[0] ?? 0);
  // YAML takes what stands behind " #" for a comment, and a rule without its room would be another rule.
  if (item.type === Scalar.PLAIN && item.comment !== undefined && item.comment !== null) {
    const words = "YAML takes what stands behind # for a comment: put the rule in quotes, or rules below `rules: |`";
    throw new MicroError("invalid_argument", `policy ${name}, line ${line}: ${words}`);
  }
  const quoted = item.type === Scalar.QUOTE_DOUBLE || item.type === Scalar.QUOTE_SINGLE;
  return { text: String(item.value), line, column: col + (quoted ? 1 : 0) };
}
