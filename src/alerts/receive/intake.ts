import { hash, randomUUID } from "node:crypto";
import { MicroError } from "../../core/errors.ts";
import type { Notification } from "../alert.ts";
import type { DurableInbox } from "../inbox.ts";
import type { Reading } from "./reading.ts";

/** What an intake needs of an inbox. */
export type PutInbox = Pick<DurableInbox, "put" | "last">;

/** What was asked for at once, as it came and as it was read. */
export interface Said {
  readonly source: string;
  readonly kind: string;
  readonly body: Uint8Array;
  readonly reading: Reading;
  /** The second in which it was signed, where that is known. */
  readonly once?: string | undefined;
  /** Epoch ms. */
  readonly receivedAt: number;
}

/**
 * Puts into the inbox what a request said. The same bytes are the same request; but sources without times of their own say
 * exactly the same again and mean it (triggered, resolved, triggered), so of theirs it is the same only while nothing else was
 * said of that group, or if the signature is the same one.
 *
 * @returns `known`: all of it was heard before; `nothing`: there was nothing in it
 * @throws MicroError as `Inbox.put` does
 */
export async function putIn(inbox: PutInbox, said: Said): Promise<"taken" | "known" | "nothing"> {
  const { source, kind, reading, receivedAt, once } = said;
  if (reading.groups.length === 0) return "nothing";
  const digest = hash("sha256", said.body, "base64url");
  const several = reading.groups.length > 1;
  const outcomes = await Promise.all(
    reading.groups.map((read, index) => {
      const { group, alerts, left } = read;
      const whole = `${source}/${digest}${several ? `/${index}` : ""}`;
      const last = reading.timed ? undefined : inbox.last(source, group);
      // Whoever recorded a request could else send it again behind what has been said since.
      if (!reading.timed && isOlder(once, last)) return "known";
      const id = reading.timed ? whole : untimed(whole, last, once);
      const notification: Notification = {
        id,
        source,
        kind,
        receivedAt,
        group,
        alerts,
        ...(left !== undefined && { left }),
      };
      return settled(inbox.put(notification));
    }),
  );
  const failure = outcomes.find((outcome) => outcome instanceof MicroError);
  if (failure instanceof MicroError) throw failure;
  return outcomes.includes("taken") ? "taken" : "known";
}

function untimed(whole: string, last: string | undefined, once: string | undefined): string {
  // What was too large for one entry was put in parts, whose ids go on with a slash.
  if (last?.startsWith(`${whole}#`)) return `${whole}${last.slice(whole.length).split("/", 1)[0]}`;
  return `${whole}#${once ?? randomUUID()}`;
}

/** Signed before what was said last of that group. */
function isOlder(once: string | undefined, last: string | undefined): boolean {
  const [, before] = /#(\d{1,13})(?:\/\d+)?$/.exec(last ?? "") ?? [];
  return once !== undefined && before !== undefined && Number(once) < Number(before);
}

/** One group that cannot be put does not keep us from waiting for the others. */
async function settled<T>(work: Promise<T>): Promise<T | MicroError> {
  try {
    return await work;
  } catch (error) {
    return MicroError.from(error);
  }
}
