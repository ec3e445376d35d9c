import type { AlertsFile } from "../alerts/file/sections.ts";
import type { DurableInbox } from "../alerts/inbox.ts";
import type { StatsMessage } from "../alerts/monitor/messages.ts";
import type { Receiver } from "../alerts/receive/receiver.ts";
import type { Source } from "../alerts/receive/source.ts";
import { sourcesCommand } from "../alerts/receive/sources-command.ts";
import type { Extension, House } from "../commands/house.ts";
import { offCommand } from "../commands/off.ts";
import type { Broker } from "../core/broker/broker.ts";
import type { Client } from "../core/client/client.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { CallOptions, Startable } from "../core/lifecycle.ts";
import type { Log } from "../core/log.ts";
import type { Redactor } from "../core/redact.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { History } from "../history/history.ts";
import type { Input } from "../inputs/input.ts";
import type { Db } from "../platform/db/db.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { alertsConfig } from "./alerts-config.ts";
import { openOnCall, type People, reachOf } from "./oncall.ts";
import { roomOf } from "./room.ts";
import type { BotSettings } from "./settings.ts";

export interface AlertsHost {
  readonly store: Kv;
  /** Of `records.ts`. */
  readonly db: Db;
  readonly history: History;
  /** What services publish of their numbers goes there, too. */
  readonly onStats?: (stats: StatsMessage) => void;
  readonly registry: Registry;
  readonly client: Client;
  readonly broker: Broker;
  readonly inputs: readonly Input[];
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly log: Log;
  readonly cwd: string;
  /** What a secret's reference leads to. @throws MicroError */
  readonly resolve: (text: string) => Promise<string>;
  /** People whom the policy names. */
  readonly people: People;
}

/** Alerts, as this bot has them. */
export interface OpenedAlerts {
  readonly extensions: readonly ((house: House) => Extension)[];
  /** Where alerts wait: for what raises them otherwise. */
  readonly inbox: DurableInbox;
  /** What the configuration says, checked; empty without `--alerts`. */
  readonly config: AlertsFile;
  /** What brings alerts in. Started after the bot, stopped before it. */
  readonly sources: Startable;
  /** Stopped after the bot, before the store. */
  stop(): Promise<void>;
}

/**
 * @throws MicroError `invalid_argument`: a configuration that is wrong, a source that is not authenticated, a room that is none;
 * `unavailable`: the store is away
 */
export async function openAlerts(settings: BotSettings, host: AlertsHost): Promise<OpenedAlerts> {
  const { store, clock, log, inputs } = host;
  const [{ createInbox }, { alerts }, { raiseCommands }, { putRaised }] = await Promise.all([
    import("../alerts/inbox.ts"),
    import("../alerts/alerts.ts"),
    import("../alerts/raise.ts"),
    import("../alerts/raised.ts"),
  ]);
  const { config, sources, tls } = await alertsConfig(settings, { ...host, reach: reachOf(inputs, host.people) });
  const rooms = settings.alerts_room.map((said) => roomOf("--alerts_room", said, inputs));
  const inbox = createInbox({ kv: store, clock, log });
  const receiver = await receiverOf(settings, { sources, named: config.sources, tls, inbox, clock, log });
  const monitor = settings.alerts_monitor
    ? (await import("../alerts/monitor/monitor.ts")).createMonitor({
        broker: host.broker,
        kv: store,
        inbox,
        clock,
        log,
        ...(host.onStats && { onStats: host.onStats }),
      })
    : undefined;
  const alertmanager = await alertmanagerOf(settings, config, host);
  await inbox.start();
  const { examineAround } = await import("../core/health/suspect.ts");
  const { history, registry, client, db } = host;
  const { last, changes } = history;
  const parts = { client, registry, clock, last };
  const onCall = await openOnCall(config, host, { usual: rooms, file: settings.alerts });
  const incidents = alerts({
    waiting: inbox,
    db,
    registry,
    roomsFor: onCall.roomsFor,
    beside: onCall.beside,
    idsOf: onCall.idsOf,
    leaseMs: settings.lease,
    examine: (service, options) => examineAround(parts, service, options),
    changes: (service, sinceMs, options) =>
      changes.lately({ service, since: clock.now() - sinceMs, limit: CHANGES }, options),
    lately: async () => {
      const seen = await changes.lately({ since: clock.now() - DAY_MS, limit: 1000 });
      return [...new Set(seen.map(({ service }) => service))];
    },
    ...(config.match && { match: config.match as Exclude<Parameters<typeof alerts>[0]["match"], undefined> }),
    ...(alertmanager && { alertmanager }),
  });
  const counted = receiver ? sourcesCommand(sources, receiver.counts) : offCommand("alert sources", NO_RECEIVER);
  const raising = raiseCommands({ raise: (said) => putRaised(inbox, said, clock) });
  return {
    extensions: [incidents, onCall.extension, () => ({ commands: [...raising, counted] })],
    inbox,
    config,
    sources: together(receiver, monitor),
    stop: async () => {
      await inbox.stop();
      await onCall.stop();
      await alertmanager?.close();
    },
  };
}

const CHANGES = 20;
const NO_RECEIVER =
  "alerts are not received here: the bot wants --webhook_address, and a token or --alerts (docs/alerts.md)";
const DAY_MS = 86_400_000;

/** One after the other, and back. */
function together(...all: readonly (Startable | undefined)[]): Startable {
  const parts = all.filter((part) => part !== undefined);
  return {
    start: async (options: CallOptions = {}) => {
      for (const part of parts) await part.start(options);
    },
    stop: async () => {
      for (const part of [...parts].reverse()) await part.stop();
    },
  };
}

async function receiverOf(
  settings: BotSettings,
  init: {
    readonly sources: readonly Source[];
    /** Those of the file. */
    readonly named: object;
    readonly tls: { readonly cert: string; readonly key: string; readonly ca?: string } | undefined;
    readonly inbox: DurableInbox;
    readonly clock: Clock;
    readonly log: Log;
  },
): Promise<Receiver | undefined> {
  const { sources, named, tls, ...rest } = init;
  if (settings.webhook_address === "") {
    // A token alone may be there for `micro alert`.
    if (sources.every(({ name }) => !Object.hasOwn(named, name))) return undefined;
    throw new MicroError("invalid_argument", "there are sources of alerts and no --webhook_address=:8088 for them");
  }
  if (sources.length === 0) {
    throw new MicroError(
      "invalid_argument",
      `--webhook_address=${settings.webhook_address}: nothing says who may send alerts there: give --webhook_token=…, or --alerts=alerts.yaml with sources`,
    );
  }
  const { createReceiver } = await import("../alerts/receive/receiver.ts");
  return createReceiver({ address: settings.webhook_address, sources, ...(tls && { tls }), ...rest });
}

async function alertmanagerOf(settings: BotSettings, config: AlertsFile, { resolve, redactor }: AlertsHost) {
  const address = settings.alertmanager_address || config.alertmanager?.address || "";
  if (address === "") return undefined;
  const { createAlertmanager } = await import("../alerts/incidents/alertmanager.ts");
  // What the options say was looked up with them.
  const inFile = config.alertmanager?.secret;
  const secret = settings.alertmanager_secret ?? (inFile === undefined ? undefined : await resolve(inFile));
  if (secret !== undefined) redactor.add([secret]);
  return createAlertmanager({ address, ...(secret !== undefined && { secret }) });
}
