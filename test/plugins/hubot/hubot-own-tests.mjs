// Runs Hubot's own tests against ours: `HUBOT_CHECKOUT=<folder> node test/plugins/hubot/hubot-own-tests.mjs [file ...]`, with a
// checkout of hubot 14.1 (https://github.com/hubotio/hubot). Nothing of it is kept here. Each test runs three times: with Hubot's own
// Robot, with the Robot of the scripts' thread, and with that thread's brain, logger and hearing as well, which take the place of
// `robot.receive` there. What Hubot itself does not pass is the checkout's or this Node's, and counts for nobody (`hubot.md §9`).
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const FILES =
  /^(Adapter|Brain|CommandBus|Configuration|Listener|Message|Middleware|Robot|User|index|Xample)[-_.]?[Tt]est\.mjs$/;
/** What is not run, and why. */
const ELSEWHERE = [
  [/^(Hubot|Shell)[-_.]/, "starts Hubot's own program and shell"],
  [/^(OptParse|DataStore|AdapterName|HttpServer)[-_.]/, "imports files inside Hubot that no Robot has a part in"],
];
const SUBJECTS = ["Hubot", "our Robot", "the thread"];
const LIMIT_MS = 120_000;
/** Before each line of the reporter: tests print, too. */
const MARK = "@@micro ";
const REPORTER = `export default async function* (source) {
  for await (const { type, data } of source) {
    if ((type !== "test:pass" && type !== "test:fail") || data.details?.type === "suite") continue;
    const error = data.details?.error?.cause?.message ?? data.details?.error?.message;
    const test = { line: data.line, name: data.name, passed: type === "test:pass", error: String(error).split("\\n")[0] };
    yield "\\n${MARK}" + JSON.stringify(test) + "\\n";
  }
}
`;

const checkout = process.env.HUBOT_CHECKOUT;
if (checkout === undefined || !existsSync(join(checkout, "test"))) {
  console.error("HUBOT_CHECKOUT names no checkout of hubot: a folder with its test/ in it");
  process.exit(2);
}
const root = resolve(fileURLToPath(import.meta.url), "../../../..");
const hubot = resolve(createRequire(join(root, "_")).resolve("hubot"), "..");
const found = readdirSync(join(checkout, "test"), { recursive: true }).filter((file) => /test\.mjs$/i.test(file));
const named = process.argv.slice(2);
const files = found.filter((file) => FILES.test(file) && (named.length === 0 || named.includes(file))).sort();
if (files.length === 0) {
  console.error(`${checkout}/test holds none of the files that apply`);
  process.exit(2);
}

const base = mkdtempSync(join(tmpdir(), "micro-hubot-own-"));
try {
  const [hubots, ...ours] = await Promise.all(SUBJECTS.map((subject) => resultsOf(subject, prepare(subject))));
  report(hubots, ours);
} finally {
  rmSync(base, { recursive: true, force: true });
}

/** A folder as the tests want it: theirs, beside an `index.mjs` and `src/` that lead to what is to be tested. */
function prepare(subject) {
  const home = join(base, subject.replace(/\W/g, "-"));
  mkdirSync(join(home, "src"), { recursive: true });
  for (const folder of ["test", "configuration"]) {
    const from = join(resolve(checkout), folder);
    if (existsSync(from)) cpSync(from, join(home, folder), { recursive: true });
  }
  writeFileSync(join(home, "package.json"), "{}\n");
  const modules = [join(checkout, "node_modules"), join(root, "node_modules")].find(existsSync);
  symlinkSync(resolve(modules), join(home, "node_modules"), "dir");
  writeFileSync(join(home, "reporter.mjs"), REPORTER);
  writeFileSync(join(home, "index.mjs"), indexFor(subject, home));
  for (const name of readdirSync(join(hubot, "src")).filter((file) => file.endsWith(".mjs"))) {
    const from = url(join(hubot, "src", name));
    const own = name === "Robot.mjs" || name === "CommandBus.mjs";
    const what = name.slice(0, -".mjs".length);
    const text = own
      ? `export { ${what}, ${what} as default } from "../index.mjs";\n`
      : `export * from ${from};\nimport * as all from ${from};\nexport default all.default;\n`;
    writeFileSync(join(home, "src", name), text);
  }
  return home;
}

function indexFor(subject, home) {
  const host = join(root, "src", "plugins", "hubot", "hubot-host");
  const plain = url(join(hubot, "index.mjs"));
  if (subject === "Hubot") return `export * from ${plain};\nexport { default } from ${plain};\n`;
  const heard = `
class ThreadRobot extends HostRobot {
  constructor(...given) {
    super(...given);
    this.logger = createLogger(() => {});
    keepBrain(this, [], () => {});
    this.hearing = createHearing({ robot: this, hubot, busy: () => {} });
  }
  setupCommandListeners() {}
  async receive(message) {
    const token = ++tokens;
    const found = await this.hearing.take(token, message, true);
    // The robot's error handlers have been told.
    if (found?.length > 0) await this.hearing.act(token, found).catch(() => {});
  }
}`;
  return `import * as hubot from ${plain};
import { keepBrain } from ${url(join(host, "brain.mjs"))};
import { createHearing } from ${url(join(host, "hearing.mjs"))};
import { createLogger } from ${url(join(host, "logger.mjs"))};
import { asList, hostRobot } from ${url(join(host, "robot.mjs"))};
import { createScripts } from ${url(join(host, "scripts.mjs"))};
const scripts = createScripts({ cwd: ${JSON.stringify(home)}, skip: [], onLoading: () => {}, onChange: () => {} });
const HostRobot = hostRobot(hubot, scripts);
let tokens = 0;${subject === "the thread" ? heard : ""}
export * from ${plain};
export const Robot = ${subject === "the thread" ? "ThreadRobot" : "HostRobot"};
/** As scripts have it, in \`robot.commands\`. */
export const CommandBus = class {
  constructor(robot, options) {
    return asList(new hubot.CommandBus(robot, options), robot);
  }
};
export const loadBot = (adapter, httpd, name, alias) => new Robot(adapter, httpd, name, alias);
export default { ...hubot.default, Robot, CommandBus, loadBot };
`;
}

/** @returns by file: its tests by the line where they stand, or why there are none */
async function resultsOf(subject, home) {
  const results = new Map();
  for (const file of files) {
    const { out, err } = await run(home, join("test", file));
    const tests = out
      .split("\n")
      .filter((line) => line.startsWith(MARK))
      .map((line) => JSON.parse(line.slice(MARK.length)));
    const why = err.split("\n").find((line) => /Error/.test(line)) ?? `it ended without a test, with ${subject}`;
    results.set(file, { tests: new Map(tests.map((test) => [test.line, test])), why });
  }
  return results;
}

function run(home, file) {
  // A script in TypeScript is among what they load; newer Nodes take that by themselves.
  const tsx = existsSync(join(home, "node_modules", "tsx")) ? ["--import", "tsx"] : [];
  const args = [...tsx, "--test-reporter", "./reporter.mjs", "--test-reporter-destination", "stdout", file];
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { cwd: home, timeout: LIMIT_MS });
    const said = { out: "", err: "" };
    child.stdout.on("data", (chunk) => {
      said.out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      said.err += chunk;
    });
    child.on("error", (error) => done({ out: "", err: String(error) }));
    child.on("close", () => done(said));
  });
}

function report(hubots, ours) {
  const lines = [];
  const rows = files.map((file) => {
    const all = [...hubots.get(file).tests.values()];
    if (all.length === 0) {
      lines.push(`${file}: not applicable, it does not run with Hubot either: ${hubots.get(file).why}`);
      return [file, 0, 0, ...ours.flatMap(() => [0, 0])];
    }
    const applicable = all.filter(({ passed }) => passed);
    for (const { name, passed, error } of all) {
      if (!passed) lines.push(`${file}: "${name}" is not applicable, Hubot itself does not pass it here: ${error}`);
    }
    const counts = ours.flatMap((results, at) => {
      const { tests, why } = results.get(file);
      const failed = applicable.filter(({ line }) => tests.get(line)?.passed !== true);
      for (const { name, line } of failed) {
        lines.push(`${file}: "${name}" FAILS with ${SUBJECTS[at + 1]}: ${tests.get(line)?.error ?? why}`);
      }
      return [applicable.length - failed.length, failed.length];
    });
    return [file, all.length, all.length - applicable.length, ...counts];
  });
  const total = ["total"];
  for (let at = 1; at < rows[0].length; at++) total.push(rows.reduce((sum, row) => sum + row[at], 0));
  const head = ["file", "tests", "n/a", "our Robot passes", "fails", "the thread passes", "fails"];
  const all = [head, ...rows, total].map((row) => row.map(String));
  const widths = head.map((_, at) => Math.max(...all.map((row) => row[at].length)));
  for (const row of all) {
    console.log(row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join("  "));
  }
  for (const file of named.length > 0 ? [] : found) {
    const why = ELSEWHERE.find(([name]) => name.test(file.split(/[\\/]/).at(-1)))?.[1];
    if (why !== undefined) lines.push(`${file}: not run, it ${why}`);
  }
  for (const line of lines) console.log(line.replaceAll(base, ""));
  process.exitCode = total[4] + total[6] > 0 || rows.some(([, tests]) => tests === 0) ? 1 : 0;
}

function url(path) {
  return JSON.stringify(pathToFileURL(path).href);
}
