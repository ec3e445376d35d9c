import { readFile } from "node:fs/promises";
import { examineAlertsFile } from "../alerts/file/read.ts";
import type { Reach } from "../alerts/file/references.ts";
import { readPolicy } from "../bot/policy.ts";
import { systemClock } from "../core/clock.ts";
import { silent } from "../core/log.ts";
import type { Input } from "../inputs/input.ts";
import { type Host, INPUT_OPTIONS, INPUTS, makeInput } from "./inputs.ts";
import type { Linted } from "./lint.ts";
import { peopleOf, reachOf } from "./oncall.ts";

/**
 * The configuration of alerts, by the bot's own check: as if it were in every network that there is. Which of them it is in, who is in
 * them, and what its secrets and certificates are is known only where it starts.
 * @param said as its path was given @param policy the policy's path: people whom it names may be named, too
 */
export async function lintAlerts(path: string, said: string, policy?: string): Promise<Linted> {
  const what = "1 configuration of alerts";
  const names = policy === undefined ? [] : peopleOf(readPolicy(await readFile(policy, "utf8"), policy)).names();
  const { flaws } = examineAlertsFile(await readFile(path, "utf8"), await everyNetwork(names, policy !== undefined));
  return { what, flaws: flaws.map(({ words, line, column }) => ({ at: `${said}:${line}:${column}`, why: words })) };
}

/** What a network's ids look like is known by its input alone, which is made and never connected. */
async function everyNetwork(names: readonly string[], withPolicy: boolean): Promise<Reach> {
  const inputs = await Promise.all(Object.keys(INPUTS).map(unconnected));
  const known = inputs.map(({ name }) => name);
  const none = (name: string) =>
    known.includes(name) ? undefined : `there is no input ${name.slice(0, 40)}; there is ${known.join(", ")}`;
  const reach = reachOf(inputs, { names: () => names });
  return {
    room: (name, room) => none(name) ?? reach.room(name, room),
    person: (name, id) => none(name) ?? reach.person(name, id),
    named: reach.named,
    ...(!withPolicy && { hint: "which micro lint --policy=policy.yaml knows" }),
  };
}

/** Nothing of these is said to anybody: they only have to look like what they are. */
const LOOKS = {
  slack_token: "xoxb-0-0-lint",
  slack_app_token: "xapp-0-lint",
  discord_token: "bGludA.bGludA.bGludGxpbnRsaW50bGludGxpbnQ",
  telegram_token: "123456:lintlintlintlintlintlintlintlintlint",
  xmpp_username: "lint@example.org",
  xmpp_password: "lint",
  hipchat_username: "1_1@chat.example.org",
  hipchat_password: "lint",
};

async function unconnected(name: string): Promise<Pick<Input, "name" | "placeIn" | "placeTo">> {
  // These listen to this machine, and one leads to other programs' networks.
  if (name === "terminal") return { name, placeIn: () => ({ room: "terminal" }) };
  if (name === "local" || name === "hubot:…") return { name };
  const usual = Object.entries(INPUT_OPTIONS).map(([option, { fallback }]) => [option, fallback]);
  const settings = { ...Object.fromEntries(usual), ...LOOKS };
  return makeInput(name, settings, {} as Host, { clock: systemClock, log: silent });
}
