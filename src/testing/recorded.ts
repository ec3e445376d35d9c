import type { Http, HttpAnswer } from "../commands/needs.ts";
import type { Client } from "../core/client/client.ts";
import { jsonCodec, RawJson } from "../core/codec/json.ts";
import { MicroError } from "../core/errors.ts";
import type { ServiceRecord } from "../core/registry/registry.ts";

/** A call that a command made. */
export interface RecordedCall {
  readonly service: string;
  readonly endpoint: string;
  readonly body: unknown;
}

/** What comes back: a value, what a function makes of the request, or an error that is thrown. */
export type Recorded = unknown | ((body: unknown) => unknown);

/** A client over recorded answers, by `Orders.Scale`, or `go.micro.srv.orders Orders.Scale` where services differ. */
export function recordedClient(
  answers: Readonly<Record<string, Recorded>>,
): Client & { readonly calls: RecordedCall[] } {
  const calls: RecordedCall[] = [];
  const request: Client["request"] = async (service, endpoint, body, options = {}) => {
    const plain = body instanceof RawJson ? JSON.parse(body.text) : body;
    calls.push({ service, endpoint, body: plain });
    const name = [`${service} ${endpoint}`, endpoint].find((one) => Object.hasOwn(answers, one));
    if (name === undefined) {
      throw new MicroError("not_found", `no answer is recorded for ${service} ${endpoint}: give the test \`answers\``);
    }
    const answer = settled(answers[name], plain);
    return options.raw ? new RawJson(new TextDecoder().decode(jsonCodec.encode(answer))) : (answer as object);
  };
  const unrecorded = async () => {
    throw new MicroError("unimplemented", "streams cannot be recorded: give the bot a client of your own");
  };
  return {
    calls,
    request,
    call: async (to, input, options) => to.output.parse(await request(to.service, to.name, input, options)),
    open: unrecorded,
    stream: unrecorded,
    use: () => {},
    close: async () => {},
  };
}

/** What comes back of an address: a body with status 200, or more. */
export interface RecordedPage {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text as it is, anything else as JSON. */
  readonly body?: unknown;
}

/** HTTP over recorded answers, by `GET https://…`. */
export function recordedHttp(
  pages: Readonly<Record<string, RecordedPage | MicroError | ((body: unknown) => RecordedPage)>>,
): { readonly http: Http; readonly asked: string[] } {
  const asked: string[] = [];
  const http: Http = async (url, { method, body } = {}) => {
    const line = `${method ?? (body === undefined ? "GET" : "POST")} ${url}`;
    asked.push(line);
    const page = Object.hasOwn(pages, line) ? pages[line] : undefined;
    if (page === undefined)
      throw new MicroError("unavailable", `no answer is recorded for ${line}: give the test \`http\``);
    return answerOf(settled(page, body) as RecordedPage);
  };
  return { http, asked };
}

function answerOf({ status = 200, headers = {}, body = "" }: RecordedPage): HttpAnswer {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { status, ok: status >= 200 && status < 300, headers, text, json: () => JSON.parse(text) };
}

function settled(answer: unknown, body: unknown): unknown {
  const value = typeof answer === "function" ? answer(body) : answer;
  if (value instanceof Error) throw value;
  return value;
}

/** A service that a test names: by its name alone, or with more of it. */
export type TestService =
  | string
  | (Partial<Omit<ServiceRecord, "nodes">> & { readonly name: string; readonly nodes?: number });

/** A record with as many nodes as the test says, one otherwise. */
export function serviceOf(service: TestService): ServiceRecord {
  const { name, nodes = 1, ...rest } = typeof service === "string" ? { name: service } : service;
  const ids = Array.from({ length: nodes }, (_, at) => at + 1);
  return {
    version: "1.0.0",
    metadata: {},
    endpoints: [],
    ...rest,
    name,
    nodes: ids.map((n) => ({ id: `${name}-${n}`, address: `10.0.0.${n}:8080`, metadata: {} })),
  };
}
