import type { z } from "zod";
import { checkReach, checkReferences, type Issue, type Reach } from "./references.ts";
import { type AlertsFile, alertsSections } from "./sections.ts";

type Path = readonly PropertyKey[];

/** What a file's value comes to, or all that is wrong with it. */
export interface ExaminedValue {
  readonly config?: AlertsFile;
  /** `key`: it is about that one of a map's keys. */
  readonly issues: readonly (Issue & { readonly key?: string })[];
}

/** What is taken out may be a part of something that is wrong as a whole. */
const ROUNDS = 8;

/** Holds a file's value against its sections, and what can be understood of it against what the sections say of each other. */
export function examined(value: unknown, reach: Reach | undefined): ExaminedValue {
  const first = alertsSections.safeParse(value);
  if (first.success) {
    const issues = said(first.data, reach);
    return issues.length === 0 ? { config: first.data, issues } : { issues };
  }
  const rest = without(value, first.error.issues);
  const issues = [...own(first.error.issues, value), ...rest.later];
  if (rest.file === undefined) return { issues };
  // What is named is there, though it may be wrong; a route whose schedule cannot be read has one; and one whose match cannot be
  // read does not take all.
  const near = (path: Path) =>
    rest.taken.some(
      (gone) =>
        begins(gone, path) ||
        (begins(path, gone) && path.length > 2) ||
        (gone[2] === "oncall" && begins(gone.slice(0, 2), path)) ||
        ((gone[2] === "match" || gone[2] === "continue") && isNext(gone, path)),
    );
  const others = said(withNames(rest.file, value), reach).filter(({ path }) => !near(path));
  return { issues: [...issues, ...others] };
}

function said(file: AlertsFile, reach: Reach | undefined): readonly Issue[] {
  const found: Issue[] = [];
  const context = { addIssue: (issue: Issue) => void found.push(issue) };
  checkReferences(file, context);
  if (reach) checkReach(reach)(file, context);
  return found;
}

/** The sections' own; without what is missing only because its name was misspelt. */
function own(issues: readonly z.core.$ZodIssue[], value: unknown): ExaminedValue["issues"] {
  const strange = issues.filter(({ code }) => code === "unrecognized_keys").map(({ path }) => JSON.stringify(path));
  return issues.flatMap((issue) => {
    const { path, message } = issue;
    if (issue.code === "unrecognized_keys") {
      const [key] = issue.keys;
      return [{ path, message, ...(key !== undefined && { key }) }];
    }
    const missing = at(value, path) === undefined;
    return missing && strange.includes(JSON.stringify(path.slice(0, -1))) ? [] : [{ path, message }];
  });
}

/** What is left when all that does not fit is taken out, and what is wrong with the rest that was not looked at before that. */
function without(value: unknown, issues: readonly z.core.$ZodIssue[]) {
  const left = structuredClone(value);
  const taken: Path[] = [];
  const later: Issue[] = [];
  let now = issues;
  for (let round = 0; round < ROUNDS; round++) {
    const before = taken.length;
    for (const issue of now) {
      const paths = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
      for (const path of paths) {
        if (taken.slice(before).some((gone) => begins(gone, path))) continue;
        const gone = takeOut(left, path);
        if (gone === undefined) return { taken, later };
        taken.push(gone);
      }
    }
    const again = alertsSections.safeParse(left);
    if (again.success) return { file: again.data, taken, later };
    now = again.error.issues;
    // Not what follows only from what was taken out.
    const follows = ({ path }: Issue) => taken.some((gone) => begins(gone, path) || begins(path, gone));
    later.push(...now.filter((issue) => !follows(issue)));
  }
  return { taken, later };
}

/**
 * Of what is missing, and of one of a list, it is what they are in: the others are to keep their places.
 * @returns what was taken out
 */
function takeOut(value: unknown, path: Path): Path | undefined {
  const last = path.at(-1);
  if (last === undefined) return undefined;
  const holder = at(value, path.slice(0, -1));
  if (typeof holder !== "object" || holder === null || Array.isArray(holder) || !Object.hasOwn(holder, last)) {
    return takeOut(value, path.slice(0, -1));
  }
  delete (holder as Record<PropertyKey, unknown>)[last];
  return path;
}

/** Whether a path is that of the route below the one that something was taken out of. */
function isNext([section, route]: Path, path: Path): boolean {
  return section === "routes" && path.length === 2 && path[0] === section && path[1] === Number(route) + 1;
}

function begins(one: Path, other: Path): boolean {
  return one.length <= other.length && one.every((part, at) => part === other[at]);
}

function at(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<PropertyKey, unknown>)[part];
  }
  return found;
}

/** With the names of what was taken out, which others may speak of. */
function withNames(file: AlertsFile, value: unknown): AlertsFile {
  const named = <T>(section: "oncall" | "quiet_hours" | "contacts", stub: T): Record<string, T> => {
    const there = at(value, [section]);
    const names = typeof there === "object" && there !== null ? Object.keys(there) : [];
    return Object.fromEntries(names.map((name) => [name, stub]));
  };
  return {
    ...file,
    oncall: { ...named("oncall", { zone: "UTC", overrides: [] }), ...file.oncall },
    quiet_hours: { ...named("quiet_hours", { zone: "UTC", times: [] }), ...file.quiet_hours },
    contacts: { ...named("contacts", []), ...file.contacts },
  };
}
