import type { Catalog } from "../commands/catalog.ts";
import type { AnyCommand } from "../commands/command.ts";
import { MicroError } from "../core/errors.ts";
import { isSecretName } from "../core/redact-patterns.ts";
import { type Flaw, inOrder } from "./read.ts";
import type { Runbook, Step } from "./runbook.ts";
import { secretParameters } from "./secret.ts";
import type { Shelf } from "./shelf.ts";
import { flawOf, type Template, type Understood, understand } from "./template.ts";

export interface CheckInit {
  readonly shelf: Shelf;
  readonly catalog: Catalog;
  /** Whether whoever is going to run it may run a command at all. @default everybody may */
  readonly mayRun?: (command: AnyCommand) => boolean;
}

/** The command that runs a runbook: a step that says it begins another one. */
export const RUN = "runbook run";

/**
 * All that is wrong with a runbook as far as that can be known before it runs: its commands, their arguments, what whoever runs
 * it may not, and loops.
 * @returns in the order of the file
 */
export async function check(book: Runbook, init: CheckInit): Promise<readonly Flaw[]> {
  const flaws: Flaw[] = [];
  const top = { line: 1, column: 1 };
  for (const step of [...book.steps, ...book.onFailure]) flaws.push(...checkStep(step, init));
  if (namesByHole(book, init.catalog)) {
    const words =
      "a step names the runbook that it runs by what is filled in, so nobody can tell whether it ever ends: name it";
    flaws.push({ words, at: top });
  }
  for (const name of secretParameters(book, init.catalog)) {
    // The line that begins the run is written down before anybody knows the file.
    if (!isSecretName(name)) {
      const words = `the parameter ${name} is a secret to the command that it goes to: call it password, token or ${name}_secret, so that it is crossed out wherever it is said`;
      flaws.push({ words, at: top });
    }
  }
  const loop = await loopFrom(book, init);
  if (loop) flaws.push({ words: loop, at: top });
  return inOrder(flaws);
}

function checkStep(step: Step, { catalog, mayRun = () => true }: CheckInit): readonly Flaw[] {
  const { act, rollback, at } = step;
  const flaws: Flaw[] = [];
  const refuse = (words: string, where = act.kind === "approve" ? at : (act.line.at ?? at)) =>
    flaws.push({ words: `step ${step.id}: ${words}`, at: where });
  const look = (template: Template, what: string): Understood | undefined => {
    try {
      const understood = understand(template.marked, catalog);
      const { command } = understood;
      const flaw = flawOf(understood);
      if (flaw !== undefined) refuse(`${what} \`${template.text}\`: ${flaw}`, template.at);
      if (command.inPerson)
        refuse(`${what} \`${template.text}\`: only a person says that, in a message of their own`, template.at);
      if (!mayRun(command))
        refuse(
          `${what} \`${template.text}\`: you may not run \`${command.name}\` (${command.permission})`,
          template.at,
        );
      return understood;
    } catch (error) {
      refuse(`${what} \`${template.text}\`: ${MicroError.from(error).message}`, template.at);
      return undefined;
    }
  };
  if (rollback) look(rollback, "rollback");
  if (act.kind === "approve") return flaws;
  const understood = look(act.line, act.kind);
  if (understood?.command.effect !== "write") return flaws;
  if (act.kind === "wait")
    refuse(`a wait says its command again and again, and \`${understood.command.name}\` may change something`);
  else if (act.times > 1 && !act.idempotent) {
    refuse(`\`${understood.command.name}\` may change something, so it is tried again only with \`idempotent: true\``);
  }
  return flaws;
}

/** Through the runbooks that its steps begin, back to one that is on the way already. */
async function loopFrom(book: Runbook, { shelf, catalog }: CheckInit): Promise<string | undefined> {
  const known = new Map<string, Runbook>([[book.name, book]]);
  const finished = new Set<string>();
  const bookOf = async (name: string) => {
    const before = known.get(name);
    if (before) return before;
    const found = await shelf.get(name).catch(() => undefined);
    if (found) known.set(name, found);
    return found;
  };
  const visit = async (name: string, way: readonly string[]): Promise<string | undefined> => {
    if (way.includes(name)) return `it would run itself without end: ${[...way, name].join(" -> ")}`;
    if (finished.has(name)) return undefined;
    const one = await bookOf(name);
    if (one === undefined)
      return way.length === 1 ? `there is no runbook ${name.slice(0, 40)}, which a step runs` : undefined;
    for (const next of begins(one, catalog)) {
      const loop = await visit(next, [...way, name]);
      if (loop) return loop;
    }
    finished.add(name);
    return undefined;
  };
  return visit(book.name, []);
}

/** The runbooks that its steps run, by name; `${…}` in a name could be any of them, so it is none. */
function begins(book: Runbook, catalog: Catalog): readonly string[] {
  const lines = [...book.steps, ...book.onFailure].flatMap(({ act, rollback }) => [
    ...(act.kind === "run" ? [act.line] : []),
    ...(rollback ? [rollback] : []),
  ]);
  return lines.flatMap(({ marked }) => {
    try {
      const { command, given } = understand(marked, catalog);
      return command.name === RUN && typeof given["name"] === "string" ? [given["name"]] : [];
    } catch {
      return [];
    }
  });
}

/** Whether a step's line names another runbook by what is filled in, so that nobody could tell a loop. */
function namesByHole(book: Runbook, catalog: Catalog): boolean {
  return begins(book, catalog).some((name) => /zq\d+qz/.test(name));
}
