import { createRequire } from "node:module";
import { defineOwnCommand } from "../commands/needs.ts";
import { jsonCodec, RawJson } from "../core/codec/json.ts";
import { readDuration } from "../core/duration.ts";
import { ERROR_CODES, MicroError } from "../core/errors.ts";
import { keyOf } from "../platform/kv/keys.ts";
import type { HouseModules } from "../plugins/files/evaluate.ts";

/** What a command file finds in `micro-chatops`: what a command is made with, and of the rest of the package its types. */
const own: Readonly<Record<string, unknown>> = {
  defineCommand: defineOwnCommand,
  MicroError,
  ERROR_CODES,
  jsonCodec,
  RawJson,
  readDuration,
  keyOf,
};

/** Asked for by the language itself, of any module. */
const SILENT: ReadonlySet<PropertyKey> = new Set(["default", "__esModule", "then"]);

/**
 * What command files find under these names: this program's own, so that its errors are errors there, too. The rest of the
 * library is for programs that make a bot, and loading it would cost each bot its time to start.
 */
export function houseModules(): HouseModules {
  const guarded = new Proxy(own, {
    get: (_own, name) => {
      if (typeof name === "symbol" || Object.hasOwn(own, name)) return own[name as string];
      if (SILENT.has(name)) return undefined;
      const known = Object.keys(own).join(", ");
      throw new MicroError(
        "invalid_argument",
        `micro-chatops gives a command file no \`${name}\`; it gives ${known}, and types`,
      );
    },
  });
  return { "micro-chatops": guarded, zod: createRequire(import.meta.url)("zod") };
}
