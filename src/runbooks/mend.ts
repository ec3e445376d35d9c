import type { z } from "zod";
import type { Path } from "./read-step.ts";
import { fileSchema } from "./schema.ts";

type FileShape = z.output<typeof fileSchema>;
type Issue = z.core.$ZodIssue;

/** What a file comes to, and all that the schema has against it. */
export interface Mended {
  readonly issues: readonly Issue[];
  /** Without what is wrong; absent when too little would be left. */
  readonly said?: FileShape;
}

/** What is taken out may be a part of something that is wrong as a whole. */
const ROUNDS = 5;

/** Holds a file's value against the schema, and takes out what does not fit, so that the rest of it can be looked at as well. */
export function mended(value: unknown): Mended {
  const first = fileSchema.safeParse(value);
  if (first.success) return { issues: [], said: first.data };
  const { issues } = first.error;
  let left = value;
  try {
    left = structuredClone(value);
  } catch {
    return { issues };
  }
  for (let round = 0, now: readonly Issue[] = issues; round < ROUNDS; round++) {
    if (!now.every((issue) => takeOut(left, issue))) return { issues };
    const again = fileSchema.safeParse(left);
    if (again.success) return { issues, said: again.data };
    now = again.error.issues;
  }
  return { issues };
}

/** @returns whether that could be: what is missing cannot be taken out */
function takeOut(value: unknown, { code, path, ...issue }: Issue): boolean {
  if (code === "unrecognized_keys") {
    const holder = at(value, path);
    if (holder) for (const key of (issue as { readonly keys: readonly string[] }).keys) delete holder[key];
    return holder !== undefined;
  }
  const holder = at(value, path.slice(0, -1));
  const last = path.at(-1);
  if (holder === undefined || last === undefined) return false;
  if (last === "summary" && path.length === 1) {
    holder[last] = "?";
    return true;
  }
  if (!Object.hasOwn(holder, last)) return false;
  // The others are to keep their places.
  if (typeof last === "number") holder[last] = {};
  else delete holder[last];
  return true;
}

function at(value: unknown, path: Path): Record<PropertyKey, unknown> | undefined {
  let found = value;
  for (const part of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<PropertyKey, unknown>)[part];
  }
  return typeof found === "object" && found !== null ? (found as Record<PropertyKey, unknown>) : undefined;
}
