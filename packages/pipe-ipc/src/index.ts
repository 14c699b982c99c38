export { PipeError, type PipeErrorCode } from './errors.js';
export {
  createPipe,
  openPipe,
  type PipeDescriptors,
  type PipeOptions,
} from './pipe.js';
export { PipeTransport, type PipeTransportOptions } from './pipe-transport.js';
