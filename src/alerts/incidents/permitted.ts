import type { AnyCommand, CommandContext } from "../../commands/command.ts";
import type { House } from "../../commands/house.ts";
import { mayRunOn } from "../../commands/look-up.ts";
import { MicroError } from "../../core/errors.ts";
import type { Incident } from "./incident.ts";

type Asked = Pick<AnyCommand, "name" | "permission" | "effect">;

/** What it takes to act on what nobody can tell the services of. */
const UNKNOWN = { name: "alerts", permission: "bot:admin", effect: "write" } as const;

/**
 * Which service the policy is asked about for a line: the first that its incident names when that is asked first. What is seen of the
 * incident between that and what is done was not asked about.
 */
export function createAsked(serviceOf: (id: string) => string | undefined) {
  const asked = new WeakMap<object, string | undefined>();
  return {
    /** @param input of the line */
    target: (input: { readonly id: string }): string | undefined => {
      if (!asked.has(input)) asked.set(input, serviceOf(input.id));
      return asked.get(input);
    },
    /** `undefined`: about none. */
    of: (input: object): string | undefined => asked.get(input),
  };
}

/**
 * Whether who asks may do that to an incident: on every service that it names, as it was matched when the registry answered last. While
 * nobody could tell yet what it names, rules about services cannot be asked, so only who has `bot:admin` may.
 * @param asked the service that the policy was asked about already, with approvals (`createAsked`)
 * @throws MicroError `permission_denied` that names the first service on which they may not; `unavailable`
 */
export function permitted(
  command: Asked,
  { id, services }: Pick<Incident, "id" | "services">,
  asked: string | undefined,
  context: CommandContext,
  house: Pick<House, "may">,
): void {
  if (services === undefined) {
    if (house.may(context, UNKNOWN)) return;
    const why = `the registry cannot tell yet which services ${id} names, so nobody knows whether you may`;
    throw new MicroError("unavailable", `${why}; \`${command.name}\` works when it can, and for who has bot:admin`);
  }
  const not = services.find((service) => service !== asked && !mayRunOn(command, service, context));
  if (not === undefined) return;
  throw new MicroError("permission_denied", `${id} names ${not}, too, on which you may not \`${command.name}\``);
}
