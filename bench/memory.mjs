// What the bot takes from the machine while nobody speaks to it: each at a terminal of its own, three seconds after its start.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { environment, inRounds, mib, row } from "./rounds.mjs";

const MICRO = fileURLToPath(new URL("../dist/bin/micro.js", import.meta.url));
const HUBOT = fileURLToPath(new URL("node_modules/hubot/bin/Hubot.mjs", import.meta.url));
const SETTLED_MS = 3000;
/** Both show it when they are ready. */
const PROMPT = "micro> ";

/** Resident memory (MiB) of a program that sits at a terminal; Linux only, as `script` (util-linux) and /proc are. */
async function resident(command) {
  const folder = mkdtempSync(join(tmpdir(), "bench-memory-"));
  for (const name of ["scripts", "configuration"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, ".hubot_history"), "");
  const env = { ...environment(), HOME: folder, XDG_STATE_HOME: folder, TERM: "xterm", HUBOT_LOG_LEVEL: "error" };
  const terminal = spawn("script", ["-qc", `exec ${command}`, "/dev/null"], { cwd: folder, env, stdio: "pipe" });
  let shown = "";
  terminal.stdout.on("data", (chunk) => {
    shown += chunk;
  });
  let pid;
  try {
    await sleep(SETTLED_MS);
    pid = Number(readFileSync(`/proc/${terminal.pid}/task/${terminal.pid}/children`, "utf8").trim().split(" ")[0]);
    if (!pid || !shown.includes(PROMPT)) throw new Error(`${command} did not come to its prompt: ${shown}`);
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(kib) / 1024;
  } finally {
    const gone = new Promise((resolve) => terminal.once("close", resolve));
    process.kill(pid || terminal.pid, "SIGKILL");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function run() {
  const samples = await inRounds({
    ours: () => resident(`node ${MICRO} --registry=mdns --registry_address=127.0.0.1 bot --inputs=terminal`),
    hubot: () => resident(`node ${HUBOT} --adapter Shell --name micro --disable-httpd`),
  });
  return [
    row({
      what: "idle bot at a terminal, mdns on 127.0.0.1, RSS",
      ours: samples.ours,
      peer: samples.hubot,
      peerName: "Hubot's shell, no HTTP",
      unit: mib,
      atMost: 1.3,
    }),
  ];
}
