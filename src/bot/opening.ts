import type { CallOptions, Startable } from "../core/lifecycle.ts";
import type { Catalogs } from "./catalogs.ts";
import type { Hearing } from "./hearing.ts";
import type { Journals } from "./journals.ts";
import type { Confirm } from "./layers/confirm.ts";
import type { LifeInit } from "./life.ts";
import type { Quiet } from "./limits/quiet.ts";
import type { Networks } from "./networks.ts";
import type { Runner } from "./run.ts";

export interface OpeningInit {
  /** The store of this process alone. */
  readonly alone: Startable;
  readonly accounts: Startable;
  readonly catalogs: Pick<Catalogs, "start" | "stop">;
  readonly confirmation: Pick<Confirm, "watch">;
  readonly journals: Pick<Journals, "lasting">;
  readonly networks: Pick<Networks, "all">;
  readonly hearing: Pick<Hearing, "goOn">;
  readonly runner: Pick<Runner, "jobs">;
  readonly neighbours: Startable | undefined;
  readonly quiet: Pick<Quiet, "end">;
  /** Stands last, since everything else may still write into it. */
  readonly recording: { close(): Promise<void> };
}

/** What has to be there before anything is heard, in its order; and the end of it, when nobody is in a network any more. */
export function createOpening(init: OpeningInit): Pick<LifeInit, "open" | "leave" | "close"> {
  const { alone, accounts, catalogs, networks, hearing, runner, neighbours } = init;
  const journal = init.journals.lasting;
  const watching = new AbortController();
  return {
    open: async (options: CallOptions) => {
      await alone.start();
      await accounts.start();
      await catalogs.start(options);
      void init.confirmation.watch(watching.signal);
      await journal.open({
        can: (name) => networks.all.some(({ input, live }) => input.name === name && live),
        onLeft: hearing.goOn,
        onLost: ({ id }) => void runner.jobs.cancel(id),
      });
      await neighbours?.start();
    },
    leave: () => {
      init.quiet.end();
      return journal.leave();
    },
    close: async () => {
      watching.abort();
      await catalogs.stop();
      await neighbours?.stop();
      await accounts.stop();
      await alone.stop();
      await journal.close();
      await init.recording.close();
    },
  };
}
