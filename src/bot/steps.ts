import { channel } from "node:diagnostics_channel";
import type { Layer } from "./context.ts";

/** The layers that a message meets, by name; `path.ts` has them in their order. */
export const LAYERS = [
  ...["told", "once", "answer", "hush", "audit said", "fresh", "limit heard", "ask heard", "confirm heard", "alias"],
  ...["audit line", "pipe", "understand", "audit parsed", "authorize", "audit decided", "limit meant", "pause", "long"],
  ...["confirm ask", "again", "marks", "order", "pause again", "audit begun", "begin"],
] as const;

export type LayerName = (typeof LAYERS)[number];

/**
 * Every place where a message can be on its way: heard and nothing done yet, in and out of each layer, its command running, its
 * answer on its way out. Between any two of them a process can die, and the harness of `test/faults` has it die at each.
 */
export const STEPS = [
  "heard",
  ...LAYERS.flatMap((name) => [`> ${name}`, `< ${name}`] as const),
  ...(["running", "ran", "saying", "said"] as const),
] as const;

export type Step = (typeof STEPS)[number];

/** What a subscriber of the diagnostics channel `micro:step` is told, before the message goes on. */
export interface Stepped {
  readonly step: Step;
}

const steps = channel("micro:step");

/** Tells that a message is there. Costs nothing while nobody listens. */
export function step(at: Step): void {
  if (steps.hasSubscribers) steps.publish({ step: at } satisfies Stepped);
}

/** Tells of both ends of some work. */
export async function between<T>(from: Step, work: () => Promise<T>, to: Step): Promise<T> {
  step(from);
  try {
    return await work();
  } finally {
    step(to);
  }
}

/** The layers in the order in which they are given, each telling when a message comes to it and leaves it. */
export function stepped(layers: Readonly<Record<LayerName, Layer>>): readonly Layer[] {
  return (Object.entries(layers) as [LayerName, Layer][]).map(([name, layer]): Layer => {
    const work: Layer = (context, next) => between(`> ${name}`, () => layer(context, next), `< ${name}`);
    return (context, next) => (steps.hasSubscribers ? work(context, next) : layer(context, next));
  });
}
