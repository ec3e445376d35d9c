// Builds the Go peers: one program for each era of go-micro, and the official `micro` binary. What they are made of comes
// from the Go module proxy; what is made goes into a cache folder and is made again only when its sources change.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const cache = join(here, "..", "..", "node_modules", ".cache", "micro-interop");

/** Eras by folder, with the import path that stands in peer.go's place. `undefined`: a program of its own. */
export const ERAS = {
  "v0.8": "github.com/micro/go-micro",
  "v1.8": "github.com/micro/go-micro",
  "v1.18": "github.com/micro/go-micro",
  "v2.9": "github.com/micro/go-micro/v2",
  "v4.11": "go-micro.dev/v4",
  "v5.7": "go-micro.dev/v5",
  micro: undefined,
  command: undefined,
};

/** Programs that stand elsewhere than in `eras`. */
const ELSEWHERE = { command: join(here, "..", "..", "examples", "go-command") };

/** Where an era's program is, once it is built. */
export function programOf(era) {
  return join(cache, era, "peer");
}

/** Why an era could not be built; `undefined`: it was. */
export function reasonOf(era) {
  if (existsSync(programOf(era))) return undefined;
  const log = join(cache, era, "failed");
  return existsSync(log)
    ? readFileSync(log, "utf8").trim().split("\n").slice(-3).join(" / ")
    : "not built: run npm run test:interop";
}

async function build(era) {
  const source = ELSEWHERE[era] ?? join(here, "eras", era);
  const folder = join(cache, era);
  const path = ERAS[era];
  const files = new Map();
  const add = (from) => {
    for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath ?? entry.path, entry.name);
      files.set(file.slice(from.length + 1), readFileSync(file, "utf8"));
    }
  };
  if (path !== undefined) {
    add(join(here, "peer"));
    for (const [name, text] of files) files.set(name, text.replaceAll('"github.com/micro/go-micro', `"${path}`));
  }
  add(source);
  const digest = createHash("sha256")
    .update(JSON.stringify([...files]))
    .digest("hex");
  const mark = join(folder, "digest");
  if (existsSync(programOf(era)) && existsSync(mark) && readFileSync(mark, "utf8") === digest) return "is there";
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of files) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const { status, output } = await run("go", ["build", "-trimpath", "-mod=readonly", "-o", "peer", "."], folder);
  if (status === 0) writeFileSync(mark, digest);
  else writeFileSync(join(folder, "failed"), output);
  return status === 0 ? "built" : `FAILED\n${output}`;
}

function run(command, args, cwd) {
  return new Promise((resolve) => {
    const env = { ...process.env, GOFLAGS: "-buildvcs=false", GOTOOLCHAIN: "local" };
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], timeout: 600_000 });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
    child.on("error", (error) => resolve({ status: 1, output: error.message }));
    child.on("close", (status) => resolve({ status, output: output.replace(/^go: downloading.*\n/gm, "") }));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (spawnSync("go", ["version"]).status !== 0) {
    console.log("interop: no Go toolchain here, so no peer is built");
    process.exit(0);
  }
  const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(ERAS);
  const left = [...wanted];
  const worker = async () => {
    for (let era = left.shift(); era !== undefined; era = left.shift()) {
      const begun = performance.now();
      const outcome = await build(era);
      console.log(`interop: ${era} ${outcome} (${Math.round((performance.now() - begun) / 100) / 10} s)`);
    }
  };
  await Promise.all([worker(), worker()]);
}
