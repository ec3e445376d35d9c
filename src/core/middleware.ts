/**
 * One layer of an onion, the same for chat messages, client calls and server calls. A layer calls `next` at most once;
 * a layer that does not call it answers instead.
 */
export type Middleware<Req, Res> = (request: Req, next: (request: Req) => Promise<Res>) => Promise<Res>;

/** Puts `layers` around `core`; the first of them is the outermost. */
export function compose<Req, Res>(
  layers: readonly Middleware<Req, Res>[],
  core: (request: Req) => Promise<Res>,
): (request: Req) => Promise<Res> {
  return layers.reduceRight<(request: Req) => Promise<Res>>((next, layer) => (request) => layer(request, next), core);
}
