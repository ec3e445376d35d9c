import { createRequire } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { requireHubot } from "./modules.mjs";

/**
 * Finds an adapter (a path, or a package as the working directory sees it) and the Hubot that it is written for: its own
 * where that is one of 11 or later, else ours. Both must be the same copy, or `instanceof` says no (`hubot.md §5`).
 */
export async function loadAdapter(name, cwd) {
  const file = find(name, cwd);
  const hubot = await hubotFor(file);
  requireHubot(hubot, cwd);
  const adapter = adapterIn(await load(file, cwd));
  if (adapter === undefined) throw wrong(`${name} is no Hubot adapter: it exports no function \`use\``);
  return { hubot, adapter };
}

function find(name, cwd) {
  const path = name.startsWith("file:") ? fileURLToPath(name) : name;
  try {
    if (/^\.{0,2}[/\\]/.test(path) || isAbsolute(path))
      return createRequire(import.meta.url).resolve(resolve(cwd, path));
    return fileURLToPath(import.meta.resolve(name, pathToFileURL(join(cwd, "_")).href));
  } catch (error) {
    const how = path === name && !/^\.{0,2}[/\\]/.test(path) ? `: npm install ${name}` : "";
    throw Object.assign(wrong(`there is no ${name} in ${cwd}${how}`), { cause: error });
  }
}

async function hubotFor(file) {
  let own;
  try {
    own = createRequire(file).resolve("hubot");
  } catch {
    // Not installed beside the adapter.
  }
  return own?.endsWith(".mjs") ? import(pathToFileURL(own).href) : import("hubot");
}

async function load(file, cwd) {
  if (!/\.(coffee|litcoffee)$/.test(file)) return import(pathToFileURL(file).href);
  for (const from of [file, join(cwd, "_")]) {
    for (const name of ["coffeescript/register", "coffee-script/register"]) {
      const require = createRequire(from);
      try {
        require.resolve(name);
      } catch {
        continue;
      }
      require(name);
      return require(file);
    }
  }
  throw wrong(`${file} is CoffeeScript: npm install coffeescript`);
}

/** CommonJS comes under `default`, and what was compiled to it under a second one. */
function adapterIn(loaded) {
  return [loaded.default?.default, loaded.default, loaded].find((found) => typeof found?.use === "function");
}

/** Something that will not pass. */
function wrong(message) {
  return Object.assign(new Error(message), { code: "MICRO_WRONG" });
}
