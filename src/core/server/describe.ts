import { z } from "zod";
import type { Endpoint } from "../client/client.ts";
import type { EndpointRecord, ValueRecord } from "../registry/registry.ts";

/** The parts of a JSON Schema that a description is made of. */
interface Schema {
  readonly type?: string;
  readonly title?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly format?: string;
}

/** How Go names the types of JSON. */
const GO_TYPES: Readonly<Record<string, string>> = {
  string: "string",
  integer: "int64",
  number: "float64",
  boolean: "bool",
};

/**
 * What an endpoint registers about itself, in the shape in which Go's tools draw it: the message, its fields, and one level
 * inside (`wire.md §1.5`). A message is named with `.meta({ title: "HelloRequest" })`, else after its endpoint.
 */
export function describeEndpoint({ name, input, output, stream, messages }: Endpoint): EndpointRecord {
  const method = name.split(".").at(-1) ?? name;
  if (stream) {
    // All that Go's servers say of a stream.
    const request = { name: "Context", type: "Context", values: [] };
    return { name, request, response: { name: "Stream", type: "Stream", values: [] }, metadata: { stream: "true" } };
  }
  return {
    name,
    request: messages?.request.record ?? message(input, `${method}Request`, "input"),
    response: messages?.response.record ?? message(output, `${method}Response`, "output"),
    metadata: {},
  };
}

function message(schema: z.ZodType, title: string, io: "input" | "output"): ValueRecord {
  const json = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Schema;
  const type = json.title ?? title;
  return { name: type, type, values: fieldsOf(json, 1) };
}

function fieldsOf(schema: Schema, depth: number): readonly ValueRecord[] {
  if (depth > 2) return [];
  return Object.entries(schema.properties ?? {}).map(([name, field]) => {
    if (field.type === "array") return { name, type: `[]${typeName(field.items ?? {}, name)}`, values: [] };
    return { name, type: typeName(field, name), values: fieldsOf(field, depth + 1) };
  });
}

/** A nested message is named after its field, as nobody names it otherwise. A map has no name, as in Go. */
function typeName(schema: Schema, field: string): string {
  if (schema.title) return schema.title;
  if (schema.type !== "object") return GO_TYPES[schema.type ?? ""] ?? "interface";
  return schema.properties === undefined ? "" : field.charAt(0).toUpperCase() + field.slice(1);
}
