import { MicroError } from "../core/errors.ts";
import { errorText, toRecord } from "../core/wire/error.ts";
import type { CommandContext } from "./command.ts";
import { readObject } from "./json.ts";
import { alike, endpointNames, serviceNames } from "./service-names.ts";
import { shape } from "./shape.ts";

/* What `call` and `stream` share: a request that was typed, and words for what went wrong with it. */

/** The request's text. @throws MicroError what is wrong with it and what the endpoint wants instead */
export async function readRequest(
  text: string,
  service: string,
  endpoint: string,
  context: CommandContext,
): Promise<string> {
  try {
    return readObject(text);
  } catch (error) {
    const { message } = MicroError.from(error);
    const wanted = await requestShape(service, endpoint, context);
    throw new MicroError("invalid_argument", wanted ? `${message}; ${wanted}` : message, { cause: error });
  }
}

/**
 * The same error in one line that says what to do, and in the reference's words for scripts (`toolkit.md §1.6`, §1.7).
 * @param doing what the reference says the error came in
 */
export async function explained(
  error: MicroError,
  service: string,
  endpoint: string,
  context: CommandContext,
  doing: "calling" | "sending to" | "receiving from" = "calling",
): Promise<MicroError> {
  const record = toRecord(error);
  const hint = error.code === "cancelled" ? undefined : await advice(error, service, endpoint, context);
  const detail = record.detail || error.message;
  return new MicroError(
    error.code,
    `${service} ${endpoint} failed: ${detail}${record.code ? ` (${record.code})` : ""}${hint ? `; ${hint}` : ""}`,
    {
      cause: error,
      details: { ...error.details, record, reference: `error ${doing} ${service}.${endpoint}: ${errorText(record)}` },
    },
  );
}

async function advice(
  error: MicroError,
  service: string,
  endpoint: string,
  context: CommandContext,
): Promise<string | undefined> {
  if (error.code === "unavailable" || error.code === "timeout") return `\`health ${service}\` shows which nodes answer`;
  const endpoints = await endpointNames(service, context);
  if (endpoints.length === 0) {
    const near = alike(service, await serviceNames(context));
    return near.length > 0 && !near.includes(service) ? `did you mean ${near.join(", ")}?` : undefined;
  }
  if (!endpoints.includes(endpoint)) return `it has ${endpoints.slice(0, 10).join(", ")}`;
  return error.code === "not_found" ? undefined : requestShape(service, endpoint, context);
}

async function requestShape(service: string, endpoint: string, context: CommandContext): Promise<string | undefined> {
  const versions = await context.registry.get(service, { signal: context.signal, timeoutMs: 1000 }).catch(() => []);
  const registered = versions.flatMap((version) => version.endpoints).find((known) => known.name === endpoint);
  return registered?.request ? `${endpoint} takes ${shape(registered.request)}` : undefined;
}
