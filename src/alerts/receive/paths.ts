/** Where something stands in JSON: `events[0].labels.app`; `$` is the whole. */
export type JsonPath = readonly (string | number)[];

const STEP = /(?:^|\.)([^.[\]]+)|\[(\d{1,4})\]/gy;

/** `undefined`: that is no path. */
export function pathOf(text: string): JsonPath | undefined {
  if (text === "$") return [];
  const path: (string | number)[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < text.length) {
    const step = STEP.exec(text);
    if (step === null) return undefined;
    path.push(step[1] ?? Number(step[2]));
  }
  return path.length === 0 || path.length > 20 ? undefined : path;
}

/** What stands there; `undefined` for nothing. Reads only what the JSON itself has. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}
