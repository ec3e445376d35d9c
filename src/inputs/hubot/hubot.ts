import { MicroError } from "../../core/errors.ts";
import { type Log, silent } from "../../core/log.ts";
import type { Input } from "../input.ts";
import { hubotConnection } from "./connection.ts";
import { markupOf } from "./render.ts";
import { redactor } from "./secrets.ts";

export interface HubotInit {
  /** A package with a Hubot adapter (`@hubot-friends/hubot-slack`), or the path of a file with one. */
  readonly adapter: string;
  /** Where packages and relative paths are looked for. */
  readonly cwd: string;
  /** What the adapter is configured with; ours (`MICRO_…`) is kept from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The network behind it guarantees the adapter's user ids. Default false: everybody is a guest. */
  readonly trusted?: boolean;
  /** How long it may take until the adapter says that it is connected. Default 20000 ms. */
  readonly connectMs?: number;
  /** How often its thread is asked for a sign of life, and how long it has for it. Default 15000 ms. */
  readonly aliveMs?: number;
}

/**
 * Any adapter that was written for Hubot, in a thread of its own. Only what it gives as a text is heard, and only what
 * it can send as a text is said; `docs/hubot-adapters.md` tells what follows from that.
 *
 * @throws MicroError `invalid_argument` for an adapter without a name
 */
export function hubotInput(init: HubotInit): (parts?: { readonly log?: Log }) => Input {
  const adapter = init.adapter.trim();
  if (adapter === "")
    throw new MicroError("invalid_argument", "hubot: which adapter? --inputs=hubot:<package or path>");
  const env = Object.fromEntries(
    Object.entries(init.env).filter((entry): entry is [string, string] => {
      return entry[1] !== undefined && !entry[0].startsWith("MICRO_");
    }),
  );
  const name = `hubot:${adapter}`;
  return ({ log = silent } = {}) => ({
    name,
    // What the network takes is not known; 2000 is the least among those that people use (Discord).
    limits: { textLength: 2000, files: false, edits: false, buttons: false, pictures: false },
    // Nor how fast; HipChat and IRC were the slowest.
    pace: { link: 60, room: 30 },
    replays: true,
    connect: (options = {}) =>
      hubotConnection(
        {
          name,
          begin: {
            adapter,
            cwd: init.cwd,
            robotName: env["HUBOT_NAME"] || "micro",
            alias: env["HUBOT_ALIAS"] || false,
            http: Boolean(env["EXPRESS_PORT"]),
          },
          // Hubot's own default would be every network interface.
          env: { EXPRESS_BIND_ADDRESS: "127.0.0.1", ...env },
          trusted: init.trusted ?? false,
          markup: markupOf(adapter),
          redact: redactor(env),
          connectMs: init.connectMs ?? 20_000,
          aliveMs: init.aliveMs ?? 15_000,
          log,
        },
        options,
      ),
  });
}
