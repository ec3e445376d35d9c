import { type Document, LineCounter, parseDocument } from "yaml";
import { MicroError } from "../core/errors.ts";
import { offsetOf, pathText } from "../core/yaml-place.ts";
import { readCondition } from "./condition.ts";
import { mended } from "./mend.ts";
import { parameterOf } from "./read-parameter.ts";
import { actOf, type Located, type Path, rollbackOf } from "./read-step.ts";
import { checkReferences } from "./references.ts";
import type { Act, Runbook, Step, Where } from "./runbook.ts";
import { meantKey, type StepShape } from "./schema.ts";
import type { Template } from "./template.ts";

/** A larger file is not read. */
export const MAX_BYTES = 64 << 10;
/** Aliases that a file may have; what they stand for is not copied without end. */
const ALIASES = 20;
/** More is not told at once: who mends that will look again. */
const MOST_FLAWS = 50;

/** Something that is wrong with a file. */
export interface Flaw {
  readonly words: string;
  readonly at: Where;
}

/** A file that was looked at. */
export interface Examined {
  /** What was understood of it; with flaws, it is not to be run. */
  readonly book?: Runbook;
  /** In the order of the file. */
  readonly flaws: readonly Flaw[];
}

/**
 * A runbook out of YAML.
 * @param name as its file is called, without `.yaml`
 * @param file names it in errors: `runbooks/drain-orders.yaml`
 * @throws MicroError `invalid_argument` with a line for all that is wrong, each with file, line and column and what is expected;
 * `details` has `line` and `column` of the first
 */
export function readRunbook(text: string, name: string, file: string): Runbook {
  const { book, flaws } = examineRunbook(text, name);
  const [first] = flaws;
  if (first === undefined && book) return book;
  throw new MicroError("invalid_argument", flaws.map((flaw) => flawText(file, flaw)).join("\n"), {
    details: { file, ...first?.at },
  });
}

/** `runbooks/drain-orders.yaml, line 3, column 5: …`. */
export function flawText(file: string, { words, at }: Flaw): string {
  return `${file}, line ${at.line}, column ${at.column}: ${words}`;
}

/** Reads as much of a file as can be understood, and tells all that is wrong with it as far as that stands in the file itself. */
export function examineRunbook(text: string, name: string): Examined {
  const found: Flaw[] = [];
  const note = (words: string, at: Where): void => {
    if (!found.some((one) => one.words === words)) found.push({ words, at });
  };
  const result = (book?: Runbook): Examined => ({
    ...(book && { book }),
    flaws: inOrder(found).slice(0, MOST_FLAWS),
  });
  const top: Where = { line: 1, column: 1 };
  if (Buffer.byteLength(text) > MAX_BYTES) {
    note(`a runbook has ${MAX_BYTES >> 10} KB at most`, top);
    return result();
  }
  const lines = new LineCounter();
  const whereIs = (offset: number): Where => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  let document: Document;
  let value: unknown;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    for (const flaw of [...document.errors, ...document.warnings]) {
      note(`that is not YAML: ${flaw.message.split("\n")[0]}`, whereIs(flaw.pos[0]));
    }
    if (found.length > 0) return result();
    value = toJs(document);
  } catch (error) {
    note(MicroError.from(error).message, top);
    return result();
  }
  const place = (path: Path, key?: string) => whereIs(offsetOf(document, path, key));
  const { issues, said } = mended(value ?? {});
  const meant = new Set<string>();
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") continue;
    for (const key of issue.keys) {
      const near = meantKey(key, issue);
      if (near !== undefined) meant.add([...issue.path, near].join(" "));
      const hint = near === undefined ? "" : ` (did you mean "${near}"?)`;
      note(`${before(issue.path)}unknown key "${key}"${hint}; ${issue.message}`, place(issue.path, key));
    }
  }
  for (const { code, path, message } of issues) {
    // A key that is missing was mostly only misspelt.
    if (code === "unrecognized_keys" || meant.has(path.join(" "))) continue;
    note(`${before(path)}${message}`, place(path));
  }
  if (said === undefined) return result();
  if (said.name !== undefined && said.name !== name) {
    note(`name is "${said.name}", and the file is called ${name}`, place(["name"]));
  }
  /** Steps of which something was taken out. */
  const touched = new Set(issues.map(({ path }) => path.slice(0, 2).join(" ")));
  /** What a text of the file says, or where in it the trouble is. */
  const located: Located = (path, read) => {
    try {
      return read();
    } catch (error) {
      const { message, details } = MicroError.from(error);
      if (details["where"] !== undefined) throw error;
      const { line, column } = place(path);
      const where: Where = { line, column: column + Number(details["at"] ?? 0) };
      throw new MicroError("invalid_argument", `${before(path)}${message}`, { cause: error, details: { where } });
    }
  };
  /** The same, and goes on without it. */
  const tried = <T>(path: Path, read: () => T): T | undefined => {
    try {
      return located(path, read);
    } catch (error) {
      const { message, details } = MicroError.from(error);
      note(message, details["where"] as Where);
      return undefined;
    }
  };
  const placed = (line: Template, path: Path): Template => ({ ...line, at: place(path) });
  const placedAct = (act: Act, it: StepShape, path: Path): Act => {
    if (act.kind === "approve") return act;
    const where: Path = act.kind === "run" ? ["run"] : ["wait", it.wait?.run === undefined ? "until" : "run"];
    return { ...act, line: placed(act.line, [...path, ...where]) };
  };
  const ids = new Set<string>();
  const stepOf = (it: StepShape, index: number, list: "steps" | "on failure"): Step | undefined => {
    const path: Path = [list, index];
    const id = it.id ?? `${list === "steps" ? "step" : "failure"}${index + 1}`;
    if (ids.has(id)) note(`two steps are called ${id}: give one another id`, place([...path, "id"]));
    ids.add(id);
    // What it does may be what was taken out.
    if (touched.has(path.join(" ")) && !it.run && !it.wait && !it.approve) return undefined;
    const act = tried(path, () => placedAct(actOf(it, path, located), it, path));
    const { when: condition, rollback: line } = it;
    const at: Path = [...path, "rollback"];
    const when = condition === undefined ? undefined : tried([...path, "when"], () => readCondition(condition));
    if (act === undefined) return undefined;
    const rollback = line === undefined ? undefined : tried(at, () => placed(rollbackOf(it, act), at));
    return { id, at: place(path), act, ...(when && { when }), ...(rollback && { rollback }) };
  };
  const whole = <T>(list: readonly (T | undefined)[]) => list.filter((one) => one !== undefined);
  const parameters = Object.entries(said.parameters).map(([key, one]) =>
    tried(["parameters", key], () => parameterOf(key, one)),
  );
  const steps = said.steps.map((step, index) => stepOf(step, index, "steps"));
  const onFailure = said["on failure"].map((step, index) => stepOf(step, index, "on failure"));
  const book: Runbook = {
    name,
    summary: said.summary,
    parameters: whole(parameters),
    steps: whole(steps),
    onFailure: whole(onFailure),
    onAbort: said["on abort"],
    text,
  };
  // What is spoken of may be what was not understood.
  const all = [...parameters, ...steps, ...onFailure].every((one) => one !== undefined);
  const named = issues.every(({ path }) => path[0] === "steps" && said.steps[Number(path[1])]?.id !== undefined);
  if (all && named) checkReferences(book, note);
  return result(book);
}

/** @throws MicroError `invalid_argument`: a bomb */
function toJs(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES });
  } catch (error) {
    const words = `its aliases (*name) stand for too much: ${ALIASES} at most, and none for itself`;
    throw new MicroError("invalid_argument", words, { cause: error });
  }
}

/** As they stand in the file. */
export function inOrder<T extends { readonly at: Where }>(flaws: readonly T[]): readonly T[] {
  return flaws.toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
}

/** The place in words, before what is said of it. */
function before(path: Path): string {
  return path.length === 0 ? "" : `${pathText(path)}: `;
}
