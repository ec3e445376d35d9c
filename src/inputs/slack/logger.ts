import type { Log } from "../../core/log.ts";

const TOKEN = /\b(?:xox[a-z]|xapp|xoxe\.xox[a-z])-[\w-]+/g;
const TICKET = /([?&](?:ticket|app_id)=)[^&\s"']+/g;

/** Takes Slack's tokens out of a text, by how they look and by value, wherever they stand. */
export function redact(text: string, secrets: readonly string[]): string {
  const known = secrets
    .filter((secret) => secret !== "")
    .reduce((left, secret) => left.replaceAll(secret, "***"), text);
  return known.replace(TOKEN, "***").replace(TICKET, "$1***");
}

/**
 * Bolt's logger interface over ours. Its debug lines hold whole frames, that is, what people said, so they are dropped;
 * what goes wrong becomes an error of ours, so its errors are our warnings.
 */
export function boltLogger<Level>(log: Log, level: Level, secrets: readonly string[]) {
  const said = (words: unknown[]) => `slack: ${redact(words.map(String).join(" "), secrets)}`;
  return {
    debug: () => {},
    info: (...words: unknown[]) => log.debug({}, said(words)),
    warn: (...words: unknown[]) => log.warn({}, said(words)),
    error: (...words: unknown[]) => log.warn({}, said(words)),
    setLevel: () => {},
    getLevel: () => level,
    setName: () => {},
  };
}
