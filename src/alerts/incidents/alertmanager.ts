import { Agent } from "undici";
import { deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { authorizationOf, httpAddress } from "../../core/http-address.ts";
import { type CallOptions, type Closable, closable } from "../../core/lifecycle.ts";

export interface AlertmanagerInit {
  /** `host:port`, `http://…` or `https://…`, with the path it is served under. */
  readonly address: string;
  /** A bearer token, or `user:password`; never shown. */
  readonly secret?: string;
}

/** What is to be silent, and why. */
export interface SilenceRequest {
  /** Labels that an alert has to have, each with exactly that value; at least one. */
  readonly labels: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly startsAt: number;
  readonly endsAt: number;
  readonly by: string;
  readonly comment: string;
}

/** Silences of Prometheus' Alertmanager, over its API v2. Default limit of every call 5000 ms. */
export interface Alertmanager extends Closable {
  /** For people; has no secret in it. */
  readonly where: string;
  /**
   * Not sent twice: what may have been heard is asked about by people. @returns its id
   * @throws MicroError `invalid_argument`, `unauthenticated`, `unavailable`, `timeout`, `cancelled`
   */
  silence(request: SilenceRequest, options?: CallOptions): Promise<string>;
  /** Ends a silence. @throws MicroError `not_found` (there is none, or it has ended) and as `silence` does */
  expire(id: string, options?: CallOptions): Promise<void>;
  /**
   * Fingerprints of all alerts that fire now and have these labels. @param options `hidden`: also what it tells nobody of, because it is
   * silenced or inhibited; left out: yes @throws MicroError as `silence` does
   */
  active(
    labels: Readonly<Record<string, string>>,
    options?: CallOptions & { readonly hidden?: boolean },
  ): Promise<ReadonlySet<string>>;
  /** Those that hold or will, at most 100. @throws MicroError as `silence` does */
  silences(options?: CallOptions): Promise<readonly Silence[]>;
}

export interface Silence {
  readonly id: string;
  readonly state: string;
  readonly endsAt: number;
  readonly by: string;
  readonly comment: string;
  readonly labels: Readonly<Record<string, string>>;
}

const MAX_BYTES = 4 << 20;
const CALL_MS = 5000;
const LISTED = 100;

/** @throws MicroError `invalid_argument` for an address that is none */
export function createAlertmanager({ address, secret = "" }: AlertmanagerInit): Alertmanager {
  const base = httpAddress(address, "the Alertmanager", "http://alerts.example:9093");
  const where = `Alertmanager at ${base.host}`;
  const agent = new Agent({ connections: 4, maxResponseSize: MAX_BYTES });
  const authorization = authorizationOf(secret);

  const call = async (
    method: "GET" | "POST" | "DELETE",
    path: string,
    body: object | undefined,
    options: CallOptions,
  ) => {
    using limit = deadline(options, CALL_MS, where);
    try {
      const answer = await agent.request({
        origin: base.origin,
        path: `${base.pathname.replace(/\/$/, "")}/api/v2${path}`,
        method,
        signal: limit.signal,
        headers: {
          ...(body && { "content-type": "application/json" }),
          ...(authorization !== undefined && { authorization }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 200 && answer.statusCode < 300) return parsed(text, where);
      throw refusal(answer.statusCode, text, where);
    } catch (error) {
      if (error instanceof MicroError) throw error;
      limit.check();
      throw new MicroError("unavailable", `${where} cannot be reached`, { cause: error });
    }
  };
  const { close, [Symbol.asyncDispose]: dispose } = closable(() => agent.close());

  return {
    where,
    silence: async ({ labels, startsAt, endsAt, by, comment }, options = {}) => {
      const matchers = Object.entries(labels).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true }));
      if (matchers.length === 0) {
        throw new MicroError("invalid_argument", "a silence without a label would silence everything");
      }
      const body = {
        matchers,
        startsAt: new Date(startsAt).toISOString(),
        endsAt: new Date(endsAt).toISOString(),
        createdBy: by,
        comment,
      };
      const { silenceID: id } = (await call("POST", "/silences", body, options)) as { readonly silenceID?: unknown };
      if (typeof id === "string") return id;
      throw new MicroError("unavailable", `${where} did not say which silence it made`);
    },
    expire: async (id, options = {}) => {
      await call("DELETE", `/silence/${encodeURIComponent(id)}`, undefined, options);
    },
    active: async (labels, { hidden = true, ...options } = {}) => {
      const filters = Object.entries(labels).map(
        ([name, value]) => `filter=${encodeURIComponent(`${name}=${JSON.stringify(value)}`)}`,
      );
      const all = await call(
        "GET",
        `/alerts?${["active=true", `silenced=${hidden}`, `inhibited=${hidden}`, ...filters].join("&")}`,
        undefined,
        options,
      );
      if (!Array.isArray(all)) throw new MicroError("unavailable", `${where} did not say what fires`);
      return new Set(all.map((one) => String((one as { readonly fingerprint?: unknown }).fingerprint)));
    },
    silences: async (options = {}) => {
      const all = await call("GET", "/silences", undefined, options);
      const open = (Array.isArray(all) ? all : []).map(silenceOf).filter(({ state }) => state !== "expired");
      return open.toSorted((a, b) => a.endsAt - b.endsAt).slice(0, LISTED);
    },
    close,
    [Symbol.asyncDispose]: dispose,
  };
}

function parsed(text: string, where: string): unknown {
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new MicroError("unavailable", `${where} answered with something that is no JSON: is it an Alertmanager?`);
  }
}

function refusal(status: number, text: string, where: string): MicroError {
  const said = text.replace(/\s+/g, " ").trim().replace(/^"|"$/g, "").slice(0, 200);
  if (status === 401 || status === 403) {
    return new MicroError("unauthenticated", `${where} does not know the secret that I was given for it`);
  }
  // Version 0.25 says 500 of a silence that it does not know.
  if (status === 404 || /not found/i.test(said))
    return new MicroError("not_found", `${where} has no such silence${said === "" ? "" : `: ${said}`}`);
  const code = status >= 400 && status < 500 ? "invalid_argument" : "unavailable";
  return new MicroError(code, `${where} refused that (${status})${said === "" ? "" : `: ${said}`}`);
}

function silenceOf(one: unknown): Silence {
  const { id, status, endsAt, createdBy, comment, matchers } = one as Record<string, unknown>;
  const labels = (Array.isArray(matchers) ? matchers : []).flatMap((matcher) => {
    const { name, value } = matcher as { readonly name?: unknown; readonly value?: unknown };
    return [[String(name), String(value)] as const];
  });
  return {
    id: String(id),
    state: String((status as { readonly state?: unknown } | undefined)?.state),
    endsAt: Date.parse(String(endsAt)),
    by: String(createdBy),
    comment: String(comment),
    labels: Object.fromEntries(labels),
  };
}
