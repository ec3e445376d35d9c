// Becomes dist/bin/program.js. Runs program.body.js with the code that V8 compiled for it when it was built: compiling it
// anew takes as long as a third of Node's start. Another version of Node does not take that code, and compiles.
const { readFileSync } = require("node:fs");
const { Script } = require("node:vm");

const filename = `${__dirname}/program.body.js`;
const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, "utf8")}\n})`;
const script = new Script(source, { filename, cachedData: compiled() });
script.runInThisContext()(exports, require, module, filename, __dirname);

function compiled() {
  try {
    return readFileSync(`${__dirname}/program.cache`);
  } catch {
    return undefined;
  }
}
