import { z } from "zod";
import type { ClientStream } from "../core/client/client.ts";
import { RawJson } from "../core/codec/json.ts";
import { MicroError } from "../core/errors.ts";
import type { EndpointRecord, ServiceRecord } from "../core/registry/registry.ts";
import { byVersion } from "../core/selector/filters.ts";
import type { Filter } from "../core/selector/selector.ts";
import { boundFields, boundsOf, closing, follow, MAX_MS } from "./bounds.ts";
import { call } from "./call.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { wireName } from "./names.ts";
import { explained, readRequest } from "./request.ts";
import { endpointNames, serviceNames } from "./service-names.ts";

const NEEDS = "require service and method";

/** `toolkit.md §1.7`, with its request sent once and an end that is none of its errors. */
export const stream = defineCommand({
  name: "stream",
  summary: "Open a stream of a service and show its answers as they come",
  input: z.object({
    service: wireName(NEEDS).describe("its name in the registry"),
    endpoint: wireName(NEEDS).describe("Handler.Method, as `get service` shows it"),
    request: z.string().default("{}").describe("a JSON object"),
    address: z.string().optional().describe("host:port to ask instead of looking the service up"),
    version: z.string().optional().describe("only nodes of this version"),
    metadata: z.record(z.string(), z.string()).optional().describe("headers for the handler; may be repeated"),
    ...boundFields,
  }),
  words: ["service", "endpoint", "request"],
  rest: "request",
  permission: "service:call",
  effect: "write",
  boundAs: [call.name, ...(call.aliases ?? [])],
  confirm: false,
  maxMs: MAX_MS,
  examples: ['stream go.micro.srv.greeter Say.Count {"to":3}', "stream go.micro.srv.geo Location.Watch --for 30s"],
  run: async (input, context) => {
    const { service, endpoint, address, version, metadata } = input;
    const bounds = boundsOf(input, context);
    const request = await readRequest(input.request, service, endpoint, context);
    const streams = await onlyStreams(input, context).catch(async (error: unknown) => {
      const { code } = MicroError.from(error);
      throw code === "invalid_argument" ? error : await explained(MicroError.from(error), service, endpoint, context);
    });
    let doing: "calling" | "sending to" | "receiving from" = "calling";
    try {
      await using answers = await context.client.stream(service, endpoint, {
        raw: true,
        signal: context.signal,
        ...(address === undefined ? {} : { address }),
        ...(metadata === undefined ? {} : { metadata }),
        filters: version === undefined ? [streams] : [byVersion(version), streams],
      });
      doing = "receiving from";
      const unsent = await sent(answers, request);
      const followed = await follow(answers, bounds, context, (answer) => {
        const raw = answer instanceof RawJson ? answer : new RawJson(JSON.stringify(answer));
        return context.emit({ kind: "json", text: raw.text }, raw);
      });
      if (unsent && followed.count === 0 && followed.end === "over") {
        doing = "sending to";
        throw unsent;
      }
      return { node: answers.node.id, ...followed };
    } catch (error) {
      // How most streams end is no failure of the service.
      if (context.signal.aborted) throw new MicroError("cancelled", "cancelled", { cause: error });
      throw await explained(MicroError.from(error), service, endpoint, context, doing);
    }
  },
  view: (followed) => ({ kind: "text", text: closing(followed, "answer") }),
  complete: async (field, given, context) => {
    if (field === "service") return serviceNames(context);
    return field === "endpoint" ? endpointNames(String(given["service"]), context) : [];
  },
});

/**
 * What opens a stream reaches a handler of single calls as an empty request, and what is said next as another one: so only
 * what is registered as a stream is opened. All eras mark their streams (`wire.md §1.5`).
 * @returns keeps the nodes of versions that register it so
 * @throws MicroError `invalid_argument` for what is registered otherwise or not at all, `not_found`, `unavailable`
 */
async function onlyStreams(
  { service, endpoint, address, version }: Asked,
  { registry, signal, oneShot }: Pick<CommandContext, "registry" | "signal" | "oneShot">,
): Promise<Filter> {
  const versions = await registry.get(service, { signal, timeoutMs: 1000 });
  const isNodes = versions.some(({ nodes }) => nodes.some((node) => node.address === address));
  // What listens at any other address may take the opening and the request for two calls.
  if (address !== undefined && !isNodes && !oneShot) {
    const words = `nothing was asked: no node of ${service} is registered at ${address}, and what is there may not know ${endpoint} as a stream`;
    throw new MicroError("invalid_argument", `${words}; \`get service ${service}\` shows its nodes`);
  }
  if (!marksStream(versions, { endpoint, address, version })) {
    const called = `call ${service} ${endpoint}${address === undefined ? "" : ` --address ${address}`}`;
    const known = versions.some(({ endpoints }) => endpoints.some(({ name }) => name === endpoint));
    throw new MicroError(
      "invalid_argument",
      known
        ? `${endpoint} of ${service} is no stream; \`${called}\` asks it`
        : `${service} has not registered ${endpoint} as a stream; \`get service ${service}\` shows what it has, and \`${called}\` asks what is no stream`,
    );
  }
  return (found) => found.filter(({ endpoints }) => isStream(endpoints, endpoint));
}

interface Asked {
  readonly service: string;
  readonly endpoint: string;
  readonly address?: string | undefined;
  readonly version?: string | undefined;
}

/** An address that is no node's is taken for another node of the service, of any of its versions that has the endpoint. */
function marksStream(
  versions: readonly ServiceRecord[],
  { endpoint, address, version }: Omit<Asked, "service">,
): boolean {
  if (address === undefined) {
    const meant = version === undefined ? versions : versions.filter((one) => one.version === version);
    return meant.some(({ endpoints }) => isStream(endpoints, endpoint));
  }
  const there = versions.filter(({ nodes }) => nodes.some((node) => node.address === address));
  const having = versions.filter(({ endpoints }) => endpoints.some(({ name }) => name === endpoint));
  const asked = there.length > 0 ? there : having;
  return asked.length > 0 && asked.every(({ endpoints }) => isStream(endpoints, endpoint));
}

function isStream(endpoints: readonly EndpointRecord[], endpoint: string): boolean {
  const known = endpoints.filter(({ name }) => name === endpoint);
  return known.length > 0 && known.every(({ metadata }) => metadata["stream"] === "true");
}

/** A service that refuses has ended the stream by now, and its reason, which is read next, says more than our error. */
async function sent(answers: ClientStream, request: string): Promise<MicroError | undefined> {
  try {
    await answers.send(new RawJson(request));
    return undefined;
  } catch (error) {
    return MicroError.from(error);
  }
}
