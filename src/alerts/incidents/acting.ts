import { z } from "zod";
import { durationText } from "../../commands/bounds.ts";
import { type AnyCommand, type CommandContext, defineCommand } from "../../commands/command.ts";
import type { House } from "../../commands/house.ts";
import { readDuration } from "../../core/duration.ts";
import { MicroError } from "../../core/errors.ts";
import { headlineOf } from "../../core/health/explain.ts";
import type { Alertmanager } from "./alertmanager.ts";
import { askerOf, incidentId } from "./asker.ts";
import { titleOf } from "./card.ts";
import type { Desk } from "./desk.ts";
import type { Sources } from "./findings.ts";
import { type Giving, tellGiven } from "./given.ts";
import { acknowledge, assign, type Incident, silenced, unsilenced } from "./incident.ts";
import { createAsked, permitted } from "./permitted.ts";
import { inLine, timeOf } from "./words.ts";

export interface ActingInit extends Pick<Sources, "examine">, Pick<Giving, "idsOf"> {
  readonly desk: Desk;
  readonly house: Pick<House, "board" | "placeTo" | "clock" | "may">;
  readonly alertmanager?: Alertmanager;
}

/** Saying it is saying it: a yes would only be in the way at night. The card tells what was done, so the answer stands in its thread. */
const ACT = { permission: "alert:act", effect: "write", confirm: false, whilePaused: true, aside: true } as const;
const SILENCE = { permission: "alert:silence", effect: "write", confirm: false, aside: true } as const;
const ACK = { ...ACT, name: "ack" } as const;
const ASSIGN = { ...ACT, name: "assign" } as const;
const MUTE = { ...SILENCE, name: "silence" } as const;
const UNMUTE = { ...SILENCE, name: "unsilence" } as const;
const RECHECK = { name: "recheck", permission: "alert:read", effect: "read" } as const;
const LONGEST_MS = 30 * 86_400_000;
const EXAMINE_MS = 4000;

/** `ack`, `assign`, `silence`, `unsilence` and `recheck`: what people do about an incident, each told on its card. */
export function actingCommands(init: ActingInit): readonly AnyCommand[] {
  const { desk, alertmanager, examine, house } = init;
  const asked = createAsked(desk.serviceOf);
  const { target } = asked;
  /** The incident, if who asks may do that to it: what a line's input says. The policy was asked about one service already. */
  const mayBe = (
    command: Parameters<typeof permitted>[0],
    incident: Incident,
    input: object,
    context: CommandContext,
  ): Incident => {
    permitted(command, incident, asked.of(input), context, house);
    return incident;
  };
  const complete = async (field: string) => (field === "id" ? desk.ids() : field === "person" ? ["me"] : []);

  const ack = defineCommand({
    ...ACK,
    summary: "Say that you have seen an alert and look after it",
    input: z.object({ id: incidentId }),
    words: ["id"],
    target,
    complete,
    examples: ["ack a7f3"],
    run: async (input, context) => {
      const { id } = input;
      const by = askerOf(context);
      const { before, after } = await desk.change(id, (now) =>
        acknowledge(mayBe(ACK, now, input, context), by, context.clock.now()),
      );
      return { ...told(after), by, already: before === after, ...(before.acked && { acked: before.acked }) };
    },
    view: ({ id, title, by, already, over, acked }) => ({
      kind: "text",
      text: over
        ? `${id} is resolved already: ${title}`
        : already && acked
          ? `${acked.by} acknowledged ${id} at ${timeOf(acked.at, acked.at)} already`
          : `${by} acknowledged ${id}: ${title}`,
    }),
  });

  const give = defineCommand({
    ...ASSIGN,
    summary: "Say who looks after an alert, and tell them",
    input: z.object({
      id: incidentId,
      person: z
        .string({ error: "to whom? `me`, or a name" })
        .max(60)
        .describe("whose it is from now on: me, or a name as the policy has it"),
    }),
    words: ["id", "person"],
    target,
    complete,
    examples: ["assign a7f3 me", "assign a7f3 ann"],
    run: async (input, context) => {
      const { id, person } = input;
      const by = askerOf(context);
      const to = person === "me" ? by : inLine(person.replace(/^[@<]+|>$/g, ""), 60);
      if (to === "") throw new MicroError("invalid_argument", "to whom? `me`, or a name");
      const { before, after } = await desk.change(id, (now) =>
        mayBe(ASSIGN, now, input, context).status === "resolved" ? now : assign(now, to, by, context.clock.now()),
      );
      const already = before === after;
      const whether = already || to === by ? "" : await tellGiven(after, { to, by }, init, context.signal);
      return { ...told(after), to, by, already, whether };
    },
    view: ({ id, title, to, by, over, already, whether }) => ({
      kind: "text",
      text: over
        ? `${id} is resolved already: ${title}`
        : already
          ? `${to} has ${id} already`
          : to === by
            ? `${by} has ${id}: ${title}`
            : `${to} has ${id}, by ${by}: ${title}\n${whether}`,
    }),
  });

  const silence = defineCommand({
    ...MUTE,
    summary: "Silence the alerts of a group in Alertmanager for a while",
    input: z.object({
      id: incidentId,
      for: durationText.default("2h").describe("for how long, up to 720h"),
      why: z.string().max(300).default("").describe("why, for whoever wonders"),
    }),
    words: ["id", "for", "why"],
    rest: "why",
    target,
    complete,
    examples: ["silence a7f3 2h", 'silence a7f3 30m "the disk is being replaced"'],
    run: async (input, context) => {
      const { id, for: length, why: said } = input;
      const { clock, signal } = context;
      const why = inLine(said.replace(/^(["'])(.*)\1$/s, "$2"), 300);
      const by = askerOf(context);
      const incident = mayBe(MUTE, (await desk.open(id)).incident, input, context);
      const ms = readDuration(length);
      if (ms < 60_000 || ms > LONGEST_MS) {
        throw new MicroError("invalid_argument", "a silence lasts from 1m to 720h");
      }
      const now = clock.now();
      const { common, kind, source, silence: there } = incident;
      if (kind !== "alertmanager") {
        throw new MicroError(
          "invalid_argument",
          `${id} comes from ${source}, which I cannot silence; \`ack ${id}\` says that you have seen it`,
        );
      }
      const manager = needed(alertmanager);
      if (there && there.until > now)
        return { ...there, ...told(incident), silence: there.id, already: true, labels: common };
      // How bad it is tells nothing from anything else.
      if (Object.keys(common).every((name) => name === "severity")) {
        const { severity } = common;
        const what = severity === undefined ? "everything" : `everything that is ${inLine(severity, 40)}`;
        throw new MicroError(
          "invalid_argument",
          `the alerts of ${id} have no label in common that tells them from others, so silencing them would silence ${what}`,
        );
      }
      const until = now + ms;
      const comment = `${why === "" ? "silenced from chat" : why} (alert ${incident.id})`;
      const made = await manager.silence({ labels: common, startsAt: now, endsAt: until, by, comment }, { signal });
      const done = { id: made, until, by, why };
      try {
        const { after } = await desk.change(id, (one) => silenced(one, done, now));
        return { ...done, ...told(after), silence: made, already: false, labels: common };
      } catch (error) {
        const words = `silence ${made} was made until ${timeOf(until, now)}, but its card could not be changed`;
        throw new MicroError("unavailable", `${words}: ${MicroError.from(error).message}`, { cause: error });
      }
    },
    view: ({ id, title, until, by, why, already, labels }) => ({
      kind: "text",
      text: already
        ? `${by} silenced it until ${timeOf(until, until)} already${why === "" ? "" : `: ${why}`}\n\`unsilence ${id}\` ends that`
        : `silenced until ${timeOf(until, until)}: ${title}\nwhatever has ${labelWords(labels)}`,
    }),
  });

  const unsilence = defineCommand({
    ...UNMUTE,
    summary: "End the silence of an alert",
    input: z.object({ id: incidentId }),
    words: ["id"],
    target,
    complete,
    examples: ["unsilence a7f3"],
    run: async (input, context) => {
      const { id } = input;
      const incident = mayBe(UNMUTE, (await desk.open(id)).incident, input, context);
      const { silence: there } = incident;
      if (there === undefined) return { ...told(incident), was: false };
      const manager = needed(alertmanager);
      await manager.expire(there.id, { signal: context.signal }).catch((error: unknown) => {
        // It has ended by itself, or by somebody else.
        if (MicroError.from(error).code !== "not_found") throw error;
      });
      const by = askerOf(context);
      const { after } = await desk.change(id, (one) =>
        one.silence?.id === there.id ? unsilenced(one, by, context.clock.now()) : one,
      );
      return { ...told(after), was: true };
    },
    view: ({ id, title, was }) => ({
      kind: "text",
      text: was ? `${id} is silent no more: ${title}` : `${id} was not silenced`,
    }),
  });

  const recheck = defineCommand({
    ...RECHECK,
    summary: "Look at the services of an alert now, and bring its card up to date",
    input: z.object({ id: incidentId }),
    words: ["id"],
    target,
    complete,
    examples: ["recheck a7f3"],
    run: async (input, context) => {
      const { id } = input;
      const { clock, signal } = context;
      const { after } = await desk.change(id, (one) =>
        mayBe(RECHECK, one, input, context).status === "resolved" ? one : { ...one, lookAt: clock.now() },
      );
      const { services = [] } = after;
      const found = await Promise.all(
        services.slice(0, 2).map(async (service) => {
          try {
            const examined = await examine?.(service, { signal, timeoutMs: EXAMINE_MS });
            return examined ? headlineOf(examined.examination) : `${service} cannot be looked at here`;
          } catch (error) {
            return `${service}: ${inLine(MicroError.from(error).message, 160)}`;
          }
        }),
      );
      return { ...told(after), found };
    },
    view: ({ id, title, found, over }) => ({
      kind: "text",
      text: over
        ? `${id} is resolved: ${title}`
        : found.length === 0
          ? `${id} names no service that I could look at: ${title}`
          : found.join("\n"),
    }),
  });
  return [ack, give, silence, unsilence, recheck];
}

/** What Alertmanager is silent about: more than this incident, where little is said. */
function labelWords(labels: Readonly<Record<string, string>>): string {
  const all = Object.entries(labels);
  const shown = all.slice(0, 8).map(([name, value]) => `${inLine(name, 40)}=${inLine(value, 60)}`);
  return `${shown.join(", ")}${all.length > shown.length ? ` and ${all.length - shown.length} more labels` : ""}`;
}

/** What every answer about an incident begins with. */
function told(incident: Incident) {
  return { id: incident.id, title: titleOf(incident), over: incident.status === "resolved" };
}

function needed(alertmanager: Alertmanager | undefined): Alertmanager {
  if (alertmanager) return alertmanager;
  throw new MicroError(
    "unimplemented",
    "I know no Alertmanager: start me with --alertmanager_address=http://alerts.example:9093",
  );
}
