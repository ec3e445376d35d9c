import { identityOf, originOf } from "../../commands/identity.ts";
import { chatLine } from "../../commands/line.ts";
import { MicroError } from "../../core/errors.ts";
import { type Answer, type Approval, type Context, type Layer, say, toldOf } from "../context.ts";
import { fitsWhole } from "../fit.ts";
import { mannered, mannersOf } from "../manners.ts";
import { difference, type Look, stateOf } from "../touched.ts";
import { saidIn, whispered } from "./ballot.ts";
import { busy, type Desk, TRIES } from "./desk.ts";
import { counted, type Pending, personNow, shownLine, type Vote, whoOf } from "./pending.ts";
import { type AskStanding, createStandings } from "./standing.ts";
import type { Held } from "./store.ts";
import { choicesOf, keyOf, question, timeOf, whoIs } from "./words.ts";

type Next = Parameters<Layer>[1];

/** From the question to its command. */
export interface Carry {
  /** Somebody said something: what their network says of them now counts when a line of theirs is carried out. */
  met(context: Context): void;
  /** Asks, in the name of who is in the context, and shows what a yes would touch. */
  pose(context: Context, preface?: readonly string[]): Promise<Answer>;
  /** Says the line of a request that has all its yes, in the name of who asked. */
  begin(context: Context, held: Held, next: Next): Promise<Answer | undefined>;
  /** Looks once more at who and what, decides the request if nobody else has by then, and lets the line run. */
  settle(context: Context, approval: Approval, next: Next): Promise<Answer | undefined>;
}

export interface CarryInit {
  readonly look: Look;
  /** Finds what is secret in the line of a context, which is another than the one that was typed. */
  readonly told: Layer;
  /** Told the moment a request is decided that goes without its approvers. */
  readonly onGlass: (context: Context, pending: Pending) => void;
  /** Asks a network what somebody is now. */
  readonly standing: AskStanding;
  /** What a stop waits for. */
  readonly during: (context: Context, work: Promise<unknown>) => void;
}

export function createCarry(desk: Desk, { look, told, onGlass, during, standing }: CarryInit): Carry {
  const { name, clock, policy, pendings, guards } = desk;
  const standings = createStandings(clock, standing);

  /** The votes as their networks speak of those people now. @throws MicroError `conflict` when too few are left that count */
  const checkVotes = async (context: Context, { id, asker, votes, approvals }: Pending): Promise<void> => {
    if (approvals === undefined) return;
    const { role, count } = approvals;
    const now: Vote[] = [];
    for (const vote of votes) {
      const is = await standings.now(context, vote, vote.at);
      if (is !== "gone") now.push({ ...vote, guest: is === "guest" });
    }
    const good = counted(policy, { asker, votes: now }, role);
    if (good.length >= count) return;
    const lost = votes.filter(({ caller }) => !good.some((one) => one.caller === caller));
    await pendings.alter(id, (pending) => ({ ...pending, votes: good }));
    const words = `the yes of ${lost.map(whoIs).join(" and ")} does not count any more: they are no members here now`;
    throw new MicroError("conflict", `${words}; ${count - good.length} more of the role ${role} must say yes`);
  };

  const pose = async (context: Context, preface: readonly string[] = []): Promise<Answer> => {
    const { id, input, message, line, brokeGlass } = context;
    const shown = toldOf(context);
    const touched = await look(context);
    const seeks = context.run?.command.touches !== undefined || context.run?.command.target !== undefined;
    const approvals = demandedOf(context);
    const now = clock.now();
    const draft: Pending = {
      id,
      input: input.name,
      place: message.place,
      line: line.text,
      ...(shown !== line.text && { told: shown }),
      asker: whoOf(context, policy),
      at: now,
      expiresAt: now + (approvals === undefined ? desk.waitMs : desk.approveMs),
      touched,
      ...(seeks && { seeks }),
      state: stateOf(context, touched),
      ...(context.run && { which: identityOf(context.run.command) }),
      votes: [],
      ...(approvals && { approvals }),
      ...(brokeGlass !== undefined && { brokeGlass }),
    };
    const { limits } = input;
    const asked = question(draft, name);
    // Nobody says yes to what they cannot see, nor to what stands in a file that nobody opens.
    if (!fitsWhole(asked, limits)) throw tooLong(asked.length, limits.textLength);
    const { pending } = await pendings.add(draft);
    // The old question says what has changed, too.
    const above = [preface, preface.slice(0, 1), []].find((some) => fitsWhole([...some, asked].join("\n"), limits));
    const words = [...(above ?? []), question(pending, name)].join("\n");
    return { ...say(words, { choices: choicesOf(pending) }), key: keyOf(pending) };
  };

  /** Decides it for good; then nobody else can. `undefined`: it is not what it was a moment ago. */
  const decide = async (context: Context, { saidBy }: Approval, held: Held) =>
    desk.end(held, { kind: "approved", text: `${saidBy} said yes to it at ${timeOf(clock.now())}` }).then((won) => {
      if (won?.pending.brokeGlass !== undefined) onGlass(context, won.pending);
      return won;
    });

  /** Keeps how it ended, for who presses the button later. */
  const run = async (context: Context, won: Held, work: () => Promise<Answer | undefined>) => {
    const keep = (ended: string) => {
      const { id } = won.pending;
      const noted = pendings.alter(id, ({ fate, ...rest }) => fate && { ...rest, fate: { ...fate, ended } });
      // What cannot be written now is only missed by who presses the button later.
      const quiet = noted.catch(() => {});
      during(context, quiet);
    };
    try {
      const answer = await work();
      keep("ok");
      return answer;
    } catch (error) {
      keep(MicroError.from(error).code);
      throw error;
    }
  };

  /** What is not as it was when the yes was asked for, in lines; none when all is. */
  const changed = (context: Context, pending: Pending, touched: Pending["touched"]): readonly string[] => {
    const demanded = demandedOf(context);
    if (demanded && counted(policy, pending, demanded.role).length < demanded.count) {
      return [`the yes is void, because the rules now demand ${demanded.count} of the role ${demanded.role}`];
    }
    if (guards.sameState(pending, stateOf(context, touched))) return [];
    const { command } = context.run ?? {};
    if (command !== undefined && pending.which !== identityOf(command)) {
      const from = originOf(command);
      const whose = from === undefined ? "" : `, from ${from}`;
      return [`the yes is void, because \`${command.name}\` is another command than the one that was shown${whose}`];
    }
    const lines = difference(pending.touched, touched);
    return [MOVED, ...(lines.length > 0 ? lines : ["its arguments are read differently now"])];
  };

  return {
    pose,
    met: standings.met,
    begin: async (context, { pending }, next) => {
      const { id, asker, line, votes, approvals, brokeGlass } = pending;
      // It would be decided and then not begun (`layers/begin.ts`); so it still waits for a yes.
      if ((context.claim?.before ?? 0) > 0) {
        const words = `nothing was done: the process of mine that heard this yes stopped before it had begun; say \`${name} yes ${id}\` again if you still want it: ${shownLine(pending)}`;
        throw new MicroError("unavailable", words);
      }
      await checkVotes(context, pending);
      const is = await standings.now(context, asker, pending.at);
      const own = approvals === undefined;
      const approval: Approval = {
        id,
        approvers: own ? [context.caller] : votes.map(({ caller }) => caller),
        by: context.caller,
        saidBy: own ? whoIs(whoOf(context, policy)) : votes.map(whoIs).join(" and "),
      };
      try {
        if (is === "gone") throw new MicroError("permission_denied", `${whoIs(asker)} has no account here any more`);
        const meant: Context = {
          ...context,
          line: chatLine(line),
          told: pending.told ?? line,
          caller: asker.caller,
          person: personNow(policy, asker),
          message: {
            ...context.message,
            from: { id: asker.id, name: asker.name, guest: is !== "member" },
          },
          confirmed: true,
          approval,
          ...(brokeGlass !== undefined && { brokeGlass }),
        };
        return await told(meant, next);
      } catch (thrown) {
        const error = MicroError.from(thrown);
        // What it fails with before it was decided, by today's rules and commands, it would fail with again.
        const open = FINAL.has(error.code) ? await pendings.get(id).catch(() => undefined) : undefined;
        if (open === undefined || open.pending.fate !== undefined) throw thrown;
        await desk.end(open, { kind: "void", text: `it cannot be done any more (${timeOf(clock.now())})` });
        const words = `not done, though ${approval.saidBy} said yes: ${whoIs(asker)} asked for it, and to them holds: ${error.message}`;
        throw own ? thrown : mannered(new MicroError(error.code, words), mannersOf(error));
      }
    },
    settle: async (context, approval, next) => {
      for (let tries = 0; tries < TRIES; tries++) {
        const held = await pendings.get(approval.id);
        if (held === undefined) throw whispered(busy());
        const said = saidIn(context, "yes", desk);
        const refusal = guards.undecided(held.pending, said) ?? guards.inTime(held.pending, said);
        if (refusal) throw whispered(refusal);
        const touched = await look(context);
        const [why, ...lines] = changed(context, held.pending, touched);
        if (why === undefined) {
          const won = await decide(context, approval, held);
          if (won) return run(context, won, () => next({ ...context, touched }));
        } else if (await desk.end(held, { kind: "void", text: why }, lines)) {
          return pose(context, [why, ...lines, ""]);
        }
      }
      throw whispered(busy());
    },
  };
}

function tooLong(length: number, textLength: number): MicroError {
  return new MicroError(
    "invalid_argument",
    `nothing was asked: the question has ${length} characters, too many to be shown whole in one message here (${textLength} at most, less for what has to be escaped), and nobody is to say yes to what they cannot see; say it shorter, or where more fits into a message`,
  );
}

/** Errors that come again, unlike that of a network which is away for a moment. */
const FINAL: ReadonlySet<MicroError["code"]> = new Set(["permission_denied", "not_found", "invalid_argument"]);

const MOVED = "the yes is void, because what it touches is not what it was when it was shown:";

/** Who has to say yes, by today's rules. */
function demandedOf({ decision, brokeGlass }: Context): Pending["approvals"] {
  return brokeGlass === undefined ? decision?.approvals : undefined;
}
