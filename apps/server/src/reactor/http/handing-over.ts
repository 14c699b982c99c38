import { FLAG_PAUSED } from '../../shared/connection-layout.js';
import type { Client, ClientLink } from '../client.js';
import { PAUSE_USER, PAUSE_WORKER } from '../pause-reasons.js';
import type { HttpClient } from './http-client.js';

/** The next process has not seen the beginning of what is answered, and does not know that this one had asked not to read. */
export function goOn(client: HttpClient): void {
  client.skipRest();
  if (!client.isPausedFor(PAUSE_USER)) return;
  client.slot.flag(FLAG_PAUSED, false);
  client.resumeFor(PAUSE_USER);
}

/** It waits for room in that link no longer. */
export function unhold(client: Client, link: ClientLink): void {
  if (!client.isPausedFor(PAUSE_WORKER)) return;
  link.forget(client);
  client.resumeFor(PAUSE_WORKER);
}
