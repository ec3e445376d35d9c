import type { Condition } from "./condition.ts";
import type { Reference } from "./reference.ts";
import type { Template } from "./template.ts";

/** A procedure as a file tells it: what a team did by hand, step by step. `read.ts` makes it of YAML. */
export interface Runbook {
  /** As its file is called. */
  readonly name: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly steps: readonly Step[];
  /** Done when it fails, after what was done has been taken back. */
  readonly onFailure: readonly Step[];
  /** What `abort` does with what was done. */
  readonly onAbort: "rollback" | "keep";
  /** The file's text. */
  readonly text: string;
}

export interface Parameter {
  readonly name: string;
  readonly type: "string" | "number" | "boolean" | "choice";
  readonly summary: string;
  readonly required: boolean;
  readonly default?: ParameterValue;
  /** Of a choice. */
  readonly choices: readonly string[];
  /** All of a string has to fit it. */
  readonly pattern?: RegExp;
}

export type ParameterValue = string | number | boolean;
export type Arguments = Readonly<Record<string, ParameterValue>>;

/** One step; what it does is in `act`. */
export interface Step {
  /** A word: names it in messages, in `${steps.id…}` and in the audit. */
  readonly id: string;
  /** Where it stands in the file, from 1. */
  readonly at: Where;
  /** Left out when this does not hold. */
  readonly when?: Condition;
  readonly act: Act;
  /** What takes it back. */
  readonly rollback?: Template;
}

export type Act =
  /** A command line. */
  | {
      readonly kind: "run";
      readonly line: Template;
      /** Tried so often in all, with a pause between. */
      readonly times: number;
      readonly everyMs: number;
      /** To do it twice is to do it once, so a write may be tried again after an error. */
      readonly idempotent: boolean;
    }
  /** A read, said again and again until what it finds out is so. */
  | {
      readonly kind: "wait";
      readonly line: Template;
      readonly until: Condition;
      readonly everyMs: number;
      readonly atMostMs: number;
    }
  /** People. */
  | {
      readonly kind: "approve";
      /** `role:lead`, `ann`, `slack:T01/U02`. */
      readonly by: readonly string[];
      readonly count: number;
      readonly atMostMs: number;
    };

/** A place in a file, both from 1. */
export interface Where {
  readonly line: number;
  readonly column: number;
}

/** What references mean while a run goes on. `undefined`: there is no such thing. */
export type Scope = (reference: Reference) => unknown;
