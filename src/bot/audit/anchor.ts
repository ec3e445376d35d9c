import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import type { Anchor } from "../../commands/audit-record.ts";
import { MicroError } from "../../core/errors.ts";
import type { Kv } from "../../platform/kv/kv.ts";

/** Where the newest hash is kept apart from the rows. */
export interface AnchorPlace {
  /** For people. */
  readonly where: string;
  /** @throws MicroError `unavailable` */
  read(): Promise<Anchor | undefined>;
  /** @throws MicroError `unavailable` */
  write(anchor: Anchor): Promise<void>;
}

const schema = z.object({ seq: z.number(), hash: z.string(), at: z.number() });

/** A small file; better on another disk, or where whoever owns the rows cannot write. */
export function fileAnchor(path: string): AnchorPlace {
  return {
    where: path,
    read: async () => {
      try {
        return schema.parse(JSON.parse(await readFile(path, "utf8")));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw cannot(path, error);
      }
    },
    write: async (anchor) => {
      try {
        await writeFile(`${path}.new`, `${JSON.stringify(anchor)}\n`, { mode: 0o600 });
        await rename(`${path}.new`, path);
      } catch (error) {
        throw cannot(path, error);
      }
    },
  };
}

/** In the state that replicas share, so that who can change the rows of one machine has not changed this. @param key one for each chain */
export function kvAnchor(kv: Kv, key: string): AnchorPlace {
  const where = `${kv.kind} (${key})`;
  return {
    where,
    read: async () => {
      const entry = await kv.get(key);
      try {
        return entry && schema.parse(JSON.parse(entry.value));
      } catch (error) {
        throw cannot(where, error);
      }
    },
    write: async (anchor) => {
      await kv.put(key, JSON.stringify(anchor));
    },
  };
}

function cannot(where: string, error: unknown): MicroError {
  const words = `the hash that is kept at ${where} cannot be used: ${(error as Error).message}`;
  return new MicroError("unavailable", words, { cause: error });
}
