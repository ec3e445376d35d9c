// Runs what every input keeps for every input there is, and writes what each passes into docs/inputs.md, between its
// markers. With --check it changes nothing and fails when the table is not what the tests came to. Files that are named
// are run instead of all; then the columns of the others stay away, so it only prints.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const SUITE = /^(.*): what every input keeps$/;
const named = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const files = named.length > 0 ? named : testFiles();

const results = run(files);
const failed = results.filter(({ outcome }) => outcome === "FAIL");
if (results.length === 0) fail("no test of an input was run");
const text = draw(results);
if (named.length > 0) console.log(text);
else write(text);
if (failed.length > 0)
  fail(`${failed.length} cases fail:\n${failed.map((one) => `  ${one.input}: ${one.title}`).join("\n")}`);

function testFiles() {
  return readdirSync(join(root, "test"), { recursive: true })
    .filter((file) => file.endsWith(".test.ts"))
    .filter((file) => /^inputContract\(/m.test(readFileSync(join(root, "test", file), "utf8")))
    .map((file) => join("test", file))
    .sort();
}

/** What every case came to: `pass`, `FAIL`, or the reason why it is not for this input. */
function run(paths) {
  const folder = mkdtempSync(join(tmpdir(), "inputs-table-"));
  const report = join(folder, "report.json");
  try {
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    const args = ["run", "--reporter=json", `--outputFile=${report}`, "-t", "what every input keeps", ...paths];
    spawnSync(process.execPath, [vitest, ...args], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
    return JSON.parse(readFileSync(report, "utf8")).testResults.flatMap(({ assertionResults }) =>
      assertionResults.flatMap(caseOf),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function caseOf({ ancestorTitles, title, status }) {
  const at = ancestorTitles.findIndex((above) => SUITE.test(above));
  if (at === -1) return [];
  const [, input] = SUITE.exec(ancestorTitles[at]);
  const group = ancestorTitles.slice(at + 1).join(" ");
  const [, plain, reason] = /^(.*?)(?: \(not here: (.*)\))?$/s.exec(title);
  const missing = status === "skipped" || status === "pending" ? "its server is not installed" : undefined;
  const outcome = reason ?? (status === "passed" ? "pass" : (missing ?? "FAIL"));
  return [{ input, group, title: plain, outcome }];
}

function draw(all) {
  const inputs = [...new Set(all.map(({ input }) => input))].sort();
  const reasons = [];
  const mark = (outcome) => {
    if (outcome === undefined) return "";
    if (outcome === "pass" || outcome === "FAIL") return outcome;
    if (!reasons.includes(outcome)) reasons.push(outcome);
    return `– ${reasons.indexOf(outcome) + 1}`;
  };
  const groups = [...new Set(all.map(({ group }) => group))].sort();
  const sections = groups.map((group) => {
    const titles = [...new Set(all.filter((one) => one.group === group).map(({ title }) => title))];
    const rows = titles.map((title) => [
      title,
      ...inputs.map((input) =>
        mark(all.find((one) => one.input === input && one.group === group && one.title === title)?.outcome),
      ),
    ]);
    return table([group, ...inputs], rows);
  });
  const why = reasons.map((reason, at) => `${at + 1}. ${reason}`).join("\n");
  return [...sections, why].join("\n\n");
}

function table(head, rows) {
  return [head, head.map(() => "---"), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}

function write(made) {
  const path = join(root, "docs", "inputs.md");
  const before = readFileSync(path, "utf8");
  const marked = /(<!-- inputs -->\n)[\s\S]*?(<!-- \/inputs -->)/;
  if (!marked.test(before)) fail("docs/inputs.md has no section between <!-- inputs --> and <!-- /inputs -->");
  const after = before.replace(marked, (_, open, close) => `${open}${made}\n${close}`);
  if (!process.argv.includes("--check")) writeFileSync(path, after);
  else if (after !== before)
    fail("docs/inputs.md is not what the tests came to: run `node scripts/inputs-table.mjs` and commit it");
}

function fail(words) {
  console.error(words);
  process.exitCode = 1;
}
