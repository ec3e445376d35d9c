import type { Notification } from "./alert.ts";

/** A value of the store has 512 KiB (`kv.ts`); some of that is ours. */
const MOST_BYTES = 480 << 10;

/**
 * A notification as JSON in as many parts as fit into the store, of one group, each with an id that follows from the whole one's. A
 * single alert that is too large stands alone: its texts were bounded when it was read.
 */
export function parts(notification: Notification): readonly (readonly [Notification, string])[] {
  const text = JSON.stringify(notification);
  // No character of the text has more than three bytes for each of its units.
  if (text.length * 3 <= MOST_BYTES || Buffer.byteLength(text) <= MOST_BYTES) return [[notification, text]];
  const { alerts, id, left, ...rest } = notification;
  if (alerts.length === 1) return [[notification, text]];
  const half = Math.ceil(alerts.length / 2);
  const first: Notification = { ...rest, id: `${id}/1`, alerts: alerts.slice(0, half) };
  const second: Notification = {
    ...rest,
    id: `${id}/2`,
    alerts: alerts.slice(half),
    ...(left !== undefined && { left }),
  };
  return [...parts(first), ...parts(second)];
}
