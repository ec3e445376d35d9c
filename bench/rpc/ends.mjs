// Both ends of a peer as processes, and a sample of what they do together.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { environment } from "../rounds.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A server, then its client with what the server said about itself. `command(role)` is what is run. */
export async function startPair(command, config) {
  const server = startEnd(command("server"), config);
  try {
    const client = startEnd(command("client"), { ...config, ...(await server.next()) });
    try {
      await client.next();
    } catch (error) {
      client.stop();
      throw error;
    }
    return {
      sample: async (callers, ms) => {
        const before = await server.ask({ cpu: true });
        const found = await client.ask({ callers, ms });
        const cpu = found.cpu + (await server.ask({ cpu: true })) - before;
        const { calls, seconds, p50, p99 } = found;
        return { nsPerCall: (seconds * 1e9) / calls, cpuNs: (cpu * 1e3) / calls, p50: p50 * 1e6, p99: p99 * 1e6 };
      },
      stop: () => {
        client.stop();
        server.stop();
      },
    };
  } catch (error) {
    server.stop();
    throw error;
  }
}

export const nodePeer = (name) => (role) => [process.execPath, [here("child.mjs"), name, role]];

/** Built with this machine's Go into a folder of its own. @returns why not, or the command and what removes the folder */
export function buildGo() {
  const folder = mkdtempSync(join(tmpdir(), "micro-bench-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const file = join(folder, "pair");
  const { error, status, stderr } = spawnSync("go", ["build", "-o", file, "."], {
    cwd: here("go"),
    env: environment({ GOCACHE: join(folder, "cache"), GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod" }),
    encoding: "utf8",
    timeout: 120_000,
  });
  if (!error && status === 0) return { command: (role) => [file, [role]], remove };
  remove();
  return { missing: error?.code === "ENOENT" ? "there is no go here" : (error?.message ?? stderr).split("\n")[0] };
}

/** A process that answers one line for each that it is given. */
function startEnd([file, args], config) {
  const child = spawn(file, [...args, JSON.stringify(config)], {
    env: environment(),
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${[...args].join(" ")} ended before it answered`);
    return JSON.parse(value);
  };
  child.stdin.on("error", () => {}); // it has ended; `next` says so
  return {
    next,
    ask: (order) => {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      return next();
    },
    stop: () => child.kill("SIGKILL"),
  };
}
