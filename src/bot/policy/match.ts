import type { Request } from "../policy.ts";
import { type Argument, type Arguments, argumentsOf } from "./arguments.ts";
import { type Endpoint, endpointOf, meaning } from "./endpoint.ts";
import { isExact } from "./exact.ts";
import { folded, matcher } from "./glob.ts";
import { covers } from "./hours.ts";
import { type Name, nameOf, naming } from "./name.ts";
import type { Rule, Target, Test } from "./rule.ts";

/** A request as rules look at it; made once for all of them. */
export interface Facts {
  readonly target: Name | undefined;
  readonly endpoint: Endpoint | undefined;
  /** The line names an address, maybe as its target, so nobody here knows which service it comes to. */
  readonly elsewhere: boolean;
  readonly room: Name | undefined;
  readonly at: number;
  readonly argument: Arguments;
}

/** A selector that asks no registry goes where the name says: `payments:8080`, `[::1]:8080`, `10.0.0.7`. */
const ADDRESS = /(?::\d+|^\d+(?:\.\d+){0,3}\.?|^0x[\da-f.]+)[\s\p{Cc}]*$/iu;

export function factsOf(request: Request): Facts {
  const { target, input = {}, room, at } = request;
  const { endpoint, address } = input;
  return {
    target: nameOf(target),
    endpoint: endpointOf(endpoint, target),
    elsewhere: typeof address === "string" || (target !== undefined && ADDRESS.test(target)),
    room: nameOf(room),
    at,
    argument: argumentsOf(request),
  };
}

/** What a part of a rule is about. */
export type Aspect = "target" | "room" | "hours" | Test;

/** A part of a rule that depends on the line, the room or the time. */
export interface Part {
  readonly aspect: Aspect;
  fits(facts: Facts): boolean;
}

/**
 * The parts of a rule, the cheapest first. A rule that allows has to fit for certain; one that denies or wants approvals fits
 * as soon as it may: whatever a service or a registry could take for the same (other letters, another spelling of an endpoint,
 * a name that stands twice) is the same to it.
 * @param wide it fits as soon as it may
 */
export function partsOf({ effect, targets, rooms, hours, tests }: Rule, wide = effect === "deny"): readonly Part[] {
  const parts: Part[] = [];
  const any =
    <T>(all: readonly ((value: T) => boolean)[]) =>
    (value: T) =>
      all.some((one) => one(value));
  if (targets.length > 0)
    parts.push({ aspect: "target", fits: any(targets.map((target) => aiming(target, effect, wide))) });
  if (rooms.length > 0) {
    const inRoom = any(rooms.map((room) => naming(room, wide)));
    parts.push({ aspect: "room", fits: ({ room }) => room !== undefined && inRoom(room) });
  }
  if (hours !== undefined) parts.push({ aspect: "hours", fits: ({ at }) => covers(hours, at) });
  for (const test of tests) {
    const holds = holding(test, wide);
    parts.push({
      aspect: test,
      fits: ({ argument }) => {
        if (holds(argument.of(test.field))) return true;
        // Who denies a limit may mean the service's, and not the option that has the same name.
        const also = wide ? argument.also(test.field) : "none";
        return also !== "none" && holds(also);
      },
    });
  }
  return parts;
}

function aiming({ service, endpoint }: Target, effect: Rule["effect"], wide: boolean): (facts: Facts) => boolean {
  if (service === "*" && endpoint === undefined) return () => true;
  const isService = naming(service, wide);
  const isEndpoint = endpoint === undefined ? undefined : meaning(endpoint, wide);
  return (facts) => {
    if (facts.elsewhere) {
      // Whichever service it is, approvals are wanted for an endpoint of that name only.
      if (!wide || effect === "deny") return wide;
    } else if (facts.target === undefined || !isService(facts.target)) return false;
    if (isEndpoint === undefined) return true;
    return facts.endpoint !== undefined && isEndpoint(facts.endpoint);
  };
}

function holding(test: Test, wide: boolean): (argument: Argument) => boolean {
  const fits = fitting(test, wide);
  return (argument) => {
    if (argument === "unsure") return wide;
    // What is not there is in no list; but that it is not there proves nothing.
    if (argument === "none") return wide && test.is === "not in";
    return wide ? argument.values.some(fits) : argument.values.length > 0 && argument.values.every(fits);
  };
}

type Value = string | number | boolean;

function fitting({ is, values }: Test, wide: boolean): (value: Value) => boolean {
  if (is === "in" || is === "not in") {
    // Who denies a value means it in other letters, too; who denies all but some means these as they are written.
    const fold = wide && is === "in" ? folded : (text: string) => text;
    const alike = values.map(({ text, glob }) => (glob ? matcher(fold(text)) : (one: string) => one === fold(text)));
    const listed = (value: Value) => {
      const text = fold(String(value));
      return alike.some((one) => one(text));
    };
    return is === "in" ? listed : (value) => !listed(value);
  }
  const [{ text: written } = { text: "" }] = values;
  const limit = Number(written);
  if (!isExact(written)) return () => wide;
  return (value) => {
    const number = typeof value === "number" ? value : numberIn(value);
    if (number === undefined) return wide;
    if (is === "<") return number < limit;
    if (is === "<=") return number <= limit;
    return is === ">" ? number > limit : number >= limit;
  };
}

/** Protobuf's JSON carries large numbers as texts. */
function numberIn(value: string | boolean): number | undefined {
  return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) && isExact(value) ? Number(value) : undefined;
}
