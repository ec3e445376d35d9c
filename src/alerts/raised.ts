import { randomUUID } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { Inbox } from "./alert.ts";
import { groupOf } from "./receive/reading.ts";
import { raisedAlert, raisedGroup, type ShellAlert, shellShape } from "./receive/shell.ts";

/** Puts into the inbox what somebody raised in chat. @throws MicroError as `Inbox.put` does */
export async function putRaised(inbox: Pick<Inbox, "put">, said: ShellAlert, clock: Clock): Promise<void> {
  const now = clock.now();
  const alert = raisedAlert(shellShape.parse(said), now);
  const read = groupOf(raisedGroup(said), [alert]);
  await inbox.put({ id: `chat/${randomUUID()}`, source: "chat", kind: "chat", receivedAt: now, ...read });
}
