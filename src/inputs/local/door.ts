import { chmodSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { MicroError } from "../../core/errors.ts";
import { type Closable, closable } from "../../core/lifecycle.ts";
import { openProofs, type Proofs } from "./proof.ts";

/** What the address of a unix socket holds, in bytes, without its closing zero (`unix(7)`). Node cuts a longer one silently. */
const MAX_PATH = process.platform === "linux" ? 107 : 103;

/** Where the proofs of a socket are made. */
export function proofFolder(socket: string): string {
  return `${socket}.proof`;
}

/** @throws MicroError `invalid_argument` for a path that no socket can have */
export function checkPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (length <= MAX_PATH) return;
  throw new MicroError(
    "invalid_argument",
    `the socket's path is ${length} bytes long and may be ${MAX_PATH}: ${path}; give a shorter --chat_socket`,
  );
}

export interface Door extends Closable {
  readonly proofs: Proofs;
}

/**
 * Listens at a path; what a bot that was killed has left there is removed, if nobody answers.
 *
 * @param shared whether other users may come, as the folder's permissions let them; else only we and root
 * @throws MicroError `invalid_argument` (a path that cannot be), `conflict` (another bot, or something else, is there)
 */
export async function openDoor(path: string, shared: boolean, enter: (socket: Socket) => void): Promise<Door> {
  checkPath(path);
  if (process.getuid === undefined) {
    throw new MicroError("unimplemented", "there is no `micro chat` here: the system has no users of the Unix kind");
  }
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    await clear(path);
    // A connection that comes before the folder of proofs is there waits: it is handed out in a later turn.
    const server = createServer({ allowHalfOpen: true }, enter);
    await listening(server, path);
    try {
      chmodSync(path, shared ? 0o666 : 0o600);
      const proofs = openProofs(proofFolder(path), shared);
      return {
        proofs,
        ...closable(async () => {
          await new Promise<void>((resolve) => server.close(() => resolve()));
          proofs.close();
        }),
      };
    } catch (error) {
      server.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof MicroError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") throw taken(path);
    throw new MicroError("invalid_argument", `cannot listen at ${path}: ${message}; give another --chat_socket`, {
      cause: error,
    });
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Removes a socket that nobody listens at any more. One that is merely busy counts as listened at. */
async function clear(path: string): Promise<void> {
  const before = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (before === undefined) return;
  if (!before.isSocket()) {
    throw new MicroError("conflict", `${path} is in the way and no socket; remove it or give another --chat_socket`);
  }
  if (await answers(path)) throw taken(path);
  // Another bot may have removed it meanwhile, and stand there itself.
  const now = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (now?.ino === before.ino && now.ctimeNs === before.ctimeNs) unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => resolve(true));
    probe.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
    probe.once("connect", () => probe.destroy());
  });
}

function taken(path: string): MicroError {
  return new MicroError(
    "conflict",
    `another bot listens at ${path}; give this one another --state_dir or --chat_socket`,
  );
}
