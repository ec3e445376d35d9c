import { orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type Closable, closable } from "../../core/lifecycle.ts";
import type { Notification } from "./render.ts";

export type Color = "green" | "red" | "yellow" | "gray";

/** Room notifications by REST v2 (`chat.md §5`). */
export interface Notifier extends Closable {
  /**
   * @param room HipChat's number for it
   * @throws MicroError `exhausted` (`details.retryAfterMs`), `unavailable`, `invalid_argument`; `permission_denied` when the token
   * will not do for this room, so that it has to be said some other way
   */
  notify(room: string, notification: Notification, color: Color, signal: AbortSignal): Promise<void>;
}

export interface NotifierInit {
  /** `https://api.hipchat.com`. */
  readonly base: string;
  readonly token: string;
  readonly ca: string | undefined;
  /** Epoch ms. */
  readonly now: () => number;
}

/** What HipChat says of itself in an error. */
interface Refusal {
  readonly error?: { readonly message?: string };
}

/** One message a room in two seconds is what HipChat allows in the long run: 30 a minute. */
const RETRY_MS = 2000;

/** Loads undici, so that nobody else pays for it. */
export async function createNotifier({ base, token, ca, now }: NotifierInit): Promise<Notifier> {
  const undici = await import("undici");
  // The process-wide fetch keeps its sockets after we are closed; this one's belong to us.
  const agent = new undici.Agent(ca === undefined ? {} : { connect: { ca } });
  const closing = new AbortController();
  return {
    notify: async (room, notification, color, signal) => {
      const request = undici.request(`${base}/v2/room/${encodeURIComponent(room)}/notification`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ ...notification, color, notify: false }),
        dispatcher: agent,
        signal,
      });
      const answer = await orAbort(request, closing.signal).catch((error: unknown) => {
        throw unreachable(error, signal, closing.signal);
      });
      const { statusCode: status, headers, body } = answer;
      const words = await body.text().catch(() => "");
      if (status >= 200 && status < 300) return;
      const said = explain(words).replaceAll(token, "***");
      if (status === 429) {
        const retryAfterMs = resetIn(headers, now());
        const message = `hipchat is rate limiting what is said in room ${room}: wait ${retryAfterMs} ms`;
        throw new MicroError("exhausted", message, { details: { retryAfterMs } });
      }
      if (status === 401 || status === 403 || status === 404) {
        throw new MicroError(
          "permission_denied",
          `hipchat: the token may not notify room ${room} (${status}: ${said})`,
        );
      }
      const code = status >= 500 || status < 400 ? "unavailable" : "invalid_argument";
      throw new MicroError(code, `hipchat: room ${room} did not take a notification (${status}: ${said})`);
    },
    ...closable(async () => {
      closing.abort(new MicroError("unavailable", "hipchat: the connection is closed"));
      await agent.destroy();
    }),
  };
}

function unreachable(error: unknown, signal: AbortSignal, closing: AbortSignal): MicroError {
  if (signal.aborted) return MicroError.from(signal.reason);
  if (closing.aborted) return MicroError.from(closing.reason);
  const why = error instanceof Error ? error.message : String(error);
  return new MicroError("unavailable", `hipchat: REST cannot be reached (${why})`, { cause: error });
}

function explain(words: string): string {
  try {
    return String((JSON.parse(words) as Refusal).error?.message ?? "").slice(0, 200);
  } catch {
    return "";
  }
}

/** The later of the two limits that are used up: for the token, and for the room. In epoch seconds. */
function resetIn(headers: Readonly<Record<string, string | string[] | undefined>>, now: number): number {
  const waits = ["x-ratelimit", "x-floodcontrol"].flatMap((limit) => {
    const left = headers[`${limit}-remaining`];
    const reset = Number(headers[`${limit}-reset`]);
    return Number.isFinite(reset) && (left === undefined || Number(left) <= 0) ? [reset * 1000 - now] : [];
  });
  return Math.min(Math.max(RETRY_MS, ...waits), 10 * 60_000);
}
