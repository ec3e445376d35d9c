import type { ListenerFacts, OfferedScripts } from "./protocol.ts";

/**
 * `hubot.deploy.2`: a listener by its script and its place there, or by the id that the script gives it (`{ id: "deploy.now" }`),
 * which stays the same when others come before it. No two have one name.
 */
export function listenerNames(listeners: readonly ListenerFacts[]): readonly string[] {
  const counts = new Map<string, number>();
  const taken = new Set<string>();
  return listeners.map(({ script, id }) => {
    const count = (counts.get(script) ?? 0) + 1;
    counts.set(script, count);
    const own = id
      ?.toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 32);
    const named = own && !/^\d+$/.test(own) ? `hubot.${script}.${own}` : undefined;
    const name = named !== undefined && !taken.has(named) ? named : `hubot.${script}.${count}`;
    taken.add(name);
    return name;
  });
}

/** What is said to reach a listener: its pattern, and whether the robot is to be spoken to. */
export function reachedBy(kind: ListenerFacts["kind"], pattern: string | undefined, name: string): string {
  if (kind === "respond") return `said to ${name}: ${pattern ?? "what its script takes"}`;
  if (kind === "hear") return `said anywhere: ${pattern ?? "what its script takes"}`;
  const event = eventOf(kind);
  if (event !== undefined) return `never: no input tells that ${event}`;
  return kind === "catchAll" ? "what nothing else takes" : `anywhere, what its script takes`;
}

/** What a listener waits for that is nothing said: a clause. */
export function eventOf(kind: ListenerFacts["kind"]): string | undefined {
  if (kind === "enter") return "somebody comes into a room";
  if (kind === "leave") return "somebody leaves a room";
  return kind === "topic" ? "somebody sets a room's topic" : undefined;
}

/** A line of a script's help: what to say, and what it does. */
export interface HelpLine {
  readonly usage: string;
  readonly summary: string;
}

/** `hubot ping - Reply with pong`, without the robot's name, which the bot's own commands do not show either. */
export function helpLines(help: OfferedScripts["help"], script: string, name: string): readonly HelpLine[] {
  const lines = help.find(([one]) => one === script)?.[1] ?? [];
  return lines.map((line) => {
    const [usage = "", ...rest] = line.split(/\s+[-–—]+\s+/);
    const first = usage.trim().split(/\s+/)[0]?.replace(/[:,]$/, "").toLowerCase() ?? "";
    const bare = ["hubot", "<hubot>", "@hubot", name.toLowerCase()].includes(first)
      ? usage.trim().slice(usage.trim().indexOf(" ") + 1)
      : usage.trim();
    return { usage: bare, summary: rest.join(" - ").trim() || `what the script ${script} does` };
  });
}
