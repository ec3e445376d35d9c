import type { Notification } from "./alert.ts";

/**
 * An entry of the inbox: a line that says what it is, and below it the notification, unless that is done. So what is known of ten
 * thousand of them costs no reading of them.
 */
export interface InboxHead {
  readonly id: string;
  /** One for each source and group. */
  readonly group: string;
  /** Absent of what waits. `at`: epoch ms; `put`: the revision at which it was put. */
  readonly done?: { readonly at: number; readonly put: number };
}

export function waitingText({ id, group }: InboxHead, notification: string): string {
  return `${JSON.stringify({ id, group })}\n${notification}`;
}

export function doneText({ id, group, done }: Required<InboxHead>): string {
  return JSON.stringify({ id, group, done });
}

/** `undefined`: it is none of ours. */
export function readEntry(value: string): InboxHead | undefined {
  const end = value.indexOf("\n");
  const head = parsed(end === -1 ? value : value.slice(0, end)) as Partial<InboxHead> | undefined;
  if (typeof head?.id !== "string" || typeof head.group !== "string") return undefined;
  return head as InboxHead;
}

/** What is below the line. `undefined`: nothing, or nothing that can be read. */
export function notificationIn(value: string): Notification | undefined {
  const end = value.indexOf("\n");
  return end === -1 ? undefined : (parsed(value.slice(end + 1)) as Notification | undefined);
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
