import type { Hours } from "./hours.ts";

/** One line of a policy, understood. All of its parts have to fit; within a part any of what it lists. */
export interface Rule {
  readonly effect: "allow" | "deny";
  /** As it is written. */
  readonly text: string;
  /** Of the file, from 1. */
  readonly line: number;
  /** Keys of whom it speaks of: `role:oncall`, `group:sre`, `ann`, `slack:T01/U02`, `slack:*`, `members`, `guests`, `anyone`. */
  readonly who: readonly string[];
  /** Names of commands, or permissions where there is a colon; `*` stands for anything. */
  readonly what: readonly string[];
  /** Empty: whatever the command acts on, if anything. */
  readonly targets: readonly Target[];
  /** Rooms among those of all networks (`slack:C02`), with `*`; empty: anywhere. */
  readonly rooms: readonly string[];
  readonly hours?: Hours;
  readonly tests: readonly Test[];
  readonly approvals?: { readonly count: number; readonly role: string };
}

/** `payments`, `payments/*`, `payments/Order.*`. */
export interface Target {
  readonly service: string;
  /** Absent: any, or none. */
  readonly endpoint?: string;
}

/** One argument and what it has to be. */
export interface Test {
  /** `env`, `order.env`. */
  readonly field: string;
  readonly is: "in" | "not in" | "<" | "<=" | ">" | ">=";
  /** With `*` for anything, where it was not quoted; for the comparisons one number. */
  readonly values: readonly Pattern[];
  /** As it is written: `env in [staging]`. */
  readonly text: string;
}

/** A word that is compared. */
export interface Pattern {
  readonly text: string;
  /** Every `*` stands for anything. */
  readonly glob: boolean;
}
