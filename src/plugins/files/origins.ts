import { SourceMap } from "node:module";
import { dirname, resolve } from "node:path";

/** Puts the lines of the team's files in the stead of those of the script that was made of them. */
export interface Origins {
  /** In the stack of something thrown, once; whatever is no error stays as it is. */
  mend(thrown: unknown): void;
  /** Where in these files something was thrown: `restart.ts:7:9`, beside the file. @returns `undefined`: nowhere in them */
  placeOf(thrown: unknown): string | undefined;
}

/**
 * @param path of the file that the script was made of, by which stacks call it
 * @param map its source map, as JSON; read when there is something to be looked up
 */
export function originsOf(path: string, map: string): Origins {
  let read: SourceMap | undefined;
  const mended = new WeakSet<object>();
  const original = (line: string, column: string): string => {
    read ??= new SourceMap(JSON.parse(map));
    const found = read.findEntry(Number(line) - 1, Number(column) - 1);
    // Nothing: it is what the bundler has put around it.
    if (!("originalSource" in found) || typeof found.originalSource !== "string") return `${path}:${line}:${column}`;
    const file = resolve(dirname(path), found.originalSource);
    return `${file}:${found.originalLine + 1}:${found.originalColumn + 1}`;
  };
  const places = new RegExp(`${path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}:(\\d+):(\\d+)`, "g");
  const stackOf = (thrown: unknown) => {
    const stack = (thrown as { readonly stack?: unknown } | null | undefined)?.stack;
    return typeof stack === "string" ? stack : "";
  };
  const mend = (thrown: unknown) => {
    const stack = stackOf(thrown);
    if (!stack.includes(path) || mended.has(thrown as object)) return;
    mended.add(thrown as object);
    try {
      (thrown as { stack: string }).stack = stack.replace(places, (_all, line, column) => original(line, column));
    } catch {
      // It was frozen; then it stays as it is.
    }
  };
  return {
    mend,
    placeOf: (thrown) => {
      mend(thrown);
      const folder = dirname(path);
      const frames = stackOf(thrown).split("\n");
      for (const frame of frames) {
        const [, file = "", at = ""] = /([^\s(]+):(\d+:\d+)\)?$/.exec(frame) ?? [];
        const inside = file.startsWith(`${folder}/`) && !file.includes("/node_modules/");
        if (inside) return `${file.slice(folder.length + 1)}:${at}`;
      }
      return undefined;
    },
  };
}
