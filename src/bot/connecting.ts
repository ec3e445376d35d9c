import { backoff } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import { deadline, orAbort } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { ConnectOptions, Input, InputConnection } from "../inputs/input.ts";

/** What an input is told as it connects. */
export type Told = Pick<ConnectOptions, "heeds" | "onUntaken">;

/** How long an input may take to connect. */
const CONNECT_MS = 30_000;

/**
 * Tries until there is a connection; `undefined`: the signal has ended that first.
 * @throws MicroError what cannot be mended by waiting: refused credentials
 */
export async function connect(
  input: Input,
  told: Told,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<InputConnection | undefined> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      return await connectOnce(input, told, signal);
    } catch (thrown) {
      const error = MicroError.from(thrown, "unavailable");
      if (signal.aborted) return undefined;
      if (error.code !== "unavailable" && error.code !== "timeout") throw error;
      const waitMs = Math.round(backoff(attempt, 500, 30_000));
      log.warn({ input: input.name, reason: error.message, waitMs }, "cannot connect; trying again");
      await clock.sleep(waitMs, { signal }).catch(() => {});
    }
  }
  return undefined;
}

/** One try, which ends in time even if the input does not; a connection that comes too late is closed. */
async function connectOnce(input: Input, told: Told, signal: AbortSignal): Promise<InputConnection> {
  using limit = deadline({ signal }, CONNECT_MS, `${input.name}: connecting`);
  const connecting = (async () => input.connect({ ...told, signal: limit.signal, timeoutMs: CONNECT_MS }))();
  try {
    return await orAbort(connecting, limit.signal);
  } catch (error) {
    void connecting.then(closed, () => {});
    throw error;
  }
}

/** Resolves when it is closed, or cannot be. Never rejects. */
export async function closed(connection: InputConnection): Promise<void> {
  try {
    await connection.close();
  } catch {
    // It is let go either way.
  }
}
