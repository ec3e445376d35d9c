import { type HubotRobot, hubotRoom } from "./hubot-room.ts";

/** What `external-scripts.json` may say of it: `{ "micro-chatops/hubot": { "registry": "consul" } }`. */
export interface HubotEntryOptions {
  /** The word behind the robot's name. @default "micro" */
  readonly prefix?: string;
  /** The network behind the adapter guarantees its users' ids, so policy may go by them. @default false: all are guests */
  readonly trusted?: boolean;
  /** Any option of `micro bot`; what the environment says (`MICRO_REGISTRY`) counts where it is left out. */
  readonly [option: string]: string | number | boolean | readonly string[] | undefined;
}

/**
 * This package as a script of somebody's own Hubot, from version 3 to 14: `hubot micro list services`. Registers its listener at
 * once, since nobody waits for a script, and lets no failure of its own reach the Hubot that it lives in.
 */
export default function micro(robot: HubotRobot, options?: HubotEntryOptions): void {
  const { prefix = "micro", trusted = false, ...settings } = typeof options === "object" ? options : {};
  const log = (words: string) => (robot.logger?.warn ?? robot.logger?.warning)?.call(robot.logger, `micro: ${words}`);
  const input = hubotRoom(robot, { prefix, trusted });
  const leaving = new AbortController();
  robot.brain?.on("close", () => leaving.abort());
  void import("./hubot-bot.ts")
    .then(({ runInHubot }) => runInHubot(input, { settings, name: prefix, signal: leaving.signal, warn: log }))
    .catch((error: unknown) => log(error instanceof Error ? error.message : String(error)));
}

// A Hubot before version 11 takes what `require` gives for the script itself.
export { micro as "module.exports" };
