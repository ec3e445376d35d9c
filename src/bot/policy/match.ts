import type { Request } from "../policy.ts";
import { type Argument, type Arguments, argumentsOf } from "./arguments.ts";
import { folded, like } from "./glob.ts";
import { foldedPattern } from "./grammar.ts";
import { covers } from "./hours.ts";
import type { Rule, Target, Test } from "./rule.ts";

/** A request as rules look at it; made once for all of them. */
export interface Facts {
  readonly target: string | undefined;
  readonly endpoint: string | undefined;
  /** The line names an address, so nobody here knows which service it comes to. */
  readonly elsewhere: boolean;
  readonly room: string | undefined;
  readonly at: number;
  readonly argument: Arguments;
}

export function factsOf(request: Request): Facts {
  const { target, input = {}, room, at } = request;
  const { endpoint, address } = input;
  return {
    target,
    endpoint: typeof endpoint === "string" ? endpoint : undefined,
    elsewhere: typeof address === "string",
    room,
    at,
    argument: argumentsOf(request),
  };
}

/** A part of a rule that a request does not fit. */
export type Misfit = "target" | "room" | "hours" | Test;

/**
 * The parts of a rule that a request does not fit, of those that depend on the line, the room and the time. A rule that
 * allows has to fit for certain; one that denies fits as soon as it may: whatever a service or a registry could take for the
 * same (other letters, another spelling of an endpoint, a name that stands twice) is the same to it.
 */
export function misfits(rule: Rule, facts: Facts): readonly Misfit[] {
  const wide = rule.effect === "deny";
  const found: Misfit[] = [];
  if (rule.targets.length > 0 && !rule.targets.some((target) => aims(target, facts, wide))) found.push("target");
  if (rule.rooms.length > 0 && !rule.rooms.some((room) => isRoom(room, facts.room, wide))) found.push("room");
  if (rule.hours !== undefined && !covers(rule.hours, facts.at)) found.push("hours");
  for (const test of rule.tests) if (!holds(test, facts.argument(test.field), wide)) found.push(test);
  return found;
}

function aims({ service, endpoint }: Target, facts: Facts, wide: boolean): boolean {
  if (service === "*" && endpoint === undefined) return true;
  if (facts.elsewhere) return wide;
  if (facts.target === undefined || !same(facts.target, service, wide)) return false;
  if (endpoint === undefined) return true;
  if (facts.endpoint === undefined) return false;
  return same(facts.endpoint, endpoint, wide) || (wide && same(shortest(facts.endpoint), endpoint, wide));
}

/** `/payments.Order/Cancel`, as gRPC spells it, is `Order.Cancel` to the server (`wire.md §7`). */
function shortest(endpoint: string): string {
  return endpoint.split(/[/.]/).filter(Boolean).slice(-2).join(".");
}

function isRoom(pattern: string, room: string | undefined, wide: boolean): boolean {
  return room !== undefined && same(room, pattern, wide);
}

function same(text: string, pattern: string, wide: boolean): boolean {
  return wide ? like(folded(text), folded(pattern)) : like(text, pattern);
}

function holds(test: Test, argument: Argument, wide: boolean): boolean {
  if (argument === "unsure") return wide;
  // What is not there is in no list; but that it is not there proves nothing.
  if (argument === "none") return wide && test.is === "not in";
  const each = (value: string | number | boolean) => fits(test, value, wide);
  return wide ? argument.values.some(each) : argument.values.length > 0 && argument.values.every(each);
}

function fits({ is, values }: Test, value: string | number | boolean, wide: boolean): boolean {
  if (is === "in" || is === "not in") {
    const text = wide ? folded(String(value)) : String(value);
    const patterns = wide ? values.map(foldedPattern) : values;
    const listed = patterns.some((one) => (one.glob ? like(text, one.text) : text === one.text));
    // Other letters may be another value: who denies all but those listed does not mean these.
    if (is === "not in")
      return wide
        ? !values.some((one) => (one.glob ? like(String(value), one.text) : String(value) === one.text))
        : !listed;
    return listed;
  }
  const number = typeof value === "number" ? value : numberIn(value);
  if (number === undefined) return wide;
  const limit = Number(values[0]?.text);
  if (is === "<") return number < limit;
  if (is === "<=") return number <= limit;
  return is === ">" ? number > limit : number >= limit;
}

/** Protobuf's JSON carries large numbers as texts. */
function numberIn(value: string | boolean): number | undefined {
  return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
}
