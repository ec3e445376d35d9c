import { type FileHandle, open } from "node:fs/promises";
import { MicroError } from "../../core/errors.ts";

/**
 * The write-ahead log of an open SQLite file, put on the disk beside the event loop. With `synchronous = NORMAL` SQLite writes a
 * commit to the log and syncs it only before a checkpoint (https://sqlite.org/pragma.html#pragma_synchronous), so a commit costs the loop
 * no wait for the disk; whoever may say that it is kept waits for `sync` first. The file stays the same one for as long as a connection
 * is open.
 */
export interface SqliteLog {
  /** @throws MicroError `unavailable` once a sync has failed */
  check(): void;
  /**
   * Resolves when what was committed before the call is on the disk. @throws MicroError `unavailable`: it may not be; from then on
   * nothing is, since what a disk did not take once it need not be asked for again
   */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** @param path the database; it is open, in WAL mode, and something was written @param signal nobody wants it any more; then it throws the reason */
export async function openLog(path: string, signal: AbortSignal): Promise<SqliteLog> {
  const file: FileHandle = await open(`${path}-wal`, "r+");
  // What came too late nobody would close.
  if (signal.aborted) await file.close();
  signal.throwIfAborted();
  let lost: MicroError | undefined;
  return {
    check: () => {
      if (lost) throw lost;
    },
    sync: async () => {
      try {
        await file.datasync();
      } catch (error) {
        const said = `the disk did not keep what was written (${(error as Error).message}): look at it, then start the bot again`;
        lost = new MicroError("unavailable", said, { cause: error });
        throw lost;
      }
    },
    close: () => file.close(),
  };
}
