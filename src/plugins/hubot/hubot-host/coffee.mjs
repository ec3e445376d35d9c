import { readFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { join } from "node:path";

/** How code of CoffeeScript 1 fails that CoffeeScript 2 has compiled. */
const OLD = /cannot be invoked without 'new'|Class extends value|before accessing 'this'|super' keyword/;

const registered = new Map();

/**
 * Runs a script that is written in CoffeeScript, compiled by what the user has installed: `coffeescript` (2, or 1), and where
 * that does not do `coffee-script` (1), found from the script and from the user's directory.
 * @throws Error that says what to install
 */
export function requireCoffee(file, cwd) {
  const compilers = compilersFor(file, cwd);
  if (compilers.length === 0) {
    throw new Error("it is written in CoffeeScript: npm install coffeescript");
  }
  let failure;
  for (const compiler of compilers) {
    use(compiler);
    const before = new Set(Object.keys(Module._cache));
    try {
      return createRequire(file)(file);
    } catch (error) {
      failure ??= error;
      // What it has loaded by now was compiled in the same way.
      for (const path of Object.keys(Module._cache)) if (!before.has(path)) delete Module._cache[path];
      const compiles = error?.name !== "SyntaxError" && !OLD.test(String(error?.message));
      if (compiles) throw error;
    }
  }
  throw failure;
}

/** The newest first. */
function compilersFor(file, cwd) {
  const found = new Map();
  for (const from of [file, join(cwd, "_")]) {
    for (const name of ["coffeescript", "coffee-script"]) {
      try {
        const path = createRequire(from).resolve(name);
        if (!found.has(path)) found.set(path, load(path));
      } catch {
        // Not there.
      }
    }
  }
  return [...found.values()].sort((a, b) => Number.parseFloat(b.VERSION) - Number.parseFloat(a.VERSION));
}

function load(path) {
  const known = registered.get(path);
  if (known !== undefined) return known;
  const compiler = createRequire(path)(path);
  registered.set(path, compiler);
  return compiler;
}

function use(compiler) {
  for (const extension of [".coffee", ".litcoffee", ".coffee.md"]) {
    Module._extensions[extension] = (module, path) => {
      const text = readFileSync(path, "utf8");
      module._compile(compiler.compile(text, { filename: path, bare: true, literate: extension !== ".coffee" }), path);
    };
  }
}
