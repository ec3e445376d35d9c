import { closest, distance } from "fastest-levenshtein";
import type { Target } from "../oncall/target.ts";
import type { AlertsFile } from "./sections.ts";

/** Something that is wrong, and where in the file. */
export interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

interface Issues {
  addIssue(issue: Issue): void;
}

/** What one section says of another: names that are there, told where they are not; and what routes and steps say of each other. */
export function checkReferences(file: AlertsFile, context: Issues): void {
  checkOrder(file, context);
  const { routes, oncall, quiet_hours } = file;
  const unknown = (path: PropertyKey[], what: string, name: string, known: readonly string[]) => {
    const near = known.length === 0 ? undefined : closest(name, known);
    const meant =
      near !== undefined && distance(name, near) <= Math.max(2, near.length / 3) ? ` Did you mean ${near}?` : "";
    const there = known.length === 0 ? "there is none" : `there is ${known.slice(0, 10).join(", ")}`;
    context.addIssue({
      path,
      message: `unknown ${what} "${name.slice(0, 60)}".${meant} ${sentence(there)}`,
    });
  };
  const schedules = Object.keys(oncall);
  for (const [at, { quiet, oncall: schedule, escalate = [] }] of routes.entries()) {
    if (quiet !== undefined && !Object.hasOwn(quiet_hours, quiet)) {
      unknown(["routes", at, "quiet"], "name of quiet_hours", quiet, Object.keys(quiet_hours));
    }
    if (schedule !== undefined && !Object.hasOwn(oncall, schedule)) {
      unknown(["routes", at, "oncall"], "schedule", schedule, schedules);
    }
    for (const [number, { to }] of escalate.entries()) {
      const path = ["routes", at, "escalate", number, "to"];
      if (to.kind !== "oncall") continue;
      if (to.schedule !== undefined && !Object.hasOwn(oncall, to.schedule)) {
        unknown(path, "schedule", to.schedule, schedules);
      } else if (to.schedule === undefined && schedule === undefined && schedules.length !== 1) {
        const why =
          schedules.length === 0
            ? "there is no schedule under oncall"
            : `there are several: ${schedules.slice(0, 10).join(", ")}`;
        context.addIssue({ path, message: `which schedule? Give the route its oncall; ${why}` });
      }
    }
  }
}

/** Each part of this can be understood by itself, so what else is wrong in the file is told beside it. */
function checkOrder({ routes }: AlertsFile, context: Issues): void {
  for (const [at, { escalate = [] }] of routes.entries()) {
    const late = escalate.findIndex(({ after }, step) => after < (escalate[step - 1]?.after ?? 0));
    if (late >= 0) {
      const message = "this step comes before the one above it: after counts from when the alert began";
      context.addIssue({ path: ["routes", at, "escalate", late, "after"], message });
    }
  }
  const open = routes.findIndex((one) => one.match === undefined && !one.continue);
  if (open < 0 || open === routes.length - 1) return;
  const message = "no alert comes here: the route above it has no match, so it takes all";
  context.addIssue({ path: ["routes", open + 1], message });
}

/** Whether something can be said there: why not, or nothing. */
export interface Reach {
  room(input: string, room: string): string | undefined;
  /** An id of a person; left out: by its input alone. */
  person(input: string, id: string): string | undefined;
  /** Whether it is somebody whom others know by that name. */
  named(name: string): boolean;
  /** Who knows people that are not known here; said of somebody who is not. */
  readonly hint?: string;
}

/** Rooms, inputs and people that are there, told where they are not. */
export function checkReach(reach: Reach): (file: AlertsFile, context: Issues) => void {
  const hint = reach.hint === undefined ? "" : `, ${reach.hint}`;
  return ({ routes, oncall, contacts }, context) => {
    const say = (path: PropertyKey[], message: string | undefined) => {
      if (message !== undefined) context.addIssue({ path, message });
    };
    const roomAt = (path: PropertyKey[], text: string) => {
      const at = text.indexOf(":");
      say(path, reach.room(text.slice(0, at), text.slice(at + 1)));
    };
    const personAt = (path: PropertyKey[], said: string) => {
      const at = said.indexOf(":");
      if (at > 0) return say(path, reach.person(said.slice(0, at), said.slice(at + 1)));
      if (Object.hasOwn(contacts, said) || reach.named(said)) return;
      say(
        path,
        `nobody is called ${said.slice(0, 60)}: name them under contacts, or under people in the policy${hint}`,
      );
    };
    for (const [at, { rooms = [], escalate = [] }] of routes.entries()) {
      for (const [number, room] of rooms.entries()) roomAt(["routes", at, "rooms", number], room);
      for (const [number, step] of escalate.entries()) {
        const to: Target = step.to;
        const path = ["routes", at, "escalate", number, "to"];
        if (to.kind === "room" && to.room !== undefined) roomAt(path, to.room);
        if (to.kind === "person") personAt(path, to.person);
      }
    }
    for (const [name, { rotation, overrides }] of Object.entries(oncall)) {
      for (const [at, person] of (rotation?.people ?? []).entries()) {
        personAt(["oncall", name, "rotation", "people", at], person);
      }
      for (const [at, { person }] of overrides.entries()) personAt(["oncall", name, "overrides", at, "person"], person);
    }
    for (const [name, ids] of Object.entries(contacts)) {
      for (const [at, id] of ids.entries()) {
        const colon = id.indexOf(":");
        if (!id.startsWith("mailto:"))
          say(["contacts", name, at], reach.person(id.slice(0, colon), id.slice(colon + 1)));
      }
    }
  };
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
