import { z } from "zod";
import { MicroError } from "../../core/errors.ts";

/**
 * How `micro chat` and a running bot talk over a unix socket: one JSON object a line, in UTF-8, both ways.
 *
 * ```
 * chat  {"type":"hello","version":1}
 * bot   {"type":"prove","name":"3f…"}           make that directory in <socket>.proof
 * chat  {"type":"proved"}
 * bot   {"type":"welcome","user":"ann"}         or refused, at any time: then it hangs up
 * chat  {"type":"say","id":1,"text":"ping"}
 * bot   {"type":"answer","to":1,"parts":[…],"last":true,"failed":false}
 * chat  {"type":"complete","id":1,"line":"list s"}
 * bot   {"type":"completed","id":1,"words":["services"]}
 * ```
 *
 * Who has nothing more to say closes their half of the socket; the bot answers what is left and closes the other. What one
 * side does not know it passes over, so that a later version may say more.
 */
export const VERSION = 1;

/** The longest line that the bot reads, in bytes: before it knows who speaks, and after. */
export const HANDSHAKE_LINE = 1000;
export const SAID_LINE = 1_000_000;
/** The longest answer, in characters; and what its line may come to, with every character escaped in six bytes. */
export const ANSWER_TEXT = 1_000_000;
export const ANSWER_LINE = 8_000_000;

/** The name of a proof: nothing that could lead out of the folder it belongs in. */
const proofName = z.string().regex(/^[0-9a-f]{32}$/);
const id = z.int().nonnegative();
const word = z.string().max(1000);

const fromChat = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hello"), version: z.unknown().optional() }),
  z.object({ type: z.literal("proved") }),
  z.object({ type: z.literal("say"), id, text: z.string() }),
  z.object({ type: z.literal("complete"), id, line: z.string().max(10_000) }),
]);

const fromBot = z.discriminatedUnion("type", [
  z.object({ type: z.literal("prove"), name: proofName }),
  z.object({ type: z.literal("welcome"), user: word }),
  z.object({ type: z.literal("refused"), code: z.string(), message: z.string() }),
  z.object({
    type: z.literal("answer"),
    to: id,
    parts: z.array(z.object({ kind: z.enum(["text", "code"]), text: z.string() })),
    last: z.boolean(),
    failed: z.boolean(),
  }),
  z.object({ type: z.literal("completed"), id, words: z.array(word) }),
]);

export type FromChat = z.output<typeof fromChat>;
export type FromBot = z.output<typeof fromBot>;
export type BotAnswer = Extract<FromBot, { type: "answer" }>;

/** What a line of `micro chat` says; `undefined`: something that this version does not know. */
export function readChat(line: string): FromChat | undefined {
  return read(fromChat, line);
}

/** What a line of the bot says; `undefined`: something that this version does not know. */
export function readBot(line: string): FromBot | undefined {
  return read(fromBot, line);
}

export function written(message: FromChat | FromBot): string {
  return `${JSON.stringify(message)}\n`;
}

function read<T>(schema: z.ZodType<T>, line: string): T | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new MicroError("invalid_argument", "that is not the language of `micro chat`", { cause: error });
  }
  return schema.safeParse(value).data;
}
