import { join } from "node:path";
import type { AuditLog } from "../bot/audit/audit-log.ts";
import { type Bot, type BotInit, createBot } from "../bot/bot.ts";
import { callerOf } from "../bot/people.ts";
import { openPolicy } from "../bot/policy/live.ts";
import { policyFor } from "../bot/policy.ts";
import { builtin, smallTalk } from "../commands/builtin.ts";
import type { CommandContext } from "../commands/command.ts";
import { tokenCommands } from "../commands/tokens.ts";
import { orAbort } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import { SHORTEST_SECRET } from "../core/redact.ts";
import { cached } from "../core/registry/cache.ts";
import { rpcServer } from "../core/server/rpc.ts";
import type { Input } from "../inputs/input.ts";
import { userName } from "../inputs/local/users.ts";
import type { Db } from "../platform/db/db.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { createTokens } from "../platform/tokens.ts";
import { serviceCommands } from "../plugins/services/services.ts";
import { schedules } from "../schedules/schedules.ts";
import { type OpenedAlerts, openAlerts } from "./alerts.ts";
import { openAudit } from "./audit.ts";
import { complete } from "./complete.ts";
import { instead, openHistory } from "./history.ts";
import { openHubotScripts } from "./hubot-scripts.ts";
import { inTurn } from "./in-turn.ts";
import { type Host, INPUTS, makeInput } from "./inputs.ts";
import type { Tools } from "./known.ts";
import { tellingOnLeave } from "./leaving.ts";
import { limitsOf } from "./limits.ts";
import { createLog } from "./log.ts";
import { thisMachine } from "./machine.ts";
import { peopleOf } from "./oncall.ts";
import { ownCommands } from "./own-commands.ts";
import { lazyBroker, type Makers } from "./parts.ts";
import type { ProgramInit } from "./program.ts";
import { openRecords } from "./records.ts";
import { roomOf } from "./room.ts";
import { openRunbooks } from "./runbooks.ts";
import { openSamples } from "./samples.ts";
import type { Opened } from "./secrets.ts";
import type { BotSettings, GlobalSettings } from "./settings.ts";
import { chatSocket, defaultStateDir } from "./state.ts";
import { VERSION } from "./version.ts";
import { openWatches } from "./watches.ts";

type Everything = GlobalSettings & BotSettings;

/**
 * Runs the bot until its inputs end or the signal aborts, then lets what runs finish.
 * @throws MicroError `invalid_argument` (no input, a missing token, a bad policy), `unauthenticated` (a refused token),
 * `conflict` (the state folder is another bot's)
 */
export async function runBot(
  settings: Everything,
  init: Omit<ProgramInit, "makers"> &
    Required<Pick<ProgramInit, "user" | "clock">> & {
      readonly makers: Makers;
      readonly secrets: Omit<Opened<unknown>, "settings">;
    },
): Promise<void> {
  const { clock, signal, user, makers } = init;
  const { redactor, tooShort, resolve } = init.secrets;
  if (settings.inputs.length === 0) {
    const known = Object.keys(INPUTS).join(", ");
    throw new MicroError("invalid_argument", `no inputs specified: give --inputs=${known}`);
  }
  const quiet = settings.inputs.includes("terminal") ? "warn" : "info";
  const log = await createLog(settings.log_level || quiet, init.stderr, redactor);
  const tools: Tools = { clock, log };
  const { policyText } = await import("./secret-policy.ts");
  const live =
    settings.policy === ""
      ? undefined
      : await openPolicy({ path: settings.policy, read: (path) => policyText(path, resolve), clock, log });
  const policy = live ?? policyFor(await owners());
  const stateDir = settings.state_dir || defaultStateDir(init.env);

  const registry = cached(await makers.registry(settings, tools), tools);
  const transport = await makers.transport(settings);
  const door = await makers.door(settings);
  const client = await makers.client({ registry, transport }, settings, tools);
  const broker = lazyBroker(settings.broker, () => makers.broker({ registry }, settings, tools));
  let bot: Bot | undefined;
  let store: Kv | undefined;
  let auditLog: AuditLog | undefined;
  let records: Db | undefined;
  let alerts: OpenedAlerts | undefined;
  const completed = async (line: string, caller: string, mayRun: CommandContext["mayRun"]) => {
    const context: CommandContext = {
      registry,
      client,
      broker,
      clock,
      signal,
      caller,
      mayRun,
      oneShot: false,
      emit: async () => {},
    };
    if (bot === undefined) return [];
    const aliases = await bot.aliases().catch(() => []);
    const names = aliases.filter(({ broken }) => broken === undefined).map((row) => row.name);
    return complete(bot.catalog, line, context, "micro", names);
  };
  const scripted = !(init.stdin.isTTY && init.stdout.isTTY);
  const host: Host = {
    terminal: {
      input: init.stdin,
      output: init.stdout,
      user,
      historyFile: join(stateDir, "history"),
      complete: (line) =>
        completed(line, `terminal:${user}`, (command) => policy.allows(`terminal:${user}`, false, command)),
    },
    local: {
      path: settings.chat_socket || chatSocket(stateDir),
      complete: (line, who) =>
        completed(line, callerOf("local", who), (command) => policy.allows(callerOf("local", who), false, command)),
    },
    hubot: { cwd: process.cwd(), env: init.env },
  };
  const opened = await openInputs(settings, tools, host);
  const leaving = {
    clock,
    signal,
    running: () => (alone ? (bot?.running() ?? []) : []),
    stays: opened.map(({ name }) => name).filter((name) => name !== "terminal"),
    tell: (words: string) => void (init.stderr.isTTY === true && init.stderr.write(`${words}\n`)),
  };
  const inputs = opened.map((input) => {
    if (input.name !== "terminal") return input;
    return scripted ? inTurn(input, clock) : tellingOnLeave(input, leaving);
  });
  if (tooShort.length > 0) {
    const names = tooShort.join(", ");
    log.warn({ names }, `too short to be kept out of what is said: a secret has ${SHORTEST_SECRET} characters or more`);
  }
  const alone = inputs.every((input) => input.name === "terminal");
  // Where chat can fail there is another way in, asked for or not: whoever needs it needs it then.
  const beside = alone || settings.inputs.includes("local") ? [] : await backDoor(settings, tools, host);
  const server = rpcServer({
    name: settings.server_name || settings.namespace,
    version: settings.server_version || VERSION,
    ...(settings.server_id === "" ? {} : { id: settings.server_id }),
    address: settings.server_address,
    ...(settings.server_advertise === "" ? {} : { advertise: settings.server_advertise }),
    metadata: redactor.json(settings.server_metadata) as typeof settings.server_metadata,
    registerTtlMs: settings.register_ttl * 1000,
    registerIntervalMs: settings.register_interval * 1000,
  })({ transport, registry, ...(door === undefined ? {} : { door }), broker, clock, log });

  try {
    const usual = inputs.some((input) => input.replays) ? "sqlite" : "memory";
    store = await makers.store(usual, settings, { ...tools, stateDir });
    await store.start({ signal });
    auditLog = await openAudit(settings, {
      clock,
      stateDir,
      // In a terminal of one's own, unless somebody asks for a place to keep things in.
      inMemory: alone && settings.state_dir === "",
      ...(store && { store }),
    });
    const sources = await ownCommands(settings, { cwd: process.cwd(), store, redactor, resolve, clock, log });
    const inMemory = alone && settings.state_dir === "";
    records = await openRecords({ stateDir, inMemory, clock });
    const history = await openHistory(settings, { registry, broker, db: records });
    const { changes } = history;
    const samples = await openSamples(settings, { registry, client, db: records, changes, clock, log });
    const own = await openRunbooks(settings, { cwd: process.cwd(), db: records });
    const around = { registry, client, broker, inputs, redactor, resolve, clock, log, store, db: records, history };
    alerts = await openAlerts(settings, {
      ...around,
      people: peopleOf(policy),
      onStats: samples.hear,
      cwd: process.cwd(),
    });
    const watches = await openWatches(settings, { registry, client, history, inbox: alerts.inbox });
    const hubot = await openHubotScripts(settings, { cwd: process.cwd(), env: init.env, redactor, inputs });
    bot = createBot({
      inputs,
      sources: [
        ...sources,
        serviceCommands({ registry, client, namespace: settings.namespace, clock, log }),
        ...(hubot ? [hubot.source] : []),
      ],
      ...(hubot && { listening: [hubot.listening] }),
      extensions: [
        schedules(),
        history.extension,
        samples.extension,
        ...own.extensions,
        ...alerts.extensions,
        watches,
        ...(hubot ? [hubot.extension] : []),
      ],
      beside,
      commands: [
        ...instead(builtin, [...history.commands, ...samples.commands]),
        ...smallTalk,
        ...(store ? tokenCommands(createTokens(store, clock)) : []),
      ],
      registry,
      client,
      broker,
      policy,
      ...(store && { store }),
      replica: replicaOf(settings),
      ...(settings.announce !== "" && { announce: roomOf("--announce", settings.announce, inputs) }),
      auditLog,
      clock,
      log,
      redactor,
      ...limitsOf(settings),
      // Whoever sits at this machine disturbs nobody else, and a script may have many lines.
      ...(alone ? { limit: "none", outputBytes: Number.POSITIVE_INFINITY } : {}),
    });
    await live?.start();
    await registry.start({ signal });
    const tell = (words: string) => void (init.stderr.isTTY === true && init.stderr.write(`${words}\n`));
    // Before the first prompt, which it would run into.
    const prompted = !scripted && inputs.some(({ name }) => name === "terminal");
    if (prompted) tell(alone ? HERE : there(inputs, beside, settings));
    await orAbort(bot.start({ signal }), signal);
    await server.start({ signal });
    await alerts.sources.start({ signal });
    if (!alone && !prompted) tell(there(inputs, beside, settings));
    const failure = await Promise.race([bot.done, aborted(signal)]);
    if (failure) throw failure;
  } catch (error) {
    // Told to leave while it was still arriving: that is no failure.
    if (!signal.aborted) throw error;
  } finally {
    await live?.stop();
    await alerts?.sources.stop();
    await bot?.stop();
    await alerts?.stop();
    await auditLog?.close();
    await records?.stop();
    await store?.stop();
    await broker.stop();
    await server.stop();
    await client.close();
    await registry.stop();
  }
}

/** What to type, before the first prompt. */
const HERE = "I listen here: type `help` for what can be said, Ctrl+D to leave";

/** Where it listens and what to type, for who has just started it in a terminal and sees nothing else. */
function there(inputs: readonly Input[], beside: readonly Input[], settings: Everything): string {
  const names = inputs.map(({ name }) => name);
  const { state_dir: folder, chat_socket: socket } = settings;
  const chat = `micro${folder === "" ? "" : ` --state_dir=${folder}`} chat${socket === "" ? "" : ` --chat_socket=${socket}`}`;
  const rooms = names.some((name) => name !== "terminal" && name !== "local");
  const how = [
    ...(rooms ? ["say `micro help` in a room there"] : []),
    ...(names.includes("local") || beside.length > 0 ? [`type \`${chat}\` in another terminal of this machine`] : []),
  ];
  const end = names.includes("terminal") ? "Ctrl+D leaves this terminal, Ctrl+C after that ends me" : "Ctrl+C ends me";
  return `I listen in ${names.join(", ")}: ${how.join(", or ")}; ${end}`;
}

function replicaOf({ replica_name: name, lease: leaseMs }: BotSettings): NonNullable<BotInit["replica"]> {
  const machine = thisMachine();
  return { ...(name !== "" && { name }), leaseMs, ...(machine && { machine }) };
}

async function openInputs(settings: BotSettings, tools: Tools, host: Host): Promise<readonly Input[]> {
  const unique = [...new Set(settings.inputs)];
  return Promise.all(unique.map((name) => makeInput(name, settings, host, tools)));
}

/** `micro chat`, if it can be had; a bot that nobody has asked for it does without. */
async function backDoor(settings: BotSettings, tools: Tools, host: Host): Promise<readonly Input[]> {
  try {
    return [await INPUTS.local(settings, host, tools)];
  } catch (error) {
    if (settings.chat_socket !== "") throw error;
    tools.log.warn({ reason: MicroError.from(error).message }, "there is no `micro chat`");
    return [];
  }
}

/** The users of this machine who can take the bot's powers anyway: the one it runs as, and root. */
async function owners(): Promise<readonly string[]> {
  const uid = process.getuid?.();
  if (uid === undefined) return [];
  return [callerOf("local", await userName(uid)), callerOf("local", await userName(0))];
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
