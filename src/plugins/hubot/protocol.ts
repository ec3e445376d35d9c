/* What the bot and the thread of the scripts (`hubot-host/main.mjs`) tell each other. Everything survives a structured clone. */

/** What the thread begins with. */
export interface Begin {
  /** The user's directory: `external-scripts.json` is there, and packages are found from there. */
  readonly cwd: string;
  /** Of the scripts. */
  readonly folder: string;
  /** What the bot is called. */
  readonly name: string;
  /** Scripts that are left out because they did not let the others live. */
  readonly skip: readonly Unloaded[];
  readonly brain: readonly BrainEntry[];
  /** Of the socket where `robot.router` is asked; without one there is no HTTP. */
  readonly httpPath: string | undefined;
  /** Two integers: the listener whose code runs now, or -1, and the number of the newest message. */
  readonly shared: SharedArrayBuffer;
}

export interface Unloaded {
  /** `scripts/ping.coffee`, `hubot-help`. */
  readonly from: string;
  readonly why: string;
}

/** A key of the brain and its value as JSON, without one when it is gone. */
export type BrainEntry = readonly [name: string, json?: string];

/** A message as scripts hear it. */
export interface HeardText {
  readonly id: string;
  readonly text: string;
  readonly addressed: boolean;
  /** What the bot is called: it stands before what is said to it, as Hubot's patterns want it. */
  readonly name: string;
  /** `slack:C02`. */
  readonly room: string;
  readonly from: { readonly id: string; readonly name: string; readonly guest: boolean };
}

export type ToThread =
  /** Are you there? */
  | { readonly kind: "ping" | "close" }
  | { readonly kind: "hear"; readonly token: number; readonly said: HeardText }
  /** The listeners, by index, that may act on what was heard. */
  | { readonly kind: "act"; readonly token: number; readonly allowed: readonly number[] }
  | { readonly kind: "forget"; readonly token: number }
  /** A command of the command bus. */
  | {
      readonly kind: "execute";
      readonly token: number;
      readonly id: string;
      readonly args: Readonly<Record<string, unknown>>;
      readonly said: HeardText;
    };

export type FromThread =
  | { readonly kind: "pong" | "ready" | "closed" }
  /** Which script is loaded now; the last one is empty. */
  | { readonly kind: "loading"; readonly from: string }
  | ({ readonly kind: "offer" } & OfferedScripts)
  /** Indexes of the listeners that would act; none at all when a script's middleware has stopped the message. */
  | { readonly kind: "heard"; readonly token: number; readonly found?: readonly number[]; readonly error?: string }
  /** All that was to be done for a message is done, and this is what was said last. */
  | { readonly kind: "acted"; readonly token: number; readonly words: readonly string[]; readonly error?: string }
  /** To the message of that number, else to a room or a person. */
  | {
      readonly kind: "say";
      readonly token?: number | undefined;
      readonly room?: string | undefined;
      readonly user?: string | undefined;
      readonly text: string;
    }
  | { readonly kind: "brain"; readonly entries: readonly BrainEntry[] }
  | { readonly kind: "log"; readonly level: "info" | "warn" | "error"; readonly text: string }
  /** The thread ends because of a script. */
  | {
      readonly kind: "ending";
      readonly script?: string | undefined;
      readonly from?: string | undefined;
      readonly token?: number | undefined;
      readonly why: string;
    };

/** What the scripts have. */
export interface OfferedScripts {
  readonly listeners: readonly ListenerFacts[];
  readonly commands: readonly BusCommand[];
  /** Lines of the `Commands:` section, by script. */
  readonly help: readonly (readonly [script: string, lines: readonly string[]])[];
  readonly broken: readonly Unloaded[];
  /** Where each script comes from. */
  readonly files: readonly (readonly [script: string, from: string])[];
  /** Something acts on what is not said to the robot. */
  readonly overhears: boolean;
}

export interface ListenerFacts {
  readonly index: number;
  readonly script: string;
  /** No input tells of `enter`, `leave` and `topic`, so nothing calls those. */
  readonly kind: "hear" | "respond" | "listen" | "catchAll" | "enter" | "leave" | "topic";
  readonly pattern?: string | undefined;
  /** As the script calls it. */
  readonly id?: string | undefined;
}

/** A command of the command bus (`hubot.md §6`). */
export interface BusCommand {
  readonly id: string;
  readonly description: string;
  readonly examples: readonly string[];
  /** It has side effects. */
  readonly writes: boolean;
  readonly confirm: boolean;
  readonly script: string;
  readonly args: readonly BusArgument[];
}

export interface BusArgument {
  readonly name: string;
  /** `string number boolean enum user room date`, or one of a script's own. */
  readonly type: string;
  readonly required: boolean;
  readonly values: readonly string[];
  readonly fallback?: string | number | boolean;
}
