import { dirname, resolve as resolvePath } from "node:path";
import type { AlertsInit } from "../alerts/alerts.ts";
import type { AlertsFile } from "../alerts/file/sections.ts";
import type { Incident } from "../alerts/incidents/incident.ts";
import type { Rota } from "../alerts/oncall/shift.ts";
import type { Policy } from "../bot/policy.ts";
import type { Extension, House } from "../commands/house.ts";
import type { Client } from "../core/client/client.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Redactor } from "../core/redact.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Input } from "../inputs/input.ts";
import type { Kv } from "../platform/kv/kv.ts";

export interface OnCallHost {
  readonly store: Kv;
  readonly registry: Registry;
  readonly client: Client;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly log: Log;
  readonly cwd: string;
  readonly resolve: (text: string) => Promise<string>;
  readonly people: People;
}

/** People whom the policy names. */
export interface People {
  idsOf(name: string): readonly string[];
  names(): readonly string[];
}

/** As the policy names them now. */
export function peopleOf(policy: Pick<Policy, "known">): People {
  const known = () => policy.known?.() ?? [];
  return {
    idsOf: (name) => known().find((one) => one.name === name)?.ids ?? [],
    names: () => known().flatMap(({ name }) => (/^[A-Za-z][\w.-]*$/.test(name) ? [name] : [])),
  };
}

/** Who is told, where, and who is woken. */
export interface OpenedOnCall {
  readonly roomsFor: AlertsInit["roomsFor"];
  readonly beside: NonNullable<AlertsInit["beside"]>;
  readonly idsOf: NonNullable<AlertsInit["idsOf"]>;
  readonly extension: (house: House) => Extension;
  stop(): Promise<void>;
}

/**
 * @param usual rooms where alerts are shown that no route has rooms for @param file the path of the configuration
 * @throws MicroError when a secret's reference leads nowhere
 */
export async function openOnCall(
  config: AlertsFile,
  host: OnCallHost,
  {
    usual,
    file,
  }: { readonly usual: readonly { readonly input: string; readonly room: string }[]; readonly file: string },
): Promise<OpenedOnCall> {
  const { store: kv, clock, client, registry, redactor } = host;
  const [
    { calendarRota, rotationRota, serviceRota },
    { createContacts },
    { createOwners },
    { createOverrides },
    { createSchedules },
    { routeOf },
    { escalation },
    { digests },
    { onCallCommands },
    { routingCommands },
    { escalationsCommand },
    { createIncidentStore },
  ] = await Promise.all([
    import("../alerts/oncall/rotas.ts"),
    import("../alerts/oncall/contacts.ts"),
    import("../alerts/oncall/owners.ts"),
    import("../alerts/oncall/overrides.ts"),
    import("../alerts/oncall/schedules.ts"),
    import("../alerts/oncall/routing.ts"),
    import("../alerts/oncall/escalate.ts"),
    import("../alerts/oncall/digest.ts"),
    import("../alerts/oncall/commands.ts"),
    import("../alerts/oncall/routing-commands.ts"),
    import("../alerts/oncall/escalations-command.ts"),
    import("../alerts/incidents/store.ts"),
  ]);
  const contacts = createContacts(config.contacts, host.people);
  const calendars: ReturnType<typeof calendarRota>[] = [];
  const rotaOf = async (name: string, said: AlertsFile["oncall"][string]): Promise<Rota> => {
    const { rotation, ical, service, zone, every } = said;
    if (rotation !== undefined) return rotationRota({ ...rotation, zone });
    if (service !== undefined) return serviceRota(client, service, name);
    const found = await host.resolve(ical ?? "");
    // A calendar's address is often all that keeps it secret.
    if (found !== ical) redactor.add([found]);
    const where = /^https?:\/\//.test(found) ? found : resolvePath(host.cwd, dirname(file), found);
    const rota = calendarRota({
      ...{ name, where, zone, kv, clock, nameOf: contacts.nameOf },
      ...(every !== undefined && { everyMs: every }),
    });
    calendars.push(rota);
    return rota;
  };
  const all = await Promise.all(
    Object.entries(config.oncall).map(async ([name, said]) => ({
      name,
      zone: said.zone,
      rota: await rotaOf(name, said),
      overrides: said.overrides,
    })),
  );
  const overrides = createOverrides(kv, clock);
  const schedules = createSchedules(all, overrides);
  const { owners, owners_service: teller, routes, quiet_hours: quiet } = config;
  const ownerOf = createOwners({ registry, client, clock, owners, ...(teller !== undefined && { service: teller }) });
  const routed = async (incident: Incident) => {
    const { severity, services = [], source, common } = incident;
    const found = routes.length === 0 ? [] : await Promise.all(services.map((service) => ownerOf(service)));
    const labelled = [common["owner"], common["team"]].filter((one) => one !== undefined);
    const teams = [...found.flatMap((owner) => owner?.team ?? []), ...labelled];
    return routeOf(
      { severity, services, owners: teams, source, labels: common },
      { routes, quiet, usual },
      clock.now(),
    );
  };
  const keepFresh = async (_incidents: unknown, signal: AbortSignal) => {
    while (!signal.aborted && calendars.length > 0) {
      await Promise.all(calendars.map((calendar) => calendar.refresh(signal).catch(() => {})));
      await clock.sleep(REFRESH_MS, { signal }).catch(() => {});
    }
  };
  const commands = [
    ...onCallCommands({ schedules, overrides, contacts }),
    ...routingCommands({ quiet, ownerOf }),
    escalationsCommand({ schedules, routed, store: createIncidentStore({ kv, clock, log: host.log }) }),
  ];
  return {
    roomsFor: async (incident) => (await routed(incident)).rooms,
    idsOf: contacts.idsOf,
    beside: [escalation({ schedules, contacts, routed }), digests, keepFresh],
    extension: () => ({ commands }),
    stop: async () => {
      await Promise.all(calendars.map((calendar) => calendar.close()));
    },
  };
}

const REFRESH_MS = 60_000;

/** What can be said to whom, by the inputs that there are. */
export function reachOf(inputs: readonly Pick<Input, "name" | "placeIn" | "placeTo">[], people: Pick<People, "names">) {
  const named = (name: string) => inputs.find((input) => input.name === name);
  const missing = (name: string) => {
    const there = inputs.map((input) => input.name).join(", ");
    return `I am not in ${name}: I am in ${there}`;
  };
  return {
    room: (name: string, room: string): string | undefined => {
      const input = named(name);
      if (input === undefined) return missing(name);
      if (input.placeIn === undefined) return `${name} says nothing that it was not asked`;
      try {
        input.placeIn(room);
        return undefined;
      } catch {
        return `${room.slice(0, 60)} is no room of ${name}`;
      }
    },
    person: (name: string, id: string): string | undefined => {
      const input = named(name);
      if (input === undefined) return missing(name);
      if (input.placeTo === undefined) return `${name} cannot write to one person alone`;
      return input.placeTo(id) === undefined ? `${id.slice(0, 60)} is nobody's id in ${name}` : undefined;
    },
    named: (name: string) => people.names().includes(name),
  };
}
