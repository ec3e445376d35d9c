import { z } from "zod";
import type { Authentication } from "../receive/authentication.ts";
import { mappingShape } from "../receive/mapping.ts";
import { KINDS, type Kind, type Source } from "../receive/source.ts";
import { shape } from "./shape.ts";

const text = (what: string) => z.string({ error: `${what} is a text` }).min(1, { error: `${what} is empty` });

const several = (what: string) =>
  z
    .union(
      [
        text(what),
        z
          .array(text(what))
          .min(1, { error: `${what} has none` })
          .max(20),
      ],
      {
        error: `${what} is a text, or a list of them`,
      },
    )
    .transform((said) => [said].flat());

const kind = z.enum(KINDS, { error: `kind is ${KINDS.slice(0, -1).join(", ")} or ${KINDS.at(-1)}` });

const signature = shape("a signature", {
  secret: several("secret"),
  header: z
    .string({ error: "header is the name of a header" })
    .regex(/^[A-Za-z][\w-]{0,80}$/, { error: "header is the name of a header, as X-Hub-Signature-256" })
    .default("X-Hub-Signature-256"),
  style: z.enum(["plain", "timed"], { error: "style is plain (sha256=…) or timed (t=…,v1=…)" }).default("plain"),
});

const source = shape("a source", {
  kind: kind.optional(),
  token: several("token").optional(),
  signature: signature.optional(),
  certificate: several("certificate").optional(),
  limit: z.number({ error: "limit is a number: requests a second" }).min(0.1).max(100_000).optional(),
  mapping: mappingShape.optional(),
}).superRefine((said, context) => {
  const ways = ["token", "signature", "certificate"].filter((way) => said[way as "token"] !== undefined);
  if (ways.length === 1) return;
  const had = ways.length === 0 ? "it has none, and no receiver starts so" : `it has ${ways.join(" and ")}`;
  context.addIssue(`a source is authenticated by one of token, signature and certificate; ${had}`);
});

/** `sources`: who may send alerts. Secrets may be references still. */
export const sourcesSection = z
  .record(z.string().regex(/^[A-Za-z][\w-]{0,39}$/), source, {
    error: ({ code }) =>
      code === "invalid_key"
        ? "a source is called by one word, as it stands in its address"
        : "sources is a map from names to what each of them is",
  })
  .superRefine((all, context) => {
    for (const [name, { kind: said, mapping }] of Object.entries(all)) {
      const is = kindOf(name, said);
      if (is === undefined) {
        context.addIssue({ code: "custom", path: [name], message: `kind is missing: ${KINDS.join(", ")}` });
      } else if ((is === "generic") !== (mapping !== undefined)) {
        const message = is === "generic" ? "a generic source needs a mapping" : `only a generic source has a mapping`;
        context.addIssue({ code: "custom", path: [name], message });
      }
    }
  })
  .default({});

/** `tls`: files of the receiver's certificate and key, and of the authority that vouches for its sources'. */
export const tlsSection = shape("tls", {
  cert: text("cert"),
  key: text("key"),
  ca: text("ca").optional(),
}).optional();

export type SourcesSection = z.output<typeof sourcesSection>;

/** Sources are mostly called as what they are. */
function kindOf(name: string, said: Kind | undefined): Kind | undefined {
  return said ?? KINDS.find((one) => one === name);
}

/**
 * Sources with the secrets that their references lead to. @param resolve throws a MicroError that names no value
 * @param blame puts before an error where it stands: `sources.ci.token`
 */
export async function sourcesOf(
  section: SourcesSection,
  resolve: (text: string) => Promise<string>,
  blame: <T>(where: string, work: () => Promise<T>) => Promise<T>,
): Promise<readonly Source[]> {
  const all = (texts: readonly string[], where: string) =>
    blame(where, () => Promise.all(texts.map((one) => resolve(one))));
  return Promise.all(
    Object.entries(section).map(async ([name, said]): Promise<Source> => {
      const { token, signature: signs, certificate, limit, mapping } = said;
      const authentication: Authentication =
        token !== undefined
          ? { kind: "token", tokens: await all(token, `sources.${name}.token`) }
          : signs !== undefined
            ? {
                kind: "signature",
                secrets: await all(signs.secret, `sources.${name}.signature.secret`),
                header: signs.header.toLowerCase(),
                style: signs.style,
              }
            : { kind: "certificate", names: certificate ?? [] };
      return {
        name,
        kind: kindOf(name, said.kind) ?? "generic",
        authentication,
        ...(limit !== undefined && { perSecond: limit }),
        ...(mapping !== undefined && { mapping }),
      };
    }),
  );
}
