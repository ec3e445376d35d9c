import type { AnyCommand, CommandContext } from "../../commands/command.ts";
import type { House } from "../../commands/house.ts";
import { mayRunOn } from "../../commands/look-up.ts";
import { MicroError } from "../../core/errors.ts";
import type { Incident } from "./incident.ts";

type Asked = Pick<AnyCommand, "name" | "permission" | "effect">;

/** What it takes to act on what nobody can tell the services of. */
const UNKNOWN = { name: "alerts", permission: "bot:admin", effect: "write" } as const;

/**
 * Whether who asks may do that to an incident: on every service that it names, as it was matched when the registry answered last. While
 * nobody could tell yet what it names, rules about services cannot be asked, so only who has `bot:admin` may.
 * @param asked the service that the policy was asked of already, with approvals
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
