/**
 * What a program that does not make its server itself publishes and subscribes by, one of `millrace start` say: to and from all
 * processes of the server that runs it. Under plain `node app.js` it reaches the process itself.
 *
 * @example
 * import { publish, subscribe } from '@millrace/server/topics';
 *
 * subscribe('news', (text) => { for (const webSocket of sockets.clients) webSocket.send(text); });
 * app.post('/news', (request, response) => { publish('news', request.body); response.end(); });
 */
import type { Subscription, TopicHandler } from './contract/topics.js';
import type { TopicName, TopicValue } from './contract/types.js';
import { processTopics } from './messages/process-topics.js';

export type { Subscription, TopicHandler } from './contract/topics.js';
export type { TopicName, TopicValue, Types } from './contract/types.js';

/** As {@link Server.publish}. */
export function publish<Name extends TopicName>(topic: Name, value: TopicValue<Name>): boolean | undefined {
  return processTopics().publish(topic, value);
}

/** As {@link Server.subscribe}. */
export function subscribe<Name extends TopicName>(
  topic: Name,
  handler: TopicHandler<TopicValue<Name>>,
): Subscription {
  return processTopics().subscribe(topic, handler);
}
