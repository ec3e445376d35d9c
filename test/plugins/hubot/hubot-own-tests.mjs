// Runs Hubot's own tests against the Robot of the scripts' thread: `HUBOT_CHECKOUT=<folder> node test/plugins/hubot/hubot-own-tests.mjs`,
// with a checkout of hubot 14 (https://github.com/hubotio/hubot, a tag v14.…). Nothing of it is kept here. Left out is what
// starts Hubot's own program and shell, and what looks into its folders (`hubot.md §9`).
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const FILES =
  /^(Adapter|Brain|CommandBus|Configuration|Listener|Message|Middleware|Robot|User|index|Xample)[-_.]?[Tt]est\.mjs$/;

const checkout = process.env.HUBOT_CHECKOUT;
if (checkout === undefined || !existsSync(join(checkout, "test"))) {
  console.error("HUBOT_CHECKOUT names no checkout of hubot: a folder with its test/ in it");
  process.exit(2);
}
const root = resolve(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), "../../..");
const require = createRequire(join(root, "_"));
const hubot = dirname(require.resolve("hubot"));
const home = mkdtempSync(join(tmpdir(), "micro-hubot-own-"));
try {
  cpSync(join(resolve(checkout), "test"), join(home, "test"), { recursive: true });
  writeFileSync(join(home, "package.json"), "{}\n");
  for (const folder of [join(checkout, "node_modules"), join(root, "node_modules")]) {
    if (!existsSync(folder)) continue;
    symlinkSync(resolve(folder), join(home, "node_modules"), "dir");
    break;
  }
  const url = (path) => JSON.stringify(pathToFileURL(path).href);
  const host = join(root, "src", "plugins", "hubot", "hubot-host");
  writeFileSync(
    join(home, "index.mjs"),
    `import * as hubot from ${url(join(hubot, "index.mjs"))};
import { hostRobot } from ${url(join(host, "robot.mjs"))};
import { createScripts } from ${url(join(host, "scripts.mjs"))};
const scripts = createScripts({ cwd: ${JSON.stringify(home)}, skip: [], onLoading: () => {}, onChange: () => {} });
export * from ${url(join(hubot, "index.mjs"))};
export const Robot = hostRobot(hubot, scripts);
export const loadBot = (adapter, httpd, name, alias) => new Robot(adapter, httpd, name, alias);
export default { ...hubot.default, Robot, loadBot };
`,
  );
  mkdirSync(join(home, "src"));
  for (const name of readdirSync(join(hubot, "src")).filter((file) => file.endsWith(".mjs") && file !== "Robot.mjs")) {
    const from = url(join(hubot, "src", name));
    writeFileSync(
      join(home, "src", name),
      `export * from ${from};\nexport * as all from ${from};\nimport * as all from ${from};\nexport default all.default;\n`,
    );
  }
  writeFileSync(join(home, "src", "Robot.mjs"), `export { Robot as default } from "../index.mjs";\n`);
  const files = readdirSync(join(home, "test")).filter((file) => FILES.test(file));
  if (files.length === 0) {
    console.error(`${checkout}/test holds none of the files that apply`);
    process.exitCode = 2;
  } else {
    // A script in TypeScript is among what they load; newer Nodes take that by themselves.
    const tsx = existsSync(join(home, "node_modules", "tsx")) ? ["--import", "tsx"] : [];
    const args = [...tsx, "--test", ...files.map((file) => join("test", file))];
    const { status } = spawnSync(process.execPath, args, { cwd: home, stdio: "inherit" });
    process.exitCode = status ?? 1;
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}
