import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Layer } from "../context.ts";

/** What is kept of every command: who said what where, and how it ended. */
export interface AuditRecord {
  readonly id: string;
  readonly at: number;
  readonly caller: string;
  readonly room: string;
  readonly text: string;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly ms: number;
}

/** Writes one record for every message that was for the bot. */
export function audit(write: (record: AuditRecord) => void, clock: Clock): Layer {
  return async (context, next) => {
    const at = clock.now();
    const record = (outcome: string) => {
      const { id, caller, message } = context;
      write({ id, at, caller, room: message.place.room, text: message.text, outcome, ms: clock.now() - at });
    };
    try {
      const answer = await next(context);
      record("ok");
      return answer;
    } catch (error) {
      record(MicroError.from(error).code);
      throw error;
    }
  };
}
