import { MicroError } from "../../core/errors.ts";
import { complaintOf, inWords } from "./errors.ts";
import { NS } from "./names.ts";
import { type Scram, scram } from "./scram.ts";
import type { Stream } from "./stream.ts";
import { child, children, textOf, type Xml, xml } from "./xml.ts";

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What we can do, the best first. PLAIN shows the password to the server, so it goes through TLS or not at all. */
const MECHANISMS: Readonly<Record<string, ((credentials: Credentials) => Scram) | "plain">> = {
  "SCRAM-SHA-512": (credentials) => scram("sha512", credentials),
  "SCRAM-SHA-256": (credentials) => scram("sha256", credentials),
  "SCRAM-SHA-1": (credentials) => scram("sha1", credentials),
  PLAIN: "plain",
};

/** Failures that will pass (RFC 6120 §6.5). */
const PASSING: ReadonlySet<string> = new Set(["temporary-auth-failure", "aborted"]);

/**
 * Logs in with SASL (RFC 6120 §6). With SCRAM the server has to show that it knows the password, too.
 *
 * @throws MicroError `unauthenticated`, `unavailable`, and the signal's reason
 */
export async function login(
  name: string,
  stream: Stream,
  features: Xml,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<void> {
  const offered = child(features, "mechanisms", NS.sasl);
  const names = offered === undefined ? [] : children(offered, "mechanism", NS.sasl).map(textOf);
  const chosen = Object.keys(MECHANISMS).find((mechanism) => names.includes(mechanism));
  const how = chosen === undefined ? undefined : MECHANISMS[chosen];
  if (how === undefined || !stream.secured) {
    throw refused(name, `the server offers no way to log in that the bot knows (${names.join(", ") || "none"})`);
  }
  const say = (element: "auth" | "response", text: string) =>
    stream.send(
      xml(
        element,
        { xmlns: NS.sasl, mechanism: element === "auth" ? chosen : undefined },
        Buffer.from(text).toString("base64"),
      ),
    );
  const hear = async (...expected: readonly string[]): Promise<{ readonly name: string; readonly text: string }> => {
    const element = await stream.next(signal);
    if (element.ns === NS.sasl && element.name === "failure") throw failure(name, element);
    if (element.ns !== NS.sasl || !expected.includes(element.name)) {
      throw new MicroError("unavailable", `${name}: the server answered the login with <${element.name}/>`);
    }
    return { name: element.name, text: Buffer.from(textOf(element), "base64").toString() };
  };

  if (how === "plain") {
    say("auth", `\0${credentials.username}\0${credentials.password}`);
    await hear("success");
    return;
  }
  const exchange = how(credentials);
  say("auth", exchange.first);
  const { text } = await hear("challenge");
  let answer: string;
  try {
    answer = await exchange.answer(text);
  } catch (error) {
    throw refused(name, (error as Error).message);
  }
  say("response", answer);
  // The server's proof comes with the success, or as a challenge of its own (RFC 6120 §6.3.10).
  const last = await hear("success", "challenge");
  if (!exchange.verify(last.text)) throw refused(name, "the server does not prove that it knows the password");
  if (last.name === "success") return;
  say("response", "");
  await hear("success");
}

function refused(name: string, what: string): MicroError {
  return new MicroError("unauthenticated", `${name}: ${what}`);
}

function failure(name: string, element: Xml): MicroError {
  const complaint = complaintOf(element, NS.sasl);
  if (PASSING.has(complaint.condition)) {
    return new MicroError("unavailable", `${name}: the server cannot log the bot in now (${inWords(complaint)})`);
  }
  return refused(
    name,
    `the server refused the user name or password (${inWords(complaint)}): look at --${name}_username and --${name}_password`,
  );
}
