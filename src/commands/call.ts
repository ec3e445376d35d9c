import { z } from "zod";
import { RawJson } from "../core/codec/json.ts";
import { MicroError } from "../core/errors.ts";
import { byVersion } from "../core/selector/filters.ts";
import { defineCommand } from "./command.ts";
import { wireName } from "./names.ts";
import { explained, readRequest } from "./request.ts";
import { endpointNames, serviceNames } from "./service-names.ts";

const NEEDS = "require service and method";

export const call = defineCommand({
  name: "call",
  aliases: ["query"],
  summary: "Call a service and show its answer",
  input: z.object({
    service: wireName(NEEDS).describe("its name in the registry"),
    endpoint: wireName(NEEDS).describe("Handler.Method, as `get service` shows it"),
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
