import Module, { createRequire } from "node:module";
import { requireHubot } from "./modules.mjs";

/**
 * Lets scripts have the Hubot that runs them, however they ask for it: `import "hubot"`, `require("hubot")` of today and of the
 * versions before 11 with their inner files, `require.main.require`. Another copy's messages would be strangers (`hubot.md §3`).
 */
export function beHubot(hubot, cwd) {
  requireHubot(hubot, cwd);
  importedAs(createRequire(import.meta.url).resolve("hubot"));
}

/** Only what is imported goes this way; what Node's own hook for that is depends on its version. */
function importedAs(file) {
  const url = JSON.stringify(new URL(`file://${file}`).href);
  const resolve = `(name, context, next) => name === "hubot" ? { url: ${url}, shortCircuit: true } : next(name, context)`;
  if (Module.registerHooks !== undefined) {
    Module.registerHooks({
      resolve: (name, context, next) =>
        name === "hubot" && context.conditions?.includes("import")
          ? { url: JSON.parse(url), shortCircuit: true }
          : next(name, context),
    });
    return;
  }
  Module.register(`data:text/javascript,export const resolve = ${encodeURIComponent(resolve)};`);
}
