import protobuf from "protobufjs";
import { z } from "zod";
import type { Endpoint } from "../client/client.ts";
import { MicroError } from "../errors.ts";
import type { MessageCodec } from "./codec.ts";
import { protobufCodec } from "./protobuf.ts";

/** An endpoint of a proto file with the types that it says; what is left out of a request is zero. */
export type ProtoEndpoint<I, O> = Endpoint<z.ZodType<I, Partial<I>>, z.ZodType<O, Partial<O>>>;

/** What a `.proto` file says. */
export interface Proto {
  /** The codec of a message, by its name with or without the package. @throws MicroError `not_found` */
  message(name: string): MessageCodec;
  /**
   * The endpoints of a service of the file, by method: `endpoints("Greeter", "go.micro.srv.greeter")["Hello"]`. Their types
   * are what you say they are; `micro generate` writes a file that says it right.
   * @param name of the service in the file @param service under which it is registered
   * @throws MicroError `not_found`
   */
  endpoints(name: string, service: string): Readonly<Record<string, Endpoint>>;
  /** Names of the services in the file. */
  readonly services: readonly string[];
  /** The file as data, for `protoOf`. */
  toJSON(): object;
}

/**
 * Reads a `.proto` file and what it imports.
 * @throws MicroError `invalid_argument` with the line, when it is no proto file; `not_found` when it cannot be read
 */
export async function loadProto(path: string): Promise<Proto> {
  const root = new protobuf.Root();
  try {
    await root.load(path, { keepCase: true });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    throw new MicroError(code === "ENOENT" ? "not_found" : "invalid_argument", `${path}: ${message}`, { cause: error });
  }
  return protoOver(root);
}

/** The same out of the text of one file. @throws MicroError `invalid_argument` */
export function parseProto(text: string): Proto {
  try {
    return protoOver(protobuf.parse(text, new protobuf.Root(), { keepCase: true }).root);
  } catch (error) {
    throw new MicroError("invalid_argument", `not a proto file: ${(error as Error).message}`, { cause: error });
  }
}

/** The same out of what `Proto.toJSON` gave. */
export function protoOf(json: object): Proto {
  return protoOver(protobuf.Root.fromJSON(json as protobuf.INamespace));
}

function protoOver(root: protobuf.Root): Proto {
  try {
    root.resolveAll();
  } catch (error) {
    throw new MicroError("invalid_argument", `the proto file names what is not there: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const codecs = new Map<protobuf.Type, MessageCodec>();
  const codecOf = (type: protobuf.Type): MessageCodec => {
    let codec = codecs.get(type);
    if (codec === undefined) {
      codec = protobufCodec(type);
      codecs.set(type, codec);
    }
    return codec;
  };
  const found = <T>(look: () => T, what: string): T => {
    try {
      return look();
    } catch (error) {
      throw new MicroError("not_found", `the proto file has no ${what}`, { cause: error });
    }
  };
  return {
    services: servicesOf(root).map(({ name }) => name),
    message: (name) => codecOf(found(() => root.lookupType(name), `message ${name}`)),
    endpoints: (name, service) => {
      const described = found(() => root.lookupService(name), `service ${name}`);
      const endpoints = described.methodsArray.map((method): [string, Endpoint] => {
        method.resolve();
        const messages = {
          request: codecOf(method.resolvedRequestType as protobuf.Type),
          response: codecOf(method.resolvedResponseType as protobuf.Type),
        };
        const stream = method.requestStream === true || method.responseStream === true;
        const object = z.record(z.string(), z.unknown());
        return [
          method.name,
          { service, name: `${described.name}.${method.name}`, input: object, output: object, messages, stream },
        ];
      });
      return Object.fromEntries(endpoints);
    },
    toJSON: () => root.toJSON(),
  };
}

/** Every service of a file, also those in packages. */
export function servicesOf(namespace: protobuf.NamespaceBase): readonly protobuf.Service[] {
  return namespace.nestedArray.flatMap((nested) => {
    if (nested instanceof protobuf.Service) return [nested];
    return nested instanceof protobuf.Namespace ? servicesOf(nested) : [];
  });
}
