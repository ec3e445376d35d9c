import { distance } from "fastest-levenshtein";
import { MicroError } from "../../core/errors.ts";
import type { Known, KnownCommands } from "../policy.ts";
import type { PolicyFile } from "./file.ts";
import { like } from "./glob.ts";

/** Everybody whom a policy file names, each once. */
export function knownTo({ people, groups, roles, rules }: PolicyFile): readonly Known[] {
  const linked = new Set(Object.values(people).flat());
  const lists = [...Object.values(groups), ...Object.values(roles).map(({ members }) => members)];
  const named = [...lists.flat(), ...rules.flatMap(({ who }) => who)];
  const ids = new Set(named.filter((one) => one.includes(":") && !/^(role|group):/.test(one) && !linked.has(one)));
  return [
    ...Object.entries(people).map(([name, ids]) => ({ name, ids })),
    ...[...ids].map((id) => ({ name: id, ids: [id] })),
  ];
}

/**
 * A rule whose command is misspelled says nothing, and one that denies nothing is worse than an error.
 * @throws MicroError `invalid_argument`
 */
export function checkCommands({ rules, name }: PolicyFile, { commands, later }: KnownCommands): void {
  const names = commands().flatMap((command) => [command.name, ...(command.aliases ?? [])]);
  for (const { what, line } of rules) {
    for (const one of what) {
      if (one.includes(":") || names.some((known) => like(known, one))) continue;
      const longer = names.filter((known) => known.startsWith(`${one} `)).map((known) => `"${known}"`);
      const hint =
        longer.length > 0 ? `in quotes there are ${longer.slice(0, 5).join(", ")}` : "`help` shows those there are";
      const words = `policy ${name}, line ${line}: there is no command ${one}; ${hint}`;
      // One letter off is a mistake, whatever may come.
      if (later === undefined || names.some((known) => known.length > 4 && distance(known, one) <= 2)) {
        throw new MicroError("invalid_argument", words);
      }
      later(`${words}; the rule holds as soon as there is one`);
    }
  }
}
