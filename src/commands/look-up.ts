import { MicroError } from "../core/errors.ts";
import { marked } from "../core/look-alike.ts";
import type { ServiceRecord } from "../core/registry/registry.ts";
import type { CommandContext } from "./command.ts";
import { alike, serviceNames } from "./service-names.ts";

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
    const near = alike(service, await serviceNames(context));
    const hint = near.length > 0 ? `did you mean ${near.map(marked).join(", ")}?` : "`list services` shows what is";
    throw new MicroError("not_found", `no service ${service} is registered; ${hint}`, {
      cause: error,
      details: { reference: "Service not found" },
    });
  }
}
