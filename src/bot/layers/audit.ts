import type { AuditCall, AuditRecord, AuditSaid } from "../../commands/audit-record.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Redactor } from "../../core/redact.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import { saidOf } from "../audit/said.ts";
import { createTroubleNote } from "../audit/trouble.ts";
import { createUnheard } from "../audit/unheard.ts";
import { canonicalJson, sha256 } from "../canonical.ts";
import type { Answer, Context, Layer } from "../context.ts";
import { cut } from "../fit.ts";
import { mannersOf } from "../manners.ts";
import { whose } from "../people.ts";
import type { Look } from "../touched.ts";
import { turnFor } from "../turn.ts";
import { within } from "../within.ts";

export interface AuditInit {
  readonly log: AuditLog;
  readonly clock: Clock;
  /** Crosses out what is known as secret. */
  readonly redactor: Pick<Redactor, "text" | "json">;
  /** What a line touches, as it is now. */
  readonly look: Look;
  /** Told of each record when its message has ended. */
  readonly told?: (record: AuditRecord) => void;
}

/** Three layers: `said` around all that may refuse a message, `seen` wherever more is known of it, `begun` last of all. */
export interface Audited {
  readonly said: Layer;
  readonly seen: Layer;
  readonly begun: Layer;
  /** A call that a command has made. */
  called(context: Context, call: AuditCall): void;
}

/** What is known of a message while it is worked on. */
interface Story {
  readonly heard: Context;
  readonly at: number;
  known: Context;
  /** What is kept of `known`; it is the same at the beginning and the end of most. */
  kept?: { readonly known: Context; readonly said: AuditSaid };
  begun: boolean;
  readonly calls: AuditCall[];
  moreCalls: number;
}

/** Calls of one command that are kept. */
const CALLS = 50;
const WHY = 500;
/** How long a call waits, which asks nobody for a yes, to find out what it touches. */
const LOOK_MS = 250;

/**
 * Writes down every message that was for the bot: a row before a command starts and one when the message has ended. A write
 * that cannot be written down is not carried out; reads go on, and say so.
 */
export function audit(init: AuditInit): Audited {
  const { log, clock, redactor, look, told = () => {} } = init;
  const { replica } = log;
  const stories = new Map<string, Story>();
  const unheard = createUnheard();
  const troubleNote = createTroubleNote(log, clock);

  const saidIn = (story: Story): AuditSaid => {
    const { heard, known, at, kept } = story;
    if (kept?.known === known) return kept.said;
    const said = saidOf(heard, known, at, redactor);
    story.kept = { known, said };
    return said;
  };

  /** @returns whether it was written; nobody waits for that where nothing was changed */
  const ended = async (story: Story, outcome: string, answer: Answer | undefined, error?: MicroError) => {
    const { heard, at, calls, moreCalls } = story;
    const ignored = unheard.take(whose(heard));
    const record: AuditRecord = {
      ...saidIn(story),
      outcome,
      ...(error && { why: cut(redactor.text(error.message), WHY), ...ruleOf(error) }),
      ms: clock.now() - at,
      ...(calls.length > 0 && { calls }),
      ...(moreCalls > 0 && { moreCalls }),
      ...(ignored > 0 && { ignored }),
      ...digestOf(answer),
    };
    told(record);
    const kept = log.append({ kind: "ended", replica, ...record }).then(
      () => true,
      () => false,
    );
    return story.begun && record.effect === "write" ? kept : true;
  };

  return {
    called: ({ id }, call) => {
      const story = stories.get(id);
      if (story === undefined) return;
      if (story.calls.length < CALLS) story.calls.push(call);
      else story.moreCalls++;
    },
    said: async (context, next) => {
      const story: Story = { heard: context, at: clock.now(), known: context, begun: false, calls: [], moreCalls: 0 };
      stories.set(context.id, story);
      try {
        const answer = await next(context);
        const outcome = outcomeOf(story, answer);
        await turnFor(answer?.view);
        const written = await ended(story, outcome, answer);
        const note = written ? troubleNote(context) : NOT_WRITTEN;
        return answer && note !== undefined ? { ...answer, note } : answer;
      } catch (thrown) {
        const error = MicroError.from(thrown);
        // Of who is not listened to only the number is kept: a flood is not to wash away what others did.
        if (mannersOf(error).silent) unheard.add(whose(context));
        else await ended(story, error.code, undefined, error);
        throw thrown;
      } finally {
        stories.delete(context.id);
      }
    },
    seen: (context, next) => {
      const story = stories.get(context.id);
      if (story) story.known = context;
      return next(context);
    },
    begun: async (context, next) => {
      const story = stories.get(context.id);
      if (story === undefined) return next(context);
      const write = context.run?.command.effect === "write";
      story.known = write ? await withTouched(context) : context;
      const written = log.append({ kind: "begun", replica, ...saidIn(story) }, { durable: write });
      if (!write) written.catch(() => {});
      else {
        await written.catch((error: unknown) => {
          const reason = MicroError.from(error).message;
          const words = `nothing was done, because I cannot write down what is done: ${reason}; what changes nothing goes on`;
          throw new MicroError("unavailable", words, { cause: error });
        });
      }
      story.begun = true;
      return next(context);
    },
  };

  /** What was confirmed has been looked at already. */
  async function withTouched(context: Context): Promise<Context> {
    if (context.touched !== undefined) return context;
    let touched: Context["touched"];
    const looking = look(context).then(
      (found) => {
        touched = found;
      },
      () => {},
    );
    await within(clock, LOOK_MS, looking);
    return touched && touched.length > 0 ? { ...context, touched } : context;
  }
}

const NOT_WRITTEN = "this was done, but how it ended cannot be written into the audit";

/** Where nothing is said at the end, another replica has taken the command over. */
function outcomeOf({ begun, known }: Story, answer: Answer | undefined): string {
  if (begun) return answer === undefined ? "left" : "ok";
  return known.run === undefined ? "answered" : "asked";
}

/** A refusal knows which rule it comes from. */
function ruleOf({ code, details }: MicroError): { readonly rule?: string } {
  const rule = code === "permission_denied" ? details["rule"] : undefined;
  return typeof rule === "string" ? { rule } : {};
}

function digestOf(answer: Answer | undefined): { readonly result?: string } {
  if (answer?.result === undefined) return {};
  try {
    return { result: sha256(canonicalJson(answer.result)) };
  } catch {
    return {};
  }
}
