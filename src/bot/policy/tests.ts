import { dirname, join } from "node:path";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import type { Catalog } from "../../commands/catalog.ts";
import type { PolicyTested } from "../../commands/policy.ts";
import { MicroError } from "../../core/errors.ts";
import { type Decision, type Policy, readPolicy } from "../policy.ts";
import { type PolicyFile, readPolicyFile } from "./file.ts";
import type { ReadFile } from "./files.ts";
import { requestOf, understand } from "./understand.ts";

const example = z.strictObject({
  /** A person of the policy, or an id. */
  who: z.string(),
  /** The network does not vouch for them. */
  guest: z.boolean().default(false),
  say: z.string(),
  /** A room's id, or `#name`. */
  in: z.string().optional(),
  at: z.iso.datetime({ offset: true }).optional(),
  expect: z
    .string()
    .regex(/^(allow|deny|approve \d+ of role:\S+)$/, { error: "expect allow, deny or approve 2 of role:lead" }),
});

const schema = z.strictObject({
  /** The policy file, beside this one. */
  policy: z.string().optional(),
  tests: z.array(example).min(1, { error: "there are none" }),
});

type Example = z.output<typeof example>;

export interface PolicyTestInit {
  /** The file with the examples. */
  readonly tests: string;
  /** The policy file; else the one that the examples name. */
  readonly policy?: string | undefined;
  readonly read: ReadFile;
  readonly catalog: Catalog;
}

/** Tries a policy on examples. @throws MicroError `conflict` when some come out otherwise, `invalid_argument` for a bad file */
export async function runPolicyTests({ tests: name, policy, read, catalog }: PolicyTestInit): Promise<PolicyTested> {
  const { tests, policy: named } = readExamples(await read(name), name);
  const path = policy ?? (named === undefined ? undefined : join(dirname(name), named));
  if (path === undefined) {
    throw new MicroError(
      "invalid_argument",
      `which policy? Name it in ${name}, as in policy: policy.yaml, or with --policy`,
    );
  }
  const text = await read(path);
  const file = readPolicyFile(text, path);
  const under = readPolicy(text, path);
  under.check?.({ commands: () => catalog.commands });
  const failed = tests.flatMap((one) => {
    const decision = outcome(one, file, under, catalog);
    const got = said(decision);
    return got === one.expect
      ? []
      : [`${one.who}: ${one.say}${one.in ? ` in ${one.in}` : ""}: expected ${one.expect}, got ${got}: ${decision.why}`];
  });
  const passed = tests.length - failed.length;
  if (failed.length > 0) {
    const words = [`${failed.length} of ${tests.length} tests of ${path} failed`, ...failed].join("\n");
    throw new MicroError("conflict", words, { details: { passed, failed } });
  }
  return { policy: path, passed, failed };
}

function readExamples(text: string, name: string): z.output<typeof schema> {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    const words = (error as Error).message.split("\n")[0];
    throw new MicroError("invalid_argument", `${name} is not YAML: ${words}`, { cause: error });
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  throw new MicroError("invalid_argument", `${name}, at ${issue?.path.join(".") || "top"}: ${issue?.message}`);
}

function outcome(one: Example, file: PolicyFile, policy: Policy, catalog: Catalog): Decision {
  const line = understand(one.say, catalog);
  const ids = Object.hasOwn(file.people, one.who) ? (file.people[one.who] ?? []) : [one.who];
  const rooms = one.in?.startsWith("#") ? file.rooms[one.in.slice(1)] : undefined;
  if (one.in?.startsWith("#") && rooms === undefined) {
    throw new MicroError("invalid_argument", `there is no room ${one.in.slice(1)} under rooms of ${file.name}`);
  }
  const room = rooms?.[0] ?? one.in;
  const at = one.at === undefined ? Date.now() : Date.parse(one.at);
  const { guest } = one;
  const decisions = ids.map((caller) =>
    policy.decide(requestOf(line, { caller, guest, ...(room !== undefined && { room }), at })),
  );
  const found = decisions.find(({ allowed }) => allowed) ?? decisions[0];
  if (found === undefined) throw new MicroError("invalid_argument", `${one.who} has no ids in ${file.name}`);
  return found;
}

function said({ allowed, approvals }: Decision): string {
  if (!allowed) return "deny";
  return approvals ? `approve ${approvals.count} of role:${approvals.role}` : "allow";
}
