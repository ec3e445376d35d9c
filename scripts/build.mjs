// Builds dist/: the library and the examples with their types (tsc), and the program as a bundle (rolldown).
//
// The program is bundled because loading zod from its own files costs three times the start of Node; the library is not,
// because its users bundle. Packages that only some commands need stay outside and are loaded when they are.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "dist", "bin");
const require = createRequire(import.meta.url);
const { dependencies } = require("../package.json");

/** Small or slow to load from their own files, and wanted by almost every command. */
const INLINED = ["zod", "dns-packet", "fastest-levenshtein"];

/**
 * Which of our files go into one piece, because they are wanted together: every file that is opened costs time. The first
 * match counts, and takes what it imports along. What no group names goes where it is wanted.
 */
const GROUPS = [
  // The entry has only this of ours.
  { name: "asked", test: among([/\/src\/app\/asked/]) },
  {
    name: "program",
    test: among([
      /\/src\/(app\/(?!bot|chat|log|in-turn|complete|house|lint|new-command|own-|runbook|alert|history|samples|oncall|watches|records|empty|graph|generate|new\.)|commands\/(?!help|jobs|small-talk))/,
      /\/src\/core\/([a-z]+\.ts|codec\/json|wire\/(record|error|members))/,
      /\/src\/core\/registry\/(abort|mdns|memo|memory|registry|sightings|versions|watchers)/,
      /\/node_modules\/(zod|fastest-levenshtein|dns-packet|@leichtgewicht)\//,
    ]),
  },
  {
    name: "client",
    test: among([
      /\/src\/core\/(client\/(?!grpc)|codec\/(bytes|payload)|selector\/(default|strategies)|wire\/rpc)/,
      /\/src\/core\/transport\/(http|inbox|joiner|outbox)/,
    ]),
  },
  { name: "chat", test: among([/\/src\/(app\/(chat|in-turn)|inputs\/(local|terminal)\/)/]) },
  // What speaks of .proto files stays by itself: protobufjs takes longer to load than all of the program.
  {
    name: "bot",
    test: among([/\/src\/(app\/(?!generate|new\.)|bot\/|commands\/)/, /\/src\/core\/(registry\/cache|server)/]),
  },
];

if (!installed("rolldown") || !installed("typescript")) {
  const built = existsSync(join(bin, "micro.js"));
  console.error(`not built: the development dependencies are missing${built ? "; what is in dist stays" : ""}`);
  process.exit(built ? 0 : 1);
}
compile();
await bundle();
copyThreads();
await storeTexts();
storeCode();

/** dist/src and dist/examples. */
function compile() {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status, error } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** dist/bin/micro.js and the parts that it loads when they are needed. */
async function bundle() {
  const { rolldown } = await import("rolldown");
  const outside = Object.keys(dependencies).filter((name) => !INLINED.includes(name));
  const build = await rolldown({
    input: { micro: join(root, "src", "main.ts") },
    platform: "node",
    external: outside.map((name) => new RegExp(`^${name}(/|$)`)),
    // Node 20 knows no `using`.
    transform: { target: "node20" },
    tsconfig: false,
    logLevel: "warn",
    // What is loaded late by one may be loaded early by another, which then has it.
    checks: { ineffectiveDynamicImport: false },
  });
  const { output } = await build.write({
    dir: bin,
    format: "cjs",
    minify: true,
    comments: { legal: true },
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
    codeSplitting: { groups: GROUPS },
  });
  await build.close();
  chmodSync(join(bin, "micro.js"), 0o755);
  const made = new Set(output.map(({ fileName }) => fileName));
  writeFileSync(join(bin, "package.json"), '{"type":"commonjs"}\n');
  made.add("package.json");
  for (const file of readdirSync(bin)) if (!made.has(file)) rmSync(join(bin, file), { recursive: true });
}

/** What runs as it is written, in a thread: beside what starts it, in the library and in the program. */
function copyThreads() {
  const adapters = join("src", "inputs", "hubot");
  const scripts = join("src", "plugins", "hubot");
  for (const to of [join(root, "dist", adapters), bin]) {
    cpSync(join(root, adapters, "hubot-worker"), join(to, "hubot-worker"), { recursive: true });
  }
  for (const to of [join(root, "dist", scripts), bin]) {
    const host = join(to, "hubot-host");
    cpSync(join(root, scripts, "hubot-host"), host, { recursive: true });
    // They have these in common, and only the sources know where from.
    for (const file of ["facade.mjs", "logger.mjs", "modules.mjs"]) {
      copyFileSync(join(root, adapters, "hubot-worker", file), join(host, file));
    }
  }
}

/** dist/bin/program.cache: the program as V8 compiled it, with the functions that a first command needs. */
function storeCode() {
  const cache = join(bin, "program.cache");
  const code = readFileSync(join(bin, "program.js"), "utf8");
  writeFileSync(join(bin, "program.body.js"), code.replaceAll(/(?<![\w$.])import\((?=[`"'])/g, "__load("));
  copyFileSync(join(root, "scripts", "program.cjs"), join(bin, "program.js"));
  const watching = `
    const vm = require("node:vm");
    vm.Script = class extends vm.Script {
      constructor(...given) {
        super(...given);
        process.once("exit", () => require("node:fs").writeFileSync(${JSON.stringify(cache)}, this.createCachedData()));
      }
    };
    require(${JSON.stringify(join(bin, "micro.js"))});
  `;
  const line = ["micro", "--registry=memory", "list", "services"];
  const { status } = spawnSync(process.execPath, ["-e", watching, ...line], { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) process.exit(status ?? 1);
}

/** dist/bin/help.json: what the program says about itself, so that saying it need not load the program. */
async function storeTexts() {
  const { storedTexts } = await import("../dist/src/app/help.js");
  writeFileSync(join(bin, "help.json"), `${JSON.stringify(storedTexts())}\n`);
}

/** Whether a file matches one of the patterns, however its path is spelled. */
function among(patterns) {
  return (path) => patterns.some((pattern) => pattern.test(path.replaceAll("\\", "/")));
}

function installed(name) {
  try {
    require.resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}
