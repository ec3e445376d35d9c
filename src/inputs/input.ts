import type { MicroError } from "../core/errors.ts";
import type { CallOptions, Closable } from "../core/lifecycle.ts";

/**
 * A chat network: turns its words into ours and back. Knows no command and does not reconnect; the bot does both.
 * Every input passes `test/contract/input.contract.ts`.
 */
export interface Input {
  /** `slack`, `terminal`: in flags, logs and caller names. */
  readonly name: string;
  readonly limits: {
    /** The longest answer, in characters, that is shown whole; a longer one becomes a summary and a file. */
    readonly textLength: number;
    /** It can carry a file; where it cannot, a long answer is cut with a note. */
    readonly files: boolean;
    /** What was said can be changed later; where it cannot, a command that goes on says each thing as it comes. */
    readonly edits: boolean;
    /** `OutgoingMessage.choices` are shown as something to press; elsewhere they are left out. */
    readonly buttons: boolean;
    /** A file that is a picture (`OutgoingMessage.file.png`) is shown; elsewhere the bot says its text. */
    readonly pictures: boolean;
    /** How long what is said with a picture may be, where that is less than `textLength`. */
    readonly captionLength?: number;
  };
  /**
   * How many messages and changes a minute, on all of a link and in one room, the bot may say by itself without its network's asking
   * to wait. Left out: as many as come.
   */
  readonly pace?: { readonly link: number; readonly room: number };
  /**
   * The network may deliver a message again after we were restarted, or to another replica too, and answers can be said
   * there by another process: so what was taken must be remembered where that finds it. A terminal's lines end with it.
   */
  readonly replays: boolean;
  /** What is whispered is seen by nobody but who asked, wherever it is said; elsewhere that depends. */
  readonly hides?: true;
  /** Whoever is at the other end waits for an answer to each message, as a pipe does, so none may stay without one. */
  readonly everyLine?: true;
  /**
   * Where something can be said in a room that nobody has spoken from, by the name that its network has for it (`C02`). Absent
   * where the bot only answers.
   */
  placeIn?(room: string): Place;
  /**
   * Where something can be said to one person alone who has not spoken, by the id that their network guarantees (`T01/U02`, a bare
   * JID); `undefined`: that is the id of nobody who could be written to. Absent where the bot only answers.
   */
  placeTo?(id: string): Place | undefined;
  /**
   * The thread of a message of ours that was said at `place` and stands at `at` (`OutgoingMessage.progress.onSaid`); where there can be
   * none, as within another thread, what is said there answers that message, or stands in the room. Absent where there are no threads.
   */
  threadIn?(place: Place, at: string): Place;
  /** @throws MicroError `unauthenticated` (do not try again), `unavailable` (try again later), `cancelled` (by its signal) */
  connect(options?: ConnectOptions): Promise<InputConnection>;
}

/** What whoever connects is asked and told while the link is there, beside how long connecting may take. An input may ignore it. */
export interface ConnectOptions extends CallOptions {
  /**
   * Whether a message is worth giving: what people say to each other is not, and takes no place that others wait for. Asked
   * before `from` is known for certain. Default: everything is.
   */
  readonly heeds?: (message: Heeded) => boolean;
  /**
   * Told of each message that is not given, now or later, because too many wait: who said it is waiting for a word. Called only for
   * what is heeded.
   */
  readonly onUntaken?: (message: Pick<IncomingMessage, "id" | "place" | "text" | "addressed">) => void;
}

/** What tells whether a message is said to the bot. */
export type Heeded = Pick<IncomingMessage, "text" | "addressed">;

/**
 * One live link. Iterating ends when the person or network said good-bye for good (end of a pipe), and throws
 * `unavailable` when the link is lost: at once where the network gives again what was not acknowledged, since somebody else may have
 * it then; elsewhere after what had come before.
 *
 * **Asking for the next message acknowledges the one before**: an input tells its network "taken" only then, because by
 * then the bot has it in its journal.
 */
export interface InputConnection extends AsyncIterable<IncomingMessage>, Closable {
  /**
   * Resolves as soon as the link is lost, however much of what it gave is still waiting: the next link need not wait for that. Never
   * rejects. Absent where iterating tells soon enough.
   */
  readonly lost?: Promise<MicroError>;
  /**
   * A message with `progress` changes what the one before with its key said, where the network can (`Input.limits.edits`).
   * The same object again is the same message, said again because nobody knows whether it arrived.
   * @throws MicroError `exhausted` (`details.retryAfterMs`), `unavailable`, `invalid_argument` (do not try again),
   * `timeout`, `cancelled` (as its options say)
   */
  send(message: OutgoingMessage, options?: CallOptions): Promise<void>;
  /**
   * Puts a small sign on the message that `place` came with, in the stead of the one before: a reaction. Absent where the
   * network has no such thing. @throws MicroError as `send` does; nobody tries again
   */
  mark?(place: Place, mark: Mark, options?: CallOptions): Promise<void>;
  /**
   * What somebody is now whom this network vouched for (`IncomingMessage.from.id`), where something was said at `place`: asked
   * anew, since it may have changed since they spoke. Absent where the network does not tell. @throws MicroError `unavailable`, …
   */
  standing?(id: string, place: Place, options?: CallOptions): Promise<Standing>;
}

/** What somebody is on a network: `gone` has no account there any more. */
export type Standing = "member" | "guest" | "gone";

/** `taken`: seen, and worked on. `waiting`: it takes longer than people expect. */
export type Mark = "taken" | "waiting" | "done" | "failed";

/** Where a message was said and an answer belongs. Made by the input, read only by it; survives JSON. */
export interface Place {
  /** Messages with the same `room` are taken in order. */
  readonly room: string;
  readonly [fact: string]: string | undefined;
}

export interface IncomingMessage {
  /** Unique within the input: the same id twice is one message delivered twice. */
  readonly id: string;
  readonly from: {
    /** What the network guarantees (`T01/U02`, a bare JID), never a nick. `undefined`: nobody vouches. */
    readonly id: string | undefined;
    /** For showing only. */
    readonly name: string;
    /** The network says that this is a stranger here: a guest account, another organisation. */
    readonly guest: boolean;
    /** It was asked who this is and did not say, so they count as a guest for now. */
    readonly unsure?: true;
  };
  readonly place: Place;
  /** What was typed: mention removed, entities and links undone. */
  readonly text: string;
  /** Direct talk, or the bot was mentioned. */
  readonly addressed: boolean;
  /** Epoch ms, by the network's clock. */
  readonly sentAt: number;
  /** A form can be opened as the answer, if it comes within 2 s (`OutgoingMessage.form`). */
  readonly takesForm?: true;
  /** What was filled into a form; then `text` is the form's command alone. */
  readonly filled?: Readonly<Record<string, string>>;
}

/** What the bot says. Text is never markup: the input escapes it for its network, as the last step. */
export interface OutgoingMessage {
  readonly place: Place;
  readonly parts: readonly Part[];
  /** For what is too long to be said; or a picture, with the words that stand for it: only where `Input.limits.pictures` are shown. */
  readonly file?: { readonly name: string; readonly text: string; readonly png?: Uint8Array } | undefined;
  /**
   * Part of something that goes on; all of it carries one key, the last says so. The input keeps what it needs for a key
   * until then, over lost links too. Comes without a file.
   */
  readonly progress?: {
    readonly key: string;
    readonly last: boolean;
    /** Told where it stands, each time that it is said anew and if another process can change it there: with `at`. */
    readonly onSaid?: ((at: string) => void) | undefined;
    /** Where the message to change stands, for an input that does not know the key, or no longer. */
    readonly at?: string | undefined;
  };
  /** Tells why something was not done. People read that; a script at the other end of a pipe cannot. */
  readonly failed?: true;
  /** Into a thread of the message that `place` came with, where the network has threads. */
  readonly aside?: boolean;
  /** Only who asked needs to see it; all do where the network cannot hide it. */
  readonly whisper?: boolean;
  /** A secret that this message is there to tell, for the bot's own last look at it. */
  readonly reveal?: string;
  /** What may be picked next. Whatever they offer can be typed, too, so nothing is lost where there are no buttons. */
  readonly choices?: readonly Choice[];
  /** To be opened for who asked; where that fails, `parts` are said. Only in answer to a message that `takesForm`. */
  readonly form?: Form;
}

/** Picking it says `line` to the bot, by who picked it and in the place where it was shown. Nothing is trusted about it. */
export interface Choice {
  /** A word or two. */
  readonly label: string;
  readonly line: string;
  readonly weight?: "primary" | "danger";
}

/** A command's arguments, to be filled in. Comes back as a message with `filled`. */
export interface Form {
  /** The words of the command; come back as the message's text. */
  readonly command: string;
  /** One line. */
  readonly summary: string;
  readonly fields: readonly FormField[];
}

/** `line`, `lines`: text. `flag`: comes back as `true` or not at all. What is left empty does not come back. */
export interface FormField {
  readonly name: string;
  readonly kind: "line" | "lines" | "number" | "choice" | "flag";
  readonly hint?: string | undefined;
  readonly required: boolean;
  /** For `choice`. */
  readonly options?: readonly string[];
  /** What it begins with. */
  readonly value?: string;
}

/** `text`: sentences. `code`: to be shown with a fixed width, line by line as it is. */
export interface Part {
  readonly kind: "text" | "code";
  readonly text: string;
}
