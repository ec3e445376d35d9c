import type * as library from "../../src/index.ts";

/** The library as its users get it. */
export type Micro = typeof library;

/** What was built, not what stands in src: Node runs it unchanged. */
export async function builtLibrary(): Promise<Micro> {
  return (await import(new URL("../../dist/src/index.js", import.meta.url).href)) as Micro;
}
