import { MicroError } from "../core/errors.ts";
import { plain } from "./line.ts";

/**
 * The text of one JSON object as a person typed it. What parses is returned to the letter, so that large numbers keep
 * their digits; what parses only once smart quotes and odd blanks are made plain is returned made plain.
 * @throws MicroError `invalid_argument`
 */
export function readObject(text: string): string {
  const typed = text.trim();
  const plainer = plain(typed);
  for (const candidate of typed === plainer ? [typed] : [typed, plainer]) {
    const value = parsed(candidate);
    if (value === undefined) continue;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return candidate;
    throw new MicroError("invalid_argument", `the request must be a JSON object such as {"name":"John"}`);
  }
  throw new MicroError("invalid_argument", `the request is not JSON: ${complaint(plainer)}`);
}

/**
 * JSON text laid out anew, one tab a level, as `micro query` prints it (`toolkit.md §1.6`); key order and the spelling of
 * numbers stay. Text that is no JSON is returned as it is.
 */
export function indentJson(text: string): string {
  let out = "";
  let depth = 0;
  let before = "";
  // Deeper than anybody reads, indentation would only cost.
  const line = () => `\n${"\t".repeat(Math.min(depth, 100))}`;
  for (const [token] of text.trim().matchAll(TOKEN)) {
    if (token === "{" || token === "[") {
      out += before === "{" || before === "[" ? line() + token : token;
      depth++;
    } else if (token === "}" || token === "]") {
      depth--;
      // An empty object or list stays on one line.
      out += before === "{" || before === "[" ? token : line() + token;
    } else if (token === ",") out += token + line();
    else if (token === ":") out += ": ";
    else out += before === "{" || before === "[" ? line() + token : token;
    before = token;
  }
  return parsed(text) === undefined ? text : out;
}

/** JSON text without the blanks between its parts; key order and the spelling of numbers stay. Other text is returned as it is. */
export function jsonOnOneLine(text: string): string {
  if (parsed(text) === undefined) return text;
  return Array.from(text.matchAll(TOKEN), ([token]) => token).join("");
}

/** A string, a sign of structure, or anything else up to the next of these; blanks between them are dropped. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What JSON.parse says of it, which names the sign and the place. */
function complaint(text: string): string {
  try {
    JSON.parse(text);
    return "not understood";
  } catch (error) {
    return (error as Error).message.replace(
      / in JSON at position (\d+).*$/s,
      (_, at) => ` at character ${Number(at) + 1}`,
    );
  }
}
