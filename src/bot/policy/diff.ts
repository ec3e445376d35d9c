import { isDeepStrictEqual } from "node:util";
import type { AnyCommand } from "../../commands/command.ts";
import type { PolicyDiff } from "../../commands/policy.ts";
import { type Policy, readPolicy } from "../policy.ts";
import { type PolicyFile, readPolicyFile } from "./file.ts";

interface Side {
  readonly text: string;
  readonly name: string;
}

export interface DiffInit {
  readonly before: Side;
  readonly after: Side;
  readonly commands: readonly AnyCommand[];
}

/** So many lines are told of what changes for people. */
const TOLD = 50;

/** What another policy would change: what is written, and what those may do whom either names. @throws MicroError `invalid_argument` */
export function diffPolicies({ before, after, commands }: DiffInit): PolicyDiff {
  const lines = written(readPolicyFile(before.text, before.name), readPolicyFile(after.text, after.name));
  const [old, next] = [readPolicy(before.text, before.name), readPolicy(after.text, after.name)];
  next.check?.({ commands: () => commands });
  const effects = changes(old, next, commands);
  const more = effects.length - TOLD;
  return { lines, effects: more > 0 ? [...effects.slice(0, TOLD), `and ${more} more like these`] : effects };
}

function written(before: PolicyFile, after: PolicyFile): readonly string[] {
  const texts = (file: PolicyFile) => file.rules.map(({ text }) => text);
  const [old, next] = [new Set(texts(before)), new Set(texts(after))];
  const lists = (["members", "guests"] as const)
    .filter((key) => !isDeepStrictEqual(before[key], after[key]))
    .map((key) => `~ ${key}`);
  const tables = (["people", "groups", "roles", "rooms"] as const).flatMap((key) => {
    const names = [...new Set([...Object.keys(before[key]), ...Object.keys(after[key])])].sort();
    return names
      .filter((name) => !isDeepStrictEqual(before[key][name], after[key][name]))
      .map((name) => `${sign(Object.hasOwn(before[key], name), Object.hasOwn(after[key], name))} ${key}.${name}`);
  });
  return [
    ...[...old].filter((rule) => !next.has(rule)).map((rule) => `- ${rule}`),
    ...[...next].filter((rule) => !old.has(rule)).map((rule) => `+ ${rule}`),
    ...lists,
    ...tables,
  ];
}

function sign(was: boolean, is: boolean): string {
  return was && is ? "~" : is ? "+" : "-";
}

function changes(old: Policy, next: Policy, commands: readonly AnyCommand[]): readonly string[] {
  const people = new Map([...(old.known?.() ?? []), ...(next.known?.() ?? [])].map((one) => [one.name, one.ids]));
  people.set("every other member", ["member:"]);
  const found: string[] = [];
  for (const [name, ids] of people) {
    const may = (policy: Policy, command: AnyCommand) => ids.some((id) => policy.allows(id, false, command));
    const gained = commands.filter((command) => may(next, command) && !may(old, command));
    const lost = commands.filter((command) => may(old, command) && !may(next, command));
    if (gained.length > 0) found.push(`${name}: may now ${gained.map((command) => command.name).join(", ")}`);
    if (lost.length > 0) found.push(`${name}: may no longer ${lost.map((command) => command.name).join(", ")}`);
  }
  return found;
}
