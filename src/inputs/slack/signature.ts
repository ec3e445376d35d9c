import { createHmac, timingSafeEqual } from "node:crypto";

/** What Slack puts on every request (docs.slack.dev, "Verifying requests from Slack"). */
export interface Stamp {
  /** Seconds, as they were sent: they are part of what is signed. */
  readonly timestamp: string;
  readonly signature: string;
}

/** How old a request may be, as Slack advises: whoever catches one can send it again that long. */
const OLDEST_MS = 300_000;

/** How far Slack's clock may be before ours. What is dated later could be sent again for as long as its sender likes. */
const AHEAD_MS = 60_000;

/**
 * The stamp of a request, or a word for what is wrong with it. Looks at headers only, so that a request that nobody
 * signed costs no memory.
 *
 * @param nowMs epoch ms
 */
export function stampOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  nowMs: number,
): Stamp | "unsigned" | "stale" | "future" {
  const timestamp = headers["x-slack-request-timestamp"];
  const signature = headers["x-slack-signature"];
  // One of each: Node joins what comes twice, and then it has another form.
  if (typeof timestamp !== "string" || !/^\d{1,12}$/.test(timestamp)) return "unsigned";
  if (typeof signature !== "string" || !/^v0=[0-9a-f]{64}$/.test(signature)) return "unsigned";
  const agoMs = nowMs - Number(timestamp) * 1000;
  if (agoMs > OLDEST_MS) return "stale";
  if (agoMs < -AHEAD_MS) return "future";
  return { timestamp, signature };
}

/** Whether who sent these bytes knows the secret. Takes as long for a near miss as for any other. */
export function isSigned(body: Uint8Array, { timestamp, signature }: Stamp, secret: string): boolean {
  const expected = createHmac("sha256", secret).update(`v0:${timestamp}:`).update(body).digest();
  return timingSafeEqual(expected, Buffer.from(signature.slice(3), "hex"));
}
