import { TransportChannel } from '@millrace/channel';
import { copyOf } from '@millrace/channel/internal';
import { syscalls } from '@millrace/native';
import { createPipe, type PipeDescriptors, PipeTransport } from '@millrace/pipe-ipc';
import type { LargeValueFiles } from '../wire/large-value-files.js';
import { taskCodec } from '../wire/task-message.js';
import { CHANNEL_OPTIONS, type TaskTransport } from './transport.js';

const PIPE = 'tasks';

/** A socket pair for each worker: what is sent together goes in one datagram. */
export const pipeTransport: TaskTransport = {
  createPoolSide(workers, { files }, _queue, onCorrupt) {
    const pipes: PipeDescriptors[] = [];
    try {
      for (let i = 0; i < workers; i++) pipes.push(createPipe());
    } catch (error) {
      for (const { left, right } of pipes) for (const fd of [left, right]) syscalls.close(fd);
      throw error;
    }
    const links = pipes.map(({ left }, worker) => {
      const { channel, transport } = open(left, files, (error) => onCorrupt(worker, error));
      return {
        channel,
        distrust: (error: Error) => transport.distrust(error),
        reset: () => transport.reset(),
      };
    });
    return {
      links,
      descriptors: (worker) => ({ [PIPE]: (pipes[worker] as PipeDescriptors).right }),
      reset: (worker) => links[worker]?.reset(),
      keepLoop(on) {
        for (const { channel } of links) on ? channel.ref() : channel.unref();
      },
      close() {
        for (const { channel } of links) channel.destroy();
        for (const { right } of pipes) syscalls.close(right);
      },
    };
  },

  openWorkerSide: (child, _worker, { files }, onCorrupt) =>
    open(child.descriptor(PIPE), files, onCorrupt).channel,
};

function open(fd: number, files: LargeValueFiles, onCorrupt: (error: Error) => void) {
  const transport = new PipeTransport(fd, { onCorrupt });
  const channel = new TransportChannel(transport, taskCodec({ files, copy: copyOf }), CHANNEL_OPTIONS);
  channel.on('badMessage', (error) => transport.distrust(error as Error));
  return { channel, transport };
}
