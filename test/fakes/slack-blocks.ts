import { shown } from "./slack-markup.ts";

/** What we look at in a block, an element or a text of Slack's Block Kit. */
export interface Block {
  readonly type?: string;
  readonly block_id?: string;
  readonly action_id?: string;
  readonly text?: Block | string;
  readonly elements?: readonly Block[];
  readonly element?: Block;
  readonly label?: Block;
  readonly hint?: Block;
  readonly optional?: boolean;
  readonly multiline?: boolean;
  readonly verbatim?: boolean;
  readonly value?: string;
  readonly style?: string;
  readonly options?: readonly Block[];
  readonly initial_value?: string;
  readonly initial_option?: Block;
  readonly initial_options?: readonly Block[];
}

export interface View {
  readonly type?: string;
  readonly callback_id?: string;
  readonly private_metadata?: string;
  readonly title?: Block;
  readonly submit?: Block;
  readonly close?: Block;
  readonly blocks?: readonly Block[];
}

/** Why Slack refuses these blocks, in its word and ours (`chat.md §3`); `undefined`: it takes them. */
export function refusedBlocks(blocks: readonly Block[], surface: "message" | "view"): string | undefined {
  const most = surface === "message" ? 50 : 100;
  if (blocks.length > most) return `invalid_blocks: ${blocks.length} blocks`;
  const ids = blocks.flatMap(({ block_id }) => (block_id === undefined ? [] : [block_id]));
  if (new Set(ids).size < ids.length) return "invalid_blocks: a block_id twice";
  if (ids.some((id) => id.length > 255)) return "invalid_blocks: block_id";
  for (const block of blocks) {
    const wrong = refusedBlock(block, surface);
    if (wrong !== undefined) return `invalid_blocks: ${wrong}`;
  }
  return surface === "message" && characters(blocks) > 13_200 ? "msg_blocks_too_long" : undefined;
}

/** Why Slack refuses a view. */
export function refusedView(view: View): string | undefined {
  if (JSON.stringify(view).length > 250_000) return "view_too_large";
  if ((view.private_metadata?.length ?? 0) > 3000) return "invalid_arguments: private_metadata";
  if ((view.callback_id?.length ?? 0) > 255) return "invalid_arguments: callback_id";
  if (view.type === "modal") {
    for (const name of ["title", "submit", "close"] as const) {
      if (!plain(view[name], 24)) return `invalid_arguments: ${name}`;
    }
  }
  return refusedBlocks(view.blocks ?? [], "view");
}

/** What people read in blocks, and what in it would act. */
export function shownBlocks(blocks: readonly Block[]): { readonly text: string; readonly live: readonly string[] } {
  const found = blocks.flatMap((block) => {
    if (block.type !== "section" || typeof block.text !== "object") return [];
    const text = String(block.text.text);
    // Without `verbatim` Slack makes links of channels, names and addresses.
    const bare = block.text.type === "mrkdwn" && block.text.verbatim !== true ? ["not verbatim"] : [];
    return [block.text.type === "mrkdwn" ? { ...shown(text), bare } : { text, live: [], bare }];
  });
  return {
    text: found.map(({ text }) => text).join("\n"),
    live: found.flatMap(({ live, bare }) => [...live, ...bare]),
  };
}

export function buttons(blocks: readonly Block[] = []): readonly Block[] {
  return blocks.flatMap(({ type, elements = [] }) => (type === "actions" ? elements : []));
}

export function labelOf(block: Block | undefined): string {
  return typeof block?.text === "object" ? String(block.text.text) : String(block?.text ?? "");
}

function characters(blocks: readonly Block[]): number {
  return blocks.reduce((sum, block) => {
    const inside = (block.elements ?? []).reduce(
      (all, each) => all + labelOf(each).length + (each.value?.length ?? 0),
      0,
    );
    return sum + labelOf(block).length + inside;
  }, 0);
}

function refusedBlock(block: Block, surface: "message" | "view"): string | undefined {
  switch (block.type) {
    case "section":
      return text(block.text, 3000) ? undefined : "section text";
    case "actions": {
      const elements = block.elements ?? [];
      if (elements.length === 0 || elements.length > 25) return `${elements.length} elements`;
      const ids = elements.map(({ action_id }) => action_id);
      if (new Set(ids).size < ids.length) return "an action_id twice";
      return elements.map(refusedButton).find((wrong) => wrong !== undefined);
    }
    case "input":
      if (surface === "message") return "input in a message";
      if (!plain(block.label, 2000)) return "label";
      if (block.hint !== undefined && !plain(block.hint, 2000)) return "hint";
      return refusedInput(block.element ?? {});
    default:
      return `unheard of: ${block.type}`;
  }
}

function refusedButton({ type, text: label, action_id, value, style }: Block): string | undefined {
  if (type !== "button" || typeof label !== "object" || !plain(label, 75)) return "button";
  if (!action_id || action_id.length > 255) return "action_id";
  if (value !== undefined && (value.length === 0 || value.length > 2000)) return "value";
  return style === undefined || style === "primary" || style === "danger" ? undefined : "style";
}

function refusedInput(element: Block): string | undefined {
  if (!element.action_id || element.action_id.length > 255) return "action_id";
  const { options = [], initial_value } = element;
  const good = (each: Block | undefined) =>
    typeof each?.text === "object" &&
    plain(each.text, 75) &&
    (each.value?.length ?? 0) > 0 &&
    each.value!.length <= 150;
  const initial = [...(element.initial_options ?? []), ...(element.initial_option ? [element.initial_option] : [])];
  const known = initial.every((each) =>
    options.some((one) => one.value === each.value && labelOf(one) === labelOf(each)),
  );
  switch (element.type) {
    case "plain_text_input":
      return (initial_value?.length ?? 0) > 3000 ? "initial_value" : undefined;
    case "number_input":
      return initial_value !== undefined && !/^-?\d+(\.\d+)?$/.test(initial_value) ? "initial_value" : undefined;
    case "static_select":
      return options.length === 0 || options.length > 100 || !options.every(good) || !known ? "options" : undefined;
    case "checkboxes":
      return options.length === 0 || options.length > 10 || !options.every(good) || !known ? "options" : undefined;
    default:
      return `unheard of: ${element.type}`;
  }
}

function text(block: Block | string | undefined, max: number): boolean {
  if (typeof block !== "object") return false;
  const said = String(block.text);
  return said.trim().length > 0 && said.length <= max && (block.type === "mrkdwn" || block.type === "plain_text");
}

function plain(block: Block | undefined, max: number): boolean {
  return block?.type === "plain_text" && text(block, max);
}
