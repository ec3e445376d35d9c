import type { z } from "zod";
import { matchSection } from "./match.ts";
import { contactsSection, oncallSection, ownersSection, ownersServiceField } from "./oncall.ts";
import { quietSection } from "./quiet.ts";
import { checkReferences } from "./references.ts";
import { routesSection } from "./routes.ts";
import { shape } from "./shape.ts";
import { alertmanagerSection } from "./silences.ts";
import { sourcesSection, tlsSection } from "./sources.ts";

const sections = shape("the configuration of alerts", {
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
export type AlertsFile = z.output<typeof sections>;

/** With what one section says of another. */
export const alertsFile = sections.superRefine(checkReferences);
