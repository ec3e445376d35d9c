import type { AuditCall } from "../../commands/audit-record.ts";
import type { Client, RequestOptions } from "../../core/client/client.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";

/** A client that tells of every call that is made with it, when it has ended. @param trace what the calls carry */
export function watched(client: Client, clock: Clock, trace: string, told: (call: AuditCall) => void): Client {
  const watch = async <T>(
    service: string,
    endpoint: string,
    options: RequestOptions = {},
    good: string,
    make: (options: RequestOptions) => Promise<T>,
  ): Promise<T> => {
    const since = clock.now();
    let node = options.node?.id ?? options.address;
    const ended = (outcome: string) => {
      const ms = clock.now() - since;
      told({ service, endpoint, ...(node !== undefined && { node }), outcome, ms, trace });
    };
    try {
      const answer = await make({
        ...options,
        onNode: (chosen) => {
          node = chosen.id;
          options.onNode?.(chosen);
        },
      });
      ended(good);
      return answer;
    } catch (error) {
      ended(MicroError.from(error).code);
      throw error;
    }
  };
  return {
    ...client,
    call: (to, input, options) => watch(to.service, to.name, options, "ok", (own) => client.call(to, input, own)),
    request: (service, endpoint, body, options) =>
      watch(service, endpoint, options, "ok", (own) => client.request(service, endpoint, body, own)),
    open: (to, options) => watch(to.service, to.name, options, "opened", (own) => client.open(to, own)),
    stream: (service, endpoint, options) =>
      watch(service, endpoint, options, "opened", (own) => client.stream(service, endpoint, own)),
  };
}
