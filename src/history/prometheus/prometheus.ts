import { Agent } from "undici";
import { deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { authorizationOf, httpAddress } from "../../core/http-address.ts";
import { type CallOptions, type Closable, closable } from "../../core/lifecycle.ts";
import type { Point } from "../chart/chart.ts";

export interface PrometheusInit {
  /** `host:port`, `http://…` or `https://…`, with the path it is served under. */
  readonly address: string;
  /** A bearer token, or `user:password`; never shown. */
  readonly secret?: string;
}

export interface RangeQuery {
  readonly query: string;
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly stepMs: number;
}

/** Numbers of a Prometheus, over its API v1. Default limit of every call 10 s. */
export interface Prometheus extends Closable {
  /** For people; has no secret in it. */
  readonly where: string;
  /**
   * A query over a range of time: by the labels of each line that others have otherwise, its points, with `null` where it has none.
   * @throws MicroError `invalid_argument` (it is no query, or gives no lines), `unauthenticated`, `unavailable`, `timeout`, `cancelled`,
   * `exhausted` (more than can be drawn)
   */
  range(query: RangeQuery, options?: CallOptions): Promise<ReadonlyMap<string, readonly Point[]>>;
}

const CALL_MS = 10_000;
const MAX_BYTES = 8 << 20;
const MOST_LINES = 500;

/** @throws MicroError `invalid_argument` for an address that is none */
export function createPrometheus({ address, secret = "" }: PrometheusInit): Prometheus {
  const base = httpAddress(address, "the Prometheus", "http://metrics.example:9090");
  const where = `Prometheus at ${base.host}`;
  const agent = new Agent({ connections: 4, maxResponseSize: MAX_BYTES });
  const authorization = authorizationOf(secret);
  const { close, [Symbol.asyncDispose]: dispose } = closable(() => agent.close());

  return {
    where,
    range: async ({ query, from, to, stepMs }, options = {}) => {
      using limit = deadline(options, CALL_MS, where);
      const form = new URLSearchParams({
        query,
        start: String(from / 1000),
        end: String(to / 1000),
        step: String(stepMs / 1000),
      });
      try {
        const answer = await agent.request({
          origin: base.origin,
          path: `${base.pathname.replace(/\/$/, "")}/api/v1/query_range`,
          method: "POST",
          signal: limit.signal,
          headers: {
            "content-type": "application/x-www-form-urlencoded",
            ...(authorization !== undefined && { authorization }),
          },
          body: form.toString(),
        });
        return linesIn(answer.statusCode, await answer.body.text(), stepMs, where);
      } catch (error) {
        if (error instanceof MicroError) throw error;
        limit.check();
        if ((error as { readonly code?: unknown }).code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") throw tooMuch(where);
        throw new MicroError("unavailable", `${where} cannot be reached`, { cause: error });
      }
    },
    close,
    [Symbol.asyncDispose]: dispose,
  };
}

interface Answer {
  readonly error?: unknown;
  readonly data?: { readonly resultType?: unknown; readonly result?: unknown };
}

function linesIn(status: number, text: string, stepMs: number, where: string): ReadonlyMap<string, readonly Point[]> {
  if (status === 401 || status === 403) {
    throw new MicroError("unauthenticated", `${where} does not know the secret that I was given for it`);
  }
  const answer = parsed(text, where);
  if (status !== 200) {
    const said = String(answer.error ?? "it does not say why")
      .replace(/\s+/g, " ")
      .slice(0, 300);
    if (status === 503) throw new MicroError("unavailable", `${where} gave up: ${said}`);
    const code = status >= 400 && status < 500 ? "invalid_argument" : "unavailable";
    throw new MicroError(code, `${where} does not take that query: ${said}`);
  }
  const { result } = answer.data ?? {};
  if (!Array.isArray(result)) throw notOne(where);
  if (result.length > MOST_LINES) throw tooMuch(where);
  const names = namesOf(result.map(({ metric }) => (metric ?? {}) as Readonly<Record<string, string>>));
  return new Map(result.map(({ values }, place) => [names[place] ?? "", pointsOf(values, stepMs)]));
}

/** What tells the lines apart: the labels that are not the same in all of them. */
function namesOf(all: readonly Readonly<Record<string, string>>[]): readonly string[] {
  const labels = [...new Set(all.flatMap((metric) => Object.keys(metric)))].sort();
  const telling = labels.filter((name) => all.some((metric) => metric[name] !== all[0]?.[name]));
  const used = new Set<string>();
  return all.map((metric, place) => {
    const of = telling.length > 0 ? telling : labels.filter((name) => name !== "__name__");
    const told =
      of.length === 1 ? metric[of[0] as string] : of.map((name) => `${name}=${metric[name] ?? ""}`).join(" ");
    const name = told || metric["__name__"] || "value";
    const own = used.has(name) ? `${name} ${place + 1}` : name;
    used.add(own);
    return own;
  });
}

/** `[[1700000000.1, "2.5"], …]`; what is no number is a gap, and a step that is left out, too. */
function pointsOf(values: unknown, stepMs: number): readonly Point[] {
  const points: Point[] = [];
  for (const [seconds, text] of Array.isArray(values) ? values : []) {
    const at = Number(seconds) * 1000;
    const value = Number(text);
    const before = points.at(-1)?.[0];
    if (before !== undefined && at - before > 1.5 * stepMs) points.push([before + stepMs, null]);
    points.push([at, Number.isFinite(value) ? value : null]);
  }
  return points;
}

function parsed(text: string, where: string): Answer {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === "object" && answer !== null) return answer;
  } catch {
    // Told below.
  }
  throw notOne(where);
}

function notOne(where: string): MicroError {
  return new MicroError("unavailable", `${where} answered with something else than numbers: is it a Prometheus?`);
}

function tooMuch(where: string): MicroError {
  return new MicroError(
    "exhausted",
    `${where} has more lines for that than can be drawn: let it sum or choose, as in topk(8, …)`,
  );
}
