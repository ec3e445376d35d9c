import { MicroError } from "../../core/errors.ts";

/** What the 2019 bot's options say (`toolkit.md §3.2`). */
export interface DiscordSettings {
  /** Without the `Bot ` that the original wanted before it. */
  readonly token: string;
  /** Ids of those who are heard; empty: everybody. */
  readonly whitelist: ReadonlySet<string>;
  /** Finds the prefix at the beginning of what was said. */
  readonly prefix: RegExp;
}

/**
 * Checks what was given. Says what is wrong and never shows the token.
 *
 * @throws MicroError `invalid_argument`
 */
export function checkSettings(given: {
  readonly token?: string | undefined;
  readonly whitelist?: readonly string[] | undefined;
  readonly prefix?: string | undefined;
}): DiscordSettings {
  const token = (given.token ?? "").trim().replace(/^Bot(\s+|$)/i, "");
  if (token === "") wrong("missing discord token: give --discord_token or MICRO_DISCORD_TOKEN");
  if (!/^[\w.-]+$/.test(token))
    wrong("the discord token is not one: copy it from Bot, Reset Token at discord.com/developers/applications");
  const prefix = (given.prefix ?? "Micro ").trim();
  if (prefix === "") wrong("the discord prefix is empty: give a word, as in --discord_prefix=Micro");
  return { token, whitelist: new Set((given.whitelist ?? []).map(userId)), prefix: prefixPattern(prefix) };
}

/** Names are not accepted, because a name can be given up and taken by somebody else; an id cannot. */
function userId(text: string): string {
  if (/^\d{1,20}$/.test(text)) return text;
  wrong(
    `--discord_whitelist takes the numeric ids of people, and "${text}" is none: in Discord, User Settings, Advanced, Developer Mode, then right-click a person, Copy User ID`,
  );
}

/** The prefix as a word: `Micro` finds `micro: list`, not `microscope`; one that ends in a sign (`!`) wants no gap. */
function prefixPattern(prefix: string): RegExp {
  const literal = prefix.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const wordEnd = /[\p{L}\p{N}_]$/u.test(prefix) ? "(?=$|[\\s:,])" : "";
  return new RegExp(`^\\s*${literal}${wordEnd}[:,]?\\s*`, "iu");
}

function wrong(message: string): never {
  throw new MicroError("invalid_argument", message);
}
