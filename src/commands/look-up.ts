import { MicroError } from "../core/errors.ts";
import { meant } from "../core/health/short-name.ts";
import { marked } from "../core/look-alike.ts";
import type { ServiceRecord } from "../core/registry/registry.ts";
import type { CommandContext } from "./command.ts";
import { alike, serviceNames } from "./service-names.ts";

/**
 * A service by its name or by what its name ends with, if that is so of one alone (`payments`: `go.micro.srv.payments`). Rules are
 * about whole names, so only those count that who asks may run the command on.
 * @throws MicroError as `lookUp`; `invalid_argument` when several end so
 */
export async function lookUpShort(
  said: string,
  command: Parameters<typeof mayRunOn>[0],
  context: CommandContext,
): Promise<{ readonly service: string; readonly records: readonly ServiceRecord[] }> {
  const { registry, signal } = context;
  const there = await registry.get(said, { signal }).catch((error: unknown) => {
    if (MicroError.from(error).code !== "not_found") throw error;
    return undefined;
  });
  if (there !== undefined) return { service: said, records: there };
  const may = (await serviceNames(context)).filter((name) => mayRunOn(command, name, context));
  const [service = said, ...others] = meant(said, may);
  if (others.length > 0) {
    const names = [service, ...others].map(marked);
    throw new MicroError("invalid_argument", `${said} may be ${names.join(" or ")}: say which`);
  }
  return { service, records: await lookUp(service, context) };
}

/** Whether who asks may run a command on a service that the line does not name, or not by its whole name. */
export function mayRunOn(
  command: Parameters<NonNullable<CommandContext["mayRunOn"]>>[0],
  service: string,
  { mayRunOn: may, mayRun }: CommandContext,
): boolean {
  return may ? may(command, service) : mayRun(command);
}

/**
 * All versions of a service.
 * @throws MicroError `not_found` that names the services that may have been meant, `unavailable`
 */
export async function lookUp(service: string, context: CommandContext): Promise<readonly ServiceRecord[]> {
  try {
    return await context.registry.get(service, { signal: context.signal });
  } catch (error) {
    const { code } = MicroError.from(error);
    if (code !== "not_found") throw error;
    const names = await serviceNames(context);
    const [only, ...others] = meant(service, names);
    const sure = only !== undefined && others.length === 0;
    const near = sure ? [only] : alike(service, names);
    const hint = near.length > 0 ? `did you mean ${near.map(marked).join(", ")}?` : "`list services` shows what is";
    throw new MicroError("not_found", `no service ${service} is registered; ${hint}`, {
      cause: error,
      // To the character what the reference says, unless there is more to say than it knew.
      details: { reference: sure ? `Service not found\n${hint}` : "Service not found" },
    });
  }
}
