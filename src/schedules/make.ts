import { z } from "zod";
import { type AnyCommand, type CommandContext, defineCommand, type Touched } from "../commands/command.ts";
import { identityOf } from "../commands/identity.ts";
import { chatLine } from "../commands/line.ts";
import { parse } from "../commands/parse.ts";
import type { Behalf } from "../commands/perform.ts";
import { pipedIn } from "../commands/pipe/split.ts";
import { readStages } from "../commands/pipe/stages.ts";
import { goDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";
import { MAKE } from "./carry.ts";
import type { ScheduleCommandsInit } from "./commands.ts";
import { factsOf } from "./facts.ts";
import { EXAMPLES, type Maker, type Request, readRequest } from "./request.ts";
import type { Schedule } from "./store.ts";
import { shortestGap, whenWords } from "./when.ts";

/** These make schedules, so none of them is scheduled. */
const MAKERS: readonly string[] = Object.keys(EXAMPLES);

/** What makes a schedule: `every`, `at`, `in` and `cron`. */
export function makingCommands(init: ScheduleCommandsInit & { readonly zone: string }): readonly AnyCommand[] {
  const { house, store, zone, minMs = 10_000, maxOwn = 50, max = 10_000 } = init;
  const { clock } = house;

  /** What a line is, as it will be carried out. @throws MicroError why it cannot be scheduled */
  const meant = async (said: string, mayRun: CommandContext["mayRun"]) => {
    const { line, secret } = await house.meaning(said);
    const refuse = (words: string) => new MicroError("invalid_argument", words);
    if (secret)
      throw refuse(
        "that line holds a secret, and a schedule is seen by others: give the service the secret, and not me",
      );
    const piped = pipedIn(chatLine(line));
    if (piped) readStages(piped.stages);
    const match = house.catalog().match(piped?.head ?? chatLine(line));
    if (match === undefined) {
      const near = house.catalog().nearest(chatLine(line), 3, mayRun);
      const names = near.map((command) => `\`${command.name}\``).join(", ");
      throw new MicroError("not_found", `"${line.slice(0, 60)}" is no command; the nearest are ${names}`);
    }
    const { command } = match;
    if (MAKERS.includes(command.name)) throw refuse("a schedule that makes schedules is refused");
    if (command.maxMs !== undefined) throw refuse(`\`${command.name}\` goes on, so it cannot be done again and again`);
    if (command.reveals)
      throw refuse(`\`${command.name}\` tells a secret to one person, and nobody is there to be told`);
    if (!mayRun(command)) throw new MicroError("permission_denied", `you may not say \`${command.name}\` yourself`);
    parse(match);
    return { line, command };
  };
  /** What each input that was asked about stood for then: an alias may mean something else a moment later. */
  const agreed = new WeakMap<object, string>();
  const answersIn = (room: string | undefined, input: string): Schedule["answers"] => {
    if (room === undefined) return undefined;
    const place = house.placeIn(input, room.replace(/^#(?=.)/, "")) ?? house.placeIn(input, room);
    if (place) return { room, place };
    throw new MicroError(
      "unimplemented",
      `in ${input} I can only answer where I am spoken to: leave \`in ${room}\` out`,
    );
  };
  const checkStorm = async ({ when }: Request, owner: string) => {
    const gap = shortestGap(when, clock.now());
    if (gap < minMs) {
      throw new MicroError("invalid_argument", `nothing is done oftener than every ${goDuration(minMs * 1e6)}`);
    }
    const all = await store.list();
    const own = all.filter(({ schedule }) => schedule.owner === owner).length;
    const full =
      all.length >= max ? `there are ${max} schedules` : own >= maxOwn ? `you have ${maxOwn} schedules` : undefined;
    if (full !== undefined)
      throw new MicroError("exhausted", `${full}, and no more are kept: \`schedule remove\` ends one`);
  };
  /** Whether it writes is asked before it is known whether it can be: what is not known is asked about, too. */
  const writes = (kind: Maker, what: string) => {
    try {
      const { line } = readRequest(kind, what, zone, clock.now());
      const words = chatLine(line);
      const command = house.catalog().match(pipedIn(words)?.head ?? words)?.command;
      return command === undefined || command.effect === "write";
    } catch {
      // It only has to be told what is wrong with it.
      return false;
    }
  };

  const make = (kind: Maker, summary: string, more: readonly string[] = []) =>
    defineCommand({
      name: kind,
      summary,
      input: z.object({
        what: z
          .string({ error: `when, and what? ${EXAMPLES[kind]}` })
          .describe("when; the line in quotes; and where its answer belongs and the time zone, if they are others"),
      }),
      words: ["what"],
      rest: "what",
      takesLine: true,
      ...MAKE,
      ...(kind === "in" && { boundAs: ["at"] }),
      // A line that changes nothing needs no yes to be said later.
      confirm: ({ what }) => writes(kind, what),
      examples: [EXAMPLES[kind], ...more],
      carries: async ({ what }) => {
        const { line } = readRequest(kind, what, zone, clock.now());
        return [(await house.meaning(line)).line];
      },
      // Refused before anybody is asked, and the yes is bound to what it means now.
      touches: async (input, { mayRun }) => {
        const request = readRequest(kind, input.what, zone, clock.now());
        const known = await meant(request.line, mayRun);
        agreed.set(input, known.line);
        return [shownBefore(kind, request, known)];
      },
      run: async (input, { behalf, caller, person = caller, mayRun }) => {
        if (behalf === undefined || behalf.from.id === undefined) {
          throw new MicroError("permission_denied", "a schedule is done for somebody, and nobody vouches for you here");
        }
        const request = readRequest(kind, input.what, zone, clock.now());
        const { line, command } = await meant(request.line, mayRun);
        if ((agreed.get(input) ?? line) !== line) {
          const words = `nothing is scheduled: \`${request.line}\` means \`${line}\` since a moment ago; say it again if you want that`;
          throw new MicroError("conflict", words);
        }
        const answers = answersIn(request.room, behalf.input);
        await checkStorm(request, person);
        const { id: fromId, name, guest } = behalf.from;
        const made = await store.add({
          when: request.when,
          line,
          owner: person,
          behalf: { ...behalf, from: { id: fromId, name, guest } },
          ...(answers && { answers }),
          // Whoever schedules a write has just been asked.
          confirmed: command.effect === "write",
          ...(command.effect === "write" && { which: identityOf(command) }),
          madeAt: clock.now(),
          failures: 0,
        });
        if (answers) {
          // Whoever reads there learns who it is from, and whoever made it whether it can be heard there.
          const text = `schedule ${made.id}, ${whenWords(made.when)}, of ${name}, will answer here: ${line}`;
          void house.performer.say({ ...behalf, place: answers.place } as Behalf, { kind: "text", text });
        }
        const lasts = house.kv.kind !== "memory";
        return { ...factsOf(made, zone, clock.now()), zone, ...(!lasts && { lasts }) };
      },
      view: (made) => ({
        kind: "text",
        text: `schedule ${made.id}: ${made.when}, \`${made.line}\`${made.room === undefined ? "" : ` in ${made.room} (look there: I have said so)`}${made.when === `at ${made.next}` ? "" : `; next at ${made.next}`}${
          made.lasts === false ? ". I have no store, so it is gone when I stop" : ""
        }`,
      }),
    });

  return [
    make("every", "Carry a line out again and again", [
      'every weekday at 09:00 in Europe/Berlin "stats orders | top 5"',
    ]),
    make("at", "Carry a line out once, later", ['at 2026-12-01 03:00 in Europe/Berlin "health orders"']),
    make("in", "Carry a line out once, after so long"),
    make("cron", "Carry a line out when five fields of cron say so"),
  ];
}

/** So much of it is shown whole in a question; nobody says yes to what they cannot see. */
const LONGEST_SHOWN = 100;

/** For the question. @throws MicroError `invalid_argument` when it cannot be shown whole */
function shownBefore(
  kind: Maker,
  { when, line }: Request,
  meant: { readonly line: string; readonly command: AnyCommand },
): Touched {
  // A yes that comes after `at 03:00` would mean tomorrow; `in 10m` is counted from the yes.
  const time = kind === "at" ? `${whenWords(when)}, ` : "";
  const which = identityOf(meant.command);
  if (meant.line === line) return { name: `${time}what \`${meant.command.name}\` does`, nodes: [], which };
  if (meant.line.length <= LONGEST_SHOWN) {
    return { name: `${time}what that stands for:`, version: meant.line, nodes: [], which };
  }
  const words = `what "${line}" stands for is too long for the question that has to be asked; say it without the alias: ${meant.line}`;
  throw new MicroError("invalid_argument", words);
}
