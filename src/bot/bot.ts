import { type AliasRow, aliasCommands, OTHERS_ALIASES } from "../commands/alias.ts";
import type { Audit, AuditRecord } from "../commands/audit-record.ts";
import type { Catalog } from "../commands/catalog.ts";
import type { AnyCommand } from "../commands/command.ts";
import { helpCommand } from "../commands/help.ts";
import type { Extension, House } from "../commands/house.ts";
import { jobsCommands, OTHERS_JOBS } from "../commands/jobs.ts";
import { chatLine, type Line } from "../commands/line.ts";
import { linkCommands } from "../commands/link.ts";
import { pauseCommands } from "../commands/pause.ts";
import type { Performer } from "../commands/perform.ts";
import { pipeCommand } from "../commands/pipe/pipe.ts";
import { policyQuestions } from "../commands/policy.ts";
import { requestsCommands } from "../commands/requests.ts";
import { toldBy } from "../commands/told.ts";
import type { Broker } from "../core/broker/broker.ts";
import { noBroker } from "../core/broker/none.ts";
import type { Client } from "../core/client/client.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Startable } from "../core/lifecycle.ts";
import { type Log, silent } from "../core/log.ts";
import { compose } from "../core/middleware.ts";
import { createRedactor, type Redactor } from "../core/redact.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Heeded, IncomingMessage, Input, Mark, OutgoingMessage } from "../inputs/input.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { memoryKv } from "../platform/kv/memory.ts";
import type { Listening } from "../plugins/listening.ts";
import type { CommandSource } from "../plugins/plugins.ts";
import { address, GREETINGS } from "./address.ts";
import { createAliases } from "./aliases.ts";
import { isSame, speakerOf } from "./approvals/pending.ts";
import { createAsking } from "./asking.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { memoryAudit } from "./audit/memory.ts";
import { auditReader, seesAllBy, wasDoneBy } from "./audit/reader.ts";
import { createReplay } from "./audit/replay.ts";
import { createBoard } from "./board.ts";
import { createCatalogs, SPOKEN } from "./catalogs.ts";
import { type Answer, type Context, type Layer, say, toldOf } from "./context.ts";
import { cut } from "./fit.ts";
import { contextOf, createIds } from "./heard.ts";
import { createInterrupted, mayBeginAnew } from "./interrupted.ts";
import type { Journal, Left } from "./journal.ts";
import { createJournals, type JournalsInit } from "./journals.ts";
import { again } from "./layers/again.ts";
import { alias } from "./layers/alias.ts";
import { answer } from "./layers/answer.ts";
import { audit } from "./layers/audit.ts";
import { authorize } from "./layers/authorize.ts";
import { begin } from "./layers/begin.ts";
import { type ConfirmSettings, confirm } from "./layers/confirm.ts";
import { fresh } from "./layers/fresh.ts";
import { hush } from "./layers/hush.ts";
import { limit } from "./layers/limit.ts";
import { marks } from "./layers/marks.ts";
import { once } from "./layers/once.ts";
import { type OrderInit, order } from "./layers/order.ts";
import { pipe } from "./layers/pipe.ts";
import { told } from "./layers/told.ts";
import { typedOut, understand } from "./layers/understand.ts";
import { createLife } from "./life.ts";
import type { LimitInit } from "./limits/limits.ts";
import { createQuiet } from "./limits/quiet.ts";
import { createLink } from "./links.ts";
import { createLong, roomOf } from "./long.ts";
import { createLostAnswers } from "./lost.ts";
import { createNeighbours } from "./neighbours.ts";
import { askAll, createOverhearing, type Overhearing, permitted } from "./overhearing.ts";
import { createPause, refusePaused } from "./pause.ts";
import { callerOf, isGuest, personOf, whose } from "./people.ts";
import { createPerformer, stillHere } from "./perform.ts";
import { createAccounts } from "./policy/accounts.ts";
import { createPolicyDesk } from "./policy/desk.ts";
import { createLinking } from "./policy/linking.ts";
import { type Asked, defaultPolicy, type Policy } from "./policy.ts";
import { renderAnswer, renderError } from "./render.ts";
import { createResults } from "./results.ts";
import { behalfOf, createRunner } from "./run.ts";
import { between, type LayerName, step, stepped } from "./steps.ts";
import { createLook } from "./touched.ts";
import { unloadedFor } from "./unloaded.ts";

export interface BotInit {
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
  readonly order?: OrderInit;
  readonly limit?: LimitInit | "none";
  /** How many bytes one command may say in all: what it shows while it runs, and its answer. @default 1000000 */
  readonly outputBytes?: number;
  /** How writes are confirmed and approved. */
  readonly confirm?: ConfirmSettings;
  /** The room, on one of `inputs` (`Input.placeIn`), that is told when somebody goes without approvers. */
  readonly announce?: { readonly input: string; readonly room: string };
  /** How long one command may take. @default 30000 */
  readonly commandMs?: number;
  /** An older message is not carried out. @default 60000 */
  readonly maxAgeMs?: number;
  /** How long `stop()` lets running commands finish. @default 10000 */
  readonly drainMs?: number;
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

/** Puts the parts together; the layers below stand in the order in which a message meets them. */
export function createBot(init: BotInit): Bot {
  const { name = "micro", clock = systemClock, log = silent, redactor = createRedactor() } = init;
  const { store, replica, journal } = init;
  // Without a shared one, what is asked is remembered by this process alone.
  const own = memoryKv();
  const accounts = createAccounts({ kv: store ?? own, clock, log });
  const { policy: given = defaultPolicy } = init;
  const policy = given.linkedBy?.(accounts) ?? given;
  const journals = createJournals({ inputs: init.inputs, clock, log, store, replica, journal });
  const journalOf = ({ input }: Context) => journals.of(input);
  const awaited = (message: Heeded) => saidTo(message) !== undefined;
  const heeds = (message: Heeded) => overhearing.wanted || awaited(message);
  const links = [...init.inputs, ...(init.beside ?? [])].map((input) =>
    createLink(input, { clock, log, redactor, heeds, awaited, onMessage: (message) => take(input, message) }),
  );
  const mayRun = (context: Context, command: Asked) => policy.allows(context.caller, isGuest(context), command);
  const lost = createLostAnswers(clock);
  const auditLog = init.auditLog ?? memoryAudit({ clock, replica: replica?.name ?? name });
  const written = auditReader({
    log: async () => auditLog,
    seesAll: seesAllBy(policy),
    replay: createReplay({ catalog: () => catalog(), policy: () => policy }),
  });
  // What is not written down here, another replica may know of.
  const reader: Audit = {
    ...written,
    find: async (id) => (await written.find(id)) ?? (await neighbours?.find(id)),
  };
  const runner = createRunner({
    ...init,
    broker: init.broker ?? noBroker,
    clock,
    mayRun,
    mayRunOn: (context, command, target) => {
      const room = roomOf(context.input.name, context.message.place.room);
      const who = { caller: context.caller, guest: isGuest(context), room };
      const { allowed, approvals } = policy.decide({ ...who, command, target, at: clock.now() });
      return allowed && approvals === undefined;
    },
    audit: reader,
    onCall: (context, call) => audited.called(context, call),
    ask: (...question) => asking.ask(...question),
  });
  const long = createLong({ clock, name });
  const look = createLook({ ...init, broker: init.broker ?? noBroker, clock, mayRun });
  const telling = told(() => catalog(), redactor);
  const linkNamed = (input: string) => links.find((link) => link.input.name === input);
  const asked = confirm({
    ...init.confirm,
    name,
    clock,
    policy,
    kv: store ?? own,
    log,
    look,
    told: telling,
    input: (input) => linkNamed(input)?.input,
    tell: (input, message) => {
      const link = linkNamed(input);
      if (link) link.during(link.outbox.send(asked.noting(message, link.during)));
    },
    announce: (words) => {
      const { input = "", room = "" } = init.announce ?? {};
      const link = linkNamed(input);
      const place = link?.input.placeIn?.(room);
      if (link && place) link.during(link.outbox.send(renderAnswer(say(words), place, link.input.limits)));
    },
    during: (context, work) => linkOf(context).during(work),
    refreshed: accounts.refresh,
    standing: (context, id) => linkOf(context).standing(id, context.message.place),
  });
  const pauses = createPause(store ?? own);
  const notPaused = refusePaused(pauses);
  const quiet = createQuiet({
    clock,
    tell: (input, message) => {
      const link = linkNamed(input.name);
      link?.during(link.outbox.send(message));
    },
  });
  const { replicas } = journals;
  const neighbours =
    store && replicas && createNeighbours({ kv: store, replicas, clock, log, jobs: runner.jobs, audit: written });
  const limits = limit(init.limit ?? {}, clock, quiet, (line) => catalog().match(line));
  const holdsSecret = (line: Line) => toldBy(line, catalog(), redactor).text !== line.text;
  const aliases = createAliases({
    kv: store ?? own,
    clock,
    catalog: () => catalog(),
    taken: new Map([
      ...GREETINGS.map((word) => [word, "a greeting, which is left out before I look for a command"] as const),
      ...SPOKEN.map((word) => [word, "what is said to me about a question or a request"] as const),
      [name, "what I am called"],
    ]),
    mayAll: seesAllBy(policy, OTHERS_ALIASES),
    holdsSecret,
  });
  const results = createResults({ kv: store ?? own, clock, log });
  const house: House = {
    performer: {
      perform: (line, behalf, options) => performer.perform(line, behalf, options),
      say: (behalf, view, choices) => performer.say(behalf, view, choices),
    },
    board: createBoard(linkNamed),
    catalog: () => catalog(),
    kv: store ?? own,
    clock,
    log,
    redactor,
    meaning: async (text) => {
      const said = chatLine(text);
      const { line } = (await aliases.expand(said)) ?? { line: said };
      return { line: line.text, secret: holdsSecret(line) };
    },
    may: (asker, what) => seesAllBy(policy, what)(asker),
    mayStill: ({ input, from, place }, what, target) => {
      const caller = callerOf(input, from.id);
      const guest = from.guest || from.id === undefined;
      if (target === undefined) return policy.allows(caller, guest, what);
      const where = { room: roomOf(input, place.room), target, at: clock.now() };
      const { allowed, approvals } = policy.decide({ caller, guest, command: what, ...where });
      return allowed && approvals === undefined;
    },
    hears: (input) => linkNamed(input) !== undefined,
    hasRole: (caller, guest, role) => policy.hasRole?.(caller, guest, role) ?? false,
    speaker: ({ caller, person = caller, behalf }) => speakerOf({ id: behalf?.from.id, caller, person }, policy),
    samePerson: async () => {
      await accounts.refresh();
      return (one, other) => isSame(policy, one, other);
    },
    placeIn: (input, room) => linkNamed(input)?.input.placeIn?.(room),
    placeTo: (input, id) => linkNamed(input)?.input.placeTo?.(id),
  };
  const extensions = (init.extensions ?? []).map((extension) => extension(house));
  const catalogs = createCatalogs({
    name,
    log,
    sources: init.sources ?? [],
    own: (current, plugins) => [
      ...init.commands,
      ...long.commands,
      ...extensions.flatMap(({ commands }) => commands),
      helpCommand(current, aliases.list),
      ...aliasCommands(aliases),
      pipeCommand(results.last, current),
      plugins,
      ...jobsCommands({
        ...runner.jobs,
        ...neighbours,
        lost: lost.list,
        paused: pauses.paused,
        seesAll: seesAllBy(policy, OTHERS_JOBS),
      }),
      ...pauseCommands(pauses),
      ...requestsCommands(asked.requests),
      ...journals.commands,
      ...policyQuestions(createPolicyDesk(policy, current), async (line) =>
        house.meaning(line).then(
          (meant) => meant.line,
          () => line,
        ),
      ),
      ...linkCommands(createLinking({ kv: store ?? own, clock, accounts, policy })),
    ],
  });
  const catalog = catalogs.current;
  // With sources, what a rule means may come yet.
  const later = init.sources && { later: (words: string) => log.warn({}, words) };
  const checkPolicy = () => policy.check?.({ commands: () => catalog().commands, ...later });
  if (later === undefined) checkPolicy();
  const linkOf = ({ input }: Context) => links.find((link) => link.input === input) ?? never(input);
  const saidTo = address(name);
  const send = (context: Context, message: OutgoingMessage) => {
    const { claim } = context;
    const onLost = (why: string) => {
      const { id, caller, line } = context;
      const person = whose(context);
      const command = catalog().match(line)?.command.name ?? "";
      lost.add({ id, caller, person, command, text: cut(toldOf(context), 200), why });
    };
    const { outbox, during } = linkOf(context);
    return between(
      "saying",
      () => outbox.send(asked.noting(message, during), onLost, claim && (() => journalOf(context).holds(claim))),
      "said",
    );
  };
  /** Signs on one message, one after the other. */
  const marker = (context: Context) => {
    const link = linkOf(context);
    if (link.marker() === undefined) return undefined;
    let last = Promise.resolve();
    return (mark: Mark) => {
      last = last.then(() => link.marker()?.(context.message.place, mark));
      link.during(last);
    };
  };
  const audited = audit({
    log: auditLog,
    clock,
    redactor,
    look,
    told: init.audit ?? ((record) => log.info(record, "audit")),
  });
  const refuse = async (context: Context, error: MicroError) => {
    log.error({ id: context.id, err: error }, "the journal cannot be written");
    await send(context, renderError(error, context.id, context.message.place, context.input.limits));
  };
  const asking = createAsking({
    say: (context, text, choices) =>
      performer.say(behalfOf(context), { kind: "text", text }, context.input.limits.buttons ? choices : []),
    match: (line) => catalog().match(line),
    waits: asked.waits,
  });
  const layersBy: Readonly<Record<LayerName, Layer>> = {
    told: telling,
    once: once(journalOf, clock, refuse),
    answer: answer(
      { send, grow: (context, key, draw) => linkOf(context).outbox.grow(key, draw) },
      log,
      long,
      init.outputBytes,
    ),
    hush: hush(redactor),
    "audit said": audited.said,
    fresh: fresh(clock, init.maxAgeMs ?? 60_000),
    "limit heard": limits.heard,
    "ask heard": asking.heard,
    "confirm heard": asked.heard,
    alias: alias(aliases, telling),
    "audit line": audited.seen,
    pipe: pipe({ catalog, results, redactor, clock, during: (context, work) => linkOf(context).during(work) }),
    understand: understand(
      catalog,
      mayRun,
      {
        ask: askAll(init.listening ?? []),
        choose: permitted(policy, clock),
      },
      (context, line) => {
        const sees = catalog().commands.some((command) => command.name === "plugins" && mayRun(context, command));
        return unloadedFor(line, catalogs.broken(), sees);
      },
    ),
    "audit parsed": audited.seen,
    authorize: authorize(policy, clock),
    "audit decided": audited.seen,
    "limit meant": limits.meant,
    pause: notPaused,
    long: long.offer,
    "confirm ask": asked.ask,
    again: again(clock, init.commandMs),
    marks: marks(clock, marker),
    order: order(clock, init.order),
    "pause again": notPaused,
    "audit begun": audited.begun,
    begin: begin(journalOf),
  };
  const performer: Performer = createPerformer({
    links,
    clock,
    personOf: (caller) => policy.personOf?.(caller) ?? caller,
    layers: [
      layersBy.told,
      layersBy.hush,
      layersBy["audit said"],
      layersBy["audit line"],
      stillHere((context, id) => linkOf(context).standing(id, context.message.place)),
      layersBy.pipe,
      layersBy.understand,
      layersBy["audit parsed"],
      layersBy.authorize,
      layersBy["audit decided"],
      layersBy.pause,
    ],
    begun: layersBy["audit begun"],
    run: (context) => runner.run(context),
    cancel: (id) => void runner.jobs.cancel(id),
  });
  const handle = compose<Context, Answer | undefined>(stepped(layersBy), (context) =>
    between("running", () => runner.run(context), "ran"),
  );
  const take = (input: Input, heard: IncomingMessage) => {
    const message = typedOut(catalog(), heard);
    const said = saidTo(message);
    if (said === undefined) {
      overhearing.take(input, message);
      return undefined;
    }
    step("heard");
    let taken = () => {};
    const inJournal = new Promise<void>((resolve) => {
      taken = resolve;
    });
    return { taken: inJournal, done: work({ ...contextOf(input, message, said, nextId()), taken }) };
  };
  const known = (context: Context): Context => ({
    ...context,
    person: personOf(context, (caller) => policy.personOf?.(caller) ?? caller),
  });
  const work = (context: Context) => handle(known(context));
  const interrupted = createInterrupted(
    clock,
    () => catalog().commands.some(({ name }) => name === "explain"),
    wasDoneBy(written),
    async ({ claim }, told) => (told ? journals.lasting.done(claim) : journals.lasting.drop(claim)),
  );
  /** What a process that went away has left. */
  const goOn = (left: Left) => {
    const { claim, taken } = left;
    const link = links.find(({ input }) => input.name === taken.input);
    if (link === undefined) return;
    const said = saidTo(taken.message);
    // It was overheard: nobody waits for it.
    if (said === undefined) return link.during(journals.lasting.drop(claim));
    if (mayBeginAnew(left)) {
      link.during(work({ ...contextOf(link.input, taken.message, said, taken.id), claim }));
      return;
    }
    interrupted.tell(left, link);
  };

  const nextId = createIds();
  const overhearing: Overhearing = createOverhearing({
    listening: init.listening ?? [],
    clock,
    log,
    maxAgeMs: init.maxAgeMs ?? 60_000,
    nextId,
    known,
    during: (input, working) => links.find((link) => link.input === input)?.during(working),
    run: (context) => runner.run(context),
    layers: (quietly) => [
      layersBy.told,
      layersBy.once,
      layersBy.answer,
      quietly,
      layersBy.hush,
      layersBy["audit said"],
      layersBy.understand,
      layersBy["audit parsed"],
      layersBy.authorize,
      layersBy["audit decided"],
      layersBy["limit meant"],
      layersBy.pause,
      layersBy["confirm ask"],
      layersBy["audit begun"],
      layersBy.begin,
    ],
  });
  const watching = new AbortController();
  const count = init.inputs.length;
  const life = createLife({
    links: links.slice(0, count),
    beside: links.slice(count),
    runner,
    extensions,
    clock,
    log,
    drainMs: init.drainMs ?? 10_000,
    open: async (options) => {
      await own.start();
      await accounts.start();
      await catalogs.start(options);
      if (later) checkPolicy();
      void asked.watch(watching.signal);
      await journals.lasting.open({
        can: (name) => links.some(({ input, live }) => input.name === name && live),
        onLeft: goOn,
        onLost: ({ id }) => void runner.jobs.cancel(id),
      });
      await neighbours?.start();
    },
    leave: () => {
      quiet.end();
      return journals.lasting.leave();
    },
    close: async () => {
      watching.abort();
      await catalogs.stop();
      await neighbours?.stop();
      await accounts.stop();
      await own.stop();
      await journals.lasting.close();
      if (init.auditLog === undefined) await auditLog.close();
    },
  });

  return {
    get catalog() {
      return catalog();
    },
    aliases: aliases.list,
    running: () => runner.jobs.list().map(({ text }) => text),
    done: life.done,
    start: life.start,
    stop: life.stop,
  };
}

function never(input: Input): never {
  throw new MicroError("internal", `there is no link for ${input.name}`);
}
