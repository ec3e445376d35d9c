import type { z } from "zod";
import { MicroError } from "../errors.ts";
import type { ClientStream, Endpoint } from "./client.ts";

/** A stream whose messages are what the endpoint's schemas say, both ways. */
export function checkedStream<I extends z.ZodType, O extends z.ZodType>(
  { service, name, input, output }: Endpoint<I, O>,
  stream: ClientStream,
): ClientStream<z.input<I>, z.output<O>> {
  async function* answers(): AsyncGenerator<z.output<O>> {
    for await (const value of stream) {
      const answer = output.safeParse(value);
      if (!answer.success) throw mismatch(`an answer of ${service} ${name}`, answer.error);
      yield answer.data;
    }
  }
  return {
    ...stream,
    send: async (message) => {
      const checked = input.safeParse(message);
      if (!checked.success) throw mismatch(`a message to ${service} ${name}`, checked.error);
      await stream.send(checked.data);
    },
    [Symbol.asyncIterator]: answers,
  };
}

/** @param what was checked: "the request to greeter Say.Hello" */
export function mismatch(what: string, { issues }: z.ZodError): MicroError {
  const [issue] = issues;
  const field = issue?.path.join(".") ?? "";
  return new MicroError(
    "invalid_argument",
    `${what} is not what its schema says${field && `, at ${field}`}: ${issue?.message}`,
    { details: { field } },
  );
}
