import { MicroError } from "../../core/errors.ts";
import type { Facts } from "./protocol.ts";

/** How networks and their libraries say that credentials will not do. */
const REFUSED =
  /invalid[_ ](auth|token|credentials|password|api key)|not[_ ]?auth(ed|orized|enticated)|unauthori[sz]ed|token_(revoked|expired)|account_inactive|not-authorized|(authentication|login) (failed|error|incorrect)|bad (credentials|password)|password (incorrect|mismatch)/i;

/** How adapters say that they were not configured, and what they name then. */
const UNSET =
  /\b(not|un|isn't|no) ?(\w+ )?(defined|set|provided|specified|given)|missing|require[ds]?\b|must\b|export\b/i;
const VARIABLES = /\b[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\b/g;

const LATER =
  /ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|socket|network|timed? ?out|disconnect/i;

const BUSY = /rate.?limit|too many requests|flood/i;

/**
 * Why an adapter does not run, for people. What its own words tell is all there is to tell it by.
 *
 * @param env what it was configured with: an error that names a variable that is not there will not pass by itself
 */
export function linkFailure(
  name: string,
  facts: Facts,
  env: Readonly<Record<string, string>>,
  redact: (text: string) => string,
): MicroError {
  const said = redact(facts.message);
  if (facts.code === "MICRO_WRONG") return new MicroError("invalid_argument", `${name}: ${said}`);
  if (REFUSED.test(`${facts.word} ${facts.message}`) || facts.status === 401) {
    return new MicroError(
      "unauthenticated",
      `${name}: the network refused the adapter (${said}): check what it is given`,
    );
  }
  const variable = UNSET.test(facts.message)
    ? facts.message.match(VARIABLES)?.find((word) => !(word in env))
    : undefined;
  if (variable !== undefined) return new MicroError("invalid_argument", `${name}: ${variable} is not set (${said})`);
  return new MicroError("unavailable", `${name}: the adapter does not run (${said})`);
}

/** Why something was not said. */
export function sendFailure(name: string, facts: Facts, redact: (text: string) => string): MicroError {
  const text = `${facts.code} ${facts.word} ${facts.message}`;
  const said = `${name}: the adapter could not send (${redact(facts.message)})`;
  if (facts.status === 429 || BUSY.test(text) || facts.retryAfterS !== undefined) {
    return new MicroError("exhausted", said, { details: { retryAfterMs: (facts.retryAfterS ?? 1) * 1000 } });
  }
  const passes = LATER.test(text) || (facts.status !== undefined && facts.status >= 500);
  return new MicroError(passes ? "unavailable" : "invalid_argument", said);
}
