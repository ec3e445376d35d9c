/* What the bot and the thread of an adapter (`hubot-worker/main.mjs`) tell each other. Everything survives a structured clone. */

/** What the thread begins with. */
export interface Begin {
  /** A package or a path. */
  readonly adapter: string;
  /** Where packages and relative paths are looked for. */
  readonly cwd: string;
  readonly robotName: string;
  readonly alias: string | false;
  /** `robot.router` is a real one. */
  readonly http: boolean;
}

export type ToThread =
  | { readonly kind: "send"; readonly number: number; readonly place: object; readonly text: string }
  /** Are you there? */
  | { readonly kind: "ping" }
  | { readonly kind: "close" };

export type FromThread =
  | { readonly kind: "connected" | "closed" }
  /** Answers a `ping`. */
  | { readonly kind: "alive" }
  | { readonly kind: "heard"; readonly said: Said }
  | { readonly kind: "sent"; readonly number: number; readonly error?: Facts }
  | { readonly kind: "log"; readonly level: "info" | "warn" | "error"; readonly text: string }
  /** Nothing more is to be expected of the adapter. */
  | { readonly kind: "failed"; readonly error: Facts };

/** A text message, as the adapter gave it. */
export interface Said {
  readonly id: string;
  /** Where its envelope is kept. */
  readonly key: string;
  /** When it first came, epoch ms. */
  readonly sentAt: number;
  readonly text: string;
  /** In the network's own markup, as Slack's adapters pass it on. */
  readonly raw?: string | undefined;
  /** Without one it was said to the bot alone. */
  readonly room?: string | undefined;
  /** The adapter's id of the person. */
  readonly user?: string | undefined;
  readonly name?: string | undefined;
  readonly guest: boolean;
  /** What the robot is called. */
  readonly names: readonly string[];
}

/** What an error said. */
export interface Facts {
  readonly message: string;
  readonly code?: string | undefined;
  /** The network's own word. */
  readonly word?: string | undefined;
  /** Of HTTP. */
  readonly status?: number | undefined;
  readonly retryAfterS?: number | undefined;
}
