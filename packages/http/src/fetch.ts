export {
  type FetchConnection,
  type FetchHandler,
  type FetchListenerOptions,
  fetchListener,
} from './fetch/fetch-listener.js';
