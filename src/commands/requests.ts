import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import { type AnyCommand, defineCommand } from "./command.ts";

/** A line that waits for a yes, or did. */
export interface RequestFacts {
  /** Six hex digits, for typing. */
  readonly id: string;
  /** Who asked, for people. */
  readonly asker: string;
  /** As it will be carried out. */
  readonly line: string;
  /** Whose yes it waits for, or what became of it. */
  readonly waits: string;
  /** Until it expires; 0 when it is over. */
  readonly seconds: number;
  /** The question as it stands in the room. */
  readonly text: string;
}

/** The requests of a room; kept by who asks. @throws MicroError as their store does */
export interface Requests {
  /** Those that are open, oldest first. @param room among those of all networks */
  open(room: string | undefined): Promise<readonly RequestFacts[]>;
  /** One, open or not; `undefined`: none of that room. */
  get(id: string, room: string | undefined): Promise<RequestFacts | undefined>;
}

/** `requests`; and how `approve` and `break-glass` are said, for help and for who says them wrong: said right, they never come here. */
export function requestsCommands(requests: Requests): readonly AnyCommand[] {
  const list = defineCommand({
    name: "requests",
    summary: "Show what waits for a yes in this room, or what became of a request",
    input: z.object({ id: z.string().optional().describe("one of them, also when it is over") }),
    words: ["id"],
    permission: "bot:talk",
    effect: "read",
    urgent: true,
    examples: ["requests", "requests 03f9a1"],
    run: async ({ id }, { room }) => {
      if (id === undefined) return { requests: await requests.open(room) };
      const one = await requests.get(id.toLowerCase(), room);
      if (one === undefined) throw new MicroError("not_found", `there is no request ${id} in this room`);
      return { requests: [one] };
    },
    view: ({ requests: found }, { id }) => {
      if (found.length === 0) return { kind: "text", text: "nothing waits for a yes in this room" };
      if (id !== undefined) return { kind: "text", text: found.map((one) => one.text).join("\n") };
      const rows = found.map((one) => `${one.id}\t${one.asker}\t${one.waits}\t${one.seconds}\t${firstLine(one.line)}`);
      return { kind: "report", text: ["Id\tAsked by\tWaits for\tSeconds left\tCommand", ...rows].join("\n") };
    },
  });
  const approve = defineCommand({
    name: "approve",
    summary: "Say yes to what somebody else has asked for",
    input: z.object({
      id: z.string({ error: "approve what? `requests` shows the ids" }).describe("as `requests` shows it"),
    }),
    words: ["id"],
    permission: "bot:talk",
    effect: "read",
    urgent: true,
    examples: ["approve 03f9a1"],
    run: async ({ id }) => {
      throw new MicroError(
        "invalid_argument",
        `\`${id}\` is not the id of a request (six characters of 0-9 and a-f, as 03f9a1); \`requests\` shows them`,
      );
    },
    view: () => ({ kind: "text", text: "" }),
  });
  const breakGlass = defineCommand({
    name: "break-glass",
    summary: "Do what needs approvers without them, with a reason that everybody is told",
    input: z.object({
      reason: z.string({ error: "say why, in quotes, and then the command" }).describe("why, in quotes"),
      line: z.string({ error: "say the command after the reason" }).describe("the command, as it is said without this"),
    }),
    words: ["reason", "line"],
    rest: "line",
    permission: "bot:break-glass",
    effect: "write",
    confirm: false,
    urgent: true,
    examples: ['break-glass "nobody answers the pager" call payments Pool.Drain {"node":"p1"}'],
    run: async () => {
      throw new MicroError("invalid_argument", 'the reason stands in quotes: break-glass "why" and then the command');
    },
    view: () => ({ kind: "text", text: "" }),
  });
  return [list, approve, breakGlass];
}

function firstLine(text: string): string {
  const [first = "", ...more] = text.split("\n");
  return more.length > 0 ? `${first} …` : first;
}
