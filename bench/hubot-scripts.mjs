// Loads the classic collection of Hubot scripts and the packages that people install most, in the thread that the bot uses, and
// prints what became of each: `node bench/hubot-scripts.mjs [--keep folder]` after `npm run build`. Fetches them with npm.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const COLLECTION = "hubot-scripts@2.17.2";
const PACKAGES = {
  "hubot-help": "2.1.5",
  "hubot-redis-brain": "3.0.1",
  "hubot-rules": "2.1.1",
  "hubot-diagnostics": "2.1.3",
  "hubot-grafana": "7.0.3",
  "hubot-ascii-art": "1.1.4",
  "hubot-auth": "*",
  "hubot-schedule": "*",
  "hubot-cron": "*",
  "hubot-standup": "*",
  "hubot-pugme": "*",
  "hubot-google-images": "*",
  "hubot-shipit": "*",
  "hubot-maps": "*",
  "hubot-heroku-keepalive": "*",
  "hubot-google-translate": "*",
  "hubot-seen": "*",
  "hubot-plusplus": "*",
  "hubot-github": "*",
};
/** Both, as who has old scripts installs them: the second takes what the first does not. */
const COFFEE = ["coffeescript@2.7.0", "coffee-script@1.12.7"];
const AT_LEAST = { collection: 340, packages: 17 };

const { openThread } = await import("../dist/src/plugins/hubot/thread.js");
const keep = process.argv.indexOf("--keep");
const home = keep === -1 ? mkdtempSync(join(tmpdir(), "micro-hubot-scripts-")) : resolve(process.argv[keep + 1]);
try {
  fetchAll();
  const folder = join(home, "scripts");
  const source = join(home, "node_modules", "hubot-scripts", "src", "scripts");
  if (!existsSync(folder)) {
    mkdirSync(folder);
    for (const file of readdirSync(source)) {
      if (/\.(coffee|js)$/.test(file)) cpSync(join(source, file), join(folder, file));
    }
  }
  const files = readdirSync(folder).map((file) => `scripts/${file}`);
  rmSync(join(home, "external-scripts.json"), { force: true });
  const collection = await load(folder, files, {});

  writeFileSync(join(home, "external-scripts.json"), JSON.stringify(Object.keys(PACKAGES)));
  const none = join(home, "none");
  mkdirSync(none, { recursive: true });
  // The one that wants something of its own before it loads.
  const env = { HUBOT_GITHUB_TOKEN: "none", HUBOT_GRAFANA_HOST: "http://127.0.0.1", HUBOT_GRAFANA_API_KEY: "none" };
  const packages = await load(none, Object.keys(PACKAGES), env);

  show("the classic collection (hubot-scripts 2.17.2)", files, collection, AT_LEAST.collection, false);
  show("packages", Object.keys(PACKAGES), packages, AT_LEAST.packages, true);
} finally {
  if (keep === -1) rmSync(home, { recursive: true, force: true });
}

function fetchAll() {
  if (existsSync(join(home, "node_modules", "hubot-scripts"))) return;
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "package.json"), '{"private":true}\n');
  const named = Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`);
  const flags = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps", "--loglevel=error"];
  execFileSync("npm", ["install", ...flags, COLLECTION, ...COFFEE, ...named], { cwd: home, stdio: ["ignore", 2, 2] });
}

/** Until all that let the others live are loaded together. @returns by script, why it is not loaded */
async function load(folder, names, env) {
  const skip = [];
  for (;;) {
    let offer;
    let thread;
    const end = await new Promise((resolve) => {
      thread = openThread({
        begin: { cwd: home, folder, name: "micro", skip, brain: [], httpPath: undefined },
        env,
        memoryMb: 512,
        hangMs: 10_000,
        startMs: 60_000,
        log: { debug: () => {}, info: () => {}, warn: () => {} },
        redact: (text) => text,
        onMessage: (message) => {
          if (message.kind === "offer") offer = message;
          if (message.kind === "ready") resolve(undefined);
        },
        onEnd: (end) => resolve(end),
      });
    });
    await thread.close();
    if (end === undefined) {
      const broken = new Map(offer.broken.map(({ from, why }) => [from, why]));
      return new Map(names.map((name) => [name, broken.get(name)]));
    }
    const from = end.from ?? end.loading;
    if (from === undefined) throw new Error(`the thread ended, and nobody knows by whom: ${end.why}`);
    skip.push({ from, why: `ended the thread: ${end.why}` });
    console.error(`without ${from}: ${end.why}`);
  }
}

function show(title, names, loaded, atLeast, each) {
  const whys = new Map();
  let count = 0;
  for (const name of names) {
    const why = loaded.get(name);
    if (why === undefined) count += 1;
    else whys.set(kindOf(why), [...(whys.get(kindOf(why)) ?? []), { name, why }]);
  }
  console.log(
    `\n${title}: ${count} of ${names.length} load (at least ${atLeast}: ${count >= atLeast ? "met" : "MISSED"})`,
  );
  for (const [kind, those] of [...whys].sort((a, b) => b[1].length - a[1].length)) {
    console.log(`  ${String(those.length).padStart(4)}  ${kind}`);
    if (each || !/package/.test(kind)) for (const { name, why } of those) console.log(`          ${name}: ${why}`);
  }
  if (count < atLeast) process.exitCode = 1;
}

function kindOf(why) {
  if (/wants the package/.test(why)) return "want a package of their own (said by name)";
  if (/ended the thread/.test(why)) return "end the thread as they load, and are left out";
  if (/unexpected|reserved|unmatched|missing|error: /i.test(why)) return "do not compile";
  return "throw as they load";
}
