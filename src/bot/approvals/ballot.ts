import { MicroError } from "../../core/errors.ts";
import { type Answer, type Context, say } from "../context.ts";
import { mannered } from "../manners.ts";
import { busy, type Desk, TRIES } from "./desk.ts";
import { check, type Said } from "./guards.ts";
import { counted, isSame, type Pending, personNow, shownLine, whoOf } from "./pending.ts";
import type { Spoken } from "./spoken.ts";
import { type Held, isOpen } from "./store.ts";
import { timeOf, whoIs } from "./words.ts";

/** Takes the words of people on requests. A word that does not count is whispered back with the reason. */
export interface Ballot {
  /** @throws MicroError why this yes does not count @returns the request with it; `more`: what to say when more are needed */
  yes(context: Context, spoken: Spoken): Promise<{ readonly held: Held; readonly more?: string }>;
  /** @throws MicroError why this no does not count */
  no(context: Context, spoken: Spoken): Promise<Answer>;
  /** Whether anything in this room waits for a yes. */
  isAsked(context: Context): Promise<boolean>;
  /** Whether a bare `yes` of who speaks would decide something here. @throws MicroError as the store does */
  isOwnAsked(context: Context): Promise<boolean>;
}

export function createBallot(desk: Desk): Ballot {
  const { name, clock, policy, pendings, guards } = desk;

  const find = async (context: Context, { word, id }: Spoken): Promise<Held> => {
    const held = id === undefined ? await lastOf(context) : await pendings.get(id);
    if (held) return held;
    const others = id === undefined ? await forApproval(context) : [];
    // Never the one that happens to be there: who approves says what.
    const hint = others[0]
      ? `\`${name} ${word} ${others[0].pending.id}\` means one of others`
      : "say the command again";
    throw whispered(new MicroError("not_found", `there is nothing of yours to say ${word} to; ${hint}`));
  };

  const here = async ({ input, message }: Context): Promise<readonly Held[]> =>
    (await pendings.list()).filter(
      ({ pending }) => pending.input === input.name && pending.place.room === message.place.room,
    );
  const forApproval = async (context: Context) =>
    (await here(context)).filter(({ pending }) => isOpen(pending, clock.now()) && pending.approvals !== undefined);
  const lastOf = async (context: Context) => {
    const me = personNow(policy, whoOf(context, policy));
    const own = (await here(context)).filter(({ pending }) => personNow(policy, pending.asker) === me);
    const last = own.at(-1);
    // What was asked before the last is not what a bare word means, even when the last is decided.
    return last && isOpen(last.pending, clock.now()) ? last : undefined;
  };

  const examine = async (context: Context, held: Held, word: Said["word"]): Promise<void> => {
    try {
      check(guards, held.pending, saidIn(context, word, desk));
    } catch (error) {
      if (held.pending.fate === undefined && !isOpen(held.pending, clock.now())) await desk.expire(held);
      throw whispered(MicroError.from(error));
    }
  };

  /** Does it to a request as it is now, again when somebody else changed it at that moment. */
  const insist = async <T>(
    context: Context,
    spoken: Spoken,
    act: (held: Held) => Promise<T | undefined>,
  ): Promise<T> => {
    let wanted = spoken;
    for (let tries = 0; tries < TRIES; tries++) {
      const held = await find(context, wanted);
      await examine(context, held, spoken.word);
      const done = await act(held);
      if (done !== undefined) return done;
      wanted = { ...spoken, id: held.pending.id };
    }
    throw whispered(busy());
  };

  const vote = async (context: Context, held: Held, approvals: NonNullable<Pending["approvals"]>) => {
    const { pending } = held;
    const { role, count } = approvals;
    const votes = counted(policy, pending, role);
    const who = whoOf(context, policy);
    const before = votes.some((one) => isSame(policy, one, who));
    const voted = { ...pending, votes: before ? votes : [...votes, { ...who, at: clock.now() }] };
    const agreed = before ? { ...held, pending: voted } : await pendings.change(held, voted);
    const missing = count - counted(policy, voted, role).length;
    if (agreed === undefined || missing <= 0) return agreed && { held: agreed };
    if (!before) desk.redraw(voted);
    const said = before ? "you said yes to it before" : `${whoIs(who)} said yes to it`;
    const lost = pending.votes.filter((one) => !votes.includes(one));
    const words = [
      `${said}; ${missing} more of the role ${role} must say \`${name} approve ${pending.id}\`: ${shownLine(pending)}`,
      ...lost.map((one) => `the yes of ${whoIs(one)} does not count any more: they are not of the role ${role} now`),
    ];
    return { held: agreed, more: words.join("\n") };
  };

  return {
    yes: (context, spoken) =>
      insist(context, spoken, async (held) => {
        const { approvals } = held.pending;
        return approvals === undefined ? { held } : vote(context, held, approvals);
      }),
    no: (context, spoken) =>
      insist(context, spoken, async (held) => {
        const because = spoken.why === undefined ? "" : `: ${spoken.why}`;
        const text = `${whoIs(whoOf(context, policy))} said no to it at ${timeOf(clock.now())}${because}`;
        const ended = await desk.end(held, { kind: "dropped", text });
        return ended && say(`not done: ${shownLine(held.pending)}`);
      }),
    isAsked: async (context) => (await here(context)).some(({ pending }) => isOpen(pending, clock.now())),
    isOwnAsked: async (context) => (await lastOf(context)) !== undefined,
  };
}

export function saidIn(context: Context, word: Said["word"], { clock, policy }: Pick<Desk, "clock" | "policy">): Said {
  const { input, message } = context;
  return { word, who: whoOf(context, policy), input: input.name, room: message.place.room, now: clock.now(), policy };
}

export function whispered(error: MicroError): MicroError {
  return mannered(error, { whisper: true });
}
