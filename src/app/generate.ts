import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { loadProto } from "../core/codec/proto.ts";
import { protoSource } from "../core/codec/proto-source.ts";
import { MicroError } from "../core/errors.ts";

/**
 * `micro generate greeter.proto [greeter.ts]`: typed endpoints and clients out of a proto file, on stdout or into a file.
 * @throws MicroError `invalid_argument`, `not_found`
 */
export async function generate(args: readonly string[]): Promise<string | undefined> {
  const [path, out, ...more] = args;
  if (path === undefined || more.length > 0 || path.startsWith("-")) {
    throw new MicroError("invalid_argument", "say which file: micro generate greeter.proto [greeter.ts]");
  }
  const source = protoSource(await loadProto(path), basename(path));
  if (out === undefined) return source.trimEnd();
  try {
    await writeFile(out, source);
  } catch (error) {
    throw new MicroError("invalid_argument", `${out} cannot be written: ${(error as Error).message}`, { cause: error });
  }
  return `${out} holds the endpoints and clients of ${basename(path)}`;
}
