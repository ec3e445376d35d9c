/** Who is told by a step of an escalation. */
export type Target =
  /** Who is on call; by the route's schedule where none is said. */
  | { readonly kind: "oncall"; readonly schedule?: string }
  /** A room; the incident's own where none is said. */
  | { readonly kind: "room"; readonly room?: string }
  /** A name of `contacts` or of the policy's `people`, or an id. */
  | { readonly kind: "person"; readonly person: string };

export const TARGETS =
  "to is oncall, oncall <schedule>, room, room slack:C02, a name of contacts, or a person's id, as slack:T01/U02";

/** `undefined`: that says nobody. */
export function readTarget(text: string): Target | undefined {
  const said = text.trim();
  const [first = "", second, ...more] = said.split(/\s+/);
  if (more.length > 0 || said.length > 200) return undefined;
  if (first === "oncall") return { kind: "oncall", ...(second !== undefined && { schedule: second }) };
  if (first === "room") {
    if (second === undefined) return { kind: "room" };
    return /^[a-z][\w-]*:.+$/.test(second) ? { kind: "room", room: second } : undefined;
  }
  if (second !== undefined || !/^(?:[A-Za-z][\w.-]*|[a-z][\w-]*:[^*\s]+)$/.test(first)) return undefined;
  return { kind: "person", person: first };
}

/** As it is written in a file. */
export function targetWords(target: Target): string {
  if (target.kind === "person") return target.person;
  const more = target.kind === "oncall" ? target.schedule : target.room;
  return more === undefined ? target.kind : `${target.kind} ${more}`;
}

/** `slack:C02` in two. */
export function roomParts(text: string): { readonly input: string; readonly room: string } {
  const at = text.indexOf(":");
  return { input: text.slice(0, at), room: text.slice(at + 1) };
}
