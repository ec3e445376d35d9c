import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { loadProto } from "../core/codec/proto.ts";
import { protoSource } from "../core/codec/proto-source.ts";
import { MicroError } from "../core/errors.ts";
import { newFiles } from "./new-files.ts";
import { readOptions, type Settings } from "./options.ts";
import { NEW } from "./settings.ts";
import { VERSION } from "./version.ts";

/**
 * `micro new <folder>`: a service in TypeScript that can be started at once, with a proto file and its typed endpoints.
 *
 * @param args what follows `new`; options may stand on both sides of the folder
 * @param cwd where the folder is made
 * @returns what was made, a line each
 * @throws MicroError `invalid_argument`, `conflict` when the folder is there already
 */
export async function newService(args: readonly string[], cwd: string): Promise<string> {
  const before = readOptions(NEW, args, {});
  const [folder, ...after] = before.rest;
  if (folder === undefined) throw new MicroError("invalid_argument", "specify service name: micro new greeter");
  const { settings, rest } = readOptions(NEW, [...args.slice(0, args.length - before.rest.length), ...after], {});
  if (rest.length > 0) throw new MicroError("invalid_argument", `new does not know what to do with "${rest[0]}"`);
  if (isAbsolute(folder)) {
    throw new MicroError("invalid_argument", `"${folder}" must be a relative path: it is made where you are`);
  }
  const names = nameOf(folder, settings);
  const path = join(cwd, folder);
  await mkdir(dirname(path), { recursive: true });
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") throw new MicroError("conflict", `${folder} already exists`);
    throw new MicroError("invalid_argument", `${folder} cannot be made: ${error.message}`, { cause: error });
  });
  const lines = [`creating service ${names.fqdn}`];
  const write = async (name: string, content: string) => {
    const file = join(path, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    lines.push(`creating ${join(folder, name)}`);
  };
  for (const [name, content] of newFiles({ ...names, version: VERSION })) await write(name, content);
  const proto = `proto/${names.alias}.proto`;
  await write(`src/${names.alias}.proto.ts`, protoSource(await loadProto(join(path, proto)), proto));
  return [...lines, "", "start it with", "", `cd ${folder}`, "npm install && npm start"].join("\n");
}

/** @throws MicroError `invalid_argument` */
function nameOf(folder: string, { namespace, type, fqdn, alias: given }: Settings<typeof NEW>) {
  const alias = given || (basename(folder).split("-")[0] as string);
  if (!/^[a-z][a-z0-9]*$/.test(alias)) {
    throw new MicroError(
      "invalid_argument",
      `"${alias}" cannot name a service: use small letters and digits, or give --alias`,
    );
  }
  if (namespace === "") throw new MicroError("invalid_argument", "namespace not defined");
  const name = fqdn || `${namespace}.${type}.${alias}`;
  if (!/^[\w-]+(\.[\w-]+)*$/.test(name)) {
    throw new MicroError("invalid_argument", `"${name}" cannot name a service: words with dots between them`);
  }
  return { fqdn: name, alias };
}
