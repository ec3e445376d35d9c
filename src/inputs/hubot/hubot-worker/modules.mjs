import Module from "node:module";
import { join } from "node:path";
import { oldHubot, oldModule } from "./facade.mjs";

/**
 * Lets `require` of this thread give that Hubot wherever one is asked for, today's and the inner files of the versions before 11,
 * also as `require.main.require("hubot")` (`hubot.md §4`).
 */
export function requireHubot(hubot, cwd) {
  const old = oldHubot(hubot);
  const original = Module._load;
  Module._load = function (request, ...rest) {
    return oldModule(old, request) ?? original.call(this, request, ...rest);
  };
  const main = new Module(join(cwd, "hubot.js"));
  main.filename = main.id;
  main.paths = Module._nodeModulePaths(cwd);
  process.mainModule = main;
}
