import { MicroError } from "../core/errors.ts";
import type { OutgoingMessage } from "./input.ts";

/*
 * For networks that cannot be asked whether something has arrived, and know no key by which they would take it only once:
 * an answer whose acknowledgement was lost is said again, since silence is none, and then it says that it is that.
 */

/** How it ends when nobody knows whether it has arrived. */
const UNSURE: ReadonlySet<string> = new Set(["unavailable", "timeout"]);

/** Nothing was sent: there was nobody to send it to. */
const NOBODY: ReadonlySet<unknown> = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

const MARK = "(said again, because nobody told me that it arrived)";

/** By the message itself: the same object again is the same message (`InputConnection.send`). */
const unsure = new WeakSet<OutgoingMessage>();

/** What grows is drawn anew for each attempt, and is the same by its key. */
const growing = new Set<string>();

/** What is never said in the end is forgotten. */
const GROWING_AT_MOST = 1000;

/**
 * Says it, with a mark where it may be there already.
 * @param refused its network has said no, so that it has surely not arrived
 */
export async function sayMarked<T>(
  message: OutgoingMessage,
  refused: (error: MicroError) => boolean,
  work: (message: OutgoingMessage) => Promise<T>,
): Promise<T> {
  const key = message.progress?.key;
  const again = unsure.has(message) || (key !== undefined && growing.has(key));
  try {
    const said = await work(again ? { ...message, parts: [{ kind: "text", text: MARK }, ...message.parts] } : message);
    if (key !== undefined) growing.delete(key);
    return said;
  } catch (thrown) {
    const error = MicroError.from(thrown);
    if (UNSURE.has(error.code) && !refused(error) && !NOBODY.has(codeOf(error))) {
      unsure.add(message);
      if (key !== undefined) growing.add(key);
      if (growing.size > GROWING_AT_MOST) growing.delete(growing.values().next().value as string);
    }
    throw thrown;
  }
}

function codeOf({ cause }: MicroError): unknown {
  return (cause as { readonly code?: unknown } | undefined)?.code;
}
