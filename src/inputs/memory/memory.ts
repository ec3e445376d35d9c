import { type Clock, systemClock } from "../../core/clock.ts";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { Form, IncomingMessage, Input, Mark, OutgoingMessage } from "../input.ts";
import { failures } from "./failures.ts";
import { createForms } from "./forms.ts";
import { type MemoryLink, memoryLink } from "./link.ts";

/** How much of the past is remembered, and how many messages may wait. */
const KEPT = 10_000;

/** A chat without a network, for tests and for whoever embeds the bot in a program of their own. */
export interface MemoryInput extends Input {
  /** A person says something. It waits if nobody is connected. @throws MicroError `exhausted` when 10000 wait */
  say(text: string, options?: SayOptions): IncomingMessage;
  /**
   * A person picks what the answer that offers something and came last offers: by its place, the first is 0, or by its
   * label. @throws MicroError `not_found` nothing of that kind is shown
   */
  press(choice: number | string, options?: Omit<SayOptions, "room" | "addressed">): IncomingMessage;
  /** The forms that were opened and not filled in yet (the last 100), oldest first. */
  readonly forms: readonly Form[];
  /** Who asked for it fills in the form that was opened last. @throws MicroError `not_found` there is none */
  fill(values: Readonly<Record<string, string>>, options?: Pick<SayOptions, "id">): IncomingMessage;
  /** The sign on what was said (on the last 10000 things). */
  markOn(message: Pick<IncomingMessage, "id">): Mark | undefined;
  /** The answers so far (the last 10000), oldest first; one that grows says here what it says now. */
  readonly sent: readonly OutgoingMessage[];
  /** A person deletes one of them. */
  remove(message: OutgoingMessage): void;
  /** How often something was said or changed. */
  readonly sends: number;
  /** The oldest answer that `next` has not given yet, when nothing more comes to it. Default 5000 ms. @throws MicroError `timeout` */
  next(options?: CallOptions): Promise<OutgoingMessage>;
  /** Ids of the messages that were acknowledged, in order: the bot came back for the one after. */
  readonly taken: readonly string[];
  /** The link breaks: iterating throws `unavailable`. What was not acknowledged is delivered again on the next link. */
  lose(): void;
  /** Good-bye for good: what was said is still read, then iterating ends. */
  end(): void;
  /** The next `times` (default 1) calls of `send` throw this. */
  failSends(error: MicroError, times?: number): void;
  /** The next `times` (default 1) calls of `connect` throw this. */
  failConnects(error: MicroError, times?: number): void;
  /** The next `times` (default 1) calls of `mark` throw this. */
  failMarks(error: MicroError, times?: number): void;
  /** The next `times` (default 1) forms cannot be opened, and their words are said. */
  failForms(times?: number): void;
  /** Every `send` waits until the function that is returned is called. */
  holdSends(): () => void;
}

interface SayOptions {
  /** A new one by default; the same again is the same message delivered twice. */
  readonly id?: string;
  /** The id of who speaks, default `ann`; an object says more. */
  readonly from?: string | Partial<IncomingMessage["from"]>;
  /** Default `room`. */
  readonly room?: string;
  /** Default true. */
  readonly addressed?: boolean;
  /** Default now. */
  readonly sentAt?: number;
  /** A form may be opened as the answer. */
  readonly takesForm?: true;
}

export interface MemoryInputInit {
  /** Default `memory`. */
  readonly name?: string;
  /** Default 4000 characters, with files and pictures, and what was said can be changed; nothing can be pressed. */
  readonly limits?: Partial<Input["limits"]>;
  /** Default true. */
  readonly replays?: boolean;
  /** Default as fast as it comes. */
  readonly pace?: NonNullable<Input["pace"]>;
  readonly clock?: Clock;
}

export function memoryInput(init: MemoryInputInit = {}): MemoryInput {
  const { name = "memory", clock = systemClock, replays = true } = init;
  const limits = { textLength: 4000, files: true, edits: true, buttons: false, pictures: true, ...init.limits };
  const { edits } = limits;
  const unacknowledged: IncomingMessage[] = [];
  const taken: string[] = [];
  const sent: OutgoingMessage[] = [];
  const sendFailures = failures();
  const connectFailures = failures();
  const markFailures = failures();
  const forms = createForms();
  const marks = new Map<string, Mark>();
  let link: MemoryLink | undefined;
  let over = false;
  let said = 0;
  let given = 0;
  let sends = 0;
  let stood = 0;
  const growing = new Map<string, OutgoingMessage>();
  /** Those that can be changed, by where they stand. */
  const standing = new Map<string, OutgoingMessage>();
  const ats = new WeakMap<OutgoingMessage, string>();
  let held: Promise<void> | undefined;
  let answered = () => {};

  /** Which of `sent` the message is to replace; -1 when it is something new. */
  const indexOf = ({ progress }: OutgoingMessage): number => {
    const before = progress && edits ? (growing.get(progress.key) ?? standing.get(progress.at ?? "")) : undefined;
    return before === undefined ? -1 : sent.indexOf(before);
  };
  const remember = (message: OutgoingMessage, before: OutgoingMessage | undefined) => {
    const { progress } = message;
    if (progress === undefined) return;
    if (progress.last) growing.delete(progress.key);
    else growing.set(progress.key, message);
    if (!edits) return;
    const stands = before && ats.get(before);
    const at = stands ?? `s${++stood}`;
    standing.set(at, message);
    ats.set(message, at);
    if (stands === undefined) progress.onSaid?.(at);
    if (standing.size > KEPT) standing.delete(standing.keys().next().value as string);
  };
  const say = (message: OutgoingMessage) => {
    if (forms.open(message)) return;
    sends += 1;
    const at = indexOf(message);
    const before = sent[at];
    if (at >= 0) sent[at] = message;
    else sent.push(message);
    remember(message, before);
    if (sent.length > KEPT) {
      sent.shift();
      given = Math.max(0, given - 1);
    }
    answered();
  };
  const receive = (message: IncomingMessage): IncomingMessage => {
    if (unacknowledged.length >= KEPT) throw new MicroError("exhausted", `${name}: ${KEPT} messages wait already`);
    unacknowledged.push(message);
    forms.heard(message);
    link?.push(message);
    return message;
  };
  const saying = (text: string, options: SayOptions): IncomingMessage => {
    said += 1;
    const id = options.id ?? `m${said}`;
    return {
      id,
      from: speaker(options.from),
      place: { room: options.room ?? "room", message: id },
      text,
      addressed: options.addressed ?? true,
      sentAt: options.sentAt ?? clock.now(),
      ...(options.takesForm && { takesForm: true }),
    };
  };
  const acknowledge = (message: IncomingMessage) => {
    const at = unacknowledged.indexOf(message);
    if (at < 0) return;
    unacknowledged.splice(at, 1);
    taken.push(message.id);
    if (taken.length > KEPT) taken.shift();
  };

  return {
    name,
    limits,
    ...(init.pace && { pace: init.pace }),
    replays,
    placeIn: (room) => ({ room }),
    placeTo: (id) => ({ room: `@${id}` }),
    threadIn: (place, at) => ({ ...place, under: at }),
    sent,
    remove: (message) => {
      const at = sent.indexOf(message);
      if (at < 0) return;
      sent.splice(at, 1);
      if (at < given) given -= 1;
    },
    get sends() {
      return sends;
    },
    taken,
    connect: async (options = {}) => {
      if (options.signal?.aborted) throw new MicroError("cancelled", `${name}: cancelled while connecting`);
      connectFailures.next();
      link?.end(new MicroError("unavailable", `${name}: another connection took over`));
      const current = memoryLink(name, {
        acknowledge,
        send: async (message) => {
          sendFailures.next();
          await held;
          return () => say(message);
        },
        mark: (place, mark) => {
          markFailures.next();
          const { message } = place;
          if (message === undefined) throw new MicroError("invalid_argument", `${name}: the place names no message`);
          marks.delete(message);
          marks.set(message, mark);
          if (marks.size > KEPT) marks.delete(marks.keys().next().value as string);
        },
      });
      link = current;
      for (const message of unacknowledged) current.push(message);
      if (over) current.end();
      return current;
    },
    say: (text, options = {}) => receive(saying(text, options)),
    press: (choice, options = {}) => {
      const shown = limits.buttons ? sent.findLast(({ choices = [] }) => choices.length > 0) : undefined;
      const picked = shown?.choices?.find(({ label }, index) => choice === index || choice === label);
      if (shown === undefined || picked === undefined) {
        throw new MicroError("not_found", `${name}: no choice ${JSON.stringify(choice)} is shown`);
      }
      return receive(saying(picked.line, { ...options, room: shown.place.room }));
    },
    get forms() {
      return forms.opened;
    },
    fill: (values, options = {}) => {
      const { form, asked } = forms.take();
      const filled = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
      const said = saying(form.command, { ...options, room: asked.place.room });
      return receive({ ...said, from: asked.from, filled });
    },
    markOn: ({ id }) => marks.get(id),
    next: async (options = {}) => {
      using limit = deadline(options, 5000, `${name}: an answer`);
      while (sent.length <= given || (edits && sent[given]?.progress?.last === false)) {
        const more = new Promise<void>((resolve) => {
          answered = resolve;
        });
        await orAbort(more, limit.signal);
      }
      given += 1;
      return sent[given - 1] as OutgoingMessage;
    },
    lose: () => {
      link?.end(new MicroError("unavailable", `${name}: the link was lost`));
      link = undefined;
    },
    end: () => {
      over = true;
      link?.end();
    },
    failSends: sendFailures.plan,
    failConnects: connectFailures.plan,
    failMarks: markFailures.plan,
    failForms: forms.fail,
    holdSends: () => {
      let release = () => {};
      held = new Promise((resolve) => {
        release = () => {
          held = undefined;
          resolve();
        };
      });
      return release;
    },
  };
}

function speaker(from: SayOptions["from"] = "ann"): IncomingMessage["from"] {
  if (typeof from === "string") return { id: from, name: from, guest: false };
  const id = "id" in from ? from.id : "ann";
  const { name = id ?? "somebody", guest = false, unsure } = from;
  return { id, name, guest, ...(unsure && { unsure }) };
}
