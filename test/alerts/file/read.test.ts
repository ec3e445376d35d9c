import { describe, expect, it } from "vitest";
import { readAlertsFile } from "../../../src/alerts/file/read.ts";
import { sourcesOf } from "../../../src/alerts/file/sources.ts";

const read = (text: string) => readAlertsFile(text, "alerts.yaml");
const plainly = <T>(_where: string, work: () => Promise<T>) => work();

describe("the configuration of alerts", () => {
  it("says who sends them, and how they prove it", async () => {
    const { sources, match, alertmanager } = read(`
sources:
  alertmanager: { token: env:AM }
  github:
    kind: generic
    signature: { secret: [file:/a, file:/b] }
    limit: 5
    mapping: { name: title, status: { path: state, values: { broken: firing } }, labels: { service: app } }
  edge: { kind: grafana, certificate: edge.example }
match:
  labels: [team]
  rules: [{ labels: { job: "pay*" }, service: payments }]
alertmanager: { address: "am:9093" }
`);
    const resolved = await sourcesOf(sources, async (text) => `<${text}>`, plainly);
    expect(resolved).toMatchObject([
      { name: "alertmanager", kind: "alertmanager", authentication: { kind: "token", tokens: ["<env:AM>"] } },
      {
        name: "github",
        kind: "generic",
        perSecond: 5,
        authentication: { secrets: ["<file:/a>", "<file:/b>"], header: "x-hub-signature-256", style: "plain" },
        mapping: { name: { path: ["title"] }, alerts: [] },
      },
      { name: "edge", kind: "grafana", authentication: { kind: "certificate", names: ["edge.example"] } },
    ]);
    expect(match?.rules).toHaveLength(1);
    expect(alertmanager?.address).toBe("am:9093");
    expect(read("").sources).toEqual({});
  });

  it.each([
    ["source: {}", /^alerts\.yaml, line 1, column 1: unknown key "source"\. Did you mean sources\?/],
    [
      "sources:\n  am: { kind: alertmanager, tokn: x }",
      /line 2, column 29: sources\.am: unknown key "tokn"\. Did you mean token\?/,
    ],
    ["sources:\n  am: { kind: alertmanager }", /line 2, .*one of token, signature and certificate; it has none/],
    ["sources:\n  am: { kind: alertmanager, token: x, certificate: y }", /it has token and certificate/],
    ["sources:\n  am: { token: x }", /line 2, .*sources\.am: kind is missing: alertmanager, /],
    [
      "sources:\n  am: { kind: nagios, token: x }",
      /line 2, column 15: sources\.am\.kind: kind is alertmanager, .* or shell/,
    ],
    ["sources:\n  ci: { kind: generic, token: x }", /a generic source needs a mapping/],
    ["sources:\n  grafana: { token: x, mapping: { name: a } }", /only a generic source has a mapping/],
    [
      "sources:\n  ci: { kind: generic, token: x, mapping: { name: 'a..b' } }",
      /mapping\.name\.path: .*is a path into the JSON/,
    ],
    ["sources:\n  ci: { kind: generic, token: x, mapping: { name: a, sumary: b } }", /Did you mean summary\?/],
    [
      "sources:\n  ci: { kind: generic, token: x, mapping: { name: a, status: { path: s, values: { ok: fine } } } }",
      /status is firing, resolved or ignore/,
    ],
    ["sources:\n  'a b': { kind: grafana, token: x }", /a source is called by one word/],
    ["sources: 7", /sources is a map/],
    ["tls: { cert: a }", /line 1, column 6: tls\.key: key is a text/],
    ["sources: [", /line 1, .*that is not YAML/],
    ["a: &a [*a]", /./],
    [`x: ${"y".repeat(300_000)}`, /256 KB at most/],
  ])("refuses %j, with line and what was expected", (text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });

  it("repeats no secret in what it says", () => {
    expect(() => read("sources:\n  am: { kind: 7, token: hunter2hunter2hunter2 }")).toThrow(/^(?!.*hunter2)/);
  });
});
