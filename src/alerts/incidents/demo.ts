import { z } from "zod";
import { type AnyCommand, type CommandContext, defineCommand } from "../../commands/command.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Registry } from "../../core/registry/registry.ts";
import type { Notification } from "../alert.ts";
import type { Incident } from "./incident.ts";
import { withRooms } from "./intake.ts";
import { merge } from "./merge.ts";
import { type IncidentStore, incidentKey, newId } from "./store.ts";

export interface DemoInit {
  readonly store: IncidentStore;
  readonly registry: Pick<Registry, "list">;
  readonly clock: Clock;
  readonly log: Log;
  /** The bot stops: what was shown is taken back at once. */
  readonly signal: AbortSignal;
}

/** What a source is called that is none. */
const SOURCE = "demo";
const LASTS_MS = 10_000;
/** One that nobody took back, because the bot was killed, lasts no longer. */
const LONGEST_MS = 60_000;

/** `alert demo`: an alert that nobody has to act on, shown where it is asked for, to see what one looks like. */
export function demoCommand(init: DemoInit): { readonly command: AnyCommand; ended(): Promise<unknown> } {
  const { store, registry, clock, log, signal } = init;
  const running = new Set<Promise<void>>();

  const takeBack = async (key: string, now: number) => {
    await store.alter(key, (incident) => incident && merge(incident, over(incident, now), now, incident.id));
  };
  const later = async (key: string) => {
    await clock.sleep(LASTS_MS, { signal }).catch(() => {});
    await takeBack(key, clock.now()).catch((error: unknown) => {
      log.warn({ reason: MicroError.from(error).message }, "a demonstration of an alert is not taken back yet");
    });
  };
  const fire = async (context: CommandContext, behalf: NonNullable<CommandContext["behalf"]>) => {
    const now = clock.now();
    const names = await registry.list({ signal: context.signal, timeoutMs: 2000 }).catch(() => []);
    const service = names.find((name) => /(?:^|\.)greeter$/.test(name)) ?? names[0];
    const heard = firing(now, service);
    const key = incidentKey(heard);
    const id = newId((one) => [...store.known()].some(({ incident }) => incident.id === one));
    const { input, place } = behalf;
    await store.alter(key, (before) => {
      const incident = merge(before, heard, now, id);
      const services = service === undefined ? [] : [service];
      return {
        ...incident,
        services,
        cards: withRooms(incident.cards, [{ input, room: place.room, place: { ...place } }]),
      };
    });
    const work = later(key).finally(() => running.delete(work));
    running.add(work);
    return { id, seconds: LASTS_MS / 1000, ...(service !== undefined && { service }) };
  };
  const command = defineCommand({
    name: "alert demo",
    summary: "Show what an alert looks like: one that is none fires here and is resolved after 10 s",
    input: z.object({}),
    permission: "alert:demo",
    effect: "write",
    confirm: false,
    whilePaused: true,
    examples: ["alert demo"],
    run: async (_input, context) => {
      const { behalf } = context;
      if (behalf === undefined) throw new MicroError("unimplemented", "an alert is shown in chat: say this to the bot");
      return fire(context, behalf);
    },
    view: ({ id, seconds, service }) => ({
      kind: "text",
      text: `alert ${id} fires${service === undefined ? "" : ` for ${service}`}: nothing is wrong, and it is resolved in ${seconds} s. Try \`ack ${id}\`, \`alert show ${id}\`, \`alerts\``,
    }),
  });
  return { command, ended: () => Promise.all(running) };
}

/** Whether it is a demonstration that nobody took back; if so, what ends it. */
export function forgottenDemo(incident: Incident, now: number): Notification | undefined {
  const forgotten = incident.source === SOURCE && incident.status === "firing" && now - incident.since > LONGEST_MS;
  return forgotten ? over(incident, now) : undefined;
}

function firing(now: number, service: string | undefined): Notification {
  return {
    id: `demo/${now}`,
    source: SOURCE,
    kind: SOURCE,
    receivedAt: now,
    group: `demo ${now}`,
    alerts: [
      {
        fingerprint: `demo-${now}`,
        status: "firing",
        name: "DemoAlert",
        severity: "warning",
        summary: "nothing is wrong: this only shows what an alert looks like",
        labels: { alertname: "DemoAlert", ...(service !== undefined && { service }) },
        startsAt: now,
        links: [],
      },
    ],
  };
}

function over({ group, alerts }: Incident, now: number): Notification {
  const ended = alerts.map((item) => {
    const { description, runbook, ...rest } = item;
    return {
      ...rest,
      ...(description !== undefined && { description }),
      ...(runbook !== undefined && { runbook }),
      status: "resolved" as const,
      endsAt: now,
    };
  });
  return { id: `demo/${now}/over`, source: SOURCE, kind: SOURCE, receivedAt: now, group, alerts: ended };
}
