import protobuf from "protobufjs";
import { type Proto, servicesOf } from "./proto.ts";

/** TypeScript for a proto file: an interface per message, and per service its endpoints and a client with one method each. */
export function protoSource(proto: Proto, file: string): string {
  const json = proto.toJSON();
  const root = protobuf.Root.fromJSON(json as protobuf.INamespace).resolveAll();
  const types = typesOf(root);
  return `// Written by \`micro generate ${file}\`; what is changed here is lost when it is written again.
import { type Client, type ClientStream, type ProtoEndpoint, protoOf, type RequestOptions } from "micro-chatops";

const proto = protoOf(${JSON.stringify(json, undefined, 2)});

${[...types.map(typeSource), ...servicesOf(root).map(serviceSource)].join("\n")}`;
}

type Named = protobuf.Type | protobuf.Enum;

function typesOf(namespace: protobuf.NamespaceBase): readonly Named[] {
  return namespace.nestedArray.flatMap((nested): readonly Named[] => {
    if (nested instanceof protobuf.Enum) return [nested];
    const inner = nested instanceof protobuf.Namespace ? typesOf(nested) : [];
    return nested instanceof protobuf.Type ? [nested, ...inner] : inner;
  });
}

/** `User.Address` is `User_Address`; packages are left out, as in Go. */
function nameOf(type: Named): string {
  const { parent } = type;
  return parent instanceof protobuf.Type ? `${nameOf(parent)}_${type.name}` : type.name;
}

function typeSource(type: Named): string {
  if (type instanceof protobuf.Enum) {
    const values = Object.entries(type.values).map(([name, value]) => `  ${name}: ${value},\n`);
    return `export const ${nameOf(type)} = {\n${values.join("")}} as const;\nexport type ${nameOf(type)} = number;\n`;
  }
  const fields = type.fieldsArray.map((field) => {
    const name = `  ${field.name}`;
    if (field.map) return `${name}: Record<string, ${scalar(field)}>;\n`;
    if (field.repeated) return `${name}: ${bracketed(scalar(field))}[];\n`;
    // A message that is not there is not there; a scalar that is not there is its zero.
    const absent = field.resolvedType instanceof protobuf.Type || field.partOf;
    return `${name}${absent ? "?" : ""}: ${scalar(field)}${absent ? " | undefined" : ""};\n`;
  });
  return `export interface ${nameOf(type)} {\n${fields.join("")}}\n`;
}

function bracketed(type: string): string {
  return type.includes(" ") ? `(${type})` : type;
}

const SCALARS: Readonly<Record<string, string>> = { string: "string", bool: "boolean", bytes: "Uint8Array" };

function scalar(field: protobuf.Field): string {
  const { resolvedType, type } = field;
  if (resolvedType instanceof protobuf.Type || resolvedType instanceof protobuf.Enum) return nameOf(resolvedType);
  return SCALARS[type] ?? (/64$/.test(type) ? "bigint" : "number");
}

function serviceSource(service: protobuf.Service): string {
  const lower = service.name.charAt(0).toLowerCase() + service.name.slice(1);
  const methods = service.methodsArray.map((method) => {
    method.resolve();
    const { resolvedRequestType, resolvedResponseType } = method;
    return {
      name: method.name,
      call: method.name.charAt(0).toLowerCase() + method.name.slice(1),
      input: nameOf(resolvedRequestType as protobuf.Type),
      output: nameOf(resolvedResponseType as protobuf.Type),
      stream: method.requestStream === true || method.responseStream === true,
    };
  });
  const endpoints = methods.map(({ name, input, output }) => `    ${name}: ProtoEndpoint<${input}, ${output}>;\n`);
  const calls = methods.map(({ name, call, input, output, stream }) =>
    stream
      ? `    ${call}: (options?: RequestOptions): Promise<ClientStream<Partial<${input}>, ${output}>> =>\n      client.open(to.${name}, options),\n`
      : `    ${call}: (request: Partial<${input}>, options?: RequestOptions): Promise<${output}> =>\n      client.call(to.${name}, request, options),\n`,
  );
  return `/** The endpoints of ${service.name}, as the service \`name\` serves them. */
export function ${lower}Endpoints(name: string) {
  return proto.endpoints("${service.name}", name) as unknown as {
${endpoints.join("")}  };
}

/** Calls ${service.name} of the service \`name\`. */
export function ${lower}Client(client: Client, name: string) {
  const to = ${lower}Endpoints(name);
  return {
${calls.join("")}  };
}
`;
}
