import { NS } from "./names.ts";
import { type Xml, xml } from "./xml.ts";

/** What the bot can do, for clients that ask before they offer it to people (XEP-0030). */
const FEATURES = [NS.discoInfo, NS.ping, NS.muc, NS.correct, NS.sid, NS.styling];

/** Answers to what servers and clients ask: whether the bot is there, and what it is. An unanswered ping gets it removed (`chat.md §4`). */
export function answerTo(payload: Xml, type: string): Xml | true | undefined {
  if (type !== "get") return undefined;
  if (payload.name === "ping" && payload.ns === NS.ping) return true;
  if (payload.name === "query" && payload.ns === NS.discoInfo && payload.attrs["node"] === undefined) {
    return xml(
      "query",
      { xmlns: NS.discoInfo },
      xml("identity", { category: "client", type: "bot", name: "Micro Bot" }),
      ...FEATURES.map((feature) => xml("feature", { var: feature })),
    );
  }
  return undefined;
}
