import { STATUS_CODES } from "node:http";
import type { webApi } from "@slack/bolt";
import type { Dispatcher, request as Request } from "undici";

/** What Slack's client, and we, read of an answer. */
type Answer = Awaited<ReturnType<webApi.FetchFunction>>;

/**
 * The part of `fetch` that Slack's client uses, out of undici's `request`: no streams, no redirects (Slack sends none), and
 * half of the processor's time.
 *
 * @param current the signal of the call that is under way
 */
export function slackFetch(
  request: typeof Request,
  dispatcher: Dispatcher,
  current: () => AbortSignal,
): webApi.FetchFunction {
  return async (url, { body, headers, method } = {}) => {
    // A file's form says by itself what it is.
    const form = body instanceof FormData ? new Response(body) : undefined;
    const type = form?.headers.get("content-type");
    const answer = await request(url, {
      method: method === "POST" ? "POST" : "GET",
      dispatcher,
      headers: { ...headers, ...(type && { "Content-Type": type }) },
      body: form ? new Uint8Array(await form.arrayBuffer()) : ((body as string | undefined) ?? null),
      signal: current(),
    });
    // Always: who leaves an answer unread keeps its socket.
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    return response(String(url), answer, bytes);
  };
}

function response(url: string, { statusCode: status, headers }: Dispatcher.ResponseData, bytes: Buffer): Answer {
  const text = () => bytes.toString();
  const inOne = (value: string | string[] | undefined) => (Array.isArray(value) ? value.join(", ") : value);
  return {
    ok: status >= 200 && status < 300,
    status,
    statusText: STATUS_CODES[status] ?? "",
    url,
    headers: {
      get: (name) => inOne(headers[name.toLowerCase()]) ?? null,
      entries: () => Object.entries(headers).map(([name, value]) => [name, inOne(value) ?? ""]),
    },
    arrayBuffer: async () => new Uint8Array(bytes).buffer,
    text: async () => text(),
    json: async () => JSON.parse(text()),
  };
}
