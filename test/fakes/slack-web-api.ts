import { createServer, type IncomingMessage as HttpRequest, type Server, type ServerResponse } from "node:http";

/** What a method of the Web API answers; `ok` is added. */
export type Answer = Readonly<Record<string, unknown>> | { readonly error: string };
export type Arguments = Readonly<Record<string, string>>;
export type Method = (args: Arguments, token: string) => Answer;

/** What goes wrong with the next calls of a method. */
export interface Fault {
  /** Default 1. */
  readonly times?: number;
  /** Slack's own word: `{ ok: false, error }`. */
  readonly error?: string;
  /** With `missing_scope`. */
  readonly needed?: string;
  /** 429 with this many seconds in `Retry-After`. */
  readonly retryAfter?: number;
  /** Another HTTP status, with a page instead of JSON. */
  readonly status?: number;
  /** The connection is cut before the answer. */
  readonly reset?: true;
  /** It is done, and the connection is cut before the answer. */
  readonly lost?: true;
  /** Only calls with such arguments. */
  readonly when?: (args: Arguments) => boolean;
  /** The answer waits for this. */
  readonly until?: Promise<void>;
}

export interface Call {
  readonly method: string;
  readonly args: Arguments;
}

/** The Web API over real HTTP: form-encoded arguments, a bearer token, answers in JSON, uploads as multipart. */
export interface SlackHttp {
  readonly server: Server;
  readonly calls: readonly Call[];
  plan(method: string, fault: Fault): void;
}

export function slackHttp(
  methods: Readonly<Record<string, Method>>,
  upload: (id: string, content: Buffer) => void,
  respond: (id: string, body: string) => number = () => 404,
): SlackHttp {
  const calls: Call[] = [];
  const faults = new Map<string, { fault: Fault; left: number }[]>();

  const nextFault = (method: string, args: Arguments): Fault | undefined => {
    const planned = faults.get(method)?.find(({ left, fault }) => left > 0 && (fault.when?.(args) ?? true));
    if (planned !== undefined) planned.left -= 1;
    return planned?.fault;
  };

  const answer = async (request: HttpRequest, response: ServerResponse) => {
    const body = await read(request);
    const [, area = "", name = ""] = (request.url ?? "").split("/");
    const method = area === "api" ? name : area;
    const args = area !== "api" ? {} : Object.fromEntries(new URLSearchParams(body.toString()));
    calls.push({ method, args });

    const fault = nextFault(method, args);
    await fault?.until;
    if (fault?.reset) return request.socket.destroy();
    if (fault?.retryAfter !== undefined) {
      return reply(response, 429, { ok: false, error: "ratelimited" }, { "retry-after": String(fault.retryAfter) });
    }
    if (fault?.status !== undefined) return response.writeHead(fault.status).end("<html>not now</html>");
    if (fault?.error !== undefined)
      return reply(response, 200, { ok: false, error: fault.error, needed: fault.needed });

    if (area === "respond") return response.writeHead(respond(name, body.toString())).end("ok");
    if (area === "upload") {
      upload(name, await content(body, request.headers["content-type"]));
      return response.writeHead(200).end(`OK - ${body.length}`);
    }
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const result = methods[name]?.(args, token) ?? { error: "unknown_method" };
    if (fault?.lost) return request.socket.destroy();
    return reply(response, 200, { ok: !("error" in result), ...result });
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  return {
    server,
    calls,
    plan: (method, fault) => faults.set(method, [...(faults.get(method) ?? []), { fault, left: fault.times ?? 1 }]),
  };
}

async function read(request: HttpRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A file as it was uploaded: the whole body, or the one file of a form. */
async function content(body: Buffer, type = ""): Promise<Buffer> {
  if (!type.startsWith("multipart/form-data")) return body;
  const form = await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
  for (const value of form.values())
    return Buffer.from(typeof value === "string" ? value : new Uint8Array(await value.arrayBuffer()));
  return Buffer.alloc(0);
}

function reply(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}) {
  return response
    .writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers })
    .end(JSON.stringify(body));
}
