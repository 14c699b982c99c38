import type { Client } from './client.js';
import type { ReactorContext } from './reactor-context.js';

/** Gives a client, whose own worker goes, the worker that it would get if it came now. */
export function moveOwner({ dispatcher }: Pick<ReactorContext, 'dispatcher'>, client: Client): void {
  client.owner.countConnection(-1);
  client.owner = dispatcher.owner(client.session, client.peer.host);
  client.owner.countConnection(1);
  client.slot.moveTo(client.owner.worker);
}
