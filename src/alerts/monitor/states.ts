import type { Alert } from "../alert.ts";
import { fingerprintOf, startOf } from "../receive/reading.ts";
import type { CheckMessage, Spoken, StatusMessage } from "./messages.ts";

/** So often something is bad before it is said: once is an accident. */
const BAD = 2;
/** Who is not heard for so many of its intervals is silent. */
const SILENT = 2.5;
/** What is stale is given up after a while, as the service itself says it (`ttl`, always an hour). */
const GONE_MS = 3_600_000;
/** So many checks and nodes are followed. */
const MOST = 10_000;

/** What is to be told: one alert, in its group. */
export interface Told {
  readonly group: string;
  readonly alert: Alert;
}

/** What services say of themselves, made into what fires and what is over. Pure but for what it remembers; times are epoch ms of ours. */
export interface States {
  check(message: CheckMessage, now: number): readonly Told[];
  status(message: StatusMessage, now: number): readonly Told[];
  /** Who has fallen silent. To be asked every second or so. */
  look(now: number): readonly Told[];
  /** What fires by what was known before a restart. */
  recall(told: Told): void;
}

interface Check {
  bad: number;
  /** Of the first of those. */
  since: number;
  /** As it fires. */
  told?: Told;
}

interface NodeState {
  readonly spoken: Spoken;
  heardAt: number;
  stopped: boolean;
}

export function createStates(): States {
  const checks = new Map<string, Check>();
  const nodes = new Map<string, NodeState>();
  /** What is stale, by its fingerprint. */
  const stale = new Map<string, Told>();

  const heard = (message: Spoken, now: number, stopped: boolean): readonly Told[] => {
    const print = staleOf(message);
    const known = nodes.get(print);
    if (known === undefined && nodes.size >= MOST) return [];
    nodes.set(print, { spoken: message, heardAt: now, stopped });
    if (stopped) return known?.stopped ? [] : silent(print, { spoken: message, heardAt: now, stopped }, now);
    const own = stale.get(print);
    // A node that was never heard before stands for one that went.
    const instead = known === undefined && own === undefined ? oldestOf(message.service) : undefined;
    return over(own ?? instead, now);
  };
  const oldestOf = (service: string) => [...stale.values()].find(({ group }) => group === staleGroup(service));
  const over = (told: Told | undefined, now: number): readonly Told[] => {
    if (told === undefined) return [];
    stale.delete(told.alert.fingerprint);
    return [ended(told, now)];
  };
  const silent = (print: string, { spoken, heardAt, stopped }: NodeState, now: number): readonly Told[] => {
    const alert: Alert = {
      ...alertOf(spoken),
      fingerprint: print,
      name: "Stale",
      summary: stopped
        ? `${spoken.service} says that it has stopped`
        : `${spoken.service} has said nothing for ${Math.round((now - heardAt) / 1000)} s, and did every ${spoken.intervalMs / 1000} s`,
      startsAt: heardAt,
    };
    const told = { group: staleGroup(spoken.service), alert };
    stale.set(print, told);
    return [told];
  };

  return {
    check: (message, now) => {
      const alive = heard(message, now, false);
      const print = fingerprintOf("check", message.service, message.node, message.check);
      const state = checks.get(print) ?? { bad: 0, since: 0 };
      if (message.status === "ok") {
        checks.delete(print);
        return state.told ? [...alive, ended(state.told, now)] : alive;
      }
      if (message.status === "unknown" || (!checks.has(print) && checks.size >= MOST)) return alive;
      if (state.bad === 0) state.since = startOf(message.at, now);
      state.bad += 1;
      checks.set(print, state);
      if (state.told === undefined && state.bad < BAD) return alive;
      // Said each time, in the same words: whoever takes it in knows that, and it cannot be lost.
      state.told ??= {
        group: `check/${message.service}/${message.check}`,
        alert: {
          ...alertOf(message),
          fingerprint: print,
          name: message.check,
          summary: message.error || message.description || `${message.check} fails`,
          ...(message.error !== "" && message.description !== "" && { description: message.description }),
          startsAt: state.since,
        },
      };
      return [...alive, state.told];
    },
    status: (message, now) => heard(message, now, message.status === "stopped"),
    look: (now) => {
      const told: Told[] = [];
      for (const [print, state] of nodes) {
        const quietMs = now - state.heardAt;
        if (!stale.has(print) && quietMs >= state.spoken.intervalMs * SILENT) told.push(...silent(print, state, now));
        if (quietMs >= Math.max(GONE_MS, state.spoken.intervalMs * SILENT * 2)) nodes.delete(print);
      }
      for (const [print, one] of stale) {
        if (!nodes.has(print) && now - one.alert.startsAt >= GONE_MS) told.push(...over(one, now));
      }
      return told;
    },
    recall: (told) => {
      const { alert } = told;
      if (alert.name === "Stale") stale.set(alert.fingerprint, told);
      else checks.set(alert.fingerprint, { bad: BAD, since: alert.startsAt, told });
    },
  };
}

function staleGroup(service: string): string {
  return `stale/${service}`;
}

function staleOf({ service, node }: Spoken): string {
  return fingerprintOf("stale", service, node);
}

function alertOf({ service, version, node }: Spoken): Pick<Alert, "status" | "severity" | "labels" | "links"> {
  const labels = { service, ...(version !== "" && { version }), ...(node !== "" && { node }) };
  return { status: "firing", severity: "warning", labels, links: [] };
}

function ended({ group, alert }: Told, now: number): Told {
  return { group, alert: { ...alert, status: "resolved", endsAt: now } };
}
