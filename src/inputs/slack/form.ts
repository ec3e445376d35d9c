import type { types } from "@slack/bolt";
import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { Form, FormField, Place } from "../input.ts";
import { packed, plainText, unpacked } from "./blocks.ts";
import type { Self, Spoken } from "./message.ts";
import type { Web } from "./web.ts";

/** What we read of a `view_submission` payload (docs.slack.dev, "view_submission payload"). */
export interface SubmissionPayload {
  readonly type?: string;
  readonly team?: { readonly id?: string } | null;
  readonly user?: { readonly id?: string; readonly team_id?: string };
  readonly view?: {
    readonly id?: string;
    readonly callback_id?: string;
    readonly private_metadata?: string;
    readonly state?: { readonly values?: Readonly<Record<string, Readonly<Record<string, Value>>>> };
  };
}

interface Value {
  readonly value?: string | null;
  readonly selected_option?: { readonly value?: string } | null;
  readonly selected_options?: readonly unknown[];
}

/** What travels with a form, unseen: where it belongs, and what its fields are called, in order. */
interface Kept {
  readonly place: Place;
  readonly command: string;
  readonly names: readonly string[];
}

const CALLBACK = "micro-form";
const ACTION = "value";
const blockOf = (index: number) => `field-${index}`;

/** What Slack takes (docs.slack.dev, "Modal views", "Option object", "Input block"). */
const TITLE_MAX = 24;
const KEPT_MAX = 3000;
const LABEL_MAX = 2000;
const SUMMARY_MAX = 3000;
const TYPED_MAX = 3000;
const OPTIONS_MAX = 100;
const OPTION_MAX = 75;
const BLOCKS_MAX = 100;

/** Slack gives three seconds from the click to the form (`chat.md §3`); after them it would come out of the blue. */
const OPEN_MS = 3000;

/**
 * Opens a form for who asked. `false`: it cannot be, or not any more, and the answer is to be said instead.
 *
 * @throws MicroError `cancelled`
 */
export async function openForm(web: Web, form: Form, place: Place, options: CallOptions): Promise<boolean> {
  const { trigger } = place;
  const view = trigger === undefined ? undefined : formView(form, place);
  if (trigger === undefined || view === undefined) return false;
  try {
    await web.call("views.open", (slack) => slack.views.open({ trigger_id: trigger, view }), {
      ...options,
      timeoutMs: Math.min(options.timeoutMs ?? OPEN_MS, OPEN_MS),
    });
    return true;
  } catch (error) {
    if (MicroError.from(error).code === "cancelled") throw error;
    return false;
  }
}

/** A form as Slack shows it; `undefined` where it has more than Slack takes. */
export function formView({ command, summary, fields }: Form, place: Place): types.ModalView | undefined {
  // The trigger is spent by opening the form.
  const { trigger: _spent, ...there } = place;
  const kept: Kept = { place: there as Place, command, names: fields.map(({ name }) => name) };
  const metadata = JSON.stringify(kept);
  if (metadata.length > KEPT_MAX || fields.length + 1 > BLOCKS_MAX) return undefined;
  return {
    type: "modal",
    callback_id: CALLBACK,
    private_metadata: metadata,
    title: plainText(command, TITLE_MAX),
    submit: plainText("Run", TITLE_MAX),
    close: plainText("Cancel", TITLE_MAX),
    blocks: [
      ...(summary.trim() === "" ? [] : [{ type: "section" as const, text: plainText(summary, SUMMARY_MAX) }]),
      ...fields.map(input),
    ],
  };
}

function input(field: FormField, index: number): types.InputBlock {
  const hint = hintOf(field);
  return {
    type: "input",
    block_id: blockOf(index),
    // A box to tick may always be left as it is.
    optional: !field.required || field.kind === "flag",
    label: plainText(field.name, LABEL_MAX),
    ...(hint && { hint: plainText(hint, LABEL_MAX) }),
    element: element(field),
  };
}

/** What cannot be a menu is typed, and the hint says what there is. */
function hintOf({ kind, hint, options = [] }: FormField): string | undefined {
  if (kind !== "choice" || options.length === 0 || isMenu(options)) return hint;
  return [hint, `one of ${options.join(", ")}`].filter(Boolean).join(": ");
}

function isMenu(options: readonly string[]): boolean {
  const fits = (option: string) => option.trim() !== "" && packed(option).length <= OPTION_MAX;
  return options.length > 0 && options.length <= OPTIONS_MAX && options.every(fits);
}

function element({ kind, options = [], value }: FormField): types.InputBlock["element"] {
  const action_id = ACTION;
  if (kind === "flag") {
    const yes = option("yes", "true");
    return { type: "checkboxes", action_id, options: [yes], ...(value === "true" && { initial_options: [yes] }) };
  }
  if (kind === "number") {
    const isNumber = value !== undefined && /^-?\d+(\.\d+)?$/.test(value);
    return { type: "number_input", action_id, is_decimal_allowed: true, ...(isNumber && { initial_value: value }) };
  }
  if (kind === "choice" && isMenu(options)) {
    const begins = value !== undefined && options.includes(value);
    return {
      type: "static_select",
      action_id,
      options: options.map((each) => option(each)),
      ...(begins && { initial_option: option(value) }),
    };
  }
  const begins = value !== undefined && value !== "" && value.length <= TYPED_MAX;
  return {
    type: "plain_text_input",
    action_id,
    multiline: kind === "lines",
    ...(begins && { initial_value: value }),
  };
}

function option(text: string, value = packed(text)): types.PlainTextOption {
  return { text: plainText(text, OPTION_MAX), value };
}

/**
 * A filled form as a message of who sent it off, in the place that the form was opened from. The id is the view's, so
 * that sending it off twice, because Slack was slow, is one message.
 *
 * @param now epoch ms: Slack does not say when it was sent off
 */
export function submitted({ view, user, team }: SubmissionPayload, self: Self, now: number): Spoken | undefined {
  if (view?.callback_id !== CALLBACK || !view.id || !user?.id || user.id === self.user) return undefined;
  const kept = readKept(view.private_metadata);
  if (kept === undefined || kept.place["team"] !== self.team) return undefined;
  return {
    id: `${self.team}/form/${view.id}`,
    team: user.team_id ?? team?.id ?? self.team,
    user: user.id,
    place: { ...kept.place, user: user.id },
    text: kept.command,
    addressed: true,
    sentAt: now,
    filled: Object.fromEntries(
      kept.names.flatMap((name, index) => {
        const value = filledIn(view.state?.values?.[blockOf(index)]?.[ACTION]);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  };
}

function filledIn(value: Value | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (value.selected_options !== undefined) return value.selected_options.length > 0 ? "true" : undefined;
  const picked = value.selected_option?.value;
  const text = picked === undefined ? value.value : unpacked(picked);
  return typeof text === "string" && text.trim() !== "" ? text : undefined;
}

function readKept(metadata: string | undefined): Kept | undefined {
  try {
    const { place, command, names } = JSON.parse(metadata ?? "") as Partial<Kept>;
    const ours = typeof place?.room === "string" && typeof command === "string" && Array.isArray(names);
    return ours ? { place, command, names } : undefined;
  } catch {
    return undefined;
  }
}
