import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach } from "vitest";
import * as zod from "zod";
import { systemClock } from "../../../src/core/clock.ts";
import type { Log } from "../../../src/core/log.ts";
import { silent } from "../../../src/core/log.ts";
import * as own from "../../../src/index.ts";
import { memoryKv } from "../../../src/platform/kv/memory.ts";
import type { HouseModules } from "../../../src/plugins/files/evaluate.ts";
import { type CommandFiles, type CommandFilesInit, commandFiles } from "../../../src/plugins/files/files.ts";
import type { Supplies } from "../../../src/plugins/files/give.ts";
import { httpOf } from "../../../src/plugins/files/http.ts";
import { ownKv } from "../../../src/plugins/files/kv.ts";
import type { CommandSource, Offered } from "../../../src/plugins/plugins.ts";

/** What files get of the bot's own. */
export const modules = async (): Promise<HouseModules> => ({ "micro-chatops": own, zod });

const kv = memoryKv();

export const supplies: Supplies = {
  kvOf: (command) => ownKv(kv, command),
  http: httpOf(),
  secret: async (name) => `the value of ${name}`,
};

export interface Folder {
  readonly path: string;
  write(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Commands of it. Stopped after the test. */
  source(init?: Partial<CommandFilesInit>): CommandFiles;
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A folder with files, gone after the test. */
export async function folderOf(files: Readonly<Record<string, string>> = {}): Promise<Folder> {
  const root = await mkdtemp(join(tmpdir(), "micro-commands-"));
  closing.push(() => rm(root, { recursive: true, force: true }));
  const path = join(root, "commands");
  await mkdir(path);
  const folder: Folder = {
    path,
    write: async (name, text) => {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), text);
    },
    remove: (name) => rm(join(path, name)),
    source: (init = {}) => {
      const source = commandFiles({ folder: path, modules, supplies, clock: systemClock, log: silent, ...init });
      closing.push(() => source.stop());
      return source;
    },
  };
  for (const [name, text] of Object.entries(files)) await folder.write(name, text);
  return folder;
}

/** What a source has offered last; `next` waits for what comes after. */
export async function offersOf(
  source: CommandSource,
): Promise<{ last(): Offered; until(fits: (last: Offered) => boolean): Promise<Offered>; readonly count: number }> {
  let last: Offered = { commands: [] };
  let count = 0;
  let told = () => {};
  await source.start((offered) => {
    last = offered;
    count += 1;
    told();
  });
  return {
    last: () => last,
    get count() {
      return count;
    },
    until: async (fits) => {
      while (!fits(last)) {
        await new Promise<void>((resolve) => {
          told = resolve;
        });
      }
      return last;
    },
  };
}

/** A log whose lines can be counted. */
export function noted(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const note = (_facts: object, words: string) => void lines.push(words);
  return { ...silent, info: note, warn: note, error: note, lines };
}

/** A file with one command that says a text. */
export function saying(name: string, text: string): string {
  return `import { defineCommand } from "micro-chatops";
import { z } from "zod";
export default defineCommand({
  name: ${JSON.stringify(name)},
  summary: "Say something",
  input: z.object({}),
  permission: "test:${name}",
  effect: "read",
  run: async (): Promise<{ text: string }> => ({ text: ${JSON.stringify(text)} }),
  view: ({ text }) => ({ kind: "text", text }),
});
`;
}
