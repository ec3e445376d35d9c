import type { z } from "zod";
import { matchSection } from "./match.ts";
import { contactsSection, oncallSection, ownersSection, ownersServiceField } from "./oncall.ts";
import { quietSection } from "./quiet.ts";
import { routesSection } from "./routes.ts";
import { shape } from "./shape.ts";
import { alertmanagerSection } from "./silences.ts";
import { sourcesSection, tlsSection } from "./sources.ts";

/** Everything that the file may hold, each section by itself; what they say of each other is looked at apart (`examined.ts`). */
export const alertsSections = shape("the configuration of alerts", {
  sources: sourcesSection,
  tls: tlsSection,
  match: matchSection,
  alertmanager: alertmanagerSection,
  routes: routesSection,
  quiet_hours: quietSection,
  oncall: oncallSection,
  contacts: contactsSection,
  owners: ownersSection,
  owners_service: ownersServiceField,
});

/** Everything that the configuration of alerts may hold, each section checked by a file of its own. */
export type AlertsFile = z.output<typeof alertsSections>;
