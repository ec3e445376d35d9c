import { audit, auditExport, auditVerify } from "./audit.ts";
import { explain, replay } from "./audit-story.ts";
import { call } from "./call.ts";
import type { AnyCommand } from "./command.ts";
import { getService } from "./get-service.ts";
import { health } from "./health.ts";
import { whyIs } from "./health-why.ts";
import { listServices } from "./list-services.ts";
import { logs } from "./logs.ts";
import { publish } from "./publish.ts";
import { deregisterService, registerService } from "./register-service.ts";
import { echo, hello, ping, threeLaws, time } from "./small-talk.ts";
import { stats } from "./stats.ts";
import { stream } from "./stream.ts";
import { subscribe } from "./subscribe.ts";

/**
 * The verbs that every front end has. A new command is one file and one line here. Those that are made of
 * a running bot (`help`, `jobs`, `more`, `requests`, …) are put together in `src/bot/bot-commands.ts`.
 */
export const builtin: readonly AnyCommand[] = [
  listServices,
  getService,
  call,
  health,
  whyIs,
  stats,
  logs,
  stream,
  publish,
  subscribe,
  registerService,
  deregisterService,
  audit,
  auditVerify,
  auditExport,
  explain,
  replay,
];

/** What only makes sense in conversation. */
export const smallTalk: readonly AnyCommand[] = [echo, time, hello, ping, threeLaws];
