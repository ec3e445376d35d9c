import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import { type AnyCommand, type CommandContext, defineCommand } from "./command.ts";

/** Who says that they are somebody on another network, too. */
export interface Linker {
  readonly caller: string;
  readonly person: string;
}

/** What a word about a link has come to. */
export type LinkStep =
  | { readonly step: "offered"; readonly code: string; readonly minutes: number; readonly caller: string }
  | { readonly step: "named"; readonly code: string; readonly by: string; readonly caller: string }
  | { readonly step: "half"; readonly code: string; readonly by: string; readonly caller: string }
  | { readonly step: "linked"; readonly ids: readonly string[]; readonly person: string };

/** Links the ids that one person has on several networks; kept by the bot. All throw `MicroError`. */
export interface Linking {
  /** A new code for the caller. */
  offer(who: Linker, signal: AbortSignal): Promise<LinkStep>;
  /** The caller has typed a code, and perhaps whom it is to link them with. */
  take(who: Linker, code: string, other: string | undefined, signal: AbortSignal): Promise<LinkStep>;
  /** Takes an id, one of the caller's own, out of their link. @returns those that stay linked */
  leave(who: Linker, id: string, signal: AbortSignal): Promise<readonly string[]>;
}

/** `link` and `unlink`. */
export function linkCommands(linking: Linking): readonly AnyCommand[] {
  const link = defineCommand({
    name: "link",
    summary: "Tell that you are the same person on two networks",
    input: z.object({
      code: z.string().optional().describe("as it was shown on the other network; none: to get one"),
      id: z.string().optional().describe("who you are there, as I call you"),
    }),
    words: ["code", "id"],
    permission: "bot:link",
    effect: "write",
    whilePaused: true,
    confirm: false,
    personal: true,
    examples: ["link", "link 7QK4-M2XD", "link 7QK4-M2XD slack:T01/U02"],
    run: async ({ code, id }, context) => {
      const who = linker(context);
      return code === undefined ? linking.offer(who, context.signal) : linking.take(who, code, id, context.signal);
    },
    view: (result) => ({ kind: "text", text: drawStep(result) }),
  });
  const unlink = defineCommand({
    name: "unlink",
    summary: "Be another person again on one of your networks",
    input: z.object({ id: z.string().optional().describe("which of your ids; this one if not given") }),
    words: ["id"],
    permission: "bot:link",
    effect: "write",
    whilePaused: true,
    confirm: false,
    personal: true,
    examples: ["unlink", "unlink xmpp:ann@chat.example.org"],
    run: async ({ id }, context) => {
      const who = linker(context);
      const out = id ?? who.caller;
      return { out, left: await linking.leave(who, out, context.signal) };
    },
    view: ({ out, left }) => ({
      kind: "text",
      text: `${out} is linked with nobody now${left.length > 1 ? `; still one: ${left.join(", ")}` : ""}`,
    }),
  });
  return [link, unlink];
}

/** Whoever is not vouched for could be anybody, and so nobody's other half. */
function linker({ caller, person = caller, guest }: CommandContext): Linker {
  if (guest)
    throw new MicroError("permission_denied", "nobody vouches for you here, so you cannot be linked with anybody");
  return { caller, person };
}

function drawStep(result: LinkStep): string {
  if (result.step === "linked") return `linked: ${result.ids.join(" and ")} are one person to me, ${result.person}`;
  const { code, caller } = result;
  if (result.step === "offered") {
    return `within ${result.minutes} minutes say \`link ${code}\` to me on the other network, as who you are there; then come back here`;
  }
  const rights = "who is linked with you may do what you may do";
  if (result.step === "named") {
    return `that code was made by ${result.by}. If that is you, say \`link ${code} ${result.by}\`; if it is not, say nothing: ${rights}`;
  }
  return `one half is done: now say \`link ${code} ${caller}\` there, as ${result.by}; ${rights}`;
}
