import { MicroError } from "../../core/errors.ts";
import type { Form, IncomingMessage, OutgoingMessage } from "../input.ts";

/** As many messages that take a form are remembered, and as many forms stay open. */
const KEPT = 100;

/** Which messages a form can be opened for, and which forms are open. */
export function createForms() {
  const asking = new Map<string, IncomingMessage>();
  const open: { readonly form: Form; readonly asked: IncomingMessage }[] = [];
  let failing = 0;
  return {
    get opened(): readonly Form[] {
      return open.map(({ form }) => form);
    },
    /** A message that takes a form takes one. */
    heard: (message: IncomingMessage): void => {
      if (!message.takesForm) return;
      asking.set(message.id, message);
      if (asking.size > KEPT) asking.delete(asking.keys().next().value as string);
    },
    /** `false`: there is no form, or it could not be opened, so the message is to be said. */
    open: ({ form, place }: OutgoingMessage): boolean => {
      const asked = asking.get(place["message"] ?? "");
      if (form === undefined || asked === undefined) return false;
      asking.delete(asked.id);
      if (failing > 0) {
        failing -= 1;
        return false;
      }
      open.push({ form, asked });
      if (open.length > KEPT) open.shift();
      return true;
    },
    take: () => {
      const last = open.pop();
      if (last === undefined) throw new MicroError("not_found", "no form is open");
      return last;
    },
    fail: (times = 1): void => {
      failing += times;
    },
  };
}
