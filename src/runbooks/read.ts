import { type Document, isMap, isNode, LineCounter, parseDocument } from "yaml";
import { MicroError } from "../core/errors.ts";
import { type Condition, readCondition } from "./condition.ts";
import { fits, patternOf } from "./pattern.ts";
import { checkReferences } from "./references.ts";
import type { Act, Parameter, Runbook, Step, Where } from "./runbook.ts";
import { fileSchema, type ParameterShape, type StepShape } from "./schema.ts";
import { readTemplate, type Template } from "./template.ts";

/** A larger file is not read. */
export const MAX_BYTES = 64 << 10;
/** Aliases that a file may have; what they stand for is not copied without end. */
const ALIASES = 20;

type Path = readonly PropertyKey[];

/**
 * A runbook out of YAML.
 * @param name as its file is called, without `.yaml`
 * @param file names it in errors: `runbooks/drain-orders.yaml`
 * @throws MicroError `invalid_argument` that names file, line and column and says what is expected (`details.line`, `column`)
 */
export function readRunbook(text: string, name: string, file: string): Runbook {
  const fail = (words: string, { line, column }: Where, cause?: unknown): never => {
    throw new MicroError("invalid_argument", `${file}, line ${line}, column ${column}: ${words}`, {
      cause,
      details: { file, line, column },
    });
  };
  const top: Where = { line: 1, column: 1 };
  if (Buffer.byteLength(text) > MAX_BYTES) fail(`a runbook has ${MAX_BYTES >> 10} KB at most`, top);
  const lines = new LineCounter();
  const whereIs = (offset: number): Where => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const document = parse(text, lines, fail);
  const flaw = document.errors[0] ?? document.warnings[0];
  if (flaw) fail(`that is not YAML: ${flaw.message.split("\n")[0]}`, whereIs(flaw.pos[0]), flaw);
  const place = (path: Path, key?: string) => whereIs(offsetOf(document, path, key));
  const checked = fileSchema.safeParse(toJs(document, (words) => fail(words, top)) ?? {});
  if (!checked.success) {
    const { issues } = checked.error;
    // A key that nobody knows is mostly a known one misspelt, which is missing then.
    const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
    const key = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
    const path = issue?.path ?? [];
    const shown = path.length === 0 ? "" : `${pathText(path)}: `;
    return fail(`${shown}${issue?.message ?? "not understood"}`, place(path, key));
  }
  const said = checked.data;
  if (said.name !== undefined && said.name !== name) {
    fail(`name is "${said.name}", and the file is called ${name}`, place(["name"]));
  }
  /** What a text of the file says, or where in it the trouble is. */
  const located = <T>(path: Path, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      const { line, column } = place(path);
      const { message, details } = MicroError.from(error);
      return fail(`${pathText(path)}: ${message}`, { line, column: column + Number(details["at"] ?? 0) }, error);
    }
  };
  const ids = new Set<string>();
  const stepOf = (it: StepShape, index: number, list: "steps" | "on failure"): Step => {
    const path: Path = [list, index];
    const id = it.id ?? `${list === "steps" ? "step" : "failure"}${index + 1}`;
    if (ids.has(id)) fail(`two steps are called ${id}: give one another id`, place([...path, "id"]));
    ids.add(id);
    const act = located(path, () => actOf(it, path, located));
    return {
      id,
      at: place(path),
      act,
      ...(it.when !== undefined && { when: located([...path, "when"], () => readCondition(it.when ?? "")) }),
      ...(it.rollback !== undefined && {
        rollback: located([...path, "rollback"], () => rollbackOf(it, act)),
      }),
    };
  };
  const runbook: Runbook = {
    name,
    summary: said.summary,
    parameters: Object.entries(said.parameters).map(([key, one]) =>
      located(["parameters", key], () => parameterOf(key, one)),
    ),
    steps: said.steps.map((step, index) => stepOf(step, index, "steps")),
    onFailure: said["on failure"].map((step, index) => stepOf(step, index, "on failure")),
    onAbort: said["on abort"],
    text,
  };
  checkReferences(runbook, (words, at) => fail(words, at));
  return runbook;
}

function parse(text: string, lines: LineCounter, fail: (words: string, at: Where, cause: unknown) => never): Document {
  try {
    return parseDocument(text, { lineCounter: lines, prettyErrors: false });
  } catch (error) {
    return fail(`that is not YAML: ${MicroError.from(error).message}`, { line: 1, column: 1 }, error);
  }
}

function toJs(document: Document, fail: (words: string) => never): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES });
  } catch {
    return fail(`its aliases (*name) stand for too much: ${ALIASES} at most, and none for itself`);
  }
}

function actOf(it: StepShape, path: Path, located: <T>(path: Path, read: () => T) => T): Act {
  const kinds = (["run", "wait", "approve"] as const).filter((kind) => it[kind] !== undefined);
  if (kinds.length !== 1) {
    const had = kinds.length === 0 ? "it has none" : `it has ${kinds.join(" and ")}`;
    throw new MicroError("invalid_argument", `a step has one of run, wait and approve; ${had}`);
  }
  if (it.retry && it.run === undefined)
    throw new MicroError("invalid_argument", "retry belongs to a step that runs a command");
  if (it.wait) {
    const { until, run, every, atMost } = it.wait;
    const { line, condition } = located([...path, "wait", "until"], () =>
      run === undefined ? shortWait(until) : { line: undefined, condition: readCondition(until) },
    );
    return {
      kind: "wait",
      line: line ?? located([...path, "wait", "run"], () => readTemplate(run ?? "")),
      until: condition,
      everyMs: Math.max(100, every),
      atMostMs: atMost,
    };
  }
  if (it.approve) {
    const { by, count, atMost } = it.approve;
    return { kind: "approve", by: [by].flat().map((one) => one.replace(/^@/, "")), count, atMostMs: atMost };
  }
  return {
    kind: "run",
    line: located([...path, "run"], () => readTemplate(it.run ?? "")),
    times: it.retry?.times ?? 1,
    everyMs: it.retry?.every ?? 0,
    idempotent: it.idempotent === true,
  };
}

/** `health orders is ok`: a line, and what every status in its answer is to be. */
function shortWait(text: string): { readonly line: Template; readonly condition: Condition } {
  const [, line = "", not = "", word = ""] = /^(.+?)\s+is\s+(not\s+)?(\S+)$/.exec(text.trim()) ?? [];
  if (line === "") {
    throw new MicroError(
      "invalid_argument",
      "write `<command line> is <status>`, as in `health orders is ok`, or give `run:` and a condition on `result`",
    );
  }
  const status = word.replace(/^["']|["']$/g, "");
  const holds: Condition["holds"] = (scope) => {
    const found = statusesOf(scope(["result"]));
    return found.length > 0 && found.every((one) => (one === status) === (not === ""));
  };
  return { line: readTemplate(line), condition: { text, references: [], holds } };
}

/** What says how something is, wherever in an answer it stands: `status`, what a node has answered, or that it failed. */
function statusesOf(value: unknown, depth = 0): readonly string[] {
  if (typeof value !== "object" || value === null || depth > 8) return [];
  return Object.entries(value).flatMap(([name, one]) => {
    if (name === "error" && one !== undefined && one !== null) return ["error"];
    if ((name === "status" || name === "answer") && typeof one === "string") return [one];
    return statusesOf(one, depth + 1);
  });
}

function rollbackOf(it: StepShape, act: Act): Template {
  if (act.kind === "run") return readTemplate(it.rollback ?? "");
  throw new MicroError("invalid_argument", "only a step that runs a command can be taken back");
}

function parameterOf(name: string, it: ParameterShape): Parameter {
  const refuse = (words: string): never => {
    throw new MicroError("invalid_argument", words);
  };
  if ((it.type === "choice") !== (it.choices !== undefined))
    refuse("choices belong to the type choice, and it needs them");
  if (it.pattern !== undefined && it.type !== "string") refuse("a pattern belongs to the type string");
  const parameter: Parameter = {
    name,
    type: it.type,
    summary: it.summary ?? "",
    required: it.required ?? it.default === undefined,
    choices: it.choices ?? [],
    ...(it.default !== undefined && { default: it.default }),
    ...(it.pattern !== undefined && { pattern: patternOf(it.pattern) }),
  };
  if (it.default !== undefined) {
    const kind = it.type === "choice" ? "string" : it.type;
    const known = it.type !== "choice" || parameter.choices.includes(String(it.default));
    const fit = parameter.pattern === undefined || fits(parameter.pattern, String(it.default));
    if (typeof it.default !== kind || !known || !fit) refuse(`its default does not fit what it is (${it.type})`);
  }
  return parameter;
}

/** Where a path stands in the text; of what is missing, where its parent does. */
function offsetOf(document: Document, path: Path, key?: string): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (!isNode(node) || !node.range) continue;
    if (key !== undefined && length === path.length && isMap(node)) {
      const pair = node.items.find((item) => String((item.key as { value?: unknown } | null)?.value) === key);
      const at = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
      if (at !== undefined) return at;
    }
    return node.range[0];
  }
  return 0;
}

function pathText(path: Path): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part + 1}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}
