import type { z } from "zod";
import type { Endpoint } from "../client/client.ts";
import { MicroError } from "../errors.ts";
import { errorRecord } from "../wire/error.ts";
import { isPromise } from "./dispatch.ts";
import type { CallContext, ServerStream } from "./server.ts";

export type TypedHandler = (input: unknown, context: CallContext) => unknown;

/** Checks what comes in and what goes out against the endpoint's schemas. */
export function typed({ name, input, output }: Endpoint, handler: TypedHandler): TypedHandler {
  const check = (answered: unknown): unknown => checkAnswer(name, output, answered);
  return (given, context) => {
    const checked = input.safeParse(given);
    if (!checked.success) throw badRequest(name, checked.error);
    const answered = handler(checked.data, context);
    return isPromise(answered) ? answered.then(check) : check(answered);
  };
}

function badRequest(name: string, { issues }: z.ZodError): MicroError {
  const [issue] = issues;
  const field = issue?.path.join(".") ?? "";
  const detail = field === "" ? `${name}: ${issue?.message}` : `${name}: ${field}: ${issue?.message}`;
  return new MicroError("invalid_argument", detail, { details: { record: errorRecord(name, 400, detail) } });
}

/** The same for the messages of a stream. */
export function typedStream({ name, input, output }: Endpoint, stream: ServerStream): ServerStream {
  async function* messages(): AsyncGenerator<unknown> {
    for await (const given of stream) {
      const checked = input.safeParse(given);
      if (!checked.success) throw badRequest(name, checked.error);
      yield checked.data;
    }
  }
  return {
    send: async (message) => stream.send(checkAnswer(name, output, message)),
    [Symbol.asyncIterator]: messages,
  };
}

function checkAnswer(name: string, output: z.ZodType, answered: unknown): unknown {
  const answer = output.safeParse(answered);
  if (answer.success) return answer.data;
  const [issue] = answer.error.issues;
  throw new MicroError("internal", `${name} answered what its schema does not allow: ${issue?.message}`);
}
