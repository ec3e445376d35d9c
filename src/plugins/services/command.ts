import { z } from "zod";
import { type AnyCommand, type CommandContext, defineCommand, type View } from "../../commands/command.ts";
import { chatLine } from "../../commands/line.ts";
import { RawJson } from "../../core/codec/json.ts";
import { MicroError } from "../../core/errors.ts";
import { plainText } from "../../core/plain-text.ts";
import { EXEC, type ExecRequest, execSchema, type Spec } from "./protocol.ts";

/** Facts: what the service answered. */
interface Answered {
  readonly text: string;
}

/** Bytes of one answer; more than that nobody reads in chat, and the rest is in the service. */
const ANSWER_BYTES = 1_000_000;

/**
 * A command that a service describes by a usage line alone, as all did in 2017. Nobody knows what it does, so it counts as one
 * that changes things: it wants the permission `command:<word>`, and is confirmed.
 */
export function plainCommand(service: string, word: string, help: { usage: string; description: string }): AnyCommand {
  const usage = oneLine(help.usage);
  const description = oneLine(help.description);
  return defineCommand({
    name: word,
    summary: description === "" ? `What ${service} does` : description,
    input: z.object({
      words: z
        .string()
        .default("")
        .describe(usage === "" ? "what it is told" : `as in \`${usage}\``),
    }),
    words: ["words"],
    rest: "words",
    permission: `command:${word}`,
    effect: "write",
    ...(usage.split(" ")[0] === word && !/[[\]<>]/.test(usage) ? { examples: [usage] } : {}),
    run: ({ words }, context) => {
      const args = [word, ...chatLine(words).words.map(({ text }) => text)];
      return exec(service, word, { args }, context);
    },
    view: textView,
  });
}

/** A command that a service describes in full. */
export function typedCommand(service: string, word: string, spec: Spec): AnyCommand {
  const { summary, words, rest, effect, confirm, examples, secrets, maxMs } = spec;
  const names = Object.keys(spec.input.properties);
  for (const name of [
    ...(words ?? []),
    ...(rest === undefined ? [] : [rest]),
    ...(secrets ?? []),
    ...spec.input.required,
  ]) {
    if (!names.includes(name)) throw new MicroError("invalid_argument", `its input has no field "${name}"`);
  }
  if (rest !== undefined && words?.at(-1) !== rest) {
    throw new MicroError("invalid_argument", `"${rest}" takes the rest of the line, so it is the last of its words`);
  }
  return defineCommand<z.ZodObject, Answered>({
    name: word,
    summary: oneLine(summary),
    input: inputOf(spec),
    permission: (spec.permission ?? `command:${word}`) as `${string}:${string}`,
    effect,
    ...(words && { words }),
    ...(rest !== undefined && { rest }),
    ...(confirm === false && { confirm }),
    ...(examples && { examples: examples.map(oneLine) }),
    ...(secrets && { secrets }),
    ...(maxMs !== undefined && { maxMs }),
    run: (input, context) => {
      const { caller, room } = context;
      const given = (words ?? []).map((name) => input[name]).filter((value) => value !== undefined);
      const args = [word, ...given.map(String)];
      return exec(service, word, { args, input, caller, ...(room !== undefined && { room }) }, context);
    },
    view: spec.result === "json" ? jsonView : textView,
  });
}

/** @throws MicroError what the service answers in `error`; as the client does */
async function exec(service: string, word: string, request: ExecRequest, context: CommandContext): Promise<Answered> {
  const { client, signal } = context;
  // At most once, whatever happens: nobody knows what it does when it is asked again. The command's own limit ends it.
  const options = { raw: true, retries: 0, timeoutMs: 0, signal } as const;
  const answer = await client.request(service, EXEC, new RawJson(JSON.stringify(request)), options);
  const read = execSchema.safeParse(answer instanceof RawJson ? parsed(answer.text) : answer);
  if (!read.success) {
    throw new MicroError("internal", `${service} answered ${EXEC} with something else than a result and an error`);
  }
  const { result, error } = read.data;
  if (error) throw new MicroError("internal", `\`${word}\` failed: ${plainText(error).slice(0, 1000)}`);
  const bytes = Buffer.from(result ?? "", "base64");
  if (bytes.length > ANSWER_BYTES) {
    throw new MicroError(
      "exhausted",
      `\`${word}\` answered ${bytes.length} bytes, which is more than anybody reads in chat`,
    );
  }
  return { text: bytes.toString("utf8") };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Lines and columns stay as the service laid them out. An answer of nothing is still an answer. */
function textView({ text }: Answered): View {
  const words = plainText(text).replace(/\n+$/, "");
  if (words.trim() === "") return { kind: "text", text: "done; it had nothing to say" };
  return { kind: /[\n\t]/.test(words) ? "report" : "text", text: words };
}

function jsonView(answered: Answered): View {
  return parsed(answered.text) === undefined ? textView(answered) : { kind: "json", text: answered.text };
}

function inputOf({ input, words }: Spec): z.ZodObject {
  const shape = Object.entries(input.properties).map(([name, property]): [string, z.ZodType] => {
    const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = property;
    let made: z.ZodType;
    if (property.enum) made = z.enum(property.enum as [string, ...string[]]);
    else if (property.type === "string") made = z.string();
    else if (property.type === "boolean") made = z.boolean();
    else if (property.type === "integer") made = z.int().min(minimum).max(maximum);
    else made = z.number().min(minimum).max(maximum);
    const required = input.required.includes(name);
    if (property.default !== undefined) made = made.default(property.default as never);
    else if (!required) made = made.optional();
    if (property.default !== undefined && !made.safeParse(property.default).success) {
      throw new MicroError("invalid_argument", `the default of "${name}" is not what the field takes`);
    }
    if (property.type === "boolean" && words?.includes(name)) {
      throw new MicroError("invalid_argument", `"${name}" is a flag, so it is an option and no word`);
    }
    return [name, made.describe(oneLine(property.description))];
  });
  return z.object(Object.fromEntries(shape));
}

/** What a service says of itself stands in `help` between others' lines. */
function oneLine(text: string): string {
  return plainText(text).replace(/\s+/g, " ").trim().slice(0, 200);
}
