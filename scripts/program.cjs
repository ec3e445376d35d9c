// Becomes dist/bin/program.js. Runs program.body.js with the code that V8 compiled for it when it was built: compiling it
// anew takes as long as a third of Node's start. Another version of Node does not take that code, and compiles.
const { readFileSync } = require("node:fs");
const { Script } = require("node:vm");

const filename = `${__dirname}/program.body.js`;
// A script that runs so cannot load ES modules itself: the build has it call `__load` for that.
const source = `(function (exports, require, module, __filename, __dirname, __load) {${readFileSync(filename, "utf8")}\n})`;
const script = new Script(source, { filename, cachedData: compiled() });
script.runInThisContext()(exports, require, module, filename, __dirname, (name) => import(name));

function compiled() {
  try {
    return readFileSync(`${__dirname}/program.cache`);
  } catch {
    return undefined;
  }
}
