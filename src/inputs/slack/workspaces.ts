import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { type Closable, closable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import type { Place } from "../input.ts";
import type { Envelope } from "./envelope.ts";
import { linkError } from "./errors.ts";
import type { Self } from "./message.ts";
import { type People, slackPeople } from "./people.ts";
import { slackWeb, type Web } from "./web.ts";

/** One workspace that the app is installed in: its token's client, who we are there, who the people are. */
export interface Workspace {
  readonly self: Self;
  readonly web: Web;
  readonly people: People;
}

/** The workspaces of one app, each with a token of its own. */
export interface Workspaces extends Closable {
  /** Any of them, for what is the app's own matter. */
  readonly first: Workspace;
  /** Whose it is; `undefined`: of a workspace that nobody gave us a token for. */
  of(envelope: Envelope): Workspace | undefined;
  /** Where a message belongs. @throws MicroError `invalid_argument` */
  at(place: Place): Workspace;
}

export interface WorkspacesInit {
  /** Bot tokens, one for each workspace. */
  readonly tokens: readonly string[];
  readonly secrets: readonly string[];
  readonly apiUrl: string | undefined;
}

/**
 * Asks Slack whose each token is. A refused token is an error, except one that was good before (`proven`): an app that
 * was removed from one workspace goes on in the others.
 *
 * @throws MicroError `unauthenticated`, `unavailable`, `timeout`, `cancelled`
 */
export async function openWorkspaces(
  init: WorkspacesInit,
  proven: Set<string>,
  parts: { readonly clock: Clock; readonly log: Log },
  options: { readonly signal: AbortSignal },
): Promise<Workspaces> {
  const { tokens } = init;
  const { log } = parts;
  const byTeam = new Map<string, Workspace>();
  const webs: Web[] = [];
  const close = async () => {
    await Promise.all(webs.map((web) => web.close()));
  };

  const open = async (token: string, index: number): Promise<Workspace | undefined> => {
    const web = await slackWeb({ ...init, token }, log);
    webs.push(web);
    try {
      const self = await whoAmI(web, options);
      proven.add(token);
      return workspace(web, self, parts);
    } catch (thrown) {
      const error = numbered(MicroError.from(thrown), index, tokens.length);
      const others = tokens.some((other) => other !== token && proven.has(other));
      if (error.code !== "unauthenticated" || !proven.has(token) || !others) throw error;
      log.error({ reason: error.message }, "slack: a workspace does not let us in any more and is left out");
      return undefined;
    }
  };

  try {
    const opened = await Promise.allSettled(tokens.map(open));
    for (const [index, one] of opened.entries()) {
      if (one.status === "rejected") throw one.reason;
      if (one.value === undefined) continue;
      const { team, user } = one.value.self;
      if (byTeam.has(team)) {
        const words = `this one and another are both for the workspace ${team}: give one token for each`;
        throw numbered(new MicroError("unauthenticated", words), index, tokens.length);
      }
      byTeam.set(team, one.value);
      log.info({ team, user }, "slack: the bot token is good");
    }
    const [first] = byTeam.values();
    if (first === undefined) {
      throw new MicroError("unauthenticated", "slack refused every bot token: install the app again");
    }
    return {
      first,
      of: (envelope) => {
        const mine = byTeam.get(teamOf(envelope) ?? "");
        if (mine === undefined || byTeam.size === 1) return mine;
        // Where two of ours share a channel, Slack tells of a message once and names either; the one who was
        // mentioned answers.
        const mentioned = mentionedFirst(envelope);
        return [...byTeam.values()].find(({ self }) => self.user === mentioned) ?? mine;
      },
      at: ({ team }) => {
        const found = team === undefined && byTeam.size === 1 ? first : byTeam.get(team ?? "");
        if (found !== undefined) return found;
        throw new MicroError("invalid_argument", `slack: there is no token for the workspace ${team ?? "(not named)"}`);
      },
      ...closable(close),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function workspace(web: Web, self: Self, { clock, log }: { readonly clock: Clock; readonly log: Log }): Workspace {
  const people = slackPeople({
    self,
    clock,
    log,
    lookUp: (user) =>
      web.call("users.info", async (slack) => (await slack.users.info({ user })).user ?? {}, { timeoutMs: 2000 }),
  });
  return { web, self, people };
}

async function whoAmI(web: Web, options: { readonly signal: AbortSignal }): Promise<Self> {
  try {
    const { team_id: team, user_id: user } = await web.call("auth.test", (slack) => slack.auth.test(), options);
    if (team === undefined || user === undefined) {
      throw new MicroError("unauthenticated", "slack does not tell who the bot token belongs to: is it a bot token?");
    }
    return { team, user };
  } catch (error) {
    const known = MicroError.from(error, "unavailable");
    throw known.code === "timeout" ? known : linkError(known);
  }
}

/** Which token it was, where there are several. */
function numbered(error: MicroError, index: number, count: number): MicroError {
  if (count === 1) return error;
  const { code, details, message, cause } = error;
  return new MicroError(code, `slack token ${index + 1} of ${count}: ${message}`, { details, cause });
}

/** What we read of an envelope to see whom it is for; each kind says it its own way. */
interface Addressed {
  readonly team_id?: unknown;
  readonly context_team_id?: unknown;
  readonly authorizations?: readonly { readonly team_id?: unknown }[];
  readonly team?: { readonly id?: unknown } | null;
  readonly user?: { readonly team_id?: unknown } | null;
  readonly view?: { readonly app_installed_team_id?: unknown } | null;
  readonly event?: { readonly text?: unknown };
  readonly is_ext_shared_channel?: unknown;
}

/**
 * The workspace that an envelope was sent for: an event's first authorization (docs.slack.dev, "Events API"; where a
 * channel is shared, `team_id` may be the others'), where a form's app is installed, where a command was typed or
 * something was pressed.
 */
function teamOf({ type, body }: Envelope): string | undefined {
  const said = body as Addressed;
  const teams =
    type === "interactive"
      ? [said.view?.app_installed_team_id, said.team?.id, said.user?.team_id]
      : [said.authorizations?.[0]?.team_id, said.context_team_id, said.team_id];
  return teams.find((team) => typeof team === "string" && team !== "") as string | undefined;
}

/** Whom a message in a shared channel is said to, if it begins with that. */
function mentionedFirst({ body }: Envelope): string | undefined {
  const { event, is_ext_shared_channel: shared } = body as Addressed;
  const text = event?.text;
  return shared === true && typeof text === "string" ? /^\s*<@(\w+)/.exec(text)?.[1] : undefined;
}
