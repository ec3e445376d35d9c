import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";

/** An object of the configuration with these keys and no others; what is written otherwise is told with the nearest of them. */
export function shape<T extends z.core.$ZodLooseShape>(what: string, keys: T) {
  const known = Object.keys(keys);
  return z.strictObject(keys, {
    error: (issue) => {
      if (issue.code === "unrecognized_keys") {
        const [unknown = ""] = issue.keys as readonly string[];
        const near = closest(unknown, known);
        const meant = distance(unknown, near) <= Math.max(2, near.length / 3) ? ` Did you mean ${near}?` : "";
        return `unknown key "${unknown.slice(0, 60)}".${meant} ${capital(what)} has ${known.join(", ")}`;
      }
      return issue.code === "invalid_type" ? `${what} is a map of ${known.join(", ")}` : undefined;
    },
  });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
