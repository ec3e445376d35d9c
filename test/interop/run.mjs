// Builds the Go peers and runs the tests with them: in a network of its own with nothing but loopback where one can be made,
// because peers that meet over mDNS speak on every interface there is.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const build = fileURLToPath(new URL("build.mjs", import.meta.url));
const ALONE = "ip link set lo up multicast on && ip route add 224.0.0.0/4 dev lo";

const run = (command, ...args) => spawnSync(command, args, { cwd: root, stdio: "inherit" }).status ?? 1;

const built = run(process.execPath, build);
if (built !== 0) process.exit(built);
const tests = [
  process.execPath,
  "node_modules/vitest/vitest.mjs",
  "run",
  "-c",
  "vitest.interop.config.ts",
  ...process.argv.slice(2),
];
const alone = spawnSync("unshare", ["--net", "sh", "-c", ALONE]).status === 0;
if (!alone) console.log("interop: no network namespace can be made here, so no peer is met over mDNS");
process.exit(alone ? run("unshare", "--net", "sh", "-c", `${ALONE} && exec "$@"`, "sh", ...tests) : run(...tests));
