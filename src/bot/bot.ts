import { type AliasRow, OTHERS_ALIASES } from "../commands/alias.ts";
import type { AuditRecord } from "../commands/audit-record.ts";
import type { Catalog } from "../commands/catalog.ts";
import type { AnyCommand } from "../commands/command.ts";
import type { Extension, House } from "../commands/house.ts";
import { OTHERS_JOBS } from "../commands/jobs.ts";
import type { Line } from "../commands/line.ts";
import { toldBy } from "../commands/told.ts";
import type { Broker } from "../core/broker/broker.ts";
import { noBroker } from "../core/broker/none.ts";
import type { Client } from "../core/client/client.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import type { MicroError } from "../core/errors.ts";
import type { Startable } from "../core/lifecycle.ts";
import { type Log, silent } from "../core/log.ts";
import { createRedactor, type Redactor } from "../core/redact.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Heeded, Input } from "../inputs/input.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { memoryKv } from "../platform/kv/memory.ts";
import type { Listening } from "../plugins/listening.ts";
import type { CommandSource } from "../plugins/plugins.ts";
import { address } from "./address.ts";
import { createAliases } from "./aliases.ts";
import { type AskingInit, createAsking } from "./asking.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { seesAllBy } from "./audit/reader.ts";
import { createRecording } from "./audit/recording.ts";
import { botCommands } from "./bot-commands.ts";
import { createCatalogs, takenWords } from "./catalogs.ts";
import { checkedBy } from "./checked.ts";
import { createHouse } from "./house.ts";
import type { Journal } from "./journal.ts";
import { createJournals, type JournalsInit } from "./journals.ts";
import { type Confirm, confirm } from "./layers/confirm.ts";
import { limit } from "./layers/limit.ts";
import { told } from "./layers/told.ts";
import { createLife } from "./life.ts";
import { createQuiet } from "./limits/quiet.ts";
import { createLong } from "./long.ts";
import { createLostAnswers } from "./lost.ts";
import { createMouth } from "./mouth.ts";
import { createNeighbours } from "./neighbours.ts";
import { createNetworks, type NetworksInit } from "./networks.ts";
import { createOpening } from "./opening.ts";
import { createPath } from "./path.ts";
import { createPause } from "./pause.ts";
import { createAccounts } from "./policy/accounts.ts";
import { createLinking } from "./policy/linking.ts";
import { defaultPolicy, type Policy } from "./policy.ts";
import { createResults } from "./results.ts";
import { createRights } from "./rights.ts";
import { behalfOf, createRunner } from "./run.ts";
import type { Settings } from "./settings.ts";
import { createLook } from "./touched.ts";
import { createUnasked } from "./unasked.ts";
import { createWaysIn } from "./ways-in.ts";

export interface BotInit extends Settings {
  /** What it is called in rooms. @default "micro" */
  readonly name?: string;
  readonly inputs: readonly Input[];
  /** Other ways in, there as long as the inputs are: they neither keep the bot running nor bring it down. */
  readonly beside?: readonly Input[];
  /** Beside those that the bot brings: `help`, `jobs`, `more`, `requests`, `replicas` and what else its catalog has. */
  readonly commands: readonly AnyCommand[];
  /** Where further commands come from while it runs; it starts and stops them. */
  readonly sources?: readonly CommandSource[];
  /** Who knows of what is no command, and listens to what is not said to the bot. */
  readonly listening?: readonly Listening[];
  /** Parts that bring commands and do things by themselves. */
  readonly extensions?: readonly ((house: House) => Extension)[];
  /** Started and stopped by whoever made them. */
  readonly registry: Registry;
  readonly client: Client;
  /** For `publish` and `subscribe`; without one they say that there is none. */
  readonly broker?: Broker;
  readonly policy?: Policy;
  /** Shared by all replicas of the bot: its journal and whatever else they agree on. Started and stopped by whoever made it. */
  readonly store?: Kv;
  /** What this process is among them. */
  readonly replica?: JournalsInit["replica"];
  /** Instead of one in the store; without either what was heard is forgotten with the process. */
  readonly journal?: Journal;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Knows what is never to be said or written down. Left out: one that knows only what tokens and keys look like. */
  readonly redactor?: Redactor;
  /** What is done is written there, and closed by whoever made it. Left out: one in memory. */
  readonly auditLog?: AuditLog;
  /** Told of each record, too. @default writes it into `log` */
  readonly audit?: (record: AuditRecord) => void;
}

/**
 * Listens to its inputs and answers. `start()` throws `unauthenticated` when a network refuses the bot; a network that is
 * away is joined when it is back. `stop()` finishes what runs.
 */
export interface Bot extends Startable {
  /** What can be said now. */
  readonly catalog: Catalog;
  /** Short words that can be said for lines. @throws MicroError when its store cannot tell */
  aliases(): Promise<readonly AliasRow[]>;
  /** The lines that are carried out now, as they may be shown. */
  running(): readonly string[];
  /**
   * Resolves when every input has ended by itself (pipes do), or after `stop()`; with the error when one was refused
   * while the bot ran.
   */
  readonly done: Promise<MicroError | undefined>;
}

/**
 * Puts the parts together: who may do what, where the bot is and what it says there, what it writes down, what a message meets on its
 * way (`path.ts`), how one gets there (`ways-in.ts`), what commands there are, and the bot's beginning and end.
 */
export function createBot(init: BotInit): Bot {
  const { name = "micro", clock = systemClock, log = silent, redactor = createRedactor() } = init;
  const { broker = noBroker, listening = [], maxAgeMs = 60_000 } = init;
  const tools = { clock, log, redactor };
  // Without a shared one, what is asked is remembered by this process alone.
  const alone = memoryKv();
  const kv = init.store ?? alone;
  // What is made further down is reached by functions, when something happens.
  const catalog = (): Catalog => catalogs.current();
  const match = (line: Line) => catalog().match(line);

  const accounts = createAccounts({ ...tools, kv });
  const { policy: given = defaultPolicy } = init;
  const policy = given.linkedBy?.(accounts) ?? given;
  const rights = createRights(policy, clock);

  const saidTo = address(name);
  const awaited = (message: Heeded) => saidTo(message) !== undefined;
  const heeds = (message: Heeded) => ways.overhearing.wanted || awaited(message);
  const onMessage: NetworksInit["onMessage"] = (input, message) => ways.hearing.take(input, message);
  const networks = createNetworks({ ...tools, inputs: init.inputs, beside: init.beside, heeds, awaited, onMessage });
  const journals = createJournals({ ...init, ...tools });
  const noting: Confirm["noting"] = (message, during) => confirmation.noting(message, during);
  const unasked = createUnasked(networks, init.announce, noting);
  const lost = createLostAnswers(clock);
  const mouth = createMouth({ networks, catalog, journals, lost, noting, log });

  const look = createLook({ ...init, broker, clock, mayRun: rights.mayRun });
  const recording = createRecording({ ...init, ...tools, name, catalog, policy, look });
  const { audited, written } = recording;

  const telling = told(catalog, redactor);
  const confirmation = confirm({
    ...{ ...init.confirm, ...tools, ...unasked, name, policy, kv, look },
    told: telling,
    input: (input) => networks.named(input)?.input,
    during: networks.during,
    standing: networks.standing,
    refreshed: accounts.refresh,
  });
  const say: AskingInit["say"] = (context, text, choices) =>
    ways.performer.say(behalfOf(context), { kind: "text", text }, context.input.limits.buttons ? choices : []);
  const commandQuestions = createAsking({ say, match, waits: confirmation.waits });
  const runner = createRunner({
    ...{ ...init, ...rights, broker, clock },
    // What is not written down here, another replica may know of.
    audit: { ...written, find: async (id) => (await written.find(id)) ?? (await neighbours?.find(id)) },
    onCall: audited.called,
    ask: commandQuestions.ask,
  });
  const { replicas } = journals;
  const { jobs } = runner;
  const neighbours = init.store && replicas && createNeighbours({ ...tools, kv, replicas, jobs, audit: written });

  const long = createLong({ clock, name });
  const pauses = createPause(kv);
  const quiet = createQuiet({ clock, tell: (input, message) => unasked.tell(input.name, message) });
  const limits = limit(init.limit ?? {}, clock, quiet, match);
  const results = createResults({ ...tools, kv });
  const holdsSecret = (line: Line) => toldBy(line, catalog(), redactor).text !== line.text;
  const mayAll = seesAllBy(policy, OTHERS_ALIASES);
  const aliases = createAliases({ kv, clock, catalog, taken: takenWords(name), mayAll, holdsSecret });

  const made = { told: telling, audited, limits, commandQuestions, confirmation, long, pauses };
  const around = { policy, rights, catalog, broken: () => catalogs.broken(), networks, journals, mouth };
  const path = createPath(made, { ...init, ...tools, ...around, listening, aliases, results, maxAgeMs });
  const ways = createWaysIn({
    ...{ ...tools, path, runner, networks, journals, policy, catalog, written, listening, saidTo, maxAgeMs },
  });

  const { performer, hearing } = ways;
  const house = createHouse({
    ...{ ...tools, performer, kv, catalog, networks, policy, rights, accounts, aliases, holdsSecret },
  });
  const extensions = (init.extensions ?? []).map((extension) => extension(house));
  const own = botCommands({
    others: [...init.commands, ...long.commands, ...extensions.flatMap(({ commands }) => commands)],
    ...{ aliases, pauses, policy },
    lastRows: results.last,
    jobs: { ...jobs, ...neighbours, lost: lost.list, seesAll: seesAllBy(policy, OTHERS_JOBS) },
    requests: confirmation.requests,
    replicas: journals.commands,
    meaning: house.meaning,
    linking: createLinking({ kv, clock, accounts, policy }),
  });
  const { sources } = init;
  const unchecked = createCatalogs({ name, log, sources: sources ?? [], own });
  const catalogs = checkedBy(policy, unchecked, sources !== undefined, log);
  const opened = { networks, runner, hearing, journals, confirmation, neighbours, quiet, recording };
  const life = createLife({
    ...{ ...tools, links: networks.links, beside: networks.beside, runner, extensions },
    drainMs: init.drainMs ?? 10_000,
    ...createOpening({ alone, accounts, catalogs, ...opened }),
  });
  return {
    get catalog() {
      return catalog();
    },
    aliases: aliases.list,
    running: () => jobs.list().map(({ text }) => text),
    done: life.done,
    start: life.start,
    stop: life.stop,
  };
}
