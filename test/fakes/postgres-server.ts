import { execFile, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { freezeProcess } from "./freeze.ts";
import { launch } from "./watched-process.ts";

const ROOT = "/usr/lib/postgresql";
/** Debian keeps its programs by version. */
const bin = existsSync(ROOT)
  ? readdirSync(ROOT)
      .map((version) => join(ROOT, version, "bin"))
      .find((each) => existsSync(join(each, "postgres")))
  : undefined;

/** It refuses to run as root. */
const asUser = process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];

/** Without it tests of the real server are skipped, saying so. */
export const hasPostgres =
  bin !== undefined && spawnSync([...asUser, join(bin, "postgres")][0] ?? "", ["--version"]).status === 0;

/** A real PostgreSQL on a free port of 127.0.0.1, whose superuser is `postgres`. */
export interface PostgresServer {
  /** `postgres://postgres@127.0.0.1:port/postgres`. */
  readonly address: string;
  readonly port: number;
  /** SIGKILL of all its processes. */
  kill(): Promise<void>;
  /** SIGSTOP of all of them: it accepts connections and never answers. SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port, after `kill()`, with what it had. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** @param options `auth`: how clients prove who they are; then `password` is the superuser's */
export async function startPostgres(
  options: { readonly auth?: "scram-sha-256"; readonly password?: string } = {},
): Promise<PostgresServer> {
  if (bin === undefined) throw new Error("PostgreSQL is not installed");
  const { auth = "trust", password } = options;
  const folder = await mkdtemp(join(tmpdir(), "micro-postgres-"));
  await chmod(folder, 0o777);
  const data = join(folder, "data");
  const port = await freePort();
  const secret = password === undefined ? "" : ` --pwfile=<(printf %s '${password}')`;
  const make = `${join(bin, "initdb")} -D ${data} -U postgres -A ${auth} -E UTF8 --no-locale --no-sync${secret}`;
  const [program = "bash", ...args] = [...asUser, "bash", "-c", make];
  await promisify(execFile)(program, args, { cwd: "/" });
  const command = [...asUser, join(bin, "postgres"), "-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", "", "-F"];
  const ready = async () => spawnSync(join(bin, "pg_isready"), ["-h", "127.0.0.1", "-p", String(port)]).status === 0;
  const start = () => launch(command, join(folder, "log"), ready);
  let running = await start();
  return {
    address: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    kill: () => running.kill(),
    freeze: () => {
      running.freeze();
      for (const pid of childrenOf(running.pid)) freezeProcess(pid);
    },
    thaw: () => {
      for (const pid of childrenOf(running.pid)) process.kill(pid, "SIGCONT");
      running.thaw();
    },
    restart: async () => {
      running = await start();
    },
    stop: async () => {
      await running.kill();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}

/** Each connection has a process, in a session and so in a group of its own. */
function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}
