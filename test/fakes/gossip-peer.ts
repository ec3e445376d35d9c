import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("../interop/gossip", import.meta.url));

/** Go Micro's own gossip registry as a program of its own, on loopback. */
export interface GossipPeer {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** One command and its answer, as test/interop/gossip/main.go has them. */
  ask(command: {
    readonly do: "register" | "deregister" | "get" | "list";
    readonly name?: string;
    readonly ttl?: number;
    readonly service?: unknown;
  }): Promise<{
    readonly error?: string;
    readonly names?: readonly string[];
    readonly services?: readonly PeerService[];
  }>;
  /** Leaves it no time to say goodbye. */
  stop(): Promise<void>;
}

interface PeerService {
  readonly name: string;
  readonly version: string;
  readonly nodes: readonly { readonly id: string; readonly address: string; readonly metadata: unknown }[];
}

/**
 * Builds the peer into a temporary folder; what is missing as `reason`, for the test's name. Only modules that are here
 * already are used: `go mod download` in test/interop/gossip fetches them.
 */
export function buildGossipPeer(): { readonly program: string; readonly reason: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "gossip-peer-"));
  const program = join(folder, "peer");
  const env = { ...process.env, GOPROXY: "off", GOFLAGS: "-mod=readonly" };
  const build = spawnSync("go", ["build", "-o", program, "."], { cwd: SOURCE, env, timeout: 120_000 });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (build.status === 0) return { program, reason: "", remove };
  remove();
  const reason = build.error === undefined ? "the Go modules of test/interop/gossip are missing" : "Go is missing";
  return { program, reason, remove };
}

export async function startGossipPeer(
  program: string,
  options: { readonly port: number; readonly join?: string; readonly key?: string },
): Promise<GossipPeer> {
  const address = `127.0.0.1:${options.port}`;
  const args = ["-bind", address, "-join", options.join ?? "", "-key", options.key ?? ""];
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] });
  const ended = once(child, "exit");
  child.stdin.on("error", () => {}); // it ended
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    for (;;) {
      const line = await lines.next();
      if (line.done === true) throw new Error("the gossip peer ended");
      if (line.value.startsWith("{")) return JSON.parse(line.value);
    }
  };
  const slow = setTimeout(() => child.kill("SIGKILL"), 30_000);
  await next();
  clearTimeout(slow);
  let turn: Promise<unknown> = Promise.resolve();
  return {
    address,
    ask: (command) => {
      const answer = turn.then(() => {
        child.stdin.write(`${JSON.stringify(command)}\n`);
        return next();
      });
      turn = answer.catch(() => {});
      return answer;
    },
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
