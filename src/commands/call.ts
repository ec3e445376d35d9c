import { z } from "zod";
import { RawJson } from "../core/codec/json.ts";
import { MicroError } from "../core/errors.ts";
import { byVersion } from "../core/selector/filters.ts";
import { errorText, toRecord } from "../core/wire/error.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { readObject } from "./json.ts";
import { alike, endpointNames, serviceNames } from "./service-names.ts";
import { shape } from "./shape.ts";

const NEEDS = "require service and method";

export const call = defineCommand({
  name: "call",
  aliases: ["query"],
  summary: "Call a service and show its answer",
  input: z.object({
    service: z.string({ error: NEEDS }).describe("its name in the registry"),
    endpoint: z.string({ error: NEEDS }).describe("Handler.Method, as `get service` shows it"),
    request: z.string().default("{}").describe("a JSON object"),
    address: z.string().optional().describe("host:port to call instead of looking the service up"),
    version: z.string().optional().describe("only nodes of this version"),
    metadata: z.record(z.string(), z.string()).optional().describe("headers for the handler; may be repeated"),
    timeout: z.number().positive().max(300).optional().describe("seconds to wait, all attempts together"),
  }),
  words: ["service", "endpoint", "request"],
  rest: "request",
  permission: "service:call",
  effect: "write",
  confirm: false,
  examples: ['call go.micro.srv.greeter Say.Hello {"name":"John"}'],
  run: async (input, context) => {
    const { service, endpoint, address, version, metadata, timeout } = input;
    const request = await readRequest(input.request, service, endpoint, context);
    try {
      const answer = await context.client.request(service, endpoint, new RawJson(request), {
        raw: true,
        signal: context.signal,
        ...(address === undefined ? {} : { address }),
        ...(metadata === undefined ? {} : { metadata }),
        ...(timeout === undefined ? {} : { timeoutMs: Math.round(timeout * 1000) }),
        ...(version === undefined ? {} : { filters: [byVersion(version)] }),
      });
      return answer instanceof RawJson ? answer : new RawJson(JSON.stringify(answer));
    } catch (error) {
      throw await explained(MicroError.from(error), service, endpoint, context);
    }
  },
  view: (answer) => ({ kind: "json", text: answer.text }),
  complete: async (field, given, context) => {
    if (field === "service") return serviceNames(context);
    return field === "endpoint" ? endpointNames(String(given["service"]), context) : [];
  },
});

/** The request's text, or what is wrong with it and what the endpoint wants instead. */
async function readRequest(text: string, service: string, endpoint: string, context: CommandContext): Promise<string> {
  try {
    return readObject(text);
  } catch (error) {
    const { message } = MicroError.from(error);
    const wanted = await requestShape(service, endpoint, context);
    throw new MicroError("invalid_argument", wanted ? `${message}; ${wanted}` : message, { cause: error });
  }
}

/** The same error in one line that says what to do, and in the reference's words for scripts (`toolkit.md §1.6`). */
async function explained(
  error: MicroError,
  service: string,
  endpoint: string,
  context: CommandContext,
): Promise<MicroError> {
  const record = toRecord(error);
  const hint = error.code === "cancelled" ? undefined : await advice(error, service, endpoint, context);
  const detail = record.detail || error.message;
  return new MicroError(
    error.code,
    `${service} ${endpoint} failed: ${detail}${record.code ? ` (${record.code})` : ""}${hint ? `; ${hint}` : ""}`,
    {
      cause: error,
      details: { ...error.details, record, reference: `error calling ${service}.${endpoint}: ${errorText(record)}` },
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
