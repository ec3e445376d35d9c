import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { promisify } from "node:util";
import { hasNetns } from "./netns.ts";

/** Networks of their own that lead nowhere but over cables to a hub, which is one, too: nothing of it is in ours. */
export interface Islands<C extends string> {
  readonly all: readonly Island<C>[];
  close(): Promise<void>;
}

export interface Island<C extends string> {
  /** What a program is run by, to be there. */
  readonly command: readonly string[];
  /** From now on all that is sent over it, either way, vanishes; who sends is not told. */
  pull(cable: C): Promise<void>;
  plug(cable: C): Promise<void>;
}

/** One to each island. */
export interface Cable {
  /** The first three numbers of its addresses; the hub is `.1` on it, the islands `.2` and up. */
  readonly network: string;
  /** What is found at a port of the hub. */
  readonly doors: Readonly<Record<number, Door>>;
}

interface Door {
  /** A port of our own 127.0.0.1. */
  readonly port: number;
  /** It is met with TLS, and spoken to without. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

const run = promisify(execFile);

/** They can be made, which takes more than `hasNetns`: a kernel with bridges and cables. */
export const hasIslands =
  hasNetns &&
  spawnSync("unshare", ["--net", "sh", "-c", "ip link add hub type bridge && ip link add one type veth peer name two"])
    .status === 0;

/** Takes what `hasIslands` tells of. */
export async function openIslands<C extends string>(
  count: number,
  cables: Readonly<Record<C, Cable>>,
): Promise<Islands<C>> {
  const folder = await mkdtemp(join(tmpdir(), "micro-islands-"));
  const networks = Object.entries<Cable>(cables);
  const held: ChildProcess[] = [];
  const servers: { close(): void }[] = [];
  const close = async () => {
    for (const child of held) await end(child);
    for (const server of servers) server.close();
    await rm(folder, { recursive: true, force: true });
  };
  const network = async () => {
    const holder = await hold("unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat >&2");
    held.push(holder);
    return holder.pid as number;
  };
  try {
    const hub = await network();
    const inHub = into(hub);
    const forwards: string[] = [];
    for (const [name, { network, doors }] of networks) {
      await ip(inHub, `link add ${name} type bridge`, `addr add ${network}.1/24 dev ${name}`, `link set ${name} up`);
      for (const [port, door] of Object.entries(doors)) {
        const path = join(folder, `${name}-${port}`);
        servers.push(await meet(path, door));
        forwards.push(`${network}.1`, port, path);
      }
    }
    const [program = "", ...rest] = inHub;
    held.push(await hold(program, ...rest, process.execPath, join(import.meta.dirname, "forward.mjs"), ...forwards));
    const all: Island<C>[] = [];
    for (let at = 0; at < count; at++) {
      const island = await network();
      const inside = into(island);
      for (const [name, { network }] of networks) {
        await ip(inHub, `link add ${name}-${at} type veth peer name ${name} netns ${island}`);
        await ip(inHub, `link set ${name}-${at} master ${name} up`);
        await ip(inside, `addr add ${network}.${at + 2}/24 dev ${name}`, `link set ${name} up`);
      }
      all.push({
        command: inside,
        // At the hub's end: on the island the way is still known, so nobody learns of it but by waiting.
        pull: (cable) => ip(inHub, `link set ${cable}-${at} down`),
        plug: (cable) => ip(inHub, `link set ${cable}-${at} up`),
      });
    }
    return { all, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function into(pid: number): readonly string[] {
  return ["nsenter", `--net=/proc/${pid}/ns/net`];
}

async function ip(where: readonly string[], ...orders: readonly string[]): Promise<void> {
  const [program = "", ...rest] = where;
  for (const order of orders) await run(program, [...rest, "ip", ...order.split(" ")]);
}

/** Begins what says a line when it is ready, and ends with its input: also when we are killed. */
async function hold(program: string, ...args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ready = once(child.stdout, "data").then(() => true);
  if (await Promise.race([ready, once(child, "exit").then(() => false)])) return child;
  throw new Error(`${program} ${args.join(" ")} did not come up`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** A socket in the file system is the same in all networks. */
async function meet(path: string, { port, tls }: Door): Promise<{ close(): void }> {
  const sockets = new Set<Socket>();
  const join = (near: Socket) => {
    const far = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {}); // which closes it
      from.once("close", () => {
        to.destroy();
        sockets.delete(from);
      });
      from.pipe(to);
    }
  };
  const server: Server = tls ? createTlsServer(tls, join) : createServer(join);
  if (tls) server.on("tlsClientError", () => {});
  server.listen(path);
  await once(server, "listening");
  return {
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
