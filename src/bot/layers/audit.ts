import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Layer } from "../context.ts";

/** What is kept of every command: who said what where, and how it ended. */
export interface AuditRecord {
  readonly id: string;
  readonly at: number;
  readonly caller: string;
  readonly room: string;
  /** As it was said. */
  readonly text: string;
  /** What was carried out, where a yes was said to it. */
  readonly line?: string;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly ms: number;
}

/**
 * Writes one record for every message that was for the bot. Two layers: `said` stands around all that may refuse one,
 * `meant` where it is known what a yes was said to.
 */
export function audit(
  write: (record: AuditRecord) => void,
  clock: Clock,
): { readonly said: Layer; readonly meant: Layer } {
  /** By message, while it is worked on. */
  const lines = new Map<string, string>();
  return {
    said: async (context, next) => {
      const at = clock.now();
      const record = (outcome: string) => {
        const { id, caller, message } = context;
        const line = lines.get(id);
        lines.delete(id);
        const { room } = message.place;
        const meant = line === undefined ? {} : { line };
        write({ id, at, caller, room, text: message.text, ...meant, outcome, ms: clock.now() - at });
      };
      try {
        const answer = await next(context);
        record("ok");
        return answer;
      } catch (error) {
        record(MicroError.from(error).code);
        throw error;
      }
    },
    meant: (context, next) => {
      if (context.confirmed) lines.set(context.id, context.line.text);
      return next(context);
    },
  };
}
