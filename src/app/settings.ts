import { INPUT_OPTIONS, INPUTS } from "./inputs.ts";
import { BROKERS, CLIENTS, REGISTRIES, SELECTORS, SERVERS, STORES, TRANSPORTS } from "./known.ts";
import { LIMIT_OPTIONS } from "./limits.ts";
import {
  duration,
  flag,
  integer,
  list,
  oneOf,
  pairs,
  referring,
  type Settings,
  secret,
  someOf,
  text,
} from "./options.ts";

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"];

const names = (table: object) => Object.keys(table).join(", ");

/** Options that stand before the command (`toolkit.md §2`, the rows of what exists). */
export const GLOBAL = {
  registry: someOf(
    { env: "MICRO_REGISTRY", description: `where services are registered, one or several: ${names(REGISTRIES)}` },
    "registry",
    Object.keys(REGISTRIES),
    ["mdns"],
  ),
  registry_address: referring(
    list({
      env: "MICRO_REGISTRY_ADDRESS",
      description:
        "host:port of the registry, consul@host:port of one of several; for mdns an interface or its address",
    }),
  ),
  register_ttl: integer(
    { env: "MICRO_REGISTER_TTL", description: "seconds until what this program registered expires, 0 for never" },
    60,
  ),
  register_interval: integer(
    { env: "MICRO_REGISTER_INTERVAL", description: "seconds between registrations, 0 for only once" },
    30,
  ),
  selector: oneOf(
    { env: "MICRO_SELECTOR", description: `how a node is chosen: ${names(SELECTORS)}` },
    "selector",
    Object.keys(SELECTORS),
    "random",
  ),
  selector_label: pairs({
    env: "MICRO_SELECTOR_LABEL",
    description: "metadata of the nodes that the label selector prefers; may be repeated",
  }),
  selector_version: text({ env: "MICRO_SELECTOR_VERSION", description: "what the version selector keeps to" }, ""),
  selector_domain: text({ env: "MICRO_SELECTOR_DOMAIN", description: "where the dns and static selectors look" }, ""),
  transport: oneOf(
    { env: "MICRO_TRANSPORT", description: `how calls travel: ${names(TRANSPORTS)}` },
    "transport",
    Object.keys(TRANSPORTS),
    "http",
  ),
  transport_address: referring(
    list({
      env: "MICRO_TRANSPORT_ADDRESS",
      description: "host:port of what carries calls, nats@host:port of another than the usual one",
    }),
  ),
  transport_secure: flag({ env: "MICRO_TRANSPORT_SECURE", description: "speak TLS over http" }),
  transport_ca: text({ env: "MICRO_TRANSPORT_CA", description: "file of the authority that vouches for servers" }, ""),
  transport_cert: text({ env: "MICRO_TRANSPORT_CERT", description: "file of the certificate to show" }, ""),
  transport_key: text({ env: "MICRO_TRANSPORT_KEY", description: "file of its key" }, ""),
  transport_skip_verify: flag({
    env: "MICRO_TRANSPORT_SKIP_VERIFY",
    description: "take any certificate, as Go did before v6",
  }),
  client: oneOf(
    { env: "MICRO_CLIENT", description: `how nodes are spoken to that do not say it: ${names(CLIENTS)}` },
    "client",
    Object.keys(CLIENTS),
    "mucp",
  ),
  server: oneOf(
    { env: "MICRO_SERVER", description: `how the bot answers calls: ${names(SERVERS)}` },
    "server",
    Object.keys(SERVERS),
    "mucp",
  ),
  broker: oneOf(
    { env: "MICRO_BROKER", description: `how messages to topics travel: ${names(BROKERS)}` },
    "broker",
    Object.keys(BROKERS),
    "http",
  ),
  broker_address: referring(
    list({
      env: "MICRO_BROKER_ADDRESS",
      description: "host:port of the broker; for http where to listen",
    }),
  ),
  client_request_timeout: duration(
    { env: "MICRO_CLIENT_REQUEST_TIMEOUT", description: "how long a call may take, all attempts together" },
    5000,
  ),
  client_retries: integer({ env: "MICRO_CLIENT_RETRIES", description: "attempts after the first" }, 1),
  client_pool_size: integer({ env: "MICRO_CLIENT_POOL_SIZE", description: "idle connections kept per node" }, 100),
  client_pool_ttl: duration(
    { env: "MICRO_CLIENT_POOL_TTL", description: "how long an idle connection is kept" },
    60_000,
  ),
  server_name: text({ env: "MICRO_SERVER_NAME", description: "name to register instead of the usual one" }, ""),
  server_version: text({ env: "MICRO_SERVER_VERSION", description: "version to register" }, ""),
  server_id: text({ env: "MICRO_SERVER_ID", description: "id of this instance; a new one by default" }, ""),
  server_address: text({ env: "MICRO_SERVER_ADDRESS", description: "address to answer calls at" }, ":0"),
  server_advertise: text({ env: "MICRO_SERVER_ADVERTISE", description: "address to register instead" }, ""),
  server_metadata: pairs({ env: "MICRO_SERVER_METADATA", description: "metadata to register; may be repeated" }),
  log_level: oneOf(
    { env: "MICRO_LOG_LEVEL", description: `what is logged, to stderr: ${LOG_LEVELS.join(", ")}` },
    "log level",
    LOG_LEVELS,
    "",
  ),
  state_dir: text(
    {
      env: "MICRO_STATE_DIR",
      description: "folder for the journal, the audit, the socket of `micro chat` and the terminal's history",
    },
    "",
  ),
  vault_address: text(
    { env: "MICRO_VAULT_ADDRESS", description: "https://host:8200 of the secret store that vault:path#key refers to" },
    "",
  ),
  vault_token: secret({ env: "MICRO_VAULT_TOKEN", description: "token for it; file:/path and env:NAME are allowed" }),
  help: flag({ env: undefined, description: "show help" }, "h"),
  version: flag({ env: undefined, description: "print the version" }, "v"),
};

const YEAR_MS = 365 * 86_400_000;

/** Options of `micro bot`. */
export const BOT = {
  inputs: someOf(
    { env: "MICRO_BOT_INPUTS", description: `where the bot listens: ${names(INPUTS)}` },
    "input",
    Object.keys(INPUTS),
    [],
  ),
  namespace: text({ env: "MICRO_BOT_NAMESPACE", description: "name under which the bot registers" }, "go.micro.bot"),
  store: oneOf(
    {
      env: "MICRO_BOT_STORE",
      description: `what this bot and its replicas remember together: ${names(STORES)}; by default sqlite, and memory for inputs that repeat nothing`,
    },
    "store",
    Object.keys(STORES),
    "",
  ),
  store_address: referring(
    list({
      env: "MICRO_BOT_STORE_ADDRESS",
      description: "host:port of the store, postgres://user@host/database, for sqlite a file",
    }),
  ),
  store_replicas: integer(
    { env: "MICRO_BOT_STORE_REPLICAS", description: "how many servers of NATS keep the store, when it is made" },
    1,
  ),
  policy: text({ env: "MICRO_BOT_POLICY", description: "YAML file that says who may do what" }, ""),
  announce: text(
    {
      env: "MICRO_BOT_ANNOUNCE",
      description: "input:room that is told, beside the room itself, when somebody breaks the glass: slack:C02",
    },
    "",
  ),
  audit_keep: duration({ env: "MICRO_AUDIT_KEEP", description: "how long records of the audit are kept" }, YEAR_MS),
  audit_megabytes: integer(
    { env: "MICRO_AUDIT_MEGABYTES", description: "how large the audit may get before its oldest records go" },
    1024,
  ),
  commands: text(
    {
      env: "MICRO_BOT_COMMANDS",
      description: "folder of command files, none for none; by default `commands`, where that is there",
    },
    "",
  ),
  commands_every: duration(
    {
      env: "MICRO_BOT_COMMANDS_EVERY",
      description: "how often its files are looked at where the system tells of no change, as on network disks",
    },
    1000,
  ),
  plugins: list({ env: "MICRO_BOT_PLUGINS", description: "npm packages that export commands; no other is loaded" }),
  command_secret: pairs({
    env: "MICRO_BOT_COMMAND_SECRET",
    description: "NAME=where it is (file:, env:, vault:), for commands that need secrets:NAME; may be repeated",
  }),
  runbooks: text(
    {
      env: "MICRO_BOT_RUNBOOKS",
      description: "folder of runbooks, none for none; by default `runbooks`, where that is there",
    },
    "",
  ),
  changes_events: flag({
    env: "MICRO_CHANGES_EVENTS",
    description: "write down deploys that are announced on the topic micro.event.record, for `changes` and `why is`",
  }),
  samples_every: duration(
    {
      env: "MICRO_BOT_SAMPLES_EVERY",
      description: "how often each node is asked for its stats, for `graph`; 10s to 24h, 0 for never",
    },
    60_000,
  ),
  prometheus_address: text(
    { env: "MICRO_BOT_PROMETHEUS_ADDRESS", description: "host:port of the Prometheus that `graph` asks" },
    "",
  ),
  prometheus_secret: secret({
    env: "MICRO_BOT_PROMETHEUS_SECRET",
    description: "token for it, or user:password",
  }),
  prometheus_query: pairs({
    env: undefined,
    description: "latency=query for a measure, with $service and $window in it; may be repeated",
  }),
  webhook_address: text(
    {
      env: "MICRO_BOT_WEBHOOK_ADDRESS",
      description: "host:port where alerts are received over HTTP; without a host, as :8088, on all interfaces",
    },
    "",
  ),
  webhook_token: secret({
    env: "MICRO_BOT_WEBHOOK_TOKEN",
    description: "bearer token of the sources alertmanager, grafana, pagerduty and shell; two with a comma",
  }),
  alerts: text(
    { env: "MICRO_BOT_ALERTS", description: "YAML file that says who sends alerts, and what becomes of them" },
    "",
  ),
  alerts_room: list({
    env: "MICRO_BOT_ALERTS_ROOM",
    description: "input:room where incidents are shown, as slack:C02; several with commas",
  }),
  alerts_monitor: flag({
    env: "MICRO_BOT_ALERTS_MONITOR",
    description: "make alerts of what services publish about themselves (go-platform's monitor)",
  }),
  alerts_probe: duration(
    {
      env: "MICRO_BOT_ALERTS_PROBE",
      description: "ask all nodes how they are so often, and make alerts of those that are not well; 0 for never",
    },
    0,
  ),
  alerts_probe_services: list({
    env: "MICRO_BOT_ALERTS_PROBE_SERVICES",
    description: "names of the services that are asked, * for anything; all if left out",
  }),
  alertmanager_address: text(
    {
      env: "MICRO_BOT_ALERTMANAGER_ADDRESS",
      description: "host:port of the Alertmanager in which alerts are silenced",
    },
    "",
  ),
  alertmanager_secret: secret({
    env: "MICRO_BOT_ALERTMANAGER_SECRET",
    description: "token for it, or user:password",
  }),
  replica_name: text(
    { env: "MICRO_REPLICA_NAME", description: "what this process is called among the replicas of the bot" },
    "",
  ),
  lease: duration(
    { env: "MICRO_LEASE", description: "after how long a silent replica is given up; the same for all of them" },
    10_000,
  ),
  hubot_scripts: text(
    {
      env: "MICRO_HUBOT_SCRIPTS",
      description: "folder of scripts for Hubot; those of external-scripts.json are loaded with them",
    },
    "",
  ),
  hubot_writes: list({
    env: "MICRO_HUBOT_WRITES",
    description: "Hubot scripts that may change things: they need a grant and a yes",
  }),
  hubot_env: list({
    env: "MICRO_HUBOT_ENV",
    description: "variables that Hubot scripts may see beside HUBOT_*; a * at the end stands for any",
  }),
  hubot_http: text(
    { env: "MICRO_HUBOT_HTTP", description: "host:port where robot.router of Hubot scripts is asked: 127.0.0.1:8080" },
    "",
  ),
  hubot_memory: integer({ env: "MICRO_HUBOT_MEMORY", description: "megabytes that all Hubot scripts may take" }, 256),
  ...LIMIT_OPTIONS,
  ...INPUT_OPTIONS,
};

/** Options of `micro chat`. */
export const CHAT = { chat_socket: INPUT_OPTIONS.chat_socket };

/** Options of `micro new` (`toolkit.md §8.1`). */
export const NEW = {
  namespace: text({ env: undefined, description: "what the service's name begins with" }, "go.micro"),
  type: oneOf({ env: undefined, description: "what kind of service: srv" }, "type of service", ["srv"], "srv"),
  fqdn: text({ env: undefined, description: "its whole name, instead of namespace.type.alias" }, ""),
  alias: text({ env: undefined, description: "its short name; the folder's if not given" }, ""),
};

export type GlobalSettings = Settings<typeof GLOBAL>;
export type BotSettings = Settings<typeof BOT>;
export type ChatSettings = Settings<typeof CHAT>;
