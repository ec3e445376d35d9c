import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import type { AnyCommand } from "./command.ts";

/** One argument of a command, read from its schema. Everything that is derived from a command is derived from these. */
export interface Field {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "list" | "pairs";
  /** `word`: a bare word; `rest`: the rest of the line; `option`: `--name`. */
  readonly place: "word" | "rest" | "option";
  readonly required: boolean;
  readonly description: string;
  /** The only values there are; empty when any will do. */
  readonly choices: readonly string[];
  readonly default: unknown;
  /** One letter for `-x`; given with `.meta({ short: "x" })`. */
  readonly short: string | undefined;
}

interface Property {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly short?: string;
}

const known = new WeakMap<AnyCommand, readonly Field[]>();

/**
 * The arguments of a command: its words in their order, then its options.
 * @throws MicroError `internal` when `words` or `rest` name no field: a mistake in the definition
 */
export function fields(command: AnyCommand): readonly Field[] {
  const before = known.get(command);
  if (before) return before;
  const schema = z.toJSONSchema(command.input, { io: "input" });
  const properties = (schema.properties ?? {}) as Record<string, Property>;
  const words: readonly string[] = command.words ?? [];
  for (const word of words) {
    if (!(word in properties))
      throw new MicroError("internal", `command "${command.name}": no field "${word}" in input`);
  }
  if (command.rest !== undefined && words.at(-1) !== command.rest) {
    throw new MicroError("internal", `command "${command.name}": "${command.rest}" must be the last of words`);
  }
  const names = [...words, ...Object.keys(properties).filter((name) => !words.includes(name))];
  const made = names.map((name): Field => {
    const property = properties[name] ?? {};
    return {
      name,
      type: fieldType(property),
      place: name === command.rest ? "rest" : words.includes(name) ? "word" : "option",
      required: (schema.required ?? []).includes(name),
      description: property.description ?? "",
      choices: (property.enum ?? []).map(String),
      default: property.default,
      short: property.short,
    };
  });
  known.set(command, made);
  return made;
}

function fieldType(property: Property): Field["type"] {
  switch (property.type) {
    case "integer":
    case "number":
    case "boolean":
      return property.type;
    case "array":
      return "list";
    case "object":
      return "pairs";
    default:
      return "string";
  }
}

/** `get service <name> [--version <string>]`. */
export function usage(command: AnyCommand): string {
  const parts = fields(command).map((field) => {
    if (field.place === "word" && field.type === "pairs") return "[key=value …]";
    if (field.place === "word" && field.type === "list") return `[${field.name} …]`;
    if (field.place !== "option") return field.required ? `<${field.name}>` : `[${field.name}]`;
    return field.type === "boolean" ? `[--${field.name}]` : `[--${field.name} ${valueName(field)}]`;
  });
  return [command.name, ...parts].join(" ");
}

/** What stands for a field's value in a usage line: `<integer>`, `<text|json>`, `<key=value>`. */
export function valueName(field: Field): string {
  if (field.choices.length > 0) return `<${field.choices.join("|")}>`;
  return field.type === "pairs" ? "<key=value>" : field.type === "list" ? "<string>" : `<${field.type}>`;
}
