import { z } from "zod";
import { createService, defineEndpoint, type ServiceInit } from "../src/index.ts";

export const hello = defineEndpoint({
  service: "go.micro.srv.greeter",
  name: "Say.Hello",
  input: z.object({ name: z.string() }),
  output: z.object({ msg: z.string() }),
});

/** The greeter of Go Micro's tour, in TypeScript. */
export function greeter(init: Partial<ServiceInit> = {}) {
  const service = createService({ name: hello.service, version: "1.0.0", ...init });
  service.handle(hello, ({ name }) => ({ msg: `Hello ${name}` }));
  return service;
}
