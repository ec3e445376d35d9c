import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, relative, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { requireCoffee } from "./coffee.mjs";

const KNOWN = [".js", ".mjs", ".cjs", ".ts", ".coffee", ".litcoffee"];

/** How long an asynchronous script may take to set itself up. */
const SETUP_MS = 10_000;

/**
 * Loads scripts and knows whose each listener is. A script that does not load takes nobody along.
 *
 * @param cwd the user's directory: packages are found from there
 * @param skip scripts that are not loaded, with the reason
 * @param onLoading told before each script is loaded, by its name: who reads it last knows who hung
 * @param onChange told when there are other listeners
 */
export function createScripts({ cwd, skip, onLoading, onChange }) {
  /** By the path of their file or package, the longest last. */
  const known = new Map();
  const broken = [];
  const help = new Map();
  const deaf = new Set();
  let loading;

  const nameOf = (path) => {
    const inside = relative(join(cwd, "scripts"), path);
    const name = inside.startsWith("..") ? packageOf(path) : inside.slice(0, inside.length - extname(inside).length);
    return nameFrom(name);
  };
  const begin = (path, name) => {
    const script = { name: unused(name), path, from: relative(cwd, path) || path };
    known.set(path, script);
    return script;
  };
  const unused = (name) => {
    const taken = new Set([...known.values()].map((script) => script.name));
    let free = name;
    for (let n = 2; taken.has(free); n++) free = `${name}-${n}`;
    return free;
  };
  const fail = (robot, from, error) => {
    const why = whyNot(error);
    broken.push({ from, why });
    robot.logger.warn(`${from} is not loaded: ${why}`);
  };

  /** What a script's file gives: at once, as who calls `loadFile` expects, where it is no ES module. */
  const scriptIn = (file) => {
    if (/coffee$/.test(extname(file))) return requireCoffee(file, cwd);
    return isModule(file) ? import(pathToFileURL(file).href) : createRequire(file)(file);
  };
  const setUp = (robot, found, option) => {
    const script = [found, found?.default, found?.default?.default, found?.["module.exports"]].find(
      (one) => typeof one === "function",
    );
    if (script === undefined) throw new Error("it exports no function of the robot");
    return script(robot, option);
  };

  const loadOne = (robot, path, name, option) => {
    // An index that loads its parts: they are the package's.
    const script = loading ?? begin(path, name);
    const before = loading;
    loading = script;
    const over = () => {
      loading = before;
    };
    let result;
    try {
      const found = scriptIn(path);
      const later = typeof found?.then === "function";
      result = later ? found.then((one) => setUp(robot, one, option)) : setUp(robot, found, option);
    } catch (error) {
      over();
      throw error;
    }
    parseHelp(robot, path, script);
    if (typeof result?.then !== "function") {
      over();
      return result;
    }
    const waiting = inTime(result).finally(over);
    // Who calls `loadFile` as before does not wait for it.
    waiting.catch(() => {});
    return waiting;
  };

  const parseHelp = (robot, path, script) => {
    const before = robot.helpStrings.length;
    try {
      robot.parseHelp(path);
    } catch {
      return;
    }
    const lines = robot.helpStrings.slice(before);
    help.set(script.name, [...(help.get(script.name) ?? []), ...lines]);
  };

  const tryOne = async (robot, path, from, name, option) => {
    const reason = skip.find((one) => one.from === from);
    if (reason !== undefined) {
      broken.push(reason);
      return;
    }
    onLoading(from);
    // A sign of life between each two.
    await setImmediate();
    try {
      await loadOne(robot, path, name, option);
    } catch (error) {
      fail(robot, from, error);
    }
  };

  return {
    broken,
    help,
    changed: onChange,
    /** Says once of each script that its `enter`, `leave` or `topic` listeners wait in vain. */
    deaf: (robot, kind) => {
      const name = loading?.name ?? ownerOf(new Error().stack)?.name;
      const from = [...known.values()].find((script) => script.name === name)?.from ?? "a script";
      if (deaf.has(`${from} ${kind}`)) return;
      deaf.add(`${from} ${kind}`);
      robot.logger.warn(`${from}: its ${kind} listeners are never called, since no input of the bot tells of that`);
    },
    /** Whose code runs now: what is being loaded, else by the files of the stack. */
    current: () => loading?.name ?? ownerOf(new Error().stack)?.name ?? "scripts",
    /** Whose code has thrown this: a script's name and where it comes from. */
    owner: (error) => ownerOf(error?.stack),
    files: () => [...known.values()].map(({ name, from }) => [name, from]),
    /** All of a folder, in the order of their names; then the packages that `external-scripts.json` names. */
    loadAll: async (robot, folder, externals) => {
      for (const file of filesIn(folder)) {
        const path = join(folder, file);
        await tryOne(robot, path, relative(cwd, path), nameOf(path));
      }
      for (const [name, option] of externals) {
        let path;
        try {
          path = resolvePackage(name, cwd);
        } catch (error) {
          fail(robot, name, error);
          continue;
        }
        await tryOne(robot, path, name, nameFrom(name), option);
      }
      onLoading("");
    },
    /** `robot.load(folder)`: those that fail are logged and left out. */
    loadFolder(robot, folder) {
      return inOrder(filesIn(folder).map((file) => () => this.loadFile(robot, folder, file)));
    },
    /** `robot.loadFile(folder, file)`. What fails takes nobody else along. */
    loadFile: (robot, folder, file) => {
      const path = join(folder, basename(file));
      if (!KNOWN.includes(extname(path))) {
        robot.logger.debug(`Skipping unsupported file type ${path}`);
        return null;
      }
      const failed = (error) => {
        fail(robot, relative(cwd, path), error);
        return null;
      };
      try {
        const result = loadOne(robot, path, nameOf(path));
        return typeof result?.then === "function" ? result.catch(failed) : result;
      } catch (error) {
        return failed(error);
      }
    },
  };

  function ownerOf(stack) {
    if (typeof stack !== "string") return undefined;
    let found;
    let at = Number.POSITIVE_INFINITY;
    for (const [path, script] of known) {
      // A package is all of its folder.
      const place = stack.indexOf(script.from.includes("node_modules") ? packageFolder(path) : path);
      if (place === -1 || place > at) continue;
      found = script;
      at = place;
    }
    return found;
  }
}

function isModule(file) {
  const extension = extname(file);
  if (extension === ".mjs" || extension === ".ts") return true;
  if (extension !== ".js") return false;
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).type === "module";
    } catch (error) {
      if (error.code !== "ENOENT" || folder === dirname(folder)) return false;
    }
  }
}

function filesIn(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && KNOWN.includes(extname(entry.name)))
      .map((entry) => entry.name)
      .filter((name) => !name.startsWith(".") && !/\.d\.ts$/.test(name))
      .sort();
  } catch {
    return [];
  }
}

function resolvePackage(name, cwd) {
  const require = createRequire(join(cwd, "_"));
  try {
    return require.resolve(name);
  } catch (error) {
    if (error?.code === "ERR_PACKAGE_PATH_NOT_EXPORTED") {
      // It can only be imported.
      return fileURLToPath(import.meta.resolve(name, pathToFileURL(join(cwd, "_")).href));
    }
    // `main` without an extension, as CoffeeScript packages have it.
    for (const folder of require.resolve.paths(name) ?? []) {
      const own = coffeeMain(join(folder, name));
      if (own !== undefined) return own;
    }
    throw error;
  }
}

function coffeeMain(folder) {
  let main = "index";
  try {
    main = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).main ?? main;
  } catch {
    return undefined;
  }
  for (const path of [main, `${main}.coffee`, join(main, "index.coffee")].map((file) => join(folder, file))) {
    try {
      readFileSync(path);
      return path;
    } catch {
      // The next.
    }
  }
  return undefined;
}

/** Of a path in `node_modules`. */
function packageOf(path) {
  const parts = path.split(sep);
  const at = parts.lastIndexOf("node_modules");
  if (at === -1) return basename(path, extname(path));
  return parts.slice(at + 1, parts[at + 1]?.startsWith("@") ? at + 3 : at + 2).join("/");
}

function packageFolder(path) {
  const name = packageOf(path).split("/").join(sep);
  const at = path.lastIndexOf(name);
  return at === -1 ? dirname(path) : path.slice(0, at + name.length + 1);
}

/** `@scope/hubot-deploy` is `deploy`: what policies and people call it. */
function nameFrom(text) {
  const name = text
    .toLowerCase()
    .replace(/^@[^/]+\//, "")
    .replace(/^hubot-/, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return name || "script";
}

/** For people: the first sentence, and what to install. */
function whyNot(error) {
  const message = String(error?.message ?? error)
    .split("\n")[0]
    .slice(0, 300);
  const missing = /Cannot find (?:module|package) '([^']+)'/.exec(message)?.[1];
  if (missing === undefined) return message;
  if (/^[./]/.test(missing)) return `it wants the file ${missing}, which is not there`;
  const name = missing
    .split("/")
    .slice(0, missing.startsWith("@") ? 2 : 1)
    .join("/");
  return `it wants the package ${name}: npm install ${name}`;
}

/** One after the other: at once as long as they are synchronous, and what follows an asynchronous one after it. */
function inOrder(works) {
  const results = [];
  const next = (at) => {
    for (let i = at; i < works.length; i++) {
      const result = works[i]();
      if (typeof result?.then === "function") {
        return result.then((value) => {
          results.push(value);
          return next(i + 1);
        });
      }
      results.push(result);
    }
    return results;
  };
  return Promise.resolve(next(0));
}

async function inTime(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it was not set up within ${SETUP_MS} ms`)), SETUP_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
